/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/reason.h"
#include "common/utf8.h"
#include "daemons/tunneld/cuts.h"
#include "daemons/tunneld/hint.h"
#include "daemons/tunneld/ipam.h"
#include "daemons/tunneld/join.h"
#include "daemons/tunneld/listener.h"
#include "daemons/tunneld/peer.h"
#include "daemons/tunneld/peers.h"
#include "daemons/tunneld/renewals.h"
#include "daemons/tunneld/sync.h"
#include "daemons/tunneld/welcome.h"

#define CERT_PAUSE_MS 1000	/* between two requests of a node for its certificate */

struct server {
	struct server_parts p;
	struct session_env sessions;
	struct peers peers;
	struct ipam *ipam;
	struct sync *sync;
	struct hint *hint;
	struct renewals *renewals;
	struct joins joins;
	struct listener listeners[UDP_SOCKETS_MAX];
	unsigned nlisteners;
	struct cuts cuts;
	int64_t started_s;
	bool stopping;
};

/* --- what happens to sessions ------------------------------------------------------------------ */

static struct server *
server_of(struct session *s)
{
	return s->env->role;
}

static void
on_up(struct session *s)
{
	struct server *srv = server_of(s);

	peer_take_over(s);
	ipam_report(srv->ipam, s->peer->id, s->epoch, IPAM_CONNECTED);
	log_info("session_up", "node=%s addr=%s epoch=%" PRIu64 " cipher=%s version=%s "
	    "resumed=%s", s->peer->id, IP_TEXT(&s->peer->addr), s->epoch, aead_name(s->cipher),
	    LOG_Q(s->version), s->conn != NULL && tls_resumed(conn_tls(s->conn)) ? "true" : "false");
}

/* Ended for good: ipamd learns it if the node has no newer one. */
static void
end(struct session *s, enum ipam_state state, const char *why)
{
	struct server *srv = server_of(s);
	bool last = s->peer->current == s || s->peer->current == NULL;

	log_info("session_down", "node=%s epoch=%" PRIu64 " state=%s why=%s", s->peer->id,
	    s->epoch, state == IPAM_LOST ? "lost" : "idle", LOG_Q(why));
	if (last && !s->retired)
		ipam_report(srv->ipam, s->peer->id, s->epoch, state);
	session_free(s);
}

static void
on_dead(struct session *s, const char *why)
{
	end(s, IPAM_LOST, why);
}

static void
on_goodbye(struct session *s, const char *reason)
{
	end(s, IPAM_IDLE, reason);
}

static void
on_control_lost(struct session *s)
{
	(void) s;	/* the node comes back with a new session */
}

static void
on_worn(struct session *s)
{
	(void) s;	/* the node counts as well, and opens the new one */
}

static void
on_mtu(struct session *s)
{
	(void) s;	/* the device serves all nodes, and stays as wide as it is */
}

static void
on_empty(void *role, struct peer *peer)
{
	struct server *srv = role;
	struct route_table *routes = &srv->p.workers->env.routes;

	if (route_find(routes, &peer->addr) == &peer->outlet)
		route_remove(routes, &peer->addr);
	peers_remove(&srv->peers, peer);
}

/* An answer goes to the session that has asked; a newer one asks again. */
static bool
send_cert(struct server *srv, const char *node_id, uint64_t epoch, const struct control_cert *cert)
{
	const struct control msg = { .type = CONTROL_CERT_REPLY, .cert = *cert };
	const struct peer *peer = peers_find(&srv->peers, node_id);
	const struct session *s = peer == NULL ? NULL : peer_newest(peer);

	return s != NULL && s->epoch == epoch && s->conn != NULL && conn_send(s->conn, &msg) == 0;
}

static void
refuse_cert(void *arg, const struct renewal *ask, int reason, const char *detail)
{
	struct control_cert cert = { .grpc = ask->grpc };

	snprintf(cert.reason, sizeof(cert.reason), "%s", reason_name(reason));
	utf8_copy(cert.message, sizeof(cert.message), detail);
	send_cert(arg, ask->node_id, ask->epoch, &cert);
}

/* Each costs a signature to check and a question to ipamd: a node may not ask all the time. */
static void
on_cert(struct session *s, const struct control *msg)
{
	struct server *srv = server_of(s);
	struct renewal ask = { .epoch = s->epoch, .grpc = msg->cert.grpc, .csr = msg->cert.csr };
	int64_t *asked_ms = &s->peer->cert_asked_ms[ask.grpc], now = clock_mono_ms();

	if (msg->type != CONTROL_CERT_REQUEST)
		return;
	snprintf(ask.node_id, sizeof(ask.node_id), "%s", s->peer->id);
	if (*asked_ms != 0 && now - *asked_ms < CERT_PAUSE_MS) {
		refuse_cert(srv, &ask, REASON_OVERLOADED, "too soon");
		return;
	}
	*asked_ms = now;
	renewals_ask(srv->renewals, &ask);
}

static const struct session_ops session_ops = {
	.up = on_up,
	.dead = on_dead,
	.goodbye = on_goodbye,
	.cert = on_cert,
	.control_lost = on_control_lost,
	.worn = on_worn,
	.mtu = on_mtu,
	.empty = on_empty,
};

/* --- cuts -------------------------------------------------------------------------------------- */

bool
server_cut(struct server *srv, const char *node_id, uint64_t epoch, int reason)
{
	struct peer *peer = peers_find(&srv->peers, node_id);

	cuts_add(&srv->cuts, node_id, epoch, reason, clock_mono_ms());
	return peer != NULL && peer_cut(peer, epoch, reason) > 0;
}

/* --- a node has come through ------------------------------------------------------------------- */

static int
set_address(struct server *srv, struct peer *peer, const struct ip_addr *addr)
{
	struct route_table *routes = &srv->p.workers->env.routes;

	if (ip_equal(&peer->addr, addr) && route_find(routes, addr) == &peer->outlet)
		return 0;
	if (route_find(routes, &peer->addr) == &peer->outlet)
		route_remove(routes, &peer->addr);
	peer->addr = *addr;
	return route_set(routes, addr, &peer->outlet);
}

/* The node's peer: known, or made. NULL with the reason. */
static struct peer *
get_peer(struct server *srv, const struct ipam_attached *a, int *reason_out)
{
	struct peer *peer = peers_find(&srv->peers, a->node_id);
	const struct session *newest = peer == NULL ? NULL : peer_newest(peer);
	int cut;

	if (srv->stopping) {
		*reason_out = REASON_SHUTTING_DOWN;
		return NULL;
	}
	cut = cuts_find(&srv->cuts, a->node_id, a->epoch, clock_mono_ms());
	if (cut != REASON_NONE) {
		*reason_out = cut;
		return NULL;
	}
	if (newest != NULL && newest->epoch > a->epoch) {
		*reason_out = REASON_SUPERSEDED;	/* the newest epoch wins everywhere */
		return NULL;
	}
	if (peer == NULL && srv->peers.n >= (size_t) srv->p.d->sc.max_clients) {
		*reason_out = REASON_SERVER_FULL;
		return NULL;
	}
	if (peer == NULL && (peer = peers_add(&srv->peers, a->node_id)) == NULL)
		*reason_out = REASON_INTERNAL;
	return peer;
}

static void
send_welcome(const struct server *srv, struct session *s, const struct ipam_attached *a)
{
	struct control msg = { .type = CONTROL_WELCOME };

	welcome_make(&msg.welcome, s, a, &srv->p.d->sc, srv->p.mtu, srv->p.identity);
	conn_send(s->conn, &msg);
}

static int
start_session(struct server *srv, struct peer *peer, const struct join_result *r)
{
	struct session_conf conf;
	struct session *s;
	int rc;

	welcome_session(r, &srv->p.d->sc, srv->p.mtu, peer, &conf);
	if ((rc = session_new(&srv->sessions, r->hello->workers, &s)) < 0)
		return rc;
	if ((rc = session_start(s, &conf, r->conn)) < 0) {
		session_free(s);
		return rc;
	}
	peer_end_older(s);
	send_welcome(srv, s, r->attached);
	return 0;
}

/* Nothing comes of an attach: ipamd's row does not wait for it, unless another session has it. */
static void
give_back(void *arg, const struct ipam_attached *a)
{
	struct server *srv = arg;
	const struct peer *peer = peers_find(&srv->peers, a->node_id);

	if (peer == NULL || peer_newest(peer) == NULL)
		ipam_report(srv->ipam, a->node_id, a->epoch, IPAM_IDLE);
}

static void
on_joined(void *arg, const struct join_result *r)
{
	struct server *srv = arg;
	int reason = REASON_INTERNAL;
	struct peer *peer = get_peer(srv, r->attached, &reason);

	if (peer != NULL && set_address(srv, peer, &r->attached->address.addr) == 0 &&
	    start_session(srv, peer, r) == 0) {
		peer->cert_expire_s = r->cert_expire_s;
		return;
	}
	if (peer != NULL && LIST_EMPTY(&peer->sessions))
		on_empty(srv, peer);
	give_back(srv, r->attached);
	join_refuse(&srv->joins, r->conn, r->attached->node_id, reason, reason_text(reason));
}

/* --- agreement with ipamd ----------------------------------------------------------------------- */

static void
on_ipam_up(void *arg)
{
	struct server *srv = arg;

	sync_now(srv->sync);
}

/* A sync tells whether it is so. Whoever has no session here is of no interest. */
static void
on_hint(void *arg, const char *node_id)
{
	struct server *srv = arg;

	if (node_id == NULL || peers_find(&srv->peers, node_id) != NULL)
		sync_now(srv->sync);
}

/* ipamd does not know the node any more: a deletion whose cut has not arrived. */
static void
on_gone(void *arg, const char *node_id)
{
	struct server *srv = arg;
	struct peer *peer = peers_find(&srv->peers, node_id);

	if (peer != NULL)
		peer_cut(peer, UINT64_MAX, REASON_NODE_DELETED);
}

/* --- what ctld asks ----------------------------------------------------------------------------- */

const struct peer *
server_peer(const struct server *srv, const char *node_id)
{
	const struct peer *peer = peers_find(&srv->peers, node_id);

	return peer == NULL || peer->current == NULL ? NULL : peer;
}

void
server_take_renewals(struct server *srv, int64_t wait_ms, renewals_taken *fn, void *arg)
{
	renewals_take(srv->renewals, wait_ms, fn, arg);
}

bool
server_put_certificate(struct server *srv, const char *node_id, uint64_t epoch,
    const struct control_cert *cert)
{
	struct control_cert whole = *cert;

	if (!cert->grpc)
		whole.ca = srv->p.identity->ca_pem;
	log_info("certificate_put", "node=%s pki=%s epoch=%" PRIu64 " reason=%s", node_id,
	    cert->grpc ? "grpc" : "vpn", epoch,
	    LOG_Q(cert->reason[0] == '\0' ? "none" : cert->reason));
	return send_cert(srv, node_id, epoch, &whole);
}

void
server_get_info(const struct server *srv, struct server_info *out)
{
	*out = (struct server_info){
		.device = srv->p.d->sc.device,
		.address = srv->p.d->sc.vpn_addr,
		.mtu = srv->p.mtu,
		.sessions = srv->peers.n,
		.started_s = srv->started_s,
		.cert_expire_s = srv->p.identity->cert.not_after,
		.ca_expire_s = srv->p.identity->ca_expire_s,
		.workers = srv->p.workers,
		.peers = &srv->peers,
		.joins = &srv->joins,
		.past = srv->sessions.past,
		.ipam = ipam_stats(srv->ipam),
	};
	workers_stats(srv->p.workers, &out->stats);
	workers_describe(srv->p.workers, out->offload);
}

/* --- life -------------------------------------------------------------------------------------- */

static int
open_parts(struct server *srv, struct err *e)
{
	const struct tunneld *d = srv->p.d;
	int rc;

	if ((rc = peers_init(&srv->peers, &srv->p.workers->grave)) < 0)
		return err_set(e, rc, "out of memory");
	if ((rc = ipam_new(srv->p.ev, d->places.ipamd_rpc, d->ipamd.uid, on_ipam_up, srv,
	    &srv->ipam, e)) < 0 ||
	    (rc = renewals_new(&(struct renewals_parts){ srv->p.ev, srv->ipam, refuse_cert, srv },
	    &srv->renewals)) < 0 ||
	    (rc = sync_new(srv->p.ev, srv->ipam, &srv->peers, on_gone, srv, &srv->sync)) < 0)
		return rc;
	return hint_new(srv->p.ev, d->places.ipamd_events, d->ipamd.uid, on_hint, srv, &srv->hint, e);
}

static int
open_listeners(struct server *srv, const int *tcp, unsigned ntcp, struct err *e)
{
	int rc = 0;

	for (unsigned i = 0; i < ntcp; i++) {
		rc = listener_init(&srv->listeners[srv->nlisteners], srv->p.ev, tcp[i],
		    join_accept, &srv->joins);
		if (rc < 0)
			return err_set(e, rc, "listening socket: %s", strerror(-rc));
		srv->nlisteners++;
	}
	return rc;
}

int
server_new(const struct server_parts *parts, const int *tcp, unsigned ntcp, struct server **out,
    struct err *e)
{
	struct server *srv = calloc(1, sizeof(*srv));
	struct worker_env *env = &parts->workers->env;
	int rc;

	if (srv == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	srv->p = *parts;
	srv->started_s = clock_utc_s();
	session_env_init(&srv->sessions, parts->ev, parts->workers, &session_ops, srv);
	env->network = parts->d->sc.vpn_addr;
	env->interconnection = parts->d->sc.interconnection;
	joins_init(&srv->joins);
	if ((rc = open_parts(srv, e)) == 0) {
		srv->joins.ev = parts->ev;
		srv->joins.conns = parts->conns;
		srv->joins.identity = parts->identity;
		srv->joins.conf = &parts->d->sc;
		srv->joins.ipam = srv->ipam;
		srv->joins.joined = on_joined;
		srv->joins.left = give_back;
		srv->joins.arg = srv;
		rc = open_listeners(srv, tcp, ntcp, e);
	}
	if (rc < 0) {
		server_free(srv);
		return rc;
	}
	*out = srv;
	return 0;
}

/* The goodbyes of all, each with a reason. The list shrinks while we walk it. */
static void
end_all(struct server *srv, int reason)
{
	struct peer *peer;

	while ((peer = peers_next(&srv->peers, NULL)) != NULL) {
		if (peer->current != NULL)
			ipam_report(srv->ipam, peer->id, peer->current->epoch, IPAM_IDLE);
		peer_cut(peer, UINT64_MAX, reason);
	}
}

void
server_stop(struct server *srv)
{
	srv->stopping = true;
	for (unsigned i = 0; i < srv->nlisteners; i++)
		listener_fini(&srv->listeners[i]);
	srv->nlisteners = 0;
	end_all(srv, REASON_SHUTTING_DOWN);
}

void
server_free(struct server *srv)
{
	struct peer *peer;

	if (srv == NULL)
		return;
	for (unsigned i = 0; i < srv->nlisteners; i++)
		listener_fini(&srv->listeners[i]);
	hint_free(srv->hint);
	sync_free(srv->sync);
	ipam_free(srv->ipam);
	renewals_free(srv->renewals);
	joins_fini(&srv->joins);
	while (srv->peers.n > 0 && (peer = peers_next(&srv->peers, NULL)) != NULL)
		session_free(LIST_FIRST(&peer->sessions));
	peers_fini(&srv->peers);
	free(srv);
}
