/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/ask_tunneld.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/reason.h"
#include "ipc/tunneld.pb-c.h"

#define BODY(name) LITEVPN__TUNNELD__REPLY__BODY_##name
#define ASK(name) LITEVPN__TUNNELD__REQUEST__BODY_##name

/* The reply behind a message, with a body of that case; else NULL and why in *e. */
static const Litevpn__Tunneld__Reply *
open_reply(const ProtobufCMessage *msg, Litevpn__Tunneld__Reply__BodyCase body, struct err *e)
{
	const Litevpn__Tunneld__Reply *reply = (const Litevpn__Tunneld__Reply *) msg;

	if (backend_result(reply->result, reply->detail, e) < 0)
		return NULL;
	if (reply->body_case == body)
		return reply;
	err_set(e, -REASON_INTERNAL, "tunneld did not answer what was asked");
	return NULL;
}

static void
ask(struct backend *b, struct call *c, const Litevpn__Tunneld__Request *req,
    backend_decode *decode, void *out, backend_next *next)
{
	backend_ask(b, BACKEND_TUNNELD, c, &req->base, decode, out, next);
}

static int
decode_cut(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Tunneld__Reply *reply = open_reply(msg, BODY(CUT_DONE), e);

	if (reply == NULL)
		return e->rc;
	*(bool *) out = reply->cut_done->had_session;
	return 0;
}

void
tunneld_cut(struct backend *b, struct call *c, const char *node_id, uint64_t epoch,
    enum reason reason, bool *had_session_out, backend_next *next)
{
	Litevpn__Tunneld__Request req = LITEVPN__TUNNELD__REQUEST__INIT;
	Litevpn__Tunneld__Cut cut = LITEVPN__TUNNELD__CUT__INIT;

	cut.node_id = (char *) node_id;
	cut.epoch = epoch;
	cut.reason = (char *) reason_name((int) reason);
	req.body_case = ASK(CUT);
	req.cut = &cut;
	ask(b, c, &req, decode_cut, had_session_out, next);
}

static int
read_session(const Litevpn__Tunneld__Session *pb, struct tunneld_session *out, struct err *e)
{
	struct tunneld_session s = {
		.over_udp = pb->over_udp,
		.rx_packets = pb->rx_packets,
		.rx_bytes = pb->rx_bytes,
		.tx_packets = pb->tx_packets,
		.tx_bytes = pb->tx_bytes,
		.since_s = pb->since_s,
		.last_rx_ms = pb->last_rx_ms,
		.rtt_us = pb->rtt_us,
		.cert_expire_s = pb->cert_expire_s,
		.mtu = pb->mtu,
	};

	if (backend_text(s.node_id, sizeof(s.node_id), pb->node_id, e) < 0 ||
	    backend_text(s.endpoint, sizeof(s.endpoint), pb->endpoint, e) < 0 ||
	    backend_text(s.cipher, sizeof(s.cipher), pb->cipher, e) < 0 ||
	    backend_text(s.version, sizeof(s.version), pb->version, e) < 0)
		return e->rc;
	*out = s;
	return 0;
}

/* Sorted by node id: each is looked up once per answer. */
static int
compare_sessions(const void *a, const void *b)
{
	const struct tunneld_session *sa = a, *sb = b;

	return strcmp(sa->node_id, sb->node_id);
}

/* One that cannot be right must not hide the others. */
static void
read_sessions(const Litevpn__Tunneld__Sessions *pb, struct tunneld_sessions *list)
{
	struct err e;

	for (size_t i = 0; i < pb->n_sessions; i++) {
		if (read_session(pb->sessions[i], &list->rows[list->n], &e) == 0)
			list->n++;
	}
	if (list->n < pb->n_sessions)
		log_warn("sessions_left_out", "sessions=%zu error=%s", pb->n_sessions - list->n,
		    LOG_Q(e.text));
}

int
tunneld_decode_sessions(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Tunneld__Reply *reply;
	struct tunneld_sessions list = { 0 };
	size_t n;

	if ((reply = open_reply(msg, BODY(SESSIONS), e)) == NULL)
		return e->rc;
	if ((n = reply->sessions->n_sessions) > TUNNELD_SESSIONS_MAX)
		return err_set(e, -REASON_INTERNAL, "tunneld sent too many sessions");
	if ((list.rows = calloc(n + 1, sizeof(*list.rows))) == NULL)
		return err_set(e, -REASON_OVERLOADED, "out of memory");
	read_sessions(reply->sessions, &list);
	qsort(list.rows, list.n, sizeof(*list.rows), compare_sessions);
	*(struct tunneld_sessions *) out = list;
	return 0;
}

void
tunneld_get_sessions(struct backend *b, struct call *c, const char *const *node_ids, size_t n,
    struct tunneld_sessions *out, backend_next *next)
{
	Litevpn__Tunneld__Request req = LITEVPN__TUNNELD__REQUEST__INIT;
	Litevpn__Tunneld__GetSessions get = LITEVPN__TUNNELD__GET_SESSIONS__INIT;

	get.n_node_ids = n;
	get.node_ids = (char **) node_ids;
	req.body_case = ASK(GET_SESSIONS);
	req.get_sessions = &get;
	ask(b, c, &req, tunneld_decode_sessions, out, next);
}

void
tunneld_sessions_fini(struct tunneld_sessions *sessions)
{
	free(sessions->rows);
	*sessions = (struct tunneld_sessions){ 0 };
}

const struct tunneld_session *
tunneld_session_of(const struct tunneld_sessions *sessions, const char *node_id)
{
	struct tunneld_session key = { 0 };

	if (sessions->n == 0 || strlen(node_id) >= sizeof(key.node_id))
		return NULL;
	strcpy(key.node_id, node_id);
	return bsearch(&key, sessions->rows, sessions->n, sizeof(key), compare_sessions);
}

static int
read_drops(const Litevpn__Tunneld__Info *pb, struct tunneld_info *info, struct err *e)
{
	for (size_t i = 0; i < pb->n_drops && i < TUNNELD_DROPS_MAX; i++) {
		struct tunneld_counter *drop = &info->drops[info->ndrops++];

		if (backend_text(drop->name, sizeof(drop->name), pb->drops[i]->name, e) < 0)
			return e->rc;
		drop->value = pb->drops[i]->value;
	}
	return 0;
}

static int
decode_info(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Tunneld__Reply *reply;
	struct tunneld_info info = { 0 };

	if ((reply = open_reply(msg, BODY(INFO), e)) == NULL)
		return e->rc;
	info.mtu = reply->info->mtu;
	info.started_s = reply->info->started_s;
	info.cert_expire_s = reply->info->cert_expire_s;
	info.ca_expire_s = reply->info->ca_expire_s;
	if (backend_text(info.version, sizeof(info.version), reply->info->version, e) < 0 ||
	    backend_text(info.device, sizeof(info.device), reply->info->device, e) < 0 ||
	    backend_text(info.offload, sizeof(info.offload), reply->info->offload, e) < 0 ||
	    read_drops(reply->info, &info, e) < 0)
		return e->rc;
	*(struct tunneld_info *) out = info;
	return 0;
}

void
tunneld_get_info(struct backend *b, struct call *c, struct tunneld_info *out, backend_next *next)
{
	Litevpn__Tunneld__Request req = LITEVPN__TUNNELD__REQUEST__INIT;
	Litevpn__Tunneld__GetInfo get = LITEVPN__TUNNELD__GET_INFO__INIT;

	req.body_case = ASK(GET_INFO);
	req.get_info = &get;
	ask(b, c, &req, decode_info, out, next);
}
