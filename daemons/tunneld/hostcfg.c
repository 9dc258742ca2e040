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

static int
check(const struct monitor_configure *want, struct err *e)
{
	if (!is_acceptable(&want->address))
		return err_set(e, -EINVAL, "the server gave %s, which is no address for a node",
		    PREFIX_TEXT(&want->address));
	if (want->mtu < MTU_MIN || want->mtu > MTU_MAX)
		return err_set(e, -EINVAL, "the server gave an MTU of %u", want->mtu);
	if (want->nroutes > CONTROL_ROUTES_MAX)
		return err_set(e, -EINVAL, "too many routes");
	for (uint32_t i = 0; i < want->nroutes; i++) {
		if (!is_acceptable(&want->routes[i]))
			return err_set(e, -EINVAL, "the server pushes the route %s, which is not "
			    "acceptable", PREFIX_TEXT(&want->routes[i]));
	}
	return 0;
}

/* Routes of the device vanish with it and are set again; those that are not wanted any more go. */
static void
remove_old_routes(struct hostcfg *h, const struct monitor_configure *want)
{
	struct netcfg_hop hop = { .ifindex = h->ifindex };

	for (uint32_t i = 0; i < h->now.nroutes; i++) {
		bool wanted = false;

		for (uint32_t k = 0; k < want->nroutes; k++) {
			if (memcmp(&h->now.routes[i], &want->routes[k], sizeof(h->now.routes[i])) == 0)
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

/* The packets to the server itself must go on outside, by the way that they have now. */
static int
pin_server(struct hostcfg *h, const struct ip_addr *server, struct err *e)
{
	struct journal *j = h->journal;
	struct journal_route r = { .to = { *server, (uint8_t) ip_bits(server) } };
	int rc;

	if (j->nroutes > 0 && ip_equal(&j->routes[0].to.addr, server))
		return 0;
	if ((rc = netcfg_route_outside(h->net, server, h->ifindex, &r.hop)) < 0)
		return err_set(e, rc, "no way to the server %s outside of the tunnel: %s",
		    IP_TEXT(server), strerror(-rc));
	if (r.hop.ifindex == 0)
		return 0;	/* an address of this machine: no route is asked */
	if ((rc = netcfg_name(h->net, r.hop.ifindex, r.device)) < 0)
		return err_set(e, rc, "the way to the server %s: %s", IP_TEXT(server),
		    strerror(-rc));
	journal_undo_routes(j, h->net);
	j->routes[j->nroutes++] = r;
	if ((rc = journal_save(j)) < 0)
		return err_set(e, rc, "the journal cannot be written");
	if ((rc = netcfg_route_add(h->net, &r.to, &r.hop)) < 0)
		return err_set(e, rc, "route %s: %s", PREFIX_TEXT(&r.to), strerror(-rc));
	return 0;
}

/* Would its packets go into the tunnel that they carry? */
static bool
catches_server(const struct hostcfg *h, const struct monitor_configure *want)
{
	bool catches = h->conf->redirect_gateway ||
	    ip_prefix_contains(&want->address, &want->server);

	for (uint32_t i = 0; i < want->nroutes && !catches; i++)
		catches = ip_prefix_contains(&want->routes[i], &want->server);
	return catches;
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

	if ((rc = check(&w, e)) < 0)
		return rc;
	if (!h->conf->accept_routes)
		w.nroutes = 0;
	if (h->conf->mtu != 0 && (uint32_t) h->conf->mtu < w.mtu)
		w.mtu = (uint32_t) h->conf->mtu;
	/* Before anything leads there that it might ask its own way of. */
	if (catches_server(h, &w) && (rc = pin_server(h, &w.server, e)) < 0)
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
