/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/conn.h"

#include <check.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "tests/unit/kit.h"
#include "tests/unit/tunneld/certs.h"
#include "tests/unit/tunneld/connrig.h"

#define STAGED 16384	/* what may have left the queues already: a record */
#define PACKET (STAGED / 16 - FRAME_HEAD)	/* leaves no room in a record for anything else */

static const struct control keepalive = { .type = CONTROL_KEEPALIVE };
static const struct control goodbye = { .type = CONTROL_GOODBYE, .refuse = { .reason = "X" } };

static void
hand_message(struct rig *r, const struct control *msg)
{
	uint8_t body[CONTROL_BODY_MAX];

	rig_hand_write(r, FRAME_CONTROL, body, (size_t) control_pack(msg, body));
}

/* --- messages and packets --------------------------------------------------------------------- */

START_TEST(messages_go_both_ways)
{
	struct rig r;

	rig_init(&r);
	rig_join(&r);
	ck_assert_int_eq(conn_send(r.node.conn, &goodbye), 0);
	ck_assert_int_eq(conn_send(r.server.conn, &keepalive), 0);
	LOOP_UNTIL(r.ev, r.node.times[CONTROL] == 1 && r.server.times[CONTROL] == 1);
	ck_assert_int_eq(r.server.last.type, CONTROL_GOODBYE);
	ck_assert_str_eq(r.server.last.refuse.reason, "X");
	ck_assert_int_eq(r.node.last.type, CONTROL_KEEPALIVE);
	ck_assert_int_ge(conn_last_tx_ms(r.node.conn), clock_mono_ms() - LOOP_LIMIT_MS);
	ck_assert_int_ge(conn_last_rx_ms(r.node.conn), conn_last_tx_ms(r.server.conn));
	rig_fini(&r);
}
END_TEST

START_TEST(packets_of_every_size_go_both_ways)
{
	static const size_t sizes[] = { 0, 1, 20, 1500, 4096, 4097, 9000, STAGED - FRAME_HEAD };
	struct rig r;

	rig_init(&r);
	rig_join_trusted(&r);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ck_assert_int_eq(rig_send_packet(r.node.conn, sizes[i]), 0);
		ck_assert_int_eq(rig_send_packet(r.server.conn, sizes[i]), 0);
		LOOP_UNTIL(r.ev, r.server.times[PACKETS] > i && r.node.times[PACKETS] > i);
		ck_assert_uint_eq(r.server.last_len, sizes[i]);
	}
	ck_assert_int_eq(rig_send_packet(r.node.conn, STAGED - FRAME_HEAD + 1), -ENOBUFS);
	ck_assert_int_eq(rig_send_packet(r.node.conn, FRAME_BODY_MAX), -ENOBUFS);
	rig_fini(&r);
}
END_TEST

START_TEST(many_packets_keep_their_order)
{
	struct rig r;
	unsigned sent = 0;

	rig_init(&r);
	rig_join_trusted(&r);
	while (sent < 2000) {	/* more than the queue holds at a time */
		size_t len = 100 + sent % 1300;

		if (rig_send_packet(r.node.conn, len) < 0)
			LOOP_UNTIL(r.ev, r.server.times[PACKETS] == sent);
		else
			sent++;
	}
	LOOP_UNTIL(r.ev, r.server.times[PACKETS] == sent);
	ck_assert_uint_eq(r.server.last_len, 100 + (sent - 1) % 1300);
	rig_fini(&r);
}
END_TEST

START_TEST(another_owner_is_told)
{
	struct end heir = { 0 };
	struct rig r;

	rig_init(&r);
	rig_join(&r);
	conn_give(r.server.conn, &rig_ops, &heir);
	heir.conn = r.server.conn;
	r.server.conn = NULL;
	conn_trust(heir.conn);
	ck_assert_int_eq(conn_send(r.node.conn, &keepalive), 0);
	ck_assert_int_eq(rig_send_packet(r.node.conn, 100), 0);
	conn_free(r.node.conn);
	r.node.conn = NULL;
	LOOP_UNTIL(r.ev, heir.times[CLOSED] == 1);
	ck_assert_uint_eq(heir.times[CONTROL], 1);
	ck_assert_uint_eq(heir.times[PACKETS], 1);
	ck_assert_uint_eq(r.server.times[CONTROL] + r.server.times[CLOSED], 0);
	rig_fini(&r);
}
END_TEST

/* --- what ends it ----------------------------------------------------------------------------- */

static const uint8_t junk[FRAME_BODY_MAX] = { 0xff, 0xff, 0xff };

static const struct {
	uint8_t type;
	size_t len;
	bool trusted;
	const char *why;	/* it ends the connection; NULL: it does not */
} frames[] = {
	{ FRAME_DATA, 40, false, "a frame is malformed" },	/* no packets from strangers */
	{ FRAME_DATA, 0, true, NULL },
	{ 3, 40, false, "a frame is malformed" },
	{ 3, 40, true, NULL },				/* of a newer version: skipped */
	{ 255, FRAME_BODY_MAX, true, NULL },
	{ FRAME_CONTROL, 40, false, "a frame is malformed" },
	{ FRAME_CONTROL, 40, true, "a frame is malformed" },
	{ FRAME_CONTROL, FRAME_BODY_STRANGER + 1, false, "a frame is too long" },
	{ FRAME_CONTROL, FRAME_BODY_MAX, false, "a frame is too long" },
	{ FRAME_CONTROL, 0, false, NULL },		/* an empty message is one */
};

START_TEST(only_what_is_allowed_passes)
{
	struct rig r;

	rig_init(&r);
	rig_join_by_hand(&r);
	if (frames[_i].trusted)
		conn_trust(r.server.conn);
	rig_hand_write(&r, frames[_i].type, junk, frames[_i].len);
	if (frames[_i].why != NULL) {
		LOOP_UNTIL(r.ev, r.server.times[CLOSED] == 1);
		ck_assert_str_eq(r.server.why, frames[_i].why);
		ck_assert_uint_eq(r.server.times[CONTROL] + r.server.times[PACKETS], 0);
	} else {
		hand_message(&r, &goodbye);
		LOOP_UNTIL(r.ev, r.server.last.type == CONTROL_GOODBYE);
		ck_assert_uint_eq(r.server.times[CLOSED], 0);
	}
	rig_fini(&r);
}
END_TEST

START_TEST(it_ends_within_a_frame)
{
	struct rig r;

	rig_init(&r);
	rig_join_by_hand(&r);
	ck_assert_int_eq(SSL_write(r.hand, (uint8_t[]){ 1, 0, 0, 9, 1, 2 }, 6), 6);
	shutdown(r.fds[1], SHUT_WR);
	LOOP_UNTIL(r.ev, r.server.times[CLOSED] == 1);
	ck_assert_uint_eq(r.server.times[CONTROL], 0);
	rig_fini(&r);
}
END_TEST

START_TEST(the_last_message_arrives)
{
	struct rig r;

	rig_init(&r);
	rig_join(&r);
	ck_assert_int_eq(conn_send(r.node.conn, &keepalive), 0);	/* is not read */
	ck_assert_int_eq(conn_send(r.server.conn, &goodbye), 0);
	conn_free(r.server.conn);
	r.server.conn = NULL;
	LOOP_UNTIL(r.ev, r.node.times[CLOSED] == 1);
	ck_assert_uint_eq(r.node.times[CONTROL], 1);
	ck_assert_int_eq(r.node.last.type, CONTROL_GOODBYE);
	ck_assert_str_eq(r.node.why, "");
	ck_assert_uint_eq(r.server.times[CONTROL], 0);
	LOOP_UNTIL(r.ev, LIST_EMPTY(&r.env.freed) && LIST_EMPTY(&r.env.tls.rest));
	rig_fini(&r);
}
END_TEST

/* A peer that asks for it can tell the end from a cut (RFC 8446, 6.1). */
START_TEST(the_end_is_said)
{
	uint8_t buf[100];
	struct rig r;
	int n;

	rig_init(&r);
	rig_join_by_hand(&r);
	SSL_clear_options(r.hand, SSL_OP_IGNORE_UNEXPECTED_EOF);
	conn_free(r.server.conn);
	r.server.conn = NULL;
	LOOP_UNTIL(r.ev, (n = SSL_read(r.hand, buf, sizeof(buf))) <= 0 &&
	    SSL_get_error(r.hand, n) != SSL_ERROR_WANT_READ);
	ck_assert_int_eq(SSL_get_error(r.hand, n), SSL_ERROR_ZERO_RETURN);
	rig_fini(&r);
}
END_TEST

/* Frames that came together with the one at which it was freed are not handled any more. */
START_TEST(it_is_freed_from_any_callback)
{
	enum moment m = (enum moment) _i;
	struct rig r;

	rig_init(&r);
	r.server.free_at = m;
	r.server.trust_at = READY;
	rig_begin_node(&r);
	LOOP_UNTIL(r.ev, r.server.times[READY] == 1 && r.node.times[READY] == 1);
	for (unsigned i = 0; i < 10 && r.node.conn != NULL; i++) {
		conn_send(r.node.conn, &keepalive);
		rig_send_packet(r.node.conn, PACKET);
	}
	if (m == CLOSED) {
		LOOP_UNTIL(r.ev, r.server.times[PACKETS] == 10);
		conn_free(r.node.conn);
		r.node.conn = NULL;
	}
	LOOP_UNTIL(r.ev, r.server.conn == NULL && r.node.conn == NULL);
	if (m == CONTROL || m == PACKETS)
		ck_assert_uint_eq(r.server.times[m], 1);
	/* Who has freed it is told nothing. */
	ck_assert_uint_eq(r.server.times[CLOSED], m == CLOSED);
	LOOP_UNTIL(r.ev, LIST_EMPTY(&r.env.freed) && LIST_EMPTY(&r.env.tls.rest));
	rig_fini(&r);
}
END_TEST

/* A stranger becomes trusted by its first message: the packet right behind it is let through. */
START_TEST(trust_counts_from_the_next_frame_on)
{
	struct rig r;

	rig_init(&r);
	r.server.trust_at = CONTROL;
	rig_join_by_hand(&r);
	hand_message(&r, &keepalive);
	rig_hand_write(&r, FRAME_DATA, junk, 0);
	LOOP_UNTIL(r.ev, r.server.times[PACKETS] == 1);
	rig_fini(&r);
}
END_TEST

/* --- a peer that does not read ---------------------------------------------------------------- */

/* Sends packets until one is dropped, while the loop fills the socket. Returns how many went. */
static unsigned
fill_packets(struct rig *r)
{
	unsigned total = 0, n;

	do {
		for (n = 0; rig_send_packet(r->server.conn, PACKET) == 0; n++)
			;
		total += n;
		loop_step(r->ev);
	} while (n > 0);
	return total;
}

START_TEST(packets_are_dropped_at_the_tail)
{
	struct rig r;
	unsigned sent;
	int size = 4096;

	rig_init(&r);
	rig_join_by_hand(&r);
	setsockopt(r.fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	sent = fill_packets(&r);
	ck_assert_uint_ge(sent, CONN_DATA_MAX / (PACKET + FRAME_HEAD));
	ck_assert_uint_le(sent * (PACKET + FRAME_HEAD), CONN_DATA_MAX + 3 * STAGED);
	ck_assert_int_eq(rig_send_packet(r.server.conn, PACKET), -ENOBUFS);
	/* The others arrive, and then there is room again. */
	rig_hand_read(&r, sent);
	ck_assert_int_eq(rig_send_packet(r.server.conn, PACKET), 0);
	rig_hand_read(&r, sent + 1);
	ck_assert_uint_eq(r.packets, sent + 1);
	rig_fini(&r);
}
END_TEST

START_TEST(messages_pass_waiting_packets)
{
	struct rig r;
	unsigned sent;
	int size = 4096;

	rig_init(&r);
	rig_join_by_hand(&r);
	setsockopt(r.fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	sent = fill_packets(&r);
	ck_assert_int_eq(conn_send(r.server.conn, &keepalive), 0);
	rig_hand_read(&r, sent + 1);
	ck_assert_uint_eq(r.controls, 1);
	ck_assert_uint_le(r.packets_before * (PACKET + FRAME_HEAD), 3 * STAGED);
	rig_fini(&r);
}
END_TEST

START_TEST(messages_have_a_limit_too)
{
	struct rig r;
	unsigned sent = 0, n;
	int size = 4096;

	rig_init(&r);
	rig_join_by_hand(&r);
	setsockopt(r.fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	do {
		for (n = 0; conn_send(r.server.conn, &goodbye) == 0; n++)
			;
		sent += n;
		loop_step(r.ev);
	} while (n > 0);
	ck_assert_uint_gt(sent, 100);
	ck_assert_uint_le(sent * FRAME_HEAD, 128 * 1024);
	ck_assert_int_eq(conn_send(r.server.conn, &goodbye), -ENOBUFS);
	ck_assert_uint_eq(r.server.times[CLOSED], 0);	/* its owner decides */
	rig_fini(&r);
}
END_TEST

START_TEST(a_full_connection_is_freed)
{
	struct rig r;
	int size = 4096;

	rig_init(&r);
	rig_join_by_hand(&r);
	setsockopt(r.fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	fill_packets(&r);
	conn_free(r.server.conn);
	r.server.conn = NULL;
	LOOP_UNTIL(r.ev, LIST_EMPTY(&r.env.freed));
	rig_fini(&r);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("conn");

	tcase_add_unchecked_fixture(tc, certs_setup, certs_teardown);
	tcase_add_test(tc, messages_go_both_ways);
	tcase_add_test(tc, packets_of_every_size_go_both_ways);
	tcase_add_test(tc, many_packets_keep_their_order);
	tcase_add_test(tc, another_owner_is_told);
	KIT_ROWS(tc, only_what_is_allowed_passes, frames);
	tcase_add_test(tc, it_ends_within_a_frame);
	tcase_add_test(tc, the_last_message_arrives);
	tcase_add_test(tc, the_end_is_said);
	tcase_add_loop_test(tc, it_is_freed_from_any_callback, READY, MOMENTS);
	tcase_add_test(tc, trust_counts_from_the_next_frame_on);
	tcase_add_test(tc, packets_are_dropped_at_the_tail);
	tcase_add_test(tc, messages_pass_waiting_packets);
	tcase_add_test(tc, messages_have_a_limit_too);
	tcase_add_test(tc, a_full_connection_is_freed);
	return kit_run("tunneld/conn", tc);
}
