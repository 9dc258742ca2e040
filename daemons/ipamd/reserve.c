/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/reserve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ipamd/expire.h"
#include "daemons/ipamd/hold.h"
#include "daemons/ipamd/name.h"

#define CHUNK 64

static int
view(struct ledger *l, const struct network *net, const struct store_hold *h,
    struct reserve_view *out)
{
	struct store_node n = { .id = "" };
	int rc = store_node_by_addr(l->store, h->net, &h->addr, &n);

	if (rc < 0 && rc != -ENOENT)
		return rc;
	out->hold = *h;
	memcpy(out->network, net->row.name, sizeof(out->network));
	memcpy(out->node, n.id, sizeof(out->node));
	return 0;
}

static int
find_network(struct ledger *l, const char *name, struct network **out)
{
	*out = ledger_network_named(l, name);
	return *out == NULL ? -REASON_NETWORK_UNKNOWN : 0;
}

static int
read_address(const char *text, struct ip_addr *out, struct err *e)
{
	if (ip_parse(text, out) < 0)
		return err_set(e, -REASON_ADDRESS_INVALID, "address: is not an IP address");
	return 0;
}

/* --- reserving -------------------------------------------------------------------------------- */

/* The lowest free address; what waits for the sweep only counts as free. */
static int
find_free(struct ledger *l, const struct network *net, struct ip_addr *out, struct err *e)
{
	int rc = expire_until_free(l, net);

	if (rc == 0)
		rc = pool_next(net->pool, out);
	if (rc == -REASON_POOL_EXHAUSTED)
		err_set(e, rc, "no address of %s is free", PREFIX_TEXT(&net->row.prefix));
	return rc;
}

/* The address may be that of a node of the very name: it is fixed from now on. */
static int
claim_for_name(struct ledger *l, struct network *net, const char *name,
    const struct ip_addr *addr, struct err *e)
{
	struct store_node n;
	int rc = hold_check(net, addr, e);

	if (rc < 0)
		return rc;
	rc = store_node_by_addr(l->store, net->row.id, addr, &n);
	if (rc == 0 && strcmp(n.display_name, name) == 0) {
		rc = hold_clear(l, net, addr, e);
		return rc < 0 ? rc : store_node_bind(l->store, &n, addr, true, l->now_s);
	}
	return rc < 0 && rc != -ENOENT ? rc : hold_claim(l, net, addr, e);
}

static int
add_reservation(struct ledger *l, struct network *net, const struct reserve_wish *wish,
    struct store_hold *h, struct err *e)
{
	int rc = wish->address[0] == '\0' ? find_free(l, net, &h->addr, e)
	    : read_address(wish->address, &h->addr, e);

	if (rc < 0 || (rc = claim_for_name(l, net, wish->name, &h->addr, e)) < 0)
		return rc;
	h->net = net->row.id;
	h->kind = HOLD_NAME;
	snprintf(h->name, sizeof(h->name), "%s", wish->name);
	if ((rc = store_hold_add(l->store, h)) == 0)
		ledger_take(l, net, &h->addr);
	return rc;
}

/* The text may say it in another way; none is any. */
static bool
is_same(const char *text, const struct ip_addr *addr)
{
	struct ip_addr asked;

	return text[0] == '\0' || (ip_parse(text, &asked) == 0 && ip_equal(&asked, addr));
}

int
reserve_address(struct ledger *l, const struct reserve_wish *wish, struct reserve_view *out,
    struct err *e)
{
	struct store_hold h = { 0 };
	struct network *net;
	int rc;

	if ((rc = find_network(l, wish->network, &net)) < 0 ||
	    (rc = name_check_display(wish->name, "name", e)) < 0)
		return rc;
	if (wish->name[0] == '\0')
		return err_set(e, -REASON_FIELD_INVALID, "name: is missing");
	rc = store_hold_by_name(l->store, net->row.id, wish->name, &h);
	if (rc == 0 && !is_same(wish->address, &h.addr))
		return err_set(e, -REASON_ADDRESS_TAKEN, "name: %s has %s reserved already",
		    h.name, IP_TEXT(&h.addr));
	if (rc == -ENOENT)
		rc = add_reservation(l, net, wish, &h, e);
	return rc < 0 ? rc : view(l, net, &h, out);
}

/* --- releasing -------------------------------------------------------------------------------- */

static int
find_hold(struct ledger *l, const struct network *net, const struct reserve_wish *which,
    struct store_hold *out, struct err *e)
{
	struct ip_addr addr;
	int rc;

	if ((which->address[0] == '\0') == (which->name[0] == '\0'))
		return err_set(e, -REASON_FIELD_INVALID, "either address or name must be given");
	if (which->name[0] != '\0')
		rc = store_hold_by_name(l->store, net->row.id, which->name, out);
	else if ((rc = read_address(which->address, &addr, e)) == 0)
		rc = store_hold_by_addr(l->store, net->row.id, &addr, out);
	if (rc == 0 && out->kind == HOLD_PROMISE)
		return err_set(e, -REASON_ADDRESS_TAKEN, "address: %s is promised to a bootstrap "
		    "token: it is free when that is used or over", IP_TEXT(&out->addr));
	return rc == -ENOENT ? -REASON_ADDRESS_UNKNOWN : rc;
}

/* A reserved address that nobody has may have been somebody's a moment ago. */
static int
let_go(struct ledger *l, struct network *net, const struct store_hold *h)
{
	struct store_node n = { .net = h->net, .addr = h->addr, .attached = true };
	struct store_node owner;
	int rc = store_node_by_addr(l->store, h->net, &h->addr, &owner);

	if (rc == 0)
		return store_node_bind(l->store, &owner, &h->addr, false, l->now_s);
	if (rc != -ENOENT)
		return rc;
	if (h->kind == HOLD_NAME)
		return hold_leave(l, &n);
	ledger_free(l, net, &h->addr);
	return 0;
}

int
reserve_release(struct ledger *l, const struct reserve_wish *which, struct reserve_view *out,
    struct err *e)
{
	struct store_hold h;
	struct network *net;
	int rc;

	if ((rc = find_network(l, which->network, &net)) < 0 ||
	    (rc = find_hold(l, net, which, &h, e)) < 0 ||
	    /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): find_hold fills h, or fails */
	    (rc = store_hold_delete(l->store, h.row)) < 0 ||
	    (rc = let_go(l, net, &h)) < 0)
		return rc;
	return view(l, net, &h, out);
}

/* --- listing ---------------------------------------------------------------------------------- */

/* What stands in `next` before the row of a node; rows are never that high. */
#define AMONG_NODES (INT64_C(1) << 62)

static bool
is_full(const struct reserve_page *page, size_t max)
{
	return page->n == max;
}

/* Appends kept addresses in rows after `after`, up to max + 1 on the page. */
static int
list_holds(struct ledger *l, const struct network *net, int64_t after, size_t max,
    struct reserve_page *page)
{
	struct store_hold *holds = calloc(max + 1, sizeof(*holds));
	int n = 0, rc = holds == NULL ? -ENOMEM : 0;

	if (rc == 0)
		rc = n = store_hold_list(l->store, net->row.id, after, holds, max + 1);
	for (int i = 0; rc >= 0 && i < n && !is_full(page, max); i++)
		rc = view(l, net, &holds[i], &page->holds[page->n++]);
	if (rc >= 0 && (size_t) n > max)
		page->next = holds[max - 1].row;
	free(holds);
	return rc < 0 ? rc : 0;
}

/* 1: it was appended, 0: the address is kept as well, and was listed there. */
static int
append_binding(struct ledger *l, const struct network *net, const struct store_binding *b,
    struct reserve_page *page)
{
	struct store_hold h = { .net = net->row.id, .addr = b->addr };
	struct store_hold kept;
	int rc = store_hold_by_addr(l->store, h.net, &h.addr, &kept);

	if (rc != -ENOENT)
		return rc;
	rc = view(l, net, &h, &page->holds[page->n]);
	page->n += rc == 0;
	return rc < 0 ? rc : 1;
}

/* Appends addresses of nodes in rows after `after`. The page ends where more may follow. */
static int
list_bindings(struct ledger *l, const struct network *net, int64_t after, size_t max,
    struct reserve_page *page)
{
	struct store_binding chunk[CHUNK];
	int n, rc = 0;

	do {
		if ((n = store_bindings(l->store, net->row.id, after, chunk, CHUNK)) < 0)
			return n;
		for (int i = 0; i < n && rc >= 0 && !is_full(page, max); i++) {
			rc = append_binding(l, net, &chunk[i], page);
			after = chunk[i].row;
		}
	} while (rc >= 0 && n == CHUNK && !is_full(page, max));
	/* Nodes may follow that have nothing to list: the next page may be empty. */
	if (rc >= 0 && is_full(page, max))
		page->next = AMONG_NODES + after;
	return rc < 0 ? rc : 0;
}

int
reserve_list(struct ledger *l, const char *network, bool kept_only, int64_t after, size_t size,
    struct reserve_page *out)
{
	size_t max = size == 0 ? RESERVE_PAGE_DEFAULT : size > RESERVE_PAGE_MAX ? RESERVE_PAGE_MAX : size;
	struct reserve_page page = { 0 };
	struct network *net;
	int rc;

	if ((rc = find_network(l, network, &net)) < 0)
		return rc;
	if ((page.holds = calloc(max, sizeof(*page.holds))) == NULL)
		return -ENOMEM;
	if (after < AMONG_NODES) {
		rc = list_holds(l, net, after, max, &page);
		if (page.next == 0 && !kept_only && is_full(&page, max))
			page.next = AMONG_NODES;
		after = AMONG_NODES;
	}
	if (rc == 0 && page.next == 0 && !kept_only)
		rc = list_bindings(l, net, after - AMONG_NODES, max, &page);
	if (rc < 0)
		free(page.holds);
	else
		*out = page;
	return rc;
}
