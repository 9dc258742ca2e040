/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/session.h"

#include <check.h>

#include "common/reason.h"
#include "daemons/tunneld/session_path.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/certs.h"
#include "tests/unit/tunneld/ends.h"

static struct ends e;	/* too large for a stack; each test is a process */

/* --- life and death --------------------------------------------------------------------------- */

START_TEST(up_is_told_once)
{
	ends_init(&e, NULL);
	ck_assert_uint_eq(e.server.ups, 0);
	ends_reach_udp(&e);
	ends_pass(&e, &e.node);
	ck_assert_uint_eq(e.server.ups, 1);
	ck_assert_uint_eq(e.node.ups, 1);
	ends_fini(&e);
}
END_TEST

START_TEST(keepalives_keep_it_alive)
{
	struct ends_conf conf = { .keepalive_ms = 40 * kit_slow(),
		.dead_after_ms = 300 * kit_slow() };

	ends_init(&e, &conf);
	loop_for(e.ev, 450 * kit_slow());
	ck_assert_uint_eq(e.server.deaths + e.node.deaths, 0);
	ck_assert_uint_eq(e.server.losses + e.node.losses, 0);
	ck_assert_uint_eq(e.server.ups, 1);
	ends_fini(&e);
}
END_TEST

static void
hear_nothing(void *owner, const struct control *msg)
{
	(void) owner, (void) msg;
}

/* A server says nothing by itself as long as it is spoken to, and answers. */
START_TEST(one_keepalive_is_answered_by_another)
{
	struct ends_conf conf = { .keepalive_ms = 100 * kit_slow(),
		.dead_after_ms = 60000 * kit_slow() };
	const struct conn *node, *server;
	int64_t spoke;

	ends_init(&e, &conf);
	node = e.node.session->conn;
	server = e.server.session->conn;
	spoke = conn_last_tx_ms(server);
	loop_for(e.ev, 150 * kit_slow());
	ck_assert_int_gt(conn_last_tx_ms(node), spoke);
	ck_assert_int_eq(conn_last_tx_ms(server), spoke);	/* it had spoken a moment ago */
	e.server.session->keepalive_ms = 100 * kit_slow();
	ev_timer_stop(e.ev, &e.server.session->tick);
	LOOP_UNTIL(e.ev, conn_last_tx_ms(server) > spoke);
	ck_assert_int_ge(conn_last_tx_ms(server), conn_last_tx_ms(node));
	ends_fini(&e);
}
END_TEST

static void
see_nothing(void *owner, const char *why)
{
	(void) owner, (void) why;
}

START_TEST(silence_is_death)
{
	static const struct conn_ops deaf = { .control = hear_nothing, .closed = see_nothing };
	struct ends_conf conf = { .keepalive_ms = 40 * kit_slow(),
		.dead_after_ms = 300 * kit_slow() };
	int64_t begin;

	ends_init(&e, &conf);
	ends_reach_udp(&e);
	/* The node hangs: it does not even say goodbye. */
	ev_timer_stop(e.ev, &e.node.session->tick);
	conn_give(e.node.session->conn, &deaf, NULL);
	e.relay.drop_up = e.relay.drop_down = true;
	begin = clock_mono_ms();
	LOOP_UNTIL(e.ev, e.server.deaths == 1);
	ck_assert_int_ge(clock_mono_ms() - begin, 150);
	ck_assert_str_eq(e.server.why, "silent for too long");
	ck_assert_uint_eq(e.server.empties, 1);
	ck_assert_ptr_null(e.server.peer.current);
	ends_fini(&e);
}
END_TEST

/* At both ends of the direction that wears: at the packet that goes over the border, not later. */
START_TEST(worn_keys_are_told_once)
{
	struct ends_conf conf = { .keepalive_ms = 20, .dead_after_ms = 2000 * kit_slow() };
	struct side *from = _i == 0 ? &e.node : &e.server, *to = _i == 0 ? &e.server : &e.node;

	ends_init(&e, &conf);
	ends_reach_udp(&e);
	ends_tx(from)->blocks = ends_rx(to)->blocks = ESP_BLOCKS_MAX / 2 - 50;
	loop_for(e.ev, 50);
	ck_assert_uint_eq(e.node.worns + e.server.worns, 0);
	ends_send(&e, from, 1000);
	LOOP_UNTIL(e.ev, e.node.worns == 1 && e.server.worns == 1);
	ends_pass(&e, from);		/* and the other half is used */
	ends_pass(&e, to);
	loop_for(e.ev, 50);
	ck_assert_uint_eq(e.node.worns, 1);
	ck_assert_uint_eq(e.server.worns, 1);
	ends_fini(&e);
}
END_TEST

START_TEST(udp_goes_on_without_the_connection)
{
	ends_init(&e, NULL);
	ends_reach_udp(&e);
	conn_free(e.node.session->conn);
	e.node.session->conn = NULL;
	LOOP_UNTIL(e.ev, e.server.losses == 1);
	ck_assert_ptr_null(e.server.session->conn);
	ends_pass(&e, &e.node);
	ends_pass(&e, &e.server);
	ck_assert_uint_eq(e.server.deaths, 0);
	ends_fini(&e);
}
END_TEST

START_TEST(without_udp_the_connection_is_all)
{
	struct ends_conf conf = { .no_esp = true };

	ends_init(&e, &conf);
	conn_free(e.node.session->conn);
	e.node.session->conn = NULL;
	LOOP_UNTIL(e.ev, e.server.deaths == 1);
	ck_assert_uint_eq(e.server.losses, 0);
	ck_assert_str_eq(e.server.why, "the peer closed the connection");
	ends_fini(&e);
}
END_TEST

START_TEST(goodbye_has_its_reason)
{
	int reason = _i == 0 ? REASON_NONE : REASON_SUPERSEDED;

	ends_init(&e, NULL);
	session_bye(e.node.session, reason);
	e.node.session = NULL;
	LOOP_UNTIL(e.ev, e.server.goodbyes == 1);
	ck_assert_str_eq(e.server.why, reason == REASON_NONE ? "" : "SUPERSEDED");
	ck_assert_uint_eq(e.node.empties, 1);
	ck_assert_uint_eq(e.server.empties, 1);
	ck_assert_uint_eq(e.server.workers.env.routes.entries, 1);	/* that is its role's business */
	ends_fini(&e);
}
END_TEST

START_TEST(a_replaced_session_still_receives)
{
	ends_init(&e, NULL);
	e.node.keeps = true;
	ends_reach_udp(&e);
	session_retire(e.server.session, REASON_SUPERSEDED);
	LOOP_UNTIL(e.ev, e.node.goodbyes == 1);
	ck_assert_str_eq(e.node.why, "SUPERSEDED");
	ck_assert_ptr_null(e.server.peer.current);
	ends_pass(&e, &e.node);
	ends_send(&e, &e.server, 100);
	LOOP_UNTIL(e.ev, ends_count(&e.server, VERDICT_NODE_OFFLINE) == 1);
	ck_assert_uint_eq(e.server.deaths + e.server.goodbyes + e.server.losses, 0);
	ends_fini(&e);
}
END_TEST

/* Nothing is squeezed into TLS meanwhile. */
START_TEST(a_new_session_sends_when_it_can_in_udp)
{
	struct session *before;

	ends_init(&e, NULL);
	ends_reach_udp(&e);
	before = e.node.session;
	ends_again(&e);
	ck_assert_ptr_eq(e.node.peer.current, e.node.session);
	ck_assert_ptr_eq(e.node.peer.sending, before);
	ck_assert_ptr_eq(e.node.peer.outlet.carrier, before->carrier);
	ends_pass(&e, &e.node);
	LOOP_UNTIL(e.ev, e.node.peer.sending == e.node.session);
	ck_assert(session_path_on_udp(e.node.session));
	ck_assert_ptr_eq(e.node.peer.outlet.carrier, e.node.session->carrier);
	ends_pass(&e, &e.node);
	ends_fini(&e);
}
END_TEST

START_TEST(a_new_session_does_not_wait_for_udp_for_ever)
{
	ends_init(&e, NULL);
	ends_reach_udp(&e);
	e.relay.drop_up = e.relay.drop_down = true;
	ends_again(&e);
	ck_assert_ptr_ne(e.node.peer.sending, e.node.session);
	LOOP_UNTIL(e.ev, e.node.peer.sending == e.node.session);
	ck_assert(!session_path_on_udp(e.node.session));
	ends_pass(&e, &e.node);
	ends_fini(&e);
}
END_TEST

START_TEST(one_that_ends_sends_no_more)
{
	struct session *before;

	ends_init(&e, NULL);
	ends_reach_udp(&e);
	before = e.node.session;
	ends_again(&e);
	session_free(before);
	ck_assert_ptr_eq(e.node.peer.sending, e.node.session);
	session_free(e.node.session);
	ck_assert_ptr_null(e.node.peer.sending);
	ck_assert_ptr_null(e.node.peer.outlet.carrier);
	ends_fini(&e);
}
END_TEST

/* --- what the peer may say -------------------------------------------------------------------- */

#define NOT_HERE "a message that does not belong here"

static const struct {
	struct control msg;
	const char *why;	/* NULL: nothing happens */
} sayings[] = {
	{ { .type = CONTROL_KEEPALIVE }, NULL },
	{ { .type = CONTROL_ADD_SPI, .add_spi = { 2, { 1000, 1001 } } }, NULL },
	{ { .type = CONTROL_HELLO, .hello = { .workers = 1 } }, NOT_HERE },
	{ { .type = CONTROL_REFUSE }, NOT_HERE },
};

START_TEST(only_some_messages_belong_here)
{
	ends_init(&e, NULL);
	ends_reach_udp(&e);
	ck_assert_int_eq(conn_send(e.node.session->conn, &sayings[_i].msg), 0);
	if (sayings[_i].why == NULL) {
		ends_pass(&e, &e.node);
		loop_for(e.ev, 5);
		ck_assert_uint_eq(e.server.deaths, 0);
	} else {
		LOOP_UNTIL(e.ev, e.server.deaths == 1);
		ck_assert_str_eq(e.server.why, sayings[_i].why);
	}
	ends_fini(&e);
}
END_TEST

START_TEST(an_spi_that_comes_twice_is_fatal)
{
	struct control msg = { .type = CONTROL_ADD_SPI };

	ends_init(&e, NULL);
	ends_reach_udp(&e);
	msg.add_spi.nspis = 1;
	/* The node's own of the beginning; or one that was added before. */
	msg.add_spi.spis[0] = _i == 0 ? ends_rx(&e.node)->spi : 1000;
	conn_send(e.node.session->conn, &msg);
	if (_i == 1)
		conn_send(e.node.session->conn, &msg);
	LOOP_UNTIL(e.ev, e.server.deaths == 1);
	ck_assert_str_eq(e.server.why, "the peer repeats an SPI");
	ends_fini(&e);
}
END_TEST

START_TEST(spis_are_not_collected_for_ever)
{
	struct control msg = { .type = CONTROL_ADD_SPI };
	uint32_t spi = 1000;

	ends_init(&e, NULL);
	for (unsigned i = 0; i < 20; i++) {
		msg.add_spi.nspis = CONTROL_SPIS_MAX;
		for (unsigned k = 0; k < CONTROL_SPIS_MAX; k++)
			msg.add_spi.spis[k] = spi++;
		conn_send(e.node.session->conn, &msg);
	}
	LOOP_UNTIL(e.ev, e.server.deaths == 1);
	ends_fini(&e);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("session_life");

	tcase_add_unchecked_fixture(tc, certs_setup, certs_teardown);
	tcase_add_test(tc, up_is_told_once);
	tcase_add_test(tc, keepalives_keep_it_alive);
	tcase_add_test(tc, one_keepalive_is_answered_by_another);
	tcase_add_test(tc, silence_is_death);
	tcase_add_loop_test(tc, worn_keys_are_told_once, 0, 2);
	tcase_add_test(tc, udp_goes_on_without_the_connection);
	tcase_add_test(tc, without_udp_the_connection_is_all);
	tcase_add_loop_test(tc, goodbye_has_its_reason, 0, 2);
	tcase_add_test(tc, a_replaced_session_still_receives);
	tcase_add_test(tc, a_new_session_sends_when_it_can_in_udp);
	tcase_add_test(tc, a_new_session_does_not_wait_for_udp_for_ever);
	tcase_add_test(tc, one_that_ends_sends_no_more);
	KIT_ROWS(tc, only_some_messages_belong_here, sayings);
	tcase_add_loop_test(tc, an_spi_that_comes_twice_is_fatal, 0, 2);
	tcase_add_test(tc, spis_are_not_collected_for_ever);
	return kit_run("tunneld/session_life", tc);
}
