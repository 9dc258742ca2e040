/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ipamd/events.h"
#include "daemons/ipamd/hold.h"
#include "daemons/ipamd/name.h"

/* --- seeing ----------------------------------------------------------------------------------- */

int
node_find(struct ledger *l, const char *id, struct store_node *out)
{
	int rc = store_node_by_id(l->store, id, out);

	return rc == -ENOENT ? -REASON_NODE_UNKNOWN : rc;
}

/* The labels of n nodes in order of rows, which are all of that network (0: of any) between them. */
static int
read_notes(struct ledger *l, int64_t net, const struct store_node *nodes, size_t n,
    struct node_notes *out)
{
	struct store_labels *rows;
	int rc;

	*out = (struct node_notes){ 0 };
	if (n == 0)
		return 0;
	if ((rows = calloc(n, sizeof(*rows))) == NULL)
		return -ENOMEM;
	if ((rc = store_labels(l->store, net, nodes[0].row, nodes[n - 1].row, rows, n)) <= 0) {
		free(rows);
		return rc;
	}
	*out = (struct node_notes){ rows, (size_t) rc };
	return 0;
}

void
node_notes_fini(struct node_notes *notes)
{
	free(notes->rows);
	*notes = (struct node_notes){ 0 };
}

static int
compare_rows(const void *key, const void *element)
{
	int64_t row = *(const int64_t *) key, that = ((const struct store_labels *) element)->row;

	return row < that ? -1 : row > that;
}

const char *
node_notes_of(const struct node_notes *notes, int64_t row)
{
	const struct store_labels *found = notes->n == 0 ? NULL
	    : bsearch(&row, notes->rows, notes->n, sizeof(notes->rows[0]), compare_rows);

	return found == NULL ? "" : found->text;
}

/* The node that was found, if it was. */
static int
with_notes(struct ledger *l, int found, const struct store_node *n, struct node_noted *out)
{
	struct node_noted got = { .node = *n };
	int rc = found < 0 ? found : read_notes(l, 0, n, 1, &got.notes);

	if (rc == 0)
		*out = got;
	return rc;
}

int
node_get(struct ledger *l, const char *id, struct node_noted *out)
{
	struct store_node n = { 0 };

	return with_notes(l, node_find(l, id, &n), &n, out);
}

int
node_get_by_token(struct ledger *l, const char *token, struct node_noted *out)
{
	struct store_node n = { 0 };
	int rc = store_node_by_token(l->store, token, &n);

	return with_notes(l, rc == -ENOENT ? -REASON_NODE_UNKNOWN : rc, &n, out);
}

void
node_page_fini(struct node_page *page)
{
	free(page->nodes);
	page->nodes = NULL;
	node_notes_fini(&page->notes);
}

int
node_list(struct ledger *l, const char *network, int64_t after, size_t size, struct node_page *out)
{
	size_t max = size == 0 ? NODE_PAGE_DEFAULT : size > NODE_PAGE_MAX ? NODE_PAGE_MAX : size;
	struct node_page page = { .revision = l->events.newest };
	int64_t net;
	int rc;

	if ((rc = ledger_network_id(l, network, &net)) < 0)
		return rc;
	if ((page.nodes = calloc(max + 1, sizeof(*page.nodes))) == NULL)
		return -ENOMEM;
	rc = store_node_list(l->store, net, after, page.nodes, max + 1);
	if (rc >= 0) {
		page.n = (size_t) rc > max ? max : (size_t) rc;
		page.next = (size_t) rc > max ? page.nodes[max - 1].row : 0;
		rc = read_notes(l, net, page.nodes, page.n, &page.notes);
	}
	if (rc < 0) {
		free(page.nodes);
		return rc;
	}
	*out = page;
	return 0;
}

static int
by_row(const void *a, const void *b)
{
	int64_t ra = ((const struct store_node *) a)->row, rb = ((const struct store_node *) b)->row;

	return ra < rb ? -1 : ra > rb;
}

/* The labels of nodes in order of rows that have others between them. */
static int
read_scattered_notes(struct ledger *l, const struct store_node *nodes, size_t n,
    struct node_notes *out)
{
	struct node_notes notes = { 0 };
	int rc = 0;

	if ((notes.rows = calloc(n + 1, sizeof(*notes.rows))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n && rc >= 0; i++) {
		rc = store_labels(l->store, 0, nodes[i].row, nodes[i].row, &notes.rows[notes.n], 1);
		notes.n += rc > 0;
	}
	if (rc < 0) {
		free(notes.rows);
		return rc;
	}
	*out = notes;
	return 0;
}

static int
find_several(struct ledger *l, const char *const *ids, size_t n, struct node_page *page)
{
	int rc;

	for (size_t i = 0; i < n; i++) {
		rc = store_node_by_id(l->store, ids[i], &page->nodes[page->n]);
		if (rc < 0 && rc != -ENOENT)
			return rc;
		page->n += rc == 0;
	}
	qsort(page->nodes, page->n, sizeof(*page->nodes), by_row);
	return read_scattered_notes(l, page->nodes, page->n, &page->notes);
}

int
node_get_several(struct ledger *l, const char *const *ids, size_t n, struct node_page *out)
{
	struct node_page page = { .revision = l->events.newest };
	int rc;

	if ((page.nodes = calloc(n + 1, sizeof(*page.nodes))) == NULL)
		return -ENOMEM;
	if ((rc = find_several(l, ids, n, &page)) < 0)
		free(page.nodes);
	else
		*out = page;
	return rc;
}

/* --- changing --------------------------------------------------------------------------------- */

static int
change_labels(struct labels *ls, const struct node_wish *w, struct err *e)
{
	int rc = 0;

	if (w->drop_all)
		ls->n = 0;
	for (size_t i = 0; i < w->ndrop; i++)
		labels_drop(ls, w->drop[i]);
	for (size_t i = 0; i < w->nset && rc == 0; i++)
		rc = labels_set(ls, w->set[i].key, w->set[i].value, e);
	return rc;
}

int
node_update(struct ledger *l, const char *id, const struct node_wish *wish,
    struct node_noted *out, struct err *e)
{
	char name[STORE_NAME_MAX + 1], text[STORE_LABELS_MAX + 1];
	struct node_noted got;
	struct labels ls;
	int rc;

	if (wish->rename && name_check_display(wish->display_name, "display_name", e) < 0)
		return e->rc;
	if ((rc = node_get(l, id, &got)) < 0)
		return rc;
	labels_read(&ls, node_notes_of(&got.notes, got.node.row));
	node_notes_fini(&got.notes);
	if ((rc = change_labels(&ls, wish, e)) < 0)
		return rc;
	labels_write(&ls, text);
	snprintf(name, sizeof(name), "%s",
	    wish->rename ? wish->display_name : got.node.display_name);
	if ((rc = store_node_describe(l->store, &got.node, name, text)) < 0 ||
	    (rc = events_node(l, EVENT_UPDATE, &got.node, "labels=%zu name=%s", ls.n, name)) < 0)
		return rc;
	return node_get(l, id, out);
}

/* Its epoch is spent: whatever tunneld still says of its sessions is older. */
static int
unbind_reserved(struct ledger *l, struct store_node *n)
{
	struct ip_addr none = { 0 };
	int rc = 0;

	if (n->attached)
		rc = store_node_touch(l->store, n, NODE_IDLE, ++l->epoch, l->round, l->now_s);
	return rc < 0 ? rc : store_node_bind(l->store, n, &none, false, l->now_s);
}

int
node_delete(struct ledger *l, const char *id, uint64_t *epoch_out)
{
	struct store_node n, was;
	int rc;

	if ((rc = node_find(l, id, &n)) < 0 ||
	    (rc = events_node(l, EVENT_UNREGISTER, &n, "by=administrator")) < 0)
		return rc;
	was = n;
	rc = n.reserved ? unbind_reserved(l, &n) : store_node_delete(l->store, &n);
	if (rc < 0 || (rc = hold_leave(l, &was)) < 0)
		return rc;
	*epoch_out = l->epoch;
	return 0;
}

int
node_info(struct ledger *l, struct node_info *out)
{
	const struct network *net = ledger_network(l, STORE_NET_DEFAULT);
	struct store_counts counts;
	int rc;

	if ((rc = store_counts(l->store, net->row.id, &counts)) < 0)
		return rc;
	*out = (struct node_info){
		.prefix = net->row.prefix,
		.addresses = pool_size(net->pool),
		.counts = counts,
		.started_s = l->started_s,
		.synced = l->synced,
		.full = net->full,
	};
	return 0;
}
