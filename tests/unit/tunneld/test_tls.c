/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/tls.h"

#include <check.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/kit.h"
#include "tests/unit/tunneld/certs.h"
#include "tests/unit/tunneld/loop.h"

#define BULK (1 << 20)

enum moment { NEVER, READY, DATA, WRITABLE, CLOSED, MOMENTS };

/* One end, and what it was told. */
struct end {
	struct tls *tls;
	unsigned times[MOMENTS];
	enum moment free_at;	/* it frees its stream when told that; at CLOSED it does anyway */
	bool stays;		/* but not this one: its socket remains open */
	char why[200];
	size_t received;	/* bytes, all as the sender counts them */
	size_t to_send, sent;	/* as many as the stream takes */
};

/* Two ends of one socket pair on one loop. */
struct rig {
	struct ev *ev;
	struct tls_env env;
	int fds[2];		/* the server's, the node's; the test's where one is not begun */
	struct end server, node;
};

static uint8_t
pattern(size_t i)
{
	return (uint8_t) (i ^ i >> 8);
}

static void
told(struct end *e, enum moment m)
{
	e->times[m]++;
	ck_assert_ptr_nonnull(e->tls);	/* nothing after it was freed, */
	ck_assert_uint_eq(e->times[CLOSED], m == CLOSED ? 1 : 0);	/* nor after the end */
	if (e->free_at == m || (m == CLOSED && !e->stays)) {
		tls_free(e->tls);
		e->tls = NULL;
	}
}

static void
send_more(struct end *e)
{
	uint8_t piece[5000];

	while (e->tls != NULL && e->sent < e->to_send) {
		size_t left = e->to_send - e->sent, n = left < sizeof(piece) ? left : sizeof(piece);
		int rc;

		for (size_t i = 0; i < n; i++)
			piece[i] = pattern(e->sent + i);
		rc = tls_write(e->tls, piece, n);
		if (rc <= 0)
			return;
		e->sent += (size_t) rc;
	}
}

static void
on_ready(void *arg)
{
	struct end *e = arg;

	told(e, READY);
	send_more(e);
}

static void
on_data(void *arg, const uint8_t *data, size_t len)
{
	struct end *e = arg;

	for (size_t i = 0; i < len; i++) {
		if (data[i] != pattern(e->received + i))
			ck_abort_msg("byte %zu is wrong", e->received + i);
	}
	e->received += len;
	told(e, DATA);
}

static void
on_writable(void *arg)
{
	struct end *e = arg;

	told(e, WRITABLE);
	send_more(e);
}

static void
on_closed(void *arg, const char *why)
{
	struct end *e = arg;

	strncpy(e->why, why, sizeof(e->why) - 1);
	told(e, CLOSED);
}

static const struct tls_ops ops = {
	.ready = on_ready,
	.data = on_data,
	.writable = on_writable,
	.closed = on_closed,
};

static void
rig_init(struct rig *r)
{
	*r = (struct rig){ .fds = { -1, -1 } };
	signal(SIGPIPE, SIG_IGN);	/* as in the daemons */
	ck_assert_int_eq(ev_new(&r->ev), 0);
	tls_env_init(&r->env, r->ev);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, r->fds), 0);
}

static void
begin(struct rig *r, struct end *e, SSL_CTX *ctx, int fd, const char *host)
{
	struct err err = { 0 };

	ck_assert_msg(tls_new(&r->env, ctx, fd, host, &ops, e, &e->tls, &err) == 0, "%s",
	    err.text);
}

static void
begin_both(struct rig *r)
{
	begin(r, &r->server, certs()->server, r->fds[0], NULL);
	begin(r, &r->node, certs()->node, r->fds[1], CERTS_HOST);
}

static void
handshake(struct rig *r)
{
	begin_both(r);
	LOOP_UNTIL(r->ev, r->server.times[READY] == 1 && r->node.times[READY] == 1);
}

static void
rig_fini(struct rig *r)
{
	tls_free(r->server.tls);
	tls_free(r->node.tls);
	tls_env_fini(&r->env);
	ev_free(r->ev);
}

/* --- the handshake ---------------------------------------------------------------------------- */

START_TEST(both_know_each_other)
{
	struct pki_cert cert;
	struct err e = { 0 };
	struct rig r;

	rig_init(&r);
	handshake(&r);
	ck_assert_int_eq(tls_peer_cert(r.server.tls, &cert, &e), 0);
	ck_assert_int_eq(cert.name.kind, PKI_NODE);
	ck_assert_str_eq(cert.name.id, CERTS_NODE);
	ck_assert_int_eq(tls_peer_cert(r.node.tls, &cert, &e), 0);
	ck_assert(cert.for_server);
	rig_fini(&r);
}
END_TEST

START_TEST(both_export_the_same_keys)
{
	const uint8_t context[2] = { 1, 2 };
	uint8_t ours[36], theirs[36];
	struct rig r;

	rig_init(&r);
	handshake(&r);
	ck_assert_int_eq(tls_export(r.server.tls, "EXPORTER-test", context, 2, ours, 36), 0);
	ck_assert_int_eq(tls_export(r.node.tls, "EXPORTER-test", context, 2, theirs, 36), 0);
	ck_assert_mem_eq(ours, theirs, 36);
	ck_assert_int_eq(tls_export(r.node.tls, "EXPORTER-test", context, 1, theirs, 36), 0);
	ck_assert_mem_ne(ours, theirs, 36);
	ck_assert_int_eq(tls_export(r.node.tls, "EXPORTER-tess", context, 2, theirs, 36), 0);
	ck_assert_mem_ne(ours, theirs, 36);
	rig_fini(&r);
}
END_TEST

static const struct {
	size_t ctx;	/* offset in struct certs: who the node is */
	const char *host;	/* whom it asks for */
} refusals[] = {
	{ offsetof(struct certs, stranger), CERTS_HOST },
	{ offsetof(struct certs, other), CERTS_HOST },
	{ offsetof(struct certs, node), "elsewhere.test" },
};

START_TEST(only_the_right_ones_meet)
{
	SSL_CTX *ctx = *(SSL_CTX *const *) ((const char *) certs() + refusals[_i].ctx);
	struct rig r;

	rig_init(&r);
	begin(&r, &r.server, certs()->server, r.fds[0], NULL);
	begin(&r, &r.node, ctx, r.fds[1], refusals[_i].host);
	LOOP_UNTIL(r.ev, r.server.times[CLOSED] == 1 && r.node.times[CLOSED] == 1);
	ck_assert_uint_eq(r.server.times[READY], 0);
	ck_assert_str_ne(r.server.why, "");
	ck_assert_str_ne(r.node.why, "");
	rig_fini(&r);
}
END_TEST

/* --- resumption ------------------------------------------------------------------------------- */

/* Ends both and connects anew, when the ticket has come. Whether it was taken. */
static bool
again(struct rig *r, SSL_CTX *server, SSL_CTX *node, const char *host)
{
	LOOP_UNTIL(r->ev, r->env.memory.ticket != NULL);
	tls_free(r->server.tls);
	tls_free(r->node.tls);
	r->server = r->node = (struct end){ .tls = NULL };
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, r->fds), 0);
	begin(r, &r->server, server, r->fds[0], NULL);
	begin(r, &r->node, node, r->fds[1], host);
	LOOP_UNTIL(r->ev, r->server.times[READY] == 1 && r->node.times[READY] == 1);
	ck_assert(tls_resumed(r->server.tls) == tls_resumed(r->node.tls));
	return tls_resumed(r->node.tls);
}

/* Which is the same node as before, with other keys. */
START_TEST(the_second_time_a_ticket_will_do)
{
	uint8_t before[36], ours[36], theirs[36];
	struct pki_cert cert;
	struct err e = { 0 };
	struct rig r;

	rig_init(&r);
	handshake(&r);
	ck_assert(!tls_resumed(r.node.tls) && !tls_resumed(r.server.tls));
	ck_assert_int_eq(tls_export(r.server.tls, "EXPORTER-test", NULL, 0, before, 36), 0);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert(again(&r, certs()->server, certs()->node, CERTS_HOST));
		ck_assert_int_eq(tls_peer_cert(r.server.tls, &cert, &e), 0);
		ck_assert_str_eq(cert.name.id, CERTS_NODE);
		ck_assert(tls_speaks(r.node.tls, "litevpn/1"));
		ck_assert_int_eq(tls_export(r.server.tls, "EXPORTER-test", NULL, 0, ours, 36), 0);
		ck_assert_int_eq(tls_export(r.node.tls, "EXPORTER-test", NULL, 0, theirs, 36), 0);
		ck_assert_mem_eq(ours, theirs, 36);
		ck_assert_mem_ne(ours, before, 36);
	}
	rig_fini(&r);
}
END_TEST

/* Whoever has ended that, and be it the network. */
START_TEST(a_ticket_outlives_its_connection)
{
	struct rig r;

	rig_init(&r);
	handshake(&r);
	LOOP_UNTIL(r.ev, r.env.memory.ticket != NULL);
	if (_i == 0) {
		tls_free(r.node.tls);
		r.node.tls = NULL;
	} else {
		shutdown(r.fds[1], SHUT_RDWR);
	}
	LOOP_UNTIL(r.ev, r.server.times[CLOSED] == 1);
	ck_assert(again(&r, certs()->server, certs()->node, CERTS_HOST));
	rig_fini(&r);
}
END_TEST

/* That of the node ends in an hour. */
START_TEST(a_ticket_ends_with_the_certificate)
{
	struct rig r;
	unsigned long life;

	rig_init(&r);
	handshake(&r);
	LOOP_UNTIL(r.ev, r.env.memory.ticket != NULL);
	life = SSL_SESSION_get_ticket_lifetime_hint(r.env.memory.ticket);
	ck_assert_uint_le(life, 3600);
	ck_assert_uint_ge(life, 3500);
	rig_fini(&r);
}
END_TEST

START_TEST(a_ticket_is_for_one_name_one_context_and_once)
{
	struct rig r;

	rig_init(&r);
	handshake(&r);
	ck_assert(!again(&r, certs()->server, certs()->node, CERTS_ADDR));
	ck_assert(again(&r, certs()->server, certs()->node, CERTS_ADDR));
	ck_assert(!again(&r, certs()->server, certs()->nameless, CERTS_ADDR));
	ck_assert(!again(&r, certs()->server, certs()->node, CERTS_ADDR));
	/* It is gone with the attempt, whatever came of that. */
	LOOP_UNTIL(r.ev, r.env.memory.ticket != NULL);
	tls_free(r.node.tls);
	tls_free(r.server.tls);
	r.server = r.node = (struct end){ .tls = NULL };
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, r.fds), 0);
	begin(&r, &r.node, certs()->node, r.fds[1], CERTS_ADDR);
	ck_assert_ptr_null(r.env.memory.ticket);
	close(r.fds[0]);
	rig_fini(&r);
}
END_TEST

/* --- data ------------------------------------------------------------------------------------- */

START_TEST(much_goes_both_ways)
{
	struct rig r;

	rig_init(&r);
	r.server.to_send = r.node.to_send = BULK;
	begin_both(&r);
	LOOP_UNTIL(r.ev, r.server.received == BULK && r.node.received == BULK);
	/* It had to wait. */
	ck_assert_uint_gt(r.server.times[WRITABLE] + r.node.times[WRITABLE], 0);
	rig_fini(&r);
}
END_TEST

START_TEST(nothing_is_written_before_the_handshake)
{
	struct rig r;

	rig_init(&r);
	begin_both(&r);
	ck_assert_int_eq(tls_write(r.node.tls, (const uint8_t *) "x", 1), 0);
	LOOP_UNTIL(r.ev, r.server.times[READY] == 1);
	ck_assert_uint_eq(r.server.received, 0);
	rig_fini(&r);
}
END_TEST

/* What was written last arrives, although the stream is ended with input unread. */
START_TEST(last_words_arrive)
{
	struct rig r;

	rig_init(&r);
	handshake(&r);
	r.node.to_send = 3000;
	send_more(&r.node);
	r.server.to_send = 4000;
	send_more(&r.server);
	tls_free(r.server.tls);
	r.server.tls = NULL;
	LOOP_UNTIL(r.ev, r.node.times[CLOSED] == 1);
	ck_assert_uint_eq(r.node.received, 4000);
	ck_assert_str_eq(r.node.why, "");
	ck_assert_uint_eq(r.server.received, 0);	/* no callback after tls_free */
	LOOP_UNTIL(r.ev, LIST_EMPTY(&r.env.rest));
	rig_fini(&r);
}
END_TEST

/* --- the end, at each stage ------------------------------------------------------------------- */

static void
check_server_told(struct rig *r, bool ready)
{
	LOOP_UNTIL(r->ev, r->server.times[CLOSED] == 1);
	ck_assert_uint_eq(r->server.times[READY], ready);
	LOOP_UNTIL(r->ev, LIST_EMPTY(&r->env.rest));
}

START_TEST(the_peer_closes_before_a_word)
{
	struct rig r;

	rig_init(&r);
	begin(&r, &r.server, certs()->server, r.fds[0], NULL);
	close(r.fds[1]);
	check_server_told(&r, false);
	ck_assert_str_ne(r.server.why, "");
	rig_fini(&r);
}
END_TEST

START_TEST(the_peer_speaks_something_else)
{
	static const char http[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	struct rig r;

	rig_init(&r);
	begin(&r, &r.server, certs()->server, r.fds[0], NULL);
	ck_assert_int_eq(write(r.fds[1], http, sizeof(http)), sizeof(http));
	check_server_told(&r, false);
	ck_assert_str_ne(r.server.why, "");
	close(r.fds[1]);
	rig_fini(&r);
}
END_TEST

/* The node's own first bytes, and then nothing more. */
static void
say_and_close(struct rig *r, size_t limit)
{
	uint8_t hello[4096];
	int aside[2];
	ssize_t n = 0;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, aside), 0);
	begin(r, &r->server, certs()->server, r->fds[0], NULL);
	begin(r, &r->node, certs()->node, aside[0], CERTS_HOST);
	LOOP_UNTIL(r->ev, (n = read(aside[1], hello, limit)) > 0);
	ck_assert_int_eq(write(r->fds[1], hello, (size_t) n), n);
	loop_step(r->ev);
	close(r->fds[1]);
	close(aside[1]);
}

START_TEST(the_peer_closes_within_the_handshake)
{
	struct rig r;

	rig_init(&r);
	say_and_close(&r, (size_t[]){ 1, 5, 100, 4096 }[_i]);
	check_server_told(&r, false);
	ck_assert_str_ne(r.server.why, "");
	LOOP_UNTIL(r.ev, r.node.times[CLOSED] == 1);
	rig_fini(&r);
}
END_TEST

START_TEST(the_peer_ends_in_good_order)
{
	struct rig r;

	rig_init(&r);
	handshake(&r);
	tls_free(r.node.tls);
	r.node.tls = NULL;
	check_server_told(&r, true);
	ck_assert_str_eq(r.server.why, "");
	rig_fini(&r);
}
END_TEST

START_TEST(writing_to_a_peer_that_is_gone)
{
	struct rig r;

	rig_init(&r);
	handshake(&r);
	shutdown(r.fds[1], SHUT_RDWR);
	r.server.to_send = BULK;
	send_more(&r.server);
	ck_assert_uint_eq(r.server.times[CLOSED], 0);	/* told from the loop, not from within */
	ck_assert_int_eq(tls_write(r.server.tls, (const uint8_t *) "x", 1), -ECONNRESET);
	check_server_told(&r, true);
	rig_fini(&r);
}
END_TEST

/* --- freed from within ------------------------------------------------------------------------ */

static const struct {
	enum moment server, node;
} frees[] = {
	{ READY, NEVER }, { NEVER, READY }, { READY, READY },
	{ DATA, NEVER }, { NEVER, DATA }, { DATA, DATA },
	{ WRITABLE, NEVER }, { NEVER, WRITABLE }, { WRITABLE, WRITABLE },
	{ READY, DATA }, { DATA, WRITABLE },
};

START_TEST(it_is_freed_from_any_callback)
{
	struct rig r;

	rig_init(&r);
	r.server.to_send = r.node.to_send = BULK;
	r.server.free_at = frees[_i].server;
	r.node.free_at = frees[_i].node;
	begin_both(&r);
	LOOP_UNTIL(r.ev, r.server.tls == NULL && r.node.tls == NULL && LIST_EMPTY(&r.env.rest));
	rig_fini(&r);
}
END_TEST

START_TEST(it_is_freed_before_anything_happened)
{
	struct rig r;

	rig_init(&r);
	begin_both(&r);
	tls_free(r.server.tls);
	r.server.tls = NULL;
	tls_free(NULL);
	LOOP_UNTIL(r.ev, r.node.times[CLOSED] == 1);
	ck_assert_uint_eq(r.node.times[READY], 0);
	rig_fini(&r);
}
END_TEST

/* --- what is left of ended streams ------------------------------------------------------------ */

/* Writes what the socket takes; returns how much. */
static size_t
flood(int fd)
{
	static uint8_t junk[65536];
	size_t total = 0;
	ssize_t n;

	while ((n = write(fd, junk, sizeof(junk))) > 0)
		total += (size_t) n;
	return total;
}

/* A peer that goes on sending gets neither the loop for itself nor the descriptor for long. */
START_TEST(a_peer_that_never_ends_is_left)
{
	int size = 4 << 20, left = 0;
	struct rig r;

	rig_init(&r);
	r.node.stays = true;
	handshake(&r);
	setsockopt(r.fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	tls_free(r.server.tls);
	r.server.tls = NULL;
	ck_assert_uint_gt(flood(r.fds[1]), 100000);
	loop_round(r.ev);
	ck_assert_int_eq(ioctl(r.fds[0], FIONREAD, &left), 0);
	ck_assert_int_gt(left, 0);
	while (!LIST_EMPTY(&r.env.rest)) {
		flood(r.fds[1]);
		loop_step(r.ev);
	}
	rig_fini(&r);
}
END_TEST

START_TEST(what_is_left_can_be_ended_at_once)
{
	struct rig r;

	rig_init(&r);
	handshake(&r);
	tls_free(r.server.tls);
	tls_free(r.node.tls);
	r.server.tls = r.node.tls = NULL;
	ck_assert(!LIST_EMPTY(&r.env.rest));
	tls_env_fini(&r.env);
	ck_assert(LIST_EMPTY(&r.env.rest));
	loop_step(r.ev);
	rig_fini(&r);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("tls");

	tcase_add_unchecked_fixture(tc, certs_setup, certs_teardown);
	tcase_add_test(tc, both_know_each_other);
	tcase_add_test(tc, both_export_the_same_keys);
	KIT_ROWS(tc, only_the_right_ones_meet, refusals);
	tcase_add_test(tc, the_second_time_a_ticket_will_do);
	tcase_add_loop_test(tc, a_ticket_outlives_its_connection, 0, 2);
	tcase_add_test(tc, a_ticket_ends_with_the_certificate);
	tcase_add_test(tc, a_ticket_is_for_one_name_one_context_and_once);
	tcase_add_test(tc, much_goes_both_ways);
	tcase_add_test(tc, nothing_is_written_before_the_handshake);
	tcase_add_test(tc, last_words_arrive);
	tcase_add_test(tc, the_peer_closes_before_a_word);
	tcase_add_test(tc, the_peer_speaks_something_else);
	tcase_add_loop_test(tc, the_peer_closes_within_the_handshake, 0, 4);
	tcase_add_test(tc, the_peer_ends_in_good_order);
	tcase_add_test(tc, writing_to_a_peer_that_is_gone);
	KIT_ROWS(tc, it_is_freed_from_any_callback, frees);
	tcase_add_test(tc, it_is_freed_before_anything_happened);
	tcase_add_test(tc, a_peer_that_never_ends_is_left);
	tcase_add_test(tc, what_is_left_can_be_ended_at_once);
	return kit_run("tunneld/tls", tc);
}
