/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/session.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "daemons/tunneld/session_path.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/certs.h"
#include "tests/unit/tunneld/ends.h"

static struct ends e;	/* too large for a stack; each test is a process */

/* --- the choice of path ----------------------------------------------------------------------- */

START_TEST(packets_take_tls_first_then_udp)
{
	struct traffic node = { 0 }, server = { 0 };

	ends_init(&e, NULL);
	e.relay.drop_up = true;
	ends_pass(&e, &e.node);
	ends_pass(&e, &e.server);
	ck_assert(!session_path_on_udp(e.node.session) && !session_path_on_udp(e.server.session));
	ck_assert_uint_eq(e.relay.ups, 0);
	e.relay.drop_up = false;
	ends_reach_udp(&e);
	e.relay.ups = e.relay.downs = 0;
	ends_pass(&e, &e.node);
	ends_pass(&e, &e.server);
	ck_assert_uint_ge(e.relay.ups, 1);
	ck_assert_uint_ge(e.relay.downs, 1);
	carrier_add_traffic(e.node.session->carrier, &node);
	carrier_add_traffic(e.server.session->carrier, &server);
	ck_assert_uint_eq(node.tx_packets, 2);
	ck_assert_uint_eq(node.rx_bytes, 200);
	ck_assert_uint_eq(server.rx_packets, 2);
	ck_assert_uint_eq(server.tx_bytes, 200);
	ends_fini(&e);
}
END_TEST

START_TEST(every_size_passes)
{
	ends_init(&e, NULL);
	ends_reach_udp(&e);
	for (size_t len = 20; len <= 1500; len += 37) {
		unsigned before = e.server.got;

		ends_send(&e, &e.node, len);
		LOOP_UNTIL(e.ev, e.server.got > before);
	}
	ck_assert_uint_eq(ends_count(&e.server, VERDICT_ESP_AUTH_FAILED), 0);
	ends_fini(&e);
}
END_TEST

START_TEST(silent_udp_gives_way_to_tls_and_comes_back)
{
	int64_t begin;

	ends_init(&e, NULL);
	ends_reach_udp(&e);
	e.relay.drop_up = e.relay.drop_down = true;
	begin = clock_mono_ms();
	ends_send(&e, &e.node, 100);
	ends_send(&e, &e.server, 100);
	LOOP_UNTIL(e.ev, !session_path_on_udp(e.node.session) && !session_path_on_udp(e.server.session));
	/* Three questions, 200 ms apart, each with as long for an answer. */
	ck_assert_int_ge(clock_mono_ms() - begin, 790);
	ends_pass(&e, &e.node);
	ends_pass(&e, &e.server);
	e.relay.drop_up = e.relay.drop_down = false;
	LOOP_UNTIL(e.ev, ends_on_udp(&e));
	e.relay.ups = 0;
	ends_pass(&e, &e.node);
	ck_assert_uint_ge(e.relay.ups, 1);
	ends_fini(&e);
}
END_TEST

/* The kernel refuses the datagrams: that is as silent as a network that loses them. */
START_TEST(udp_that_cannot_be_sent_gives_way_too)
{
	int null = open("/dev/null", O_RDWR);

	ends_init(&e, NULL);
	ends_reach_udp(&e);
	ck_assert_int_ge(dup2(null, ends_worker(&e.node)->udp.fds[0]), 0);
	ends_send(&e, &e.node, 100);
	LOOP_UNTIL(e.ev, ends_count(&e.node, VERDICT_UDP_SEND_FAILED) >= 1);
	/* With the connection lost before, there is no way left then. */
	conn_free(e.server.session->conn);
	e.server.session->conn = NULL;
	LOOP_UNTIL(e.ev, !session_path_on_udp(e.node.session));
	ends_send(&e, &e.node, 100);
	LOOP_UNTIL(e.ev, ends_count(&e.node, VERDICT_PATH_DOWN) == 1);
	ck_assert_uint_eq(e.node.losses, 1);
	ck_assert_uint_eq(e.node.deaths, 0);
	ends_fini(&e);
}
END_TEST

START_TEST(without_esp_all_goes_over_tls)
{
	struct ends_conf conf = { .no_esp = true };

	ends_init(&e, &conf);
	ends_pass(&e, &e.node);
	ends_pass(&e, &e.server);
	loop_for(e.ev, 50);
	ck_assert(!session_path_on_udp(e.node.session) && !session_path_on_udp(e.server.session));
	ck_assert_uint_eq(e.relay.ups + e.relay.downs, 0);
	ends_fini(&e);
}
END_TEST

START_TEST(without_tls_nothing_goes_until_udp_does)
{
	struct ends_conf conf = { .no_tls = true };

	ends_init(&e, &conf);
	e.relay.drop_up = true;
	ends_send(&e, &e.node, 100);
	LOOP_UNTIL(e.ev, ends_count(&e.node, VERDICT_PATH_DOWN) == 1);
	ck_assert_uint_eq(e.server.got, 0);
	e.relay.drop_up = false;
	ends_reach_udp(&e);
	ends_pass(&e, &e.node);
	ends_fini(&e);
}
END_TEST

/* --- where the node is ------------------------------------------------------------------------ */

START_TEST(the_node_moves)
{
	ends_init(&e, NULL);
	ends_reach_udp(&e);
	ck_assert(relay_is_at(&e.relay, 0, session_path_end(e.server.session)));
	e.relay.way = 1;
	ends_pass(&e, &e.node);
	ck_assert(relay_is_at(&e.relay, 1, session_path_end(e.server.session)));
	LOOP_UNTIL(e.ev, ends_proven(&e.server));
	e.relay.downs = 0;
	ends_pass(&e, &e.server);
	ck_assert_uint_ge(e.relay.downs, 1);
	ck_assert_uint_gt(e.relay.bytes_down[1], 100);
	ends_fini(&e);
}
END_TEST

/* Lines of the log about moves. */
static unsigned
moves_logged(void)
{
	char *text = kit_read(KIT_PATH("log"));
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, "endpoint_moved")) != NULL; at++)
		n++;
	free(text);
	return n;
}

static void
move_often(unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		e.relay.way = i % RELAY_WAYS;
		ends_pass(&e, &e.node);
		ck_assert(relay_is_at(&e.relay, e.relay.way, session_path_end(e.server.session)));
		if (!e.relay.drop_down)
			LOOP_UNTIL(e.ev, ends_proven(&e.server));
	}
}

/* A node chooses where each of its packets comes from: that must not fill the disk. */
START_TEST(moves_are_not_logged_one_by_one)
{
	struct err err = { 0 };

	ck_assert_int_eq(log_open("test", &(struct log_conf){ .level = LOG_LV_INFO,
	    .target = KIT_PATH("log") }, &err), 0);
	ends_init(&e, NULL);
	ends_reach_udp(&e);
	log_set_level(LOG_LV_INFO);
	e.relay.drop_down = true;	/* it is not there at all */
	move_often(20);
	ck_assert_uint_eq(moves_logged(), 0);
	e.relay.drop_down = false;
	ends_reach_udp(&e);
	move_often(20);
	ck_assert_uint_ge(moves_logged(), 1);
	ck_assert_uint_le(moves_logged(), 3);
	ends_fini(&e);
}
END_TEST

/* Nobody can have us send more than three times his bytes to an address that has not answered. */
START_TEST(a_new_place_is_not_flooded)
{
	ends_init(&e, NULL);
	ends_reach_udp(&e);
	e.relay.drop_down = true;
	e.relay.way = 1;
	ends_send(&e, &e.node, 100);
	LOOP_UNTIL(e.ev, relay_is_at(&e.relay, 1, session_path_end(e.server.session)));
	for (unsigned i = 0; i < 100; i++) {
		ends_send(&e, &e.server, 60 + 10 * i);
		loop_round(e.ev);
	}
	ends_send(&e, &e.node, 40);
	for (unsigned i = 0; i < 100; i++) {
		ends_send(&e, &e.server, 60);
		loop_round(e.ev);
	}
	ck_assert_uint_gt(e.relay.bytes_down[1], 0);
	ck_assert_uint_le(e.relay.bytes_down[1], 3 * e.relay.bytes_up[1]);
	ck_assert(!ends_proven(&e.server));
	/* What was held back went the other way. */
	ck_assert_uint_eq(ends_count(&e.server, VERDICT_ENDPOINT_UNPROVEN), 0);
	LOOP_UNTIL(e.ev, e.node.got >= 190);
	ends_fini(&e);
}
END_TEST

START_TEST(a_repeated_datagram_moves_nothing)
{
	ends_init(&e, NULL);
	ends_reach_udp(&e);
	ends_pass(&e, &e.node);
	relay_send(&e.relay, &e.relay.last, 1);
	LOOP_UNTIL(e.ev, ends_count(&e.server, VERDICT_ESP_REPLAYED) == 1);
	ck_assert(relay_is_at(&e.relay, 0, session_path_end(e.server.session)));
	ck_assert_uint_eq(e.server.got, 1);
	ends_fini(&e);
}
END_TEST

/* The relay passes nothing up; runs until it has got something, and keeps that. */
static struct datagram
hold_next(void)
{
	e.relay.drop_up = true;
	e.relay.last.len = 0;
	LOOP_UNTIL(e.ev, e.relay.last.len > 0);
	e.relay.drop_up = false;
	return e.relay.last;
}

/* One that comes late is good, but says nothing about where the node is now. */
START_TEST(an_old_datagram_moves_nothing)
{
	struct datagram old;

	ends_init(&e, NULL);
	ends_reach_udp(&e);
	ends_send(&e, &e.node, 200);
	old = hold_next();
	ends_pass(&e, &e.node);
	relay_send(&e.relay, &old, 2);
	LOOP_UNTIL(e.ev, e.server.got == 2);
	ck_assert(relay_is_at(&e.relay, 0, session_path_end(e.server.session)));
	ends_fini(&e);
}
END_TEST

START_TEST(an_answer_from_elsewhere_proves_nothing)
{
	struct datagram answer;
	uint64_t before;

	ends_init(&e, NULL);
	ends_reach_udp(&e);
	e.relay.drop_down = true;
	e.relay.way = 1;
	ends_pass(&e, &e.node);
	ev_timer_stop(e.ev, &e.node.session->tick);	/* it answers, but asks nothing itself */
	e.relay.drop_down = false;
	answer = hold_next();
	e.relay.drop_down = true;
	ends_pass(&e, &e.node);		/* the answer is not the newest any more */
	before = ends_count(&e.server, VERDICT_OK);
	relay_send(&e.relay, &answer, 2);
	LOOP_UNTIL(e.ev, ends_count(&e.server, VERDICT_OK) > before);
	ck_assert(relay_is_at(&e.relay, 1, session_path_end(e.server.session)));
	ck_assert(!ends_proven(&e.server));
	ends_fini(&e);
}
END_TEST

START_TEST(forged_datagrams_are_counted_and_forgotten)
{
	int64_t rx_ms;

	ends_init(&e, NULL);
	ends_reach_udp(&e);
	rx_ms = session_heard_ms(e.server.session);
	e.relay.flip = true;
	e.relay.way = 1;
	for (unsigned i = 0; i < 5; i++)
		ends_send(&e, &e.node, 500);
	LOOP_UNTIL(e.ev, ends_count(&e.server, VERDICT_ESP_AUTH_FAILED) >= 5);
	ck_assert(relay_is_at(&e.relay, 0, session_path_end(e.server.session)));
	ck_assert_int_eq(session_heard_ms(e.server.session), rx_ms);
	ck_assert_uint_eq(e.server.got, 0);
	ends_fini(&e);
}
END_TEST

START_TEST(strays_are_counted)
{
	struct datagram unknown = { { 0x12, 0x34, 0x56, 0x78 }, 40 }, cut = { { 0x12 }, 10 };

	ends_init(&e, NULL);
	ends_reach_udp(&e);
	relay_send(&e.relay, &unknown, 1);
	relay_send(&e.relay, &cut, 1);
	LOOP_UNTIL(e.ev, ends_count(&e.server, VERDICT_ESP_SPI_UNKNOWN) == 1 &&
	    ends_count(&e.server, VERDICT_ESP_SHORT) == 1);
	ck_assert_uint_eq(e.relay.bytes_down[1], 0);	/* nobody is answered who is not known */
	ends_fini(&e);
}
END_TEST

/* --- echoes and other contents ---------------------------------------------------------------- */

START_TEST(echoes_are_answered_ten_times_a_second)
{
	static const uint8_t request[200] = { 0, 1, 2, 3, 4, 5, 6, 7, 8 };
	unsigned downs;

	ends_init(&e, NULL);
	ends_reach_udp(&e);
	loop_for(e.ev, 5);
	downs = e.relay.downs;
	e.relay.bytes_down[0] = e.relay.bytes_up[0] = 0;
	for (unsigned i = 0; i < 30; i++)
		ends_send_esp(&e, request, sizeof(request), ESP_NEXT_NONE);
	LOOP_UNTIL(e.ev, ends_count(&e.server, VERDICT_ECHO_LIMITED) >= 20);
	LOOP_UNTIL(e.ev, e.relay.downs > downs);
	ck_assert_uint_le(e.relay.downs - downs, 10);
	/* As large as the question. */
	ck_assert_uint_eq(e.relay.bytes_down[0] % (e.relay.bytes_up[0] / 30), 0);
	ends_fini(&e);
}
END_TEST

static const struct {
	uint8_t text[24], len;
	enum esp_next next;
	enum verdict verdict;
} texts[] = {
	{ { 0, 1, 2, 3, 4, 5, 6, 7 }, 8, ESP_NEXT_NONE, VERDICT_ECHO_BAD },	/* too short */
	{ { 0 }, 0, ESP_NEXT_NONE, VERDICT_ECHO_BAD },			/* RFC 4303, 2.6: a dummy */
	{ { 2, 1, 2, 3, 4, 5, 6, 7, 8 }, 9, ESP_NEXT_NONE, VERDICT_ECHO_BAD },
	{ { 0x45, 0, 0, 24 }, 24, (enum esp_next) 17, VERDICT_ESP_NEXT_HEADER },
	{ { 0x45, 0, 0, 23, [12] = 10, 1, 1, 3 }, 24, ESP_NEXT_IPV4, VERDICT_INNER_MALFORMED },
	{ { 0x45, 0, 0, 24, [12] = 10, 1, 1, 4 }, 24, ESP_NEXT_IPV4, VERDICT_INNER_SPOOFED },
	{ { 0x45, 0, 0, 24, [12] = 10, 1, 1, 3, 10, 1, 1, 9 }, 24, ESP_NEXT_IPV4,
	    VERDICT_INTERCONNECTION_OFF },
};

START_TEST(senseless_contents_are_counted)
{
	ends_init(&e, NULL);
	ends_reach_udp(&e);
	ends_send_esp(&e, texts[_i].text, texts[_i].len, texts[_i].next);
	LOOP_UNTIL(e.ev, ends_count(&e.server, texts[_i].verdict) == 1);
	ck_assert_uint_eq(e.server.got, 0);
	ends_pass(&e, &e.node);		/* and the session goes on */
	ends_fini(&e);
}
END_TEST

START_TEST(spoofing_is_seen_in_tls_as_well)
{
	struct ends_conf conf = { .no_esp = true };

	ends_init(&e, &conf);
	ends_write(&e.node, ENDS_OTHER, ENDS_SERVER, 100);
	LOOP_UNTIL(e.ev, ends_count(&e.server, VERDICT_INNER_SPOOFED) == 1);
	ends_pass(&e, &e.node);
	ck_assert_uint_eq(e.server.got, 1);
	ends_fini(&e);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("session");

	tcase_add_unchecked_fixture(tc, certs_setup, certs_teardown);
	tcase_add_test(tc, packets_take_tls_first_then_udp);
	tcase_add_test(tc, every_size_passes);
	tcase_add_test(tc, silent_udp_gives_way_to_tls_and_comes_back);
	tcase_add_test(tc, udp_that_cannot_be_sent_gives_way_too);
	tcase_add_test(tc, without_esp_all_goes_over_tls);
	tcase_add_test(tc, without_tls_nothing_goes_until_udp_does);
	tcase_add_test(tc, the_node_moves);
	tcase_add_test(tc, moves_are_not_logged_one_by_one);
	tcase_add_test(tc, a_new_place_is_not_flooded);
	tcase_add_test(tc, a_repeated_datagram_moves_nothing);
	tcase_add_test(tc, an_old_datagram_moves_nothing);
	tcase_add_test(tc, an_answer_from_elsewhere_proves_nothing);
	tcase_add_test(tc, forged_datagrams_are_counted_and_forgotten);
	tcase_add_test(tc, strays_are_counted);
	tcase_add_test(tc, echoes_are_answered_ten_times_a_second);
	KIT_ROWS(tc, senseless_contents_are_counted, texts);
	tcase_add_test(tc, spoofing_is_seen_in_tls_as_well);
	return kit_run("tunneld/session", tc);
}
