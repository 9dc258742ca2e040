/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/service.h"

#include <check.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/daemon.h"
#include "common/log.h"
#include "common/reason.h"
#include "daemons/ipamd/codec.h"
#include "ipc/ipam.pb-c.h"
#include "tests/unit/ipamd/book.h"
#include "tests/unit/kit.h"

/* The service on a real socket, asked over it; time here is the real one. */

#define LIMIT_MS 20000

static struct book b;
static struct ev *ev;
static struct batch batch;
static struct usage usage = USAGE_NONE;
static struct service *service;
static struct ipc_client *client;

/* --- asking ----------------------------------------------------------------------------------- */

struct asked {
	int rc;			/* of the call; 1: under way */
	uint8_t bytes[64 * 1024];
	size_t len;
};

static unsigned under_way;

static void
on_reply(void *arg, int rc, const ProtobufCMessage *reply)
{
	struct asked *a = arg;

	a->rc = rc;
	if (reply != NULL) {
		a->len = protobuf_c_message_get_packed_size(reply);
		ck_assert_uint_le(a->len, sizeof(a->bytes));
		protobuf_c_message_pack(reply, a->bytes);
	}
	if (--under_way == 0)
		ev_stop(ev, 0);
}

static void
on_limit(void *arg)
{
	(void) arg;
	ev_stop(ev, -1);
}

static int
loop(void)
{
	struct ev_timer limit = { 0 };
	int rc;

	ck_assert_int_eq(ev_timer_start(ev, &limit, LIMIT_MS, on_limit, NULL), 0);
	rc = ev_run(ev);
	ev_timer_stop(ev, &limit);
	ck_assert_int_ne(rc, -1);
	return rc;
}

static void
ask(const Litevpn__Ipam__Request *req, struct asked *out)
{
	out->rc = 1;
	under_way++;
	ck_assert_int_eq(ipc_ask(client, &req->base, LIMIT_MS, on_reply, out), 0);
}

static Litevpn__Ipam__Reply *
reply_of(const struct asked *a)
{
	Litevpn__Ipam__Reply *r;

	ck_assert_msg(a->rc == 0, "%s", err_name(a->rc));
	r = litevpn__ipam__reply__unpack(NULL, a->len, a->bytes);
	ck_assert_ptr_nonnull(r);
	return r;
}

/* The caller frees it. */
static Litevpn__Ipam__Reply *
answer_to(const Litevpn__Ipam__Request *req)
{
	static struct asked a;

	ask(req, &a);
	loop();
	return reply_of(&a);
}

static int
result_of(const Litevpn__Ipam__Request *req)
{
	Litevpn__Ipam__Reply *r = answer_to(req);
	int result = r->result;

	if (result != 0)
		ck_assert_str_ne(r->detail, "");
	litevpn__ipam__reply__free_unpacked(r, NULL);
	return result;
}

static void
set_up(uid_t tunneld, uid_t ctld)
{
	struct service_conf conf = { .tunneld = tunneld, .ctld = ctld, .ledger = &b.ledger,
		.batch = &batch, .granter = &b.granter, .usage = &usage };
	struct ipc_client_conf dial = { .uid = geteuid(), .request = codec_request_type,
		.reply = codec_reply_type };
	struct err e = { .text = "" };

	log_set_level(LOG_LV_ERR);
	book_init(&b, "10.1.1.1/29");
	conf.path = dial.path = KIT_PATH("rpc.sock");
	ck_assert_int_eq(ev_new(&ev), 0);
	batch_init(&batch, ev, &b.ledger);
	ck_assert_msg(service_new(ev, &conf, &service, &e) == 0, "%s", e.text);
	ck_assert_int_eq(ipc_client_new(ev, &dial, &client, &e), 0);
}

static void
tear_down(void)
{
	ipc_client_free(client);
	service_free(service);
	batch_fini(&batch);
	book_fini(&b);
	ev_free(ev);
}

#define REQUEST(CASE, member, message)                                                             \
	{ .base = PROTOBUF_C_MESSAGE_INIT(&litevpn__ipam__request__descriptor),                    \
	    .request_id = (char *) protobuf_c_empty_string,                                        \
	    .body_case = LITEVPN__IPAM__REQUEST__BODY_##CASE, .member = (message) }

/* --- one life --------------------------------------------------------------------------------- */

static Litevpn__Ipam__Reply *
redeem(const char *secret)
{
	uint8_t grpc[32] = { 1 }, vpn[32] = { 2 };
	Litevpn__Ipam__Redeem m = LITEVPN__IPAM__REDEEM__INIT;
	Litevpn__Ipam__Request req = REQUEST(REDEEM, redeem, &m);

	m.bootstrap_token = (char *) secret;
	m.display_name = (char *) "edge-1";
	m.grpc_spki = (ProtobufCBinaryData){ sizeof(grpc), grpc };
	m.vpn_spki = (ProtobufCBinaryData){ sizeof(vpn), vpn };
	return answer_to(&req);
}

static Litevpn__Ipam__Reply *
attach(const char *token, const char *id)
{
	Litevpn__Ipam__Attach m = LITEVPN__IPAM__ATTACH__INIT;
	Litevpn__Ipam__Request req = REQUEST(ATTACH, attach, &m);

	m.node_token = (char *) token;
	m.cert_node_id = (char *) id;
	return answer_to(&req);
}

static void
check_node(const char *id, Litevpn__Ipam__Node__State state)
{
	Litevpn__Ipam__GetNode m = LITEVPN__IPAM__GET_NODE__INIT;
	Litevpn__Ipam__Request req = REQUEST(GET_NODE, get_node, &m);
	Litevpn__Ipam__Reply *r;

	m.id = (char *) id;
	r = answer_to(&req);
	ck_assert_int_eq(r->body_case, LITEVPN__IPAM__REPLY__BODY_NODE);
	ck_assert_str_eq(r->node->id, id);
	ck_assert_str_eq(r->node->display_name, "edge-1");
	ck_assert_str_eq(r->node->network, "default");
	ck_assert_str_eq(r->node->address, "10.1.1.2");
	ck_assert_int_eq(r->node->state, state);
	ck_assert_int_gt(r->node->create_s, 1600000000);
	litevpn__ipam__reply__free_unpacked(r, NULL);
}

static void
check_info(unsigned bound, unsigned connected, bool synced)
{
	Litevpn__Ipam__GetInfo m = LITEVPN__IPAM__GET_INFO__INIT;
	Litevpn__Ipam__Request req = REQUEST(GET_INFO, get_info, &m);
	Litevpn__Ipam__Reply *r = answer_to(&req);

	ck_assert_int_eq(r->body_case, LITEVPN__IPAM__REPLY__BODY_INFO);
	ck_assert_str_eq(r->info->network, "10.1.1.1/29");
	ck_assert_uint_eq(r->info->addresses, 5);
	ck_assert_uint_eq(r->info->bound, bound);
	ck_assert_uint_eq(r->info->nodes, bound + 1);
	ck_assert_uint_eq(r->info->connected, connected);
	ck_assert_int_eq(r->info->synced, synced);
	ck_assert_str_ne(r->info->version, "");
	litevpn__ipam__reply__free_unpacked(r, NULL);
}

/* Announces this session and one of a node that nobody knows. */
static void
announce(const char *id, uint64_t epoch)
{
	Litevpn__Ipam__Session mine = LITEVPN__IPAM__SESSION__INIT;
	Litevpn__Ipam__Session other = LITEVPN__IPAM__SESSION__INIT, *said[] = { &mine, &other };
	Litevpn__Ipam__Sync m = LITEVPN__IPAM__SYNC__INIT;
	Litevpn__Ipam__Request req = REQUEST(SYNC, sync, &m);
	Litevpn__Ipam__Reply *r;

	mine.node_id = (char *) id;
	mine.epoch = epoch;
	mine.connected = true;
	other.node_id = (char *) "n-nobody";
	other.epoch = epoch;
	m.first = m.last = true;
	m.n_sessions = 2;
	m.sessions = said;
	r = answer_to(&req);
	ck_assert_int_eq(r->body_case, LITEVPN__IPAM__REPLY__BODY_SYNCED);
	ck_assert_uint_eq(r->synced->n_gone, 1);
	ck_assert_str_eq(r->synced->gone[0], "n-nobody");
	litevpn__ipam__reply__free_unpacked(r, NULL);
}

START_TEST(a_node_lives_its_life_over_the_socket)
{
	Litevpn__Ipam__CreateToken create = LITEVPN__IPAM__CREATE_TOKEN__INIT;
	Litevpn__Ipam__Report report = LITEVPN__IPAM__REPORT__INIT;
	Litevpn__Ipam__DeleteNode delete = LITEVPN__IPAM__DELETE_NODE__INIT;
	Litevpn__Ipam__Request create_req = REQUEST(CREATE_TOKEN, create_token, &create);
	Litevpn__Ipam__Request report_req = REQUEST(REPORT, report, &report);
	Litevpn__Ipam__Request delete_req = REQUEST(DELETE_NODE, delete_node, &delete);
	Litevpn__Ipam__Reply *token, *node, *lease, *r;

	set_up(geteuid(), geteuid());
	token = answer_to(&create_req);
	ck_assert_int_eq(token->body_case, LITEVPN__IPAM__REPLY__BODY_TOKEN);
	ck_assert_uint_eq(token->token->uses, 1);
	ck_assert_str_eq(token->token->address, "");
	node = redeem(token->token->secret);
	ck_assert_int_eq(node->body_case, LITEVPN__IPAM__REPLY__BODY_REDEEMED);
	ck_assert_uint_eq(node->redeemed->grpc_grant.len, GRANT_WIRE_LEN);
	ck_assert_uint_eq(node->redeemed->vpn_grant.len, GRANT_WIRE_LEN);
	report.node_id = delete.id = node->redeemed->node->id;
	check_node(report.node_id, LITEVPN__IPAM__NODE__STATE__NEVER);
	lease = attach(node->redeemed->node_token, report.node_id);
	ck_assert_int_eq(lease->body_case, LITEVPN__IPAM__REPLY__BODY_ATTACHED);
	ck_assert_str_eq(lease->attached->address, "10.1.1.2/29");
	ck_assert_str_eq(lease->attached->node_id, report.node_id);
	check_node(report.node_id, LITEVPN__IPAM__NODE__STATE__CONNECTING);
	report.epoch = lease->attached->epoch;
	report.state = LITEVPN__IPAM__REPORT__STATE__CONNECTED;
	ck_assert_int_eq(result_of(&report_req), 0);
	check_node(report.node_id, LITEVPN__IPAM__NODE__STATE__CONNECTED);
	check_info(1, 1, false);
	announce(report.node_id, report.epoch);
	check_info(1, 1, true);
	report.state = LITEVPN__IPAM__REPORT__STATE__LOST;
	ck_assert_int_eq(result_of(&report_req), 0);
	check_node(report.node_id, LITEVPN__IPAM__NODE__STATE__LOST);
	r = answer_to(&delete_req);
	ck_assert_uint_ge(r->deleted->epoch, report.epoch);
	check_info(0, 0, true);
	ck_assert_int_eq(result_of(&delete_req), REASON_NODE_UNKNOWN);
	litevpn__ipam__reply__free_unpacked(r, NULL);
	litevpn__ipam__reply__free_unpacked(lease, NULL);
	litevpn__ipam__reply__free_unpacked(node, NULL);
	litevpn__ipam__reply__free_unpacked(token, NULL);
	tear_down();
}
END_TEST

START_TEST(a_list_comes_in_pages)
{
	Litevpn__Ipam__ListNodes m = LITEVPN__IPAM__LIST_NODES__INIT;
	Litevpn__Ipam__Request req = REQUEST(LIST_NODES, list_nodes, &m);
	Litevpn__Ipam__Reply *r;

	set_up(geteuid(), geteuid());
	book_enroll(&b);
	m.page_size = 1;
	r = answer_to(&req);
	ck_assert_uint_eq(r->nodes->n_nodes, 1);
	ck_assert_str_eq(r->nodes->nodes[0]->id, "reserverd");
	ck_assert_str_eq(r->nodes->nodes[0]->address, "");
	ck_assert_uint_ne(r->nodes->next, 0);
	m.after = r->nodes->next;
	litevpn__ipam__reply__free_unpacked(r, NULL);
	r = answer_to(&req);
	ck_assert_uint_eq(r->nodes->n_nodes, 1);
	ck_assert_str_eq(r->nodes->nodes[0]->address, "10.1.1.2");
	ck_assert_uint_eq(r->nodes->next, 0);
	litevpn__ipam__reply__free_unpacked(r, NULL);
	tear_down();
}
END_TEST

START_TEST(what_has_happened_is_told)
{
	Litevpn__Ipam__ListEvents m = LITEVPN__IPAM__LIST_EVENTS__INIT;
	Litevpn__Ipam__Request req = REQUEST(LIST_EVENTS, list_events, &m);
	const Litevpn__Ipam__Event *e;
	Litevpn__Ipam__Reply *r;
	struct store_node n;

	set_up(geteuid(), geteuid());
	book_connect(&b, &n);
	m.after = 1;
	m.max = 1;
	r = answer_to(&req);
	ck_assert_int_eq(r->body_case, LITEVPN__IPAM__REPLY__BODY_EVENTS);
	ck_assert_uint_eq(r->events->oldest, 1);
	ck_assert_uint_eq(r->events->newest, 3);
	ck_assert_uint_eq(r->events->n_events, 1);
	e = r->events->events[0];
	ck_assert_uint_eq(e->revision, 2);
	ck_assert_int_eq(e->kind, LITEVPN__IPAM__EVENT__KIND__ATTACH);
	ck_assert_int_eq(e->time_s, BOOK_START_S);
	ck_assert_str_eq(e->node_id, n.id);
	ck_assert_str_eq(e->network, "default");
	ck_assert_str_eq(e->address, "10.1.1.2");
	ck_assert_ptr_nonnull(strstr(e->detail, "epoch="));
	litevpn__ipam__reply__free_unpacked(r, NULL);
	m.after = 4;
	ck_assert_int_eq(result_of(&req), REASON_REVISION_GONE);
	tear_down();
}
END_TEST

/* --- who may ask what ------------------------------------------------------------------------- */

static Litevpn__Ipam__Attach attach_m = LITEVPN__IPAM__ATTACH__INIT;
static Litevpn__Ipam__Report report_m = LITEVPN__IPAM__REPORT__INIT;
static Litevpn__Ipam__Sync sync_m = LITEVPN__IPAM__SYNC__INIT;
static Litevpn__Ipam__CreateToken create_m = LITEVPN__IPAM__CREATE_TOKEN__INIT;
static Litevpn__Ipam__Redeem redeem_m = LITEVPN__IPAM__REDEEM__INIT;
static Litevpn__Ipam__GetNode get_m = LITEVPN__IPAM__GET_NODE__INIT;
static Litevpn__Ipam__ListNodes list_m = LITEVPN__IPAM__LIST_NODES__INIT;
static Litevpn__Ipam__DeleteNode delete_m = LITEVPN__IPAM__DELETE_NODE__INIT;
static Litevpn__Ipam__GetInfo info_m = LITEVPN__IPAM__GET_INFO__INIT;
static Litevpn__Ipam__ListEvents events_m = LITEVPN__IPAM__LIST_EVENTS__INIT;
static Litevpn__Ipam__GetToken get_token_m = LITEVPN__IPAM__GET_TOKEN__INIT;
static Litevpn__Ipam__ListTokens tokens_m = LITEVPN__IPAM__LIST_TOKENS__INIT;
static Litevpn__Ipam__DeleteToken revoke_m = LITEVPN__IPAM__DELETE_TOKEN__INIT;
static Litevpn__Ipam__UpdateNode update_m = LITEVPN__IPAM__UPDATE_NODE__INIT;
static Litevpn__Ipam__Reclaim reclaim_m = LITEVPN__IPAM__RECLAIM__INIT;
static Litevpn__Ipam__ListAddresses addresses_m = LITEVPN__IPAM__LIST_ADDRESSES__INIT;

static const struct {
	const Litevpn__Ipam__Request req;
	int tunneld, ctld;	/* the result for each, with empty fields */
} rights[] = {
	{ REQUEST(ATTACH, attach, &attach_m), REASON_TOKEN_UNKNOWN, REASON_ROLE_REQUIRED },
	{ REQUEST(REPORT, report, &report_m), REASON_FIELD_INVALID, REASON_ROLE_REQUIRED },
	{ REQUEST(SYNC, sync, &sync_m), REASON_FIELD_INVALID, REASON_ROLE_REQUIRED },
	{ REQUEST(CREATE_TOKEN, create_token, &create_m), REASON_ROLE_REQUIRED, 0 },
	{ REQUEST(REDEEM, redeem, &redeem_m), REASON_ROLE_REQUIRED, REASON_FIELD_INVALID },
	{ REQUEST(GET_NODE, get_node, &get_m), REASON_ROLE_REQUIRED, REASON_NODE_UNKNOWN },
	{ REQUEST(LIST_NODES, list_nodes, &list_m), REASON_ROLE_REQUIRED, 0 },
	{ REQUEST(DELETE_NODE, delete_node, &delete_m), REASON_ROLE_REQUIRED, REASON_NODE_UNKNOWN },
	{ REQUEST(GET_INFO, get_info, &info_m), REASON_ROLE_REQUIRED, 0 },
	{ REQUEST(LIST_EVENTS, list_events, &events_m), 0, 0 },
	{ REQUEST(GET_TOKEN, get_token, &get_token_m), REASON_ROLE_REQUIRED,
	    REASON_TOKEN_NOT_FOUND },
	{ REQUEST(LIST_TOKENS, list_tokens, &tokens_m), REASON_ROLE_REQUIRED, 0 },
	{ REQUEST(DELETE_TOKEN, delete_token, &revoke_m), REASON_ROLE_REQUIRED,
	    REASON_TOKEN_NOT_FOUND },
	{ REQUEST(UPDATE_NODE, update_node, &update_m), REASON_ROLE_REQUIRED, REASON_NODE_UNKNOWN },
	{ REQUEST(RECLAIM, reclaim, &reclaim_m), REASON_ROLE_REQUIRED, REASON_FIELD_INVALID },
	{ REQUEST(LIST_ADDRESSES, list_addresses, &addresses_m), REASON_ROLE_REQUIRED, 0 },
	{ LITEVPN__IPAM__REQUEST__INIT, REASON_PROTOCOL_ERROR, REASON_PROTOCOL_ERROR },
};

START_TEST(each_daemon_asks_only_its_own)
{
	set_up(geteuid(), geteuid() + 1);
	ck_assert_int_eq(result_of(&rights[_i].req), rights[_i].tunneld);
	tear_down();
	set_up(geteuid() + 1, geteuid());
	ck_assert_int_eq(result_of(&rights[_i].req), rights[_i].ctld);
	tear_down();
}
END_TEST

START_TEST(a_report_has_a_state_that_is_known)
{
	Litevpn__Ipam__Report m = LITEVPN__IPAM__REPORT__INIT;
	Litevpn__Ipam__Request req = REQUEST(REPORT, report, &m);
	static const int states[] = { 0, 4, -1, INT32_MAX, INT32_MIN };

	set_up(geteuid(), geteuid());
	m.node_id = (char *) "reserverd";
	for (unsigned i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		m.state = (Litevpn__Ipam__Report__State) states[i];
		ck_assert_int_eq(result_of(&req), REASON_FIELD_INVALID);
	}
	tear_down();
}
END_TEST

START_TEST(malformed_bytes_close_their_pipe_only)
{
	Litevpn__Ipam__GetInfo m = LITEVPN__IPAM__GET_INFO__INIT;
	Litevpn__Ipam__Request req = REQUEST(GET_INFO, get_info, &m);
	static const char garbage[] = "\xff\xff\xff\xff this is no protobuf";
	nng_socket s;
	char url[160];

	set_up(geteuid(), geteuid());
	snprintf(url, sizeof(url), "ipc://%s", KIT_PATH("rpc.sock"));
	ck_assert_int_eq(nng_req0_open(&s), 0);
	nng_socket_set_ms(s, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
	ck_assert_int_eq(nng_dial(s, url, NULL, 0), 0);
	ck_assert_int_eq(nng_send(s, (void *) (uintptr_t) garbage, sizeof(garbage), 0), 0);
	while (service_stats(service).malformed == 0)
		ck_assert_int_eq(result_of(&req), 0);
	ck_assert_int_eq(result_of(&req), 0);
	nng_close(s);
	tear_down();
}
END_TEST

/* --- what would come of it -------------------------------------------------------------------- */

START_TEST(a_question_what_would_come_of_it_changes_nothing)
{
	Litevpn__Ipam__CreateToken token = LITEVPN__IPAM__CREATE_TOKEN__INIT;
	Litevpn__Ipam__CreateNetwork network = LITEVPN__IPAM__CREATE_NETWORK__INIT;
	Litevpn__Ipam__Request token_req = REQUEST(CREATE_TOKEN, create_token, &token);
	Litevpn__Ipam__Request network_req = REQUEST(CREATE_NETWORK, create_network, &network);
	Litevpn__Ipam__Reply *r;

	set_up(geteuid(), geteuid());
	token.address = (char *) "10.1.1.5";
	token_req.validate_only = true;
	token_req.request_id = (char *) "an-id";
	r = answer_to(&token_req);
	ck_assert_str_eq(r->token->address, "10.1.1.5");
	ck_assert_str_eq(r->token->secret, "");
	litevpn__ipam__reply__free_unpacked(r, NULL);
	network.name = (char *) "lab";
	network.address = (char *) "10.2.0.0/29";
	network_req.validate_only = true;
	r = answer_to(&network_req);
	ck_assert_str_eq(r->network->address, "10.2.0.1/29");
	ck_assert_str_eq(r->network->first, "10.2.0.2");
	ck_assert_str_eq(r->network->last, "10.2.0.6");
	ck_assert(r->network->has_token);
	ck_assert_str_eq(r->network->net_token, "");
	litevpn__ipam__reply__free_unpacked(r, NULL);
	ck_assert_str_eq(book_sql("select (select count(*) from bootstrap_tokens),"
	    " (select count(*) from networks), (select count(*) from replies),"
	    " (select count(*) from events)"), "0|1|0|0");
	book_check_pool(&b);
	/* The same for good: nothing of the rehearsal is in the way. */
	token_req.validate_only = network_req.validate_only = false;
	ck_assert_int_eq(result_of(&token_req), 0);
	ck_assert_int_eq(result_of(&network_req), 0);
	network_req.validate_only = true;
	ck_assert_int_eq(result_of(&network_req), REASON_NETWORK_EXISTS);
	tear_down();
}
END_TEST

START_TEST(a_reclaim_is_repeated_without_its_victims)
{
	Litevpn__Ipam__Reclaim m = LITEVPN__IPAM__RECLAIM__INIT;
	Litevpn__Ipam__Request req = REQUEST(RECLAIM, reclaim, &m);
	Litevpn__Ipam__Reply *r;
	struct store_node n;
	struct lease lease;

	set_up(geteuid(), geteuid());
	lease = book_connect(&b, &n);
	ck_assert_int_eq(book_report(&b, n.id, lease.epoch, NODE_IDLE), 0);
	book_sync(&b);
	m.count = 9;
	req.request_id = (char *) "an-id";
	for (unsigned i = 0; i < 2; i++) {
		r = answer_to(&req);
		ck_assert_int_eq(r->result, 0);
		ck_assert_uint_eq(r->reclaimed->count, 1);
		ck_assert_uint_eq(r->reclaimed->n_victims, i == 0);
		if (i == 0)
			ck_assert_str_eq(r->reclaimed->victims[0]->node->id, n.id);
		litevpn__ipam__reply__free_unpacked(r, NULL);
	}
	ck_assert(!book_has(&b, n.id));
	tear_down();
}
END_TEST

/* --- commits ---------------------------------------------------------------------------------- */

START_TEST(those_who_come_together_share_a_commit)
{
	Litevpn__Ipam__CreateToken m = LITEVPN__IPAM__CREATE_TOKEN__INIT;
	Litevpn__Ipam__Request req = REQUEST(CREATE_TOKEN, create_token, &m);
	static struct asked asked[64];

	set_up(geteuid(), geteuid());
	for (unsigned i = 0; i < 64; i++)
		ask(&req, &asked[i]);
	loop();
	for (unsigned i = 0; i < 64; i++) {
		Litevpn__Ipam__Reply *r = reply_of(&asked[i]);

		ck_assert_int_eq(r->result, 0);
		litevpn__ipam__reply__free_unpacked(r, NULL);
	}
	ck_assert_str_eq(book_sql("select count(*), count(distinct label) from bootstrap_tokens"),
	    "64|64");
	tear_down();
}
END_TEST

START_TEST(a_state_is_committed_within_a_second)
{
	Litevpn__Ipam__Report m = LITEVPN__IPAM__REPORT__INIT;
	Litevpn__Ipam__Request req = REQUEST(REPORT, report, &m);
	struct store_node n;
	struct lease lease;

	set_up(geteuid(), geteuid());
	lease = book_connect(&b, &n);
	m.node_id = n.id;
	m.epoch = lease.epoch;
	m.state = LITEVPN__IPAM__REPORT__STATE__IDLE;
	ck_assert_int_eq(result_of(&req), 0);
	ck_assert_str_eq(book_sql("select state from vpn_mgr order by id desc"), "3");
	ck_assert_int_ne(batch.late.slot, 0);
	while (batch.late.slot != 0) {	/* the loop's own work, no wait of ours */
		struct ev_timer look = { 0 };

		ev_timer_start(ev, &look, 20, on_limit, NULL);
		ev_run(ev);
		ev_timer_stop(ev, &look);
	}
	ck_assert_str_eq(book_sql("select state from vpn_mgr order by id desc"), "-1");
	tear_down();
}
END_TEST

START_TEST(when_the_store_breaks_nobody_is_told_otherwise)
{
	Litevpn__Ipam__CreateToken m = LITEVPN__IPAM__CREATE_TOKEN__INIT;
	Litevpn__Ipam__Request req = REQUEST(CREATE_TOKEN, create_token, &m);
	struct log_conf log = { LOG_LV_ERR, false, "/dev/null" };	/* its words, not ours */
	struct rlimit none = { 1, RLIM_INFINITY };
	static struct asked asked[8];
	struct err e;
	int rc;

	set_up(geteuid(), geteuid());
	ck_assert_int_eq(result_of(&req), 0);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	ck_assert_int_eq(log_open("ipamd", &log, &e), 0);
	for (unsigned i = 0; i < 8; i++)
		ask(&req, &asked[i]);
	rc = loop();
	ck_assert_int_eq(rc, DAEMON_FAILED);
	while (under_way > 0)	/* the answers are on their way while it stops */
		loop();
	for (unsigned i = 0; i < 8; i++) {
		Litevpn__Ipam__Reply *r = reply_of(&asked[i]);

		ck_assert_int_eq(r->result, REASON_STORE_FAILED);
		ck_assert_int_eq(r->body_case, LITEVPN__IPAM__REPLY__BODY__NOT_SET);
		litevpn__ipam__reply__free_unpacked(r, NULL);
	}
	none.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &none);
	ck_assert_str_eq(book_sql("select count(*) from bootstrap_tokens"), "1");
	tear_down();
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("service");

	tcase_set_timeout(tc, 60);	/* every commit waits for the disk */
	tcase_add_test(tc, a_node_lives_its_life_over_the_socket);
	tcase_add_test(tc, a_list_comes_in_pages);
	tcase_add_test(tc, what_has_happened_is_told);
	KIT_ROWS(tc, each_daemon_asks_only_its_own, rights);
	tcase_add_test(tc, a_report_has_a_state_that_is_known);
	tcase_add_test(tc, malformed_bytes_close_their_pipe_only);
	tcase_add_test(tc, a_question_what_would_come_of_it_changes_nothing);
	tcase_add_test(tc, a_reclaim_is_repeated_without_its_victims);
	tcase_add_test(tc, those_who_come_together_share_a_commit);
	tcase_add_test(tc, a_state_is_committed_within_a_second);
	tcase_add_test(tc, when_the_store_breaks_nobody_is_told_otherwise);
	return kit_run("ipamd/service", tc);
}
