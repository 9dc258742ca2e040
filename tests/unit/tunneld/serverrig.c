/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tunneld/serverrig.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/grant.h"
#include "common/log.h"
#include "common/reason.h"
#include "daemons/tunneld/ipam.h"
#include "ipc/ipam.pb-c.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/certs.h"
#include "tests/unit/tunneld/netns.h"

/* --- ipamd ------------------------------------------------------------------------------------ */

static void
answer_attach(const struct attach *a)
{
	Litevpn__Ipam__Reply reply = LITEVPN__IPAM__REPLY__INIT;
	Litevpn__Ipam__Attached attached = LITEVPN__IPAM__ATTACHED__INIT;
	char address[IP_TEXT_MAX];

	/* An address of its own for each node, whatever its id. */
	snprintf(address, sizeof(address), "10.1.1.%u/24", 2 + a->node_id[strlen(a->node_id) - 1] % 64u);
	attached.node_id = (char *) a->node_id;
	attached.address = address;
	attached.epoch = a->epoch;
	reply.body_case = LITEVPN__IPAM__REPLY__BODY_ATTACHED;
	reply.attached = &attached;
	ipc_reply(a->call, &reply.base);
}

static void
on_attach(struct serverrig *r, struct ipc_call *call, const Litevpn__Ipam__Attach *m)
{
	struct attach a = { .call = call, .epoch = ++r->epoch };

	snprintf(a.node_id, sizeof(a.node_id), "%s",
	    m->cert_node_id[0] == '\0' ? m->node_token : m->cert_node_id);
	if (!r->holds) {
		answer_attach(&a);
		return;
	}
	ck_assert_uint_lt(r->nheld, SERVERRIG_GUESTS);
	r->held[r->nheld++] = a;
}

static void
on_report(struct serverrig *r, struct ipc_call *call, const Litevpn__Ipam__Report *m)
{
	Litevpn__Ipam__Reply reply = LITEVPN__IPAM__REPLY__INIT;
	struct report *one = &r->reports[r->nreports++];

	ck_assert_uint_lt(r->nreports, SERVERRIG_REPORTS);
	snprintf(one->node_id, sizeof(one->node_id), "%s", m->node_id);
	one->epoch = m->epoch;
	one->state = (int) m->state;
	ipc_reply(call, &reply.base);
}

static void
on_sync(struct serverrig *r, struct ipc_call *call)
{
	Litevpn__Ipam__Reply reply = LITEVPN__IPAM__REPLY__INIT;
	Litevpn__Ipam__Synced synced = LITEVPN__IPAM__SYNCED__INIT;

	reply.body_case = LITEVPN__IPAM__REPLY__BODY_SYNCED;
	reply.synced = &synced;
	r->nsyncs++;
	ipc_reply(call, &reply.base);
}

/* A grant that nobody here looks into; from a node whose id ends with "x" none. */
static void
on_renew(struct ipc_call *call, const Litevpn__Ipam__Renew *m)
{
	Litevpn__Ipam__Reply reply = LITEVPN__IPAM__REPLY__INIT;
	Litevpn__Ipam__Renewal renewal = LITEVPN__IPAM__RENEWAL__INIT;
	uint8_t grant[GRANT_WIRE_LEN] = { 7 };

	ck_assert_uint_eq(m->vpn_spki.len + m->grpc_spki.len, PKI_SPKI_LEN);
	if (m->node_id[strlen(m->node_id) - 1] == 'x') {
		reply.result = REASON_KEY_UNKNOWN;
	} else {
		*(m->vpn_spki.len > 0 ? &renewal.vpn_grant : &renewal.grpc_grant) =
		    (ProtobufCBinaryData){ sizeof(grant), grant };
		reply.body_case = LITEVPN__IPAM__REPLY__BODY_RENEWAL;
		reply.renewal = &renewal;
	}
	ipc_reply(call, &reply.base);
}

static void
on_request(void *arg, struct ipc_call *call, const ProtobufCMessage *msg)
{
	const Litevpn__Ipam__Request *req = (const Litevpn__Ipam__Request *) msg;

	if (req->body_case == LITEVPN__IPAM__REQUEST__BODY_ATTACH)
		on_attach(arg, call, req->attach);
	else if (req->body_case == LITEVPN__IPAM__REQUEST__BODY_REPORT)
		on_report(arg, call, req->report);
	else if (req->body_case == LITEVPN__IPAM__REQUEST__BODY_SYNC)
		on_sync(arg, call);
	else if (req->body_case == LITEVPN__IPAM__REQUEST__BODY_RENEW)
		on_renew(call, req->renew);
	else
		ck_abort_msg("ipamd is asked %d", (int) req->body_case);
}

void
serverrig_answer(struct serverrig *r, unsigned i)
{
	ck_assert_uint_lt(i, r->nheld);
	answer_attach(&r->held[i]);
}

bool
serverrig_reported(const struct serverrig *r, const char *node_id, uint64_t epoch, int state)
{
	for (unsigned i = 0; i < r->nreports; i++) {
		const struct report *one = &r->reports[i];

		if (strcmp(one->node_id, node_id) == 0 && one->epoch == epoch && one->state == state)
			return true;
	}
	return false;
}

/* --- guests ----------------------------------------------------------------------------------- */

static void
on_ready(void *owner)
{
	((struct guest *) owner)->ready = true;
}

static void
on_control(void *owner, const struct control *msg)
{
	struct guest *g = owner;

	if (msg->type == CONTROL_WELCOME) {
		g->welcome = msg->welcome;
		g->welcomed = true;
	} else if (msg->type == CONTROL_REFUSE) {
		g->refused = msg->refuse;
	} else if (msg->type == CONTROL_GOODBYE) {
		strcpy(g->goodbye, msg->refuse.reason);
	} else if (msg->type == CONTROL_CERT_REPLY) {
		strcpy(g->cert_reason, msg->cert.reason);
		g->cert_grpc = msg->cert.grpc;
		snprintf(g->cert_ca, sizeof(g->cert_ca), "%s",
		    msg->cert.ca == NULL ? "" : msg->cert.ca);
		g->ncerts++;
	}
}

static void
on_packet(void *owner, const uint8_t *pkt, size_t len)
{
	(void) owner, (void) pkt, (void) len;
}

static void
on_closed(void *owner, const char *why)
{
	struct guest *g = owner;

	(void) why;
	g->closed = true;
	conn_free(g->conn);
	g->conn = NULL;
}

static const struct conn_ops conn_ops = {
	.ready = on_ready,
	.control = on_control,
	.packet = on_packet,
	.closed = on_closed,
};

struct guest *
serverrig_guest(struct serverrig *r, unsigned i, SSL_CTX *ctx)
{
	struct guest *g = &r->guests[i];
	struct sockaddr_storage ss;
	socklen_t len = ip_to_sockaddr(&r->addr, r->port, &ss);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct err e = { 0 };

	*g = (struct guest){ .ready = false };
	ck_assert(connect(fd, (struct sockaddr *) &ss, len) == 0 || errno == EINPROGRESS);
	ck_assert_msg(conn_new(&r->conns, ctx, fd, CERTS_HOST, &conn_ops, g, &g->conn, &e) == 0,
	    "%s", e.text);
	LOOP_UNTIL(r->ev, g->ready);
	return g;
}

void
guest_hello(struct guest *g, const char *token)
{
	struct control msg = { .type = CONTROL_HELLO };

	msg.hello.nciphers = 1;
	msg.hello.ciphers[0] = AEAD_AES_256_GCM;
	msg.hello.workers = 1;
	strcpy(msg.hello.node_token, token);
	strcpy(msg.hello.version, "test");
	ck_assert_int_eq(conn_send(g->conn, &msg), 0);
}

void
guest_keepalive(struct guest *g)
{
	struct control msg = { .type = CONTROL_KEEPALIVE };

	ck_assert_int_eq(conn_send(g->conn, &msg), 0);
}

struct guest *
serverrig_join(struct serverrig *r, unsigned i, SSL_CTX *ctx, const char *token)
{
	struct guest *g = serverrig_guest(r, i, ctx);

	guest_hello(g, token);
	LOOP_UNTIL(r->ev, g->welcomed);
	guest_keepalive(g);
	LOOP_UNTIL(r->ev,
	    serverrig_reported(r, g->welcome.node_id, g->welcome.epoch, IPAM_CONNECTED));
	return g;
}

/* --- the server ------------------------------------------------------------------------------- */

static void
open_ipamd(struct serverrig *r)
{
	struct ipc_peer self = { .uid = getuid() };
	struct ipc_server_conf conf = { .path = r->d.places.ipamd_rpc,
		.request = &litevpn__ipam__request__descriptor,
		.reply = &litevpn__ipam__reply__descriptor, .peers = &self, .npeers = 1,
		.handle = on_request, .arg = r };
	struct err e = { 0 };

	ck_assert_msg(ipc_server_new(r->ev, &conf, &r->ipamd, &e) == 0, "%s", e.text);
}

static int
open_port(struct serverrig *r)
{
	struct sockaddr_storage ss;
	socklen_t len = ip_to_sockaddr(&r->addr, 0, &ss);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *) &ss, len), 0);
	ck_assert_int_eq(listen(fd, 100), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *) &ss, &len), 0);
	r->port = ip_port((struct sockaddr *) &ss);
	return fd;
}

static void
set_conf(struct serverrig *r)
{
	struct conf_server *c = &r->d.sc;

	c->vpn_addr = netns_prefix("10.1.1.1/24");
	c->max_clients = 100;
	c->keepalive_ms = 25000;
	c->dead_after_ms = 75000;
	c->device = (char *) "lv0";
	r->d.ipamd.uid = getuid();
	kit_path("rpc.sock", r->d.places.ipamd_rpc);
	kit_path("events.sock", r->d.places.ipamd_events);
}

void
serverrig_init(struct serverrig *r)
{
	struct server_parts parts = { .d = &r->d, .conns = &r->conns, .workers = &r->workers,
		.identity = &r->identity, .mtu = 1438 };
	struct err e = { 0 };
	int tun[2], tcp;

	memset(r, 0, sizeof(*r));
	signal(SIGPIPE, SIG_IGN);	/* as in the daemons */
	log_set_level(LOG_LV_ERR);
	r->addr = netns_addr(CERTS_ADDR);
	set_conf(r);
	ck_assert_int_eq(ev_new(&r->ev), 0);
	conn_env_init(&r->conns, r->ev);
	r->identity.tls = certs()->server;
	r->identity.ca_pem = (char *) "the CAs";
	open_ipamd(r);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, tun), 0);
	r->tun = tun[1];
	ck_assert_int_eq(workers_init(&r->workers, r->ev, &(struct workers_parts){ .n = 1,
	    .tuns = tun, .offload = CONF_OFFLOAD_OFF, .in_loop = true }), 0);
	parts.ev = r->ev;
	tcp = open_port(r);
	ck_assert_msg(server_new(&parts, &tcp, 1, &r->server, &e) == 0, "%s", e.text);
	LOOP_UNTIL(r->ev, r->nsyncs > 0);
}

void
serverrig_fini(struct serverrig *r)
{
	for (unsigned i = 0; i < SERVERRIG_GUESTS; i++)
		conn_free(r->guests[i].conn);
	server_free(r->server);
	workers_fini(&r->workers);
	ipc_server_free(r->ipamd);
	conn_env_fini(&r->conns);
	ev_free(r->ev);
	close(r->tun);
}
