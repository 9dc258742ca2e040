/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/hostcfg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"

#define MTU_MIN 576
#define MTU_MAX 9000

/* The two halves of everything: more special than the default route, which stays as it is. */
static const char *const halves[] = { "0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1" };

/* What nobody outside may take from this host, not even in part: itself, its links, groups. */
static const char *const untouchable[] = { "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16",
	"224.0.0.0/3", "::/8", "fe80::/10", "ff00::/8" };

/* A prefix that packets may be sent to: of a size of which no list amounts to a default route. */
static bool
is_acceptable(const struct ip_prefix *p)
{
	unsigned bits = ip_bits(&p->addr), least = bits == 32 ? 8 : 16;
	struct ip_prefix no;

	if (bits == 0 || p->len < least || p->len > bits)
		return false;
	for (size_t i = 0; i < sizeof(untouchable) / sizeof(untouchable[0]); i++) {
		if (ip_prefix_parse(untouchable[i], &no) == 0 && ip_prefix_overlap(&no, p))
			return false;
	}
	return true;
}

/*
 * An address as common/ip.h wants it: the engine may send bytes that are not of the address and
 * make it unlike all others. False where it is none.
 */
static bool
normalize(struct ip_addr *a)
{
	if (ip_bits(a) == 0)
		return false;
	*a = ip_from_bytes(a->family, a->b);
	return true;
}

/* Before anything is compared. */
static int
normalize_all(struct monitor_configure *want, struct err *e)
{
	bool good = want->nroutes <= CONTROL_ROUTES_MAX && normalize(&want->address.addr) &&
	    normalize(&want->server);

	for (uint32_t i = 0; good && i < want->nroutes; i++)
		good = normalize(&want->routes[i].addr);
	return good ? 0 : err_set(e, -EINVAL, "too many routes, or something that is no address");
}

static int
check(const struct monitor_configure *want, struct err *e)
{
	if (!is_acceptable(&want->address))
		return err_set(e, -EINVAL, "the server gave %s, which is no address for a node",
		    PREFIX_TEXT(&want->address));
	if (want->mtu < MTU_MIN || want->mtu > MTU_MAX)
		return err_set(e, -EINVAL, "the server gave an MTU of %u", want->mtu);
	for (uint32_t i = 0; i < want->nroutes; i++) {
		if (!is_acceptable(&want->routes[i]))
			return err_set(e, -EINVAL, "the server pushes the route %s, which is not "
			    "acceptable", PREFIX_TEXT(&want->routes[i]));
	}
	return 0;
}

/* --- the way to a server ---------------------------------------------------------------------- */

/* Would its packets go into the tunnel that they carry? */
static bool
catches(const struct hostcfg *h, const struct monitor_configure *c, const struct ip_addr *server)
{
	bool yes = ip_prefix_contains(&c->address, server) ||
	    (h->conf->redirect_gateway && c->address.addr.family == server->family);

	for (uint32_t i = 0; i < c->nroutes && !yes; i++)
		yes = ip_prefix_contains(&c->routes[i], server);
	return yes;
}

/* The number of the server's pin in the journal; how many there are when it has none. */
static unsigned
find_pin(const struct journal *j, const struct ip_addr *server)
{
	unsigned i = 0;

	while (i < j->nroutes && !ip_equal(&j->routes[i].to.addr, server))
		i++;
	return i;
}

/* Room for another pin: without the oldest one that is not needed at the moment. */
static void
make_room(struct hostcfg *h)
{
	struct journal *j = h->journal;

	if (j->nroutes == JOURNAL_ROUTES_MAX)
		journal_undo_route(j, find_pin(j, &h->now.server) == 0 ? 1 : 0, h->net);
}

static int
remove_pin(struct hostcfg *h, unsigned i, struct err *e)
{
	journal_undo_route(h->journal, i, h->net);
	return journal_save(h->journal) < 0 ? err_set(e, -EIO, "the journal cannot be written") : 0;
}

static int
set_pin(struct hostcfg *h, const struct journal_route *r, struct err *e)
{
	int rc = netcfg_route_add(h->net, &r->to, &r->hop);

	return rc < 0 ? err_set(e, rc, "route %s: %s", PREFIX_TEXT(&r->to), strerror(-rc)) : 0;
}

/* Written down first: a crash leaves nothing behind that the next start does not find. */
static int
add_pin(struct hostcfg *h, const struct journal_route *r, struct err *e)
{
	struct journal *j = h->journal;
	int rc;

	make_room(h);
	j->routes[j->nroutes++] = *r;
	if ((rc = journal_save(j)) < 0) {
		j->nroutes--;
		return err_set(e, rc, "the journal cannot be written");
	}
	if ((rc = set_pin(h, r, e)) < 0) {
		remove_pin(h, j->nroutes - 1, NULL);
		return rc;
	}
	log_info("server_pinned", "server=%s via=%s device=%s", IP_TEXT(&r->to.addr),
	    r->hop.via.family == 0 ? "none" : IP_TEXT(&r->hop.via), r->device);
	return 0;
}

static bool
is_same_way(const struct journal_route *a, const struct journal_route *b)
{
	return ip_equal(&a->hop.via, &b->hop.via) && a->hop.ifindex == b->hop.ifindex &&
	    a->hop.onlink == b->hop.onlink;
}

/* The new pin stands before the old one goes: in between a packet would go round in the tunnel. */
static int
pin(struct hostcfg *h, const struct journal_route *r, struct err *e)
{
	struct journal *j = h->journal;
	unsigned old = find_pin(j, &r->to.addr);
	int rc;

	if (old < j->nroutes && is_same_way(&j->routes[old], r))
		/* Once more: it goes when its link does, and does not come back with it. */
		return set_pin(h, r, e);
	if ((rc = add_pin(h, r, e)) < 0)
		return rc;
	old = find_pin(j, &r->to.addr);
	return old < j->nroutes - 1 ? remove_pin(h, old, e) : 0;
}

/* Packets to the server go on outside, by the way that the machine has for them now. */
static int
lead_outside(struct hostcfg *h, const struct ip_addr *server, struct err *e)
{
	struct journal_route r = { .to = { *server, (uint8_t) ip_bits(server) } };
	int rc = netcfg_route_outside(h->net, server, h->ifindex, &r.hop);

	if (rc == 0 && r.hop.ifindex == 0)
		return 0;	/* an address of this machine: no route is asked */
	if (rc < 0 || (rc = netcfg_name(h->net, r.hop.ifindex, r.device)) < 0)
		return err_set(e, rc, "no way to the server %s outside of the tunnel: %s",
		    IP_TEXT(server), strerror(-rc));
	return pin(h, &r, e);
}

int
hostcfg_way(struct hostcfg *h, const struct ip_addr *server, struct err *e)
{
	struct ip_addr addr = *server;
	unsigned old;

	if (!normalize(&addr))
		return err_set(e, -EINVAL, "no address");
	old = find_pin(h->journal, &addr);
	if (catches(h, &h->now, &addr))
		return lead_outside(h, &addr, e);
	/* A pin from before would lead where the way was then. */
	return old < h->journal->nroutes ? remove_pin(h, old, e) : 0;
}

/* --- the device ------------------------------------------------------------------------------- */

/* Routes of the device vanish with it and are set again; those that are not wanted any more go. */
static void
remove_old_routes(struct hostcfg *h, const struct monitor_configure *want)
{
	struct netcfg_hop hop = { .ifindex = h->ifindex };

	for (uint32_t i = 0; i < h->now.nroutes; i++) {
		bool wanted = false;

		for (uint32_t k = 0; k < want->nroutes; k++) {
			if (ip_prefix_equal(&h->now.routes[i], &want->routes[k]))
				wanted = true;
		}
		if (!wanted)
			netcfg_route_delete(h->net, &h->now.routes[i], &hop);
	}
}

static int
set_routes(struct hostcfg *h, const struct monitor_configure *want, struct err *e)
{
	struct netcfg_hop hop = { .ifindex = h->ifindex };
	int rc = 0;

	for (uint32_t i = 0; i < want->nroutes && rc == 0; i++) {
		rc = netcfg_route_add(h->net, &want->routes[i], &hop);
		if (rc < 0)
			err_set(e, rc, "route %s: %s", PREFIX_TEXT(&want->routes[i]),
			    strerror(-rc));
	}
	return rc;
}

static int
redirect(struct hostcfg *h, const struct monitor_configure *want, struct err *e)
{
	struct netcfg_hop hop = { .ifindex = h->ifindex };
	struct ip_prefix half;
	int rc = 0;

	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]) && rc == 0; i++) {
		ip_prefix_parse(halves[i], &half);
		if (half.addr.family != want->address.addr.family)
			continue;
		if ((rc = netcfg_route_add(h->net, &half, &hop)) < 0)
			err_set(e, rc, "route %s: %s", halves[i], strerror(-rc));
	}
	return rc;
}

static int
set_device(struct hostcfg *h, const struct monitor_configure *want, struct err *e)
{
	int rc;

	if ((rc = netcfg_link_up(h->net, h->ifindex, want->mtu)) < 0)
		return err_set(e, rc, "device %s: mtu %u: %s", h->conf->device, want->mtu,
		    strerror(-rc));
	if ((rc = netcfg_set_address(h->net, h->ifindex, &want->address)) < 0)
		return err_set(e, rc, "device %s: address %s: %s", h->conf->device,
		    PREFIX_TEXT(&want->address), strerror(-rc));
	return 0;
}

int
hostcfg_apply(struct hostcfg *h, const struct monitor_configure *want, struct err *e)
{
	struct monitor_configure w = *want;
	int rc;

	if ((rc = normalize_all(&w, e)) < 0 || (rc = check(&w, e)) < 0)
		return rc;
	if (!h->conf->accept_routes)
		w.nroutes = 0;
	if (h->conf->mtu != 0 && (uint32_t) h->conf->mtu < w.mtu)
		w.mtu = (uint32_t) h->conf->mtu;
	/* Before anything leads there that it might ask its own way of. */
	if (catches(h, &w, &w.server) && (rc = lead_outside(h, &w.server, e)) < 0)
		return rc;
	if ((rc = set_device(h, &w, e)) < 0)
		return rc;
	remove_old_routes(h, &w);
	h->now = w;
	if ((rc = set_routes(h, &w, e)) < 0 ||
	    (h->conf->redirect_gateway && (rc = redirect(h, &w, e)) < 0))
		return rc;
	log_info("device_configured", "device=%s address=%s mtu=%u routes=%u", h->conf->device,
	    PREFIX_TEXT(&w.address), w.mtu, w.nroutes);
	return 0;
}

void
hostcfg_undo(struct hostcfg *h)
{
	journal_undo_routes(h->journal, h->net);
}
