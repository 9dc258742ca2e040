/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/codec_stats.h"
#include "common/ipc.h"
#include "common/reason.h"
#include "common/utf8.h"
#include "config.h"
#include "daemons/tunneld/counts.h"
#include "daemons/tunneld/session_mtu.h"
#include "daemons/tunneld/session_path.h"
#include "ipc/tunneld.pb-c.h"

#define TAKE_WAIT_MAX_MS 60000	/* that ctld may wait for something to sign */
#define SESSIONS_MAX 1000	/* asked for in one request: a page of the API */

struct ctl {
	struct ipc_server *ipc;
	struct server *server;
	struct ctl_conf conf;
	struct ipc_call *reloads[CTL_RELOADS_MAX];	/* that wait for their end; the first first */
	unsigned nreloads;
};

static void
answer(struct ipc_call *call, Litevpn__Tunneld__Reply *reply)
{
	ipc_reply(call, &reply->base);
}

static void
answer_reason(struct ipc_call *call, int reason, const char *detail)
{
	Litevpn__Tunneld__Reply reply = LITEVPN__TUNNELD__REPLY__INIT;

	reply.result = reason;
	reply.detail = (char *) detail;
	answer(call, &reply);
}

/* --- one function per request ------------------------------------------------------------------- */

static void
do_cut(struct ctl *c, struct ipc_call *call, const Litevpn__Tunneld__Request *req)
{
	Litevpn__Tunneld__Reply reply = LITEVPN__TUNNELD__REPLY__INIT;
	Litevpn__Tunneld__CutDone done = LITEVPN__TUNNELD__CUT_DONE__INIT;
	enum reason reason = reason_by_name(req->cut->reason);

	if (req->cut->node_id[0] == '\0' || strlen(req->cut->node_id) > CONTROL_ID_MAX) {
		answer_reason(call, REASON_FIELD_INVALID, "node_id");
		return;
	}
	done.had_session = server_cut(c->server, req->cut->node_id, req->cut->epoch,
	    reason == REASON_NONE ? REASON_NODE_DELETED : (int) reason);
	reply.body_case = LITEVPN__TUNNELD__REPLY__BODY_CUT_DONE;
	reply.cut_done = &done;
	answer(call, &reply);
}

static void
fill_session(Litevpn__Tunneld__Session *out, const struct peer *peer, char end[IP_TEXT_MAX])
{
	const struct session *s = peer->current;
	struct traffic counts = { 0 };

	litevpn__tunneld__session__init(out);
	out->node_id = (char *) peer->id;
	out->epoch = s->epoch;
	out->over_udp = session_path_on_udp(s);
	if (out->over_udp)
		ip_sockaddr_format((const struct sockaddr *) &session_path_end(s)->peer, end);
	else if (s->conn != NULL)
		ip_sockaddr_format(conn_peer(s->conn), end);
	out->endpoint = end;
	carrier_add_traffic(s->carrier, &counts);
	out->rx_packets = counts.rx_packets;
	out->rx_bytes = counts.rx_bytes;
	out->tx_packets = counts.tx_packets;
	out->tx_bytes = counts.tx_bytes;
	out->since_s = s->since_s;
	out->last_rx_ms = clock_mono_ms() - session_heard_ms(s);
	out->rtt_us = s->probe.rtt_us;
	out->mtu = session_mtu(s, peer->addr.family == AF_INET6);
	out->cipher = (char *) aead_name(s->cipher);
	out->version = (char *) s->version;
	out->cert_expire_s = peer->cert_expire_s;
}

static void
do_get_sessions(struct ctl *c, struct ipc_call *call, const Litevpn__Tunneld__Request *req)
{
	Litevpn__Tunneld__Reply reply = LITEVPN__TUNNELD__REPLY__INIT;
	Litevpn__Tunneld__Sessions sessions = LITEVPN__TUNNELD__SESSIONS__INIT;
	struct item {
		Litevpn__Tunneld__Session session;
		char end[IP_TEXT_MAX];
	} *items = NULL;
	Litevpn__Tunneld__Session **ptrs = NULL;
	size_t n = req->get_sessions->n_node_ids;

	if (n > SESSIONS_MAX) {
		answer_reason(call, REASON_FIELD_INVALID, "node_ids: too many");
		return;
	}
	items = calloc(n + 1, sizeof(*items));
	ptrs = calloc(n + 1, sizeof(*ptrs));
	for (size_t i = 0; items != NULL && ptrs != NULL && i < n; i++) {
		const struct peer *peer = server_peer(c->server, req->get_sessions->node_ids[i]);

		if (peer == NULL)
			continue;
		fill_session(&items[i].session, peer, items[i].end);
		ptrs[sessions.n_sessions++] = &items[i].session;
	}
	sessions.sessions = ptrs;
	reply.body_case = LITEVPN__TUNNELD__REPLY__BODY_SESSIONS;
	reply.sessions = &sessions;
	answer(call, &reply);
	free(items);
	free(ptrs);
}

static void
do_get_info(struct ctl *c, struct ipc_call *call, const Litevpn__Tunneld__Request *req)
{
	Litevpn__Tunneld__Reply reply = LITEVPN__TUNNELD__REPLY__INIT;
	Litevpn__Tunneld__Info info = LITEVPN__TUNNELD__INFO__INIT;
	Litevpn__Tunneld__Counter counters[VERDICT_COUNT], *ptrs[VERDICT_COUNT];
	struct server_info si;
	char address[IP_TEXT_MAX];

	(void) req;
	server_get_info(c->server, &si);
	for (int v = VERDICT_OK + 1; v < VERDICT_COUNT; v++) {
		Litevpn__Tunneld__Counter *counter = &counters[info.n_drops];

		litevpn__tunneld__counter__init(counter);
		counter->name = (char *) verdict_name((enum verdict) v);
		counter->value = si.stats.count[v];
		ptrs[info.n_drops++] = counter;
	}
	info.drops = ptrs;
	info.version = (char *) PACKAGE_VERSION;
	info.device = (char *) si.device;
	info.address = (char *) ip_prefix_format(&si.address, address);
	info.mtu = si.mtu;
	info.offload = si.offload;
	info.sessions = si.sessions;
	info.started_s = si.started_s;
	info.cert_expire_s = si.cert_expire_s;
	info.ca_expire_s = si.ca_expire_s;
	reply.body_case = LITEVPN__TUNNELD__REPLY__BODY_INFO;
	reply.info = &info;
	answer(call, &reply);
}

static void
do_get_stats(struct ctl *c, struct ipc_call *call, const Litevpn__Tunneld__Request *req)
{
	Litevpn__Tunneld__Reply reply = LITEVPN__TUNNELD__REPLY__INIT;
	struct ipc_stats ipc = ipc_server_stats(c->ipc);
	struct metrics stats = { 0 };
	struct server_info si;

	server_get_info(c->server, &si);
	counts_show(&si, req->get_stats->per_node, &stats);
	counts_show_ipc(&ipc, "control", &stats);
	usage_show(c->conf.usage, "tunneld", &stats);
	metrics_add(&stats, METRIC_LEFT_OUT, "tunneld", "", (double) stats.left_out);
	reply.body_case = LITEVPN__TUNNELD__REPLY__BODY_STATS;
	if ((reply.stats = codec_stats_pack(&stats)) != NULL)
		answer(call, &reply);
	else
		answer_reason(call, REASON_OVERLOADED, "out of memory");
	codec_stats_free(reply.stats);
	metrics_fini(&stats);
}

/* --- certificates ------------------------------------------------------------------------------- */

static void
reply_renewals(void *arg, const struct renewal *const *list, size_t n)
{
	Litevpn__Tunneld__Reply reply = LITEVPN__TUNNELD__REPLY__INIT;
	Litevpn__Tunneld__CertRequests requests = LITEVPN__TUNNELD__CERT_REQUESTS__INIT;
	Litevpn__Tunneld__CertRequest items[RENEWALS_MAX], *ptrs[RENEWALS_MAX];

	for (size_t i = 0; i < n && i < RENEWALS_MAX; i++) {
		litevpn__tunneld__cert_request__init(&items[i]);
		items[i].node_id = (char *) list[i]->node_id;
		items[i].epoch = list[i]->epoch;
		items[i].grant = (ProtobufCBinaryData){ GRANT_WIRE_LEN,
			(uint8_t *) list[i]->grant };
		items[i].csr = (ProtobufCBinaryData){ strlen(list[i]->csr),
			(uint8_t *) list[i]->csr };
		items[i].grpc = list[i]->grpc;
		ptrs[requests.n_requests++] = &items[i];
	}
	requests.requests = ptrs;
	reply.body_case = LITEVPN__TUNNELD__REPLY__BODY_CERT_REQUESTS;
	reply.cert_requests = &requests;
	answer(arg, &reply);
}

static void
do_take_cert_requests(struct ctl *c, struct ipc_call *call, const Litevpn__Tunneld__Request *req)
{
	uint32_t wait_ms = req->take_cert_requests->wait_ms;

	server_take_renewals(c->server, wait_ms < TAKE_WAIT_MAX_MS ? wait_ms : TAKE_WAIT_MAX_MS,
	    reply_renewals, call);
}

static void
do_put_certificate(struct ctl *c, struct ipc_call *call, const Litevpn__Tunneld__Request *req)
{
	const Litevpn__Tunneld__PutCertificate *m = req->put_certificate;
	Litevpn__Tunneld__Reply reply = LITEVPN__TUNNELD__REPLY__INIT;
	Litevpn__Tunneld__CertificatePut put = LITEVPN__TUNNELD__CERTIFICATE_PUT__INIT;
	struct control_cert cert = { .grpc = m->grpc, .certificate = m->certificate, .ca = m->ca };

	if (m->result != 0) {
		snprintf(cert.reason, sizeof(cert.reason), "%s", reason_name(m->result));
		utf8_copy(cert.message, sizeof(cert.message), m->detail);
	}
	if (!server_put_certificate(c->server, m->node_id, m->epoch, &cert)) {
		answer_reason(call, REASON_NODE_UNKNOWN, "the session is gone");
		return;
	}
	reply.body_case = LITEVPN__TUNNELD__REPLY__BODY_CERTIFICATE_PUT;
	reply.certificate_put = &put;
	answer(call, &reply);
}

/* --- the daemon itself --------------------------------------------------------------------------- */

static void
do_reload(struct ctl *c, struct ipc_call *call, const Litevpn__Tunneld__Request *req)
{
	(void) req;
	if (c->nreloads == CTL_RELOADS_MAX) {
		answer_reason(call, REASON_OVERLOADED, reason_text(REASON_OVERLOADED));
		return;
	}
	c->reloads[c->nreloads++] = call;
	c->conf.reload(c->conf.arg);
}

void
ctl_reloaded(struct ctl *c, const struct err *e)
{
	if (c->nreloads == 0)
		return;
	answer_reason(c->reloads[0], -e->rc, e->text);
	memmove(c->reloads, c->reloads + 1, --c->nreloads * sizeof(c->reloads[0]));
}

static void
do_set_log_level(struct ctl *c, struct ipc_call *call, const Litevpn__Tunneld__Request *req)
{
	const Litevpn__Tunneld__SetLogLevel *m = req->set_log_level;
	struct verbosity *v = c->conf.verbosity;

	if (m->level > LOG_LV_DEBUG || m->for_ms < 0) {
		answer_reason(call, REASON_FIELD_INVALID, "level: there is no such one");
		return;
	}
	if (m->reset)
		verbosity_configure(v, v->configured);
	else
		verbosity_want(v, (enum log_level) m->level, m->for_ms);
	answer_reason(call, REASON_NONE, "");
}

/* All that ctld may ask. */
static const struct {
	Litevpn__Tunneld__Request__BodyCase body;
	void (*fn)(struct ctl *c, struct ipc_call *call, const Litevpn__Tunneld__Request *req);
} requests[] = {
	{ LITEVPN__TUNNELD__REQUEST__BODY_CUT, do_cut },
	{ LITEVPN__TUNNELD__REQUEST__BODY_GET_SESSIONS, do_get_sessions },
	{ LITEVPN__TUNNELD__REQUEST__BODY_GET_INFO, do_get_info },
	{ LITEVPN__TUNNELD__REQUEST__BODY_RELOAD, do_reload },
	{ LITEVPN__TUNNELD__REQUEST__BODY_SET_LOG_LEVEL, do_set_log_level },
	{ LITEVPN__TUNNELD__REQUEST__BODY_GET_STATS, do_get_stats },
	{ LITEVPN__TUNNELD__REQUEST__BODY_TAKE_CERT_REQUESTS, do_take_cert_requests },
	{ LITEVPN__TUNNELD__REQUEST__BODY_PUT_CERTIFICATE, do_put_certificate },
};

static void
on_request(void *arg, struct ipc_call *call, const ProtobufCMessage *msg)
{
	const Litevpn__Tunneld__Request *req = (const Litevpn__Tunneld__Request *) msg;

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (requests[i].body == req->body_case) {
			requests[i].fn(arg, call, req);
			return;
		}
	}
	answer_reason(call, REASON_METHOD_UNKNOWN, reason_text(REASON_METHOD_UNKNOWN));
}

int
ctl_new(struct ev *ev, const struct ctl_conf *conf, struct server *server, struct ctl **out,
    struct err *e)
{
	struct ctl *c = calloc(1, sizeof(*c));
	struct ipc_peer peer = { .uid = conf->ctld };
	struct ipc_server_conf ipc = {
		.path = conf->path,
		.request = &litevpn__tunneld__request__descriptor,
		.reply = &litevpn__tunneld__reply__descriptor,
		.peers = &peer,
		.npeers = 1,
		.handle = on_request,
		.arg = c,
	};
	int rc;

	if (c == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	c->server = server;
	c->conf = *conf;
	if ((rc = ipc_server_new(ev, &ipc, &c->ipc, e)) < 0) {
		free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void
ctl_free(struct ctl *c)
{
	if (c == NULL)
		return;
	ipc_server_free(c->ipc);
	free(c);
}
