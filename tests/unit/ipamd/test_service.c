/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/service.h"

#include <check.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/daemon.h"
#include "common/log.h"
#include "common/reason.h"
#include "tests/unit/ipamd/desk.h"
#include "tests/unit/kit.h"

/* What is asked over the socket, and answered after a commit. */

static struct desk desk;

/* --- one life --------------------------------------------------------------------------------- */

static Litevpn__Ipam__Reply *
redeem(const char *secret)
{
	uint8_t grpc[32] = { 1 }, vpn[32] = { 2 };
	Litevpn__Ipam__Redeem m = LITEVPN__IPAM__REDEEM__INIT;
	Litevpn__Ipam__Request req = DESK_REQUEST(REDEEM, redeem, &m);

	m.bootstrap_token = (char *) secret;
	m.display_name = (char *) "edge-1";
	m.grpc_spki = (ProtobufCBinaryData){ sizeof(grpc), grpc };
	m.vpn_spki = (ProtobufCBinaryData){ sizeof(vpn), vpn };
	return desk_answer(&desk, &req);
}

static Litevpn__Ipam__Reply *
attach(const char *token, const char *id)
{
	Litevpn__Ipam__Attach m = LITEVPN__IPAM__ATTACH__INIT;
	Litevpn__Ipam__Request req = DESK_REQUEST(ATTACH, attach, &m);

	m.node_token = (char *) token;
	m.cert_node_id = (char *) id;
	return desk_answer(&desk, &req);
}

static void
check_node(const char *id, Litevpn__Ipam__Node__State state)
{
	Litevpn__Ipam__GetNode m = LITEVPN__IPAM__GET_NODE__INIT;
	Litevpn__Ipam__Request req = DESK_REQUEST(GET_NODE, get_node, &m);
	Litevpn__Ipam__Reply *r;

	m.id = (char *) id;
	r = desk_answer(&desk, &req);
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
	Litevpn__Ipam__Request req = DESK_REQUEST(GET_INFO, get_info, &m);
	Litevpn__Ipam__Reply *r = desk_answer(&desk, &req);

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
	Litevpn__Ipam__Request req = DESK_REQUEST(SYNC, sync, &m);
	Litevpn__Ipam__Reply *r;

	mine.node_id = (char *) id;
	mine.epoch = epoch;
	mine.connected = true;
	other.node_id = (char *) "n-nobody";
	other.epoch = epoch;
	m.first = m.last = true;
	m.n_sessions = 2;
	m.sessions = said;
	r = desk_answer(&desk, &req);
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
	Litevpn__Ipam__Request create_req = DESK_REQUEST(CREATE_TOKEN, create_token, &create);
	Litevpn__Ipam__Request report_req = DESK_REQUEST(REPORT, report, &report);
	Litevpn__Ipam__Request delete_req = DESK_REQUEST(DELETE_NODE, delete_node, &delete);
	Litevpn__Ipam__Reply *token, *node, *lease, *r;

	desk_open(&desk, geteuid(), geteuid());
	token = desk_answer(&desk, &create_req);
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
	ck_assert_int_eq(desk_result(&desk, &report_req), 0);
	check_node(report.node_id, LITEVPN__IPAM__NODE__STATE__CONNECTED);
	check_info(1, 1, false);
	announce(report.node_id, report.epoch);
	check_info(1, 1, true);
	report.state = LITEVPN__IPAM__REPORT__STATE__LOST;
	ck_assert_int_eq(desk_result(&desk, &report_req), 0);
	check_node(report.node_id, LITEVPN__IPAM__NODE__STATE__LOST);
	r = desk_answer(&desk, &delete_req);
	ck_assert_uint_ge(r->deleted->epoch, report.epoch);
	check_info(0, 0, true);
	ck_assert_int_eq(desk_result(&desk, &delete_req), REASON_NODE_UNKNOWN);
	litevpn__ipam__reply__free_unpacked(r, NULL);
	litevpn__ipam__reply__free_unpacked(lease, NULL);
	litevpn__ipam__reply__free_unpacked(node, NULL);
	litevpn__ipam__reply__free_unpacked(token, NULL);
	desk_close(&desk);
}
END_TEST

START_TEST(a_list_comes_in_pages)
{
	Litevpn__Ipam__ListNodes m = LITEVPN__IPAM__LIST_NODES__INIT;
	Litevpn__Ipam__Request req = DESK_REQUEST(LIST_NODES, list_nodes, &m);
	Litevpn__Ipam__Reply *r;

	desk_open(&desk, geteuid(), geteuid());
	book_enroll(&desk.book);
	m.page_size = 1;
	r = desk_answer(&desk, &req);
	ck_assert_uint_eq(r->nodes->n_nodes, 1);
	ck_assert_str_eq(r->nodes->nodes[0]->id, "reserverd");
	ck_assert_str_eq(r->nodes->nodes[0]->address, "");
	ck_assert_uint_ne(r->nodes->next, 0);
	m.after = r->nodes->next;
	litevpn__ipam__reply__free_unpacked(r, NULL);
	r = desk_answer(&desk, &req);
	ck_assert_uint_eq(r->nodes->n_nodes, 1);
	ck_assert_str_eq(r->nodes->nodes[0]->address, "10.1.1.2");
	ck_assert_uint_eq(r->nodes->next, 0);
	litevpn__ipam__reply__free_unpacked(r, NULL);
	desk_close(&desk);
}
END_TEST

START_TEST(what_has_happened_is_told)
{
	Litevpn__Ipam__ListEvents m = LITEVPN__IPAM__LIST_EVENTS__INIT;
	Litevpn__Ipam__Request req = DESK_REQUEST(LIST_EVENTS, list_events, &m);
	const Litevpn__Ipam__Event *e;
	Litevpn__Ipam__Reply *r;
	struct store_node n;

	desk_open(&desk, geteuid(), geteuid());
	book_connect(&desk.book, &n);
	m.after = 1;
	m.max = 1;
	r = desk_answer(&desk, &req);
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
	ck_assert_int_eq(desk_result(&desk, &req), REASON_REVISION_GONE);
	desk_close(&desk);
}
END_TEST

/* --- what would come of it -------------------------------------------------------------------- */

START_TEST(a_question_what_would_come_of_it_changes_nothing)
{
	Litevpn__Ipam__CreateToken token = LITEVPN__IPAM__CREATE_TOKEN__INIT;
	Litevpn__Ipam__CreateNetwork network = LITEVPN__IPAM__CREATE_NETWORK__INIT;
	Litevpn__Ipam__Request token_req = DESK_REQUEST(CREATE_TOKEN, create_token, &token);
	Litevpn__Ipam__Request network_req = DESK_REQUEST(CREATE_NETWORK, create_network, &network);
	Litevpn__Ipam__Reply *r;

	desk_open(&desk, geteuid(), geteuid());
	token.address = (char *) "10.1.1.5";
	token_req.validate_only = true;
	token_req.request_id = (char *) "an-id";
	r = desk_answer(&desk, &token_req);
	ck_assert_str_eq(r->token->address, "10.1.1.5");
	ck_assert_str_eq(r->token->secret, "");
	litevpn__ipam__reply__free_unpacked(r, NULL);
	network.name = (char *) "lab";
	network.address = (char *) "10.2.0.0/29";
	network_req.validate_only = true;
	r = desk_answer(&desk, &network_req);
	ck_assert_str_eq(r->network->address, "10.2.0.1/29");
	ck_assert_str_eq(r->network->first, "10.2.0.2");
	ck_assert_str_eq(r->network->last, "10.2.0.6");
	ck_assert(r->network->has_token);
	ck_assert_str_eq(r->network->net_token, "");
	litevpn__ipam__reply__free_unpacked(r, NULL);
	ck_assert_str_eq(book_sql("select (select count(*) from bootstrap_tokens),"
	    " (select count(*) from networks), (select count(*) from replies),"
	    " (select count(*) from events)"), "0|1|0|0");
	book_check_pool(&desk.book);
	/* The same for good: nothing of the rehearsal is in the way. */
	token_req.validate_only = network_req.validate_only = false;
	ck_assert_int_eq(desk_result(&desk, &token_req), 0);
	ck_assert_int_eq(desk_result(&desk, &network_req), 0);
	network_req.validate_only = true;
	ck_assert_int_eq(desk_result(&desk, &network_req), REASON_NETWORK_EXISTS);
	desk_close(&desk);
}
END_TEST

START_TEST(a_reclaim_is_repeated_without_its_victims)
{
	Litevpn__Ipam__Reclaim m = LITEVPN__IPAM__RECLAIM__INIT;
	Litevpn__Ipam__Request req = DESK_REQUEST(RECLAIM, reclaim, &m);
	Litevpn__Ipam__Reply *r;
	struct store_node n;
	struct lease lease;

	desk_open(&desk, geteuid(), geteuid());
	lease = book_connect(&desk.book, &n);
	ck_assert_int_eq(book_report(&desk.book, n.id, lease.epoch, NODE_IDLE), 0);
	book_sync(&desk.book);
	m.count = 9;
	req.request_id = (char *) "an-id";
	for (unsigned i = 0; i < 2; i++) {
		r = desk_answer(&desk, &req);
		ck_assert_int_eq(r->result, 0);
		ck_assert_uint_eq(r->reclaimed->count, 1);
		ck_assert_uint_eq(r->reclaimed->n_victims, i == 0);
		if (i == 0)
			ck_assert_str_eq(r->reclaimed->victims[0]->node->id, n.id);
		litevpn__ipam__reply__free_unpacked(r, NULL);
	}
	ck_assert(!book_has(&desk.book, n.id));
	desk_close(&desk);
}
END_TEST

/* --- commits ---------------------------------------------------------------------------------- */

START_TEST(those_who_come_together_share_a_commit)
{
	Litevpn__Ipam__CreateToken m = LITEVPN__IPAM__CREATE_TOKEN__INIT;
	Litevpn__Ipam__Request req = DESK_REQUEST(CREATE_TOKEN, create_token, &m);
	static struct desk_asked asked[64];

	desk_open(&desk, geteuid(), geteuid());
	for (unsigned i = 0; i < 64; i++)
		desk_ask(&desk, &req, &asked[i]);
	desk_loop(&desk);
	for (unsigned i = 0; i < 64; i++) {
		Litevpn__Ipam__Reply *r = desk_reply(&asked[i]);

		ck_assert_int_eq(r->result, 0);
		litevpn__ipam__reply__free_unpacked(r, NULL);
	}
	ck_assert_str_eq(book_sql("select count(*), count(distinct label) from bootstrap_tokens"),
	    "64|64");
	desk_close(&desk);
}
END_TEST

static void
on_look(void *arg)
{
	ev_stop(arg, 0);
}

START_TEST(a_state_is_committed_within_a_second)
{
	Litevpn__Ipam__Report m = LITEVPN__IPAM__REPORT__INIT;
	Litevpn__Ipam__Request req = DESK_REQUEST(REPORT, report, &m);
	struct store_node n;
	struct lease lease;

	desk_open(&desk, geteuid(), geteuid());
	lease = book_connect(&desk.book, &n);
	m.node_id = n.id;
	m.epoch = lease.epoch;
	m.state = LITEVPN__IPAM__REPORT__STATE__IDLE;
	ck_assert_int_eq(desk_result(&desk, &req), 0);
	ck_assert_str_eq(book_sql("select state from vpn_mgr order by id desc"), "3");
	ck_assert_int_ne(desk.batch.late.slot, 0);
	while (desk.batch.late.slot != 0) {	/* the loop's own work, no wait of ours */
		struct ev_timer look = { 0 };

		ev_timer_start(desk.ev, &look, 20, on_look, desk.ev);
		ev_run(desk.ev);
		ev_timer_stop(desk.ev, &look);
	}
	ck_assert_str_eq(book_sql("select state from vpn_mgr order by id desc"), "-1");
	desk_close(&desk);
}
END_TEST

START_TEST(when_the_store_breaks_nobody_is_told_otherwise)
{
	Litevpn__Ipam__CreateToken m = LITEVPN__IPAM__CREATE_TOKEN__INIT;
	Litevpn__Ipam__Request req = DESK_REQUEST(CREATE_TOKEN, create_token, &m);
	struct log_conf log = { LOG_LV_ERR, false, "/dev/null" };	/* its words, not ours */
	struct rlimit none = { 1, RLIM_INFINITY };
	static struct desk_asked asked[8];
	struct err e;
	int rc;

	desk_open(&desk, geteuid(), geteuid());
	ck_assert_int_eq(desk_result(&desk, &req), 0);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &none), 0);
	ck_assert_int_eq(log_open("ipamd", &log, &e), 0);
	for (unsigned i = 0; i < 8; i++)
		desk_ask(&desk, &req, &asked[i]);
	rc = desk_loop(&desk);
	ck_assert_int_eq(rc, DAEMON_FAILED);
	while (desk.under_way > 0)	/* the answers are on their way while it stops */
		desk_loop(&desk);
	for (unsigned i = 0; i < 8; i++) {
		Litevpn__Ipam__Reply *r = desk_reply(&asked[i]);

		ck_assert_int_eq(r->result, REASON_STORE_FAILED);
		ck_assert_int_eq(r->body_case, LITEVPN__IPAM__REPLY__BODY__NOT_SET);
		litevpn__ipam__reply__free_unpacked(r, NULL);
	}
	none.rlim_cur = RLIM_INFINITY;
	setrlimit(RLIMIT_FSIZE, &none);
	ck_assert_str_eq(book_sql("select count(*) from bootstrap_tokens"), "1");
	desk_close(&desk);
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
	tcase_add_test(tc, a_question_what_would_come_of_it_changes_nothing);
	tcase_add_test(tc, a_reclaim_is_repeated_without_its_victims);
	tcase_add_test(tc, those_who_come_together_share_a_commit);
	tcase_add_test(tc, a_state_is_committed_within_a_second);
	tcase_add_test(tc, when_the_store_breaks_nobody_is_told_otherwise);
	return kit_run("ipamd/service", tc);
}
