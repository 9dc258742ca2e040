/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tunneld/connrig.h"

#include <check.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/tunneld/certs.h"

#define READ_MAX 16384

/* --- what an end is told ---------------------------------------------------------------------- */

static void
told(struct end *e, enum moment m)
{
	e->times[m]++;
	if (e->trust_at == m)
		conn_trust(e->conn);
	if (e->free_at == m || m == CLOSED) {
		conn_free(e->conn);
		e->conn = NULL;
	}
}

static void
on_ready(void *owner)
{
	told(owner, READY);
}

static void
on_control(void *owner, const struct control *msg)
{
	struct end *e = owner;

	e->last = *msg;
	told(e, CONTROL);
}

static void
on_packet(void *owner, const uint8_t *pkt, size_t len)
{
	struct end *e = owner;

	for (size_t i = 0; i < len; i++) {
		if (pkt[i] != (uint8_t) (i + len))
			ck_abort_msg("byte %zu of %zu is wrong", i, len);
	}
	e->last_len = len;
	told(e, PACKETS);
}

static void
on_closed(void *owner, const char *why)
{
	struct end *e = owner;

	strncpy(e->why, why, sizeof(e->why) - 1);
	told(e, CLOSED);
}

const struct conn_ops rig_ops = {
	.ready = on_ready,
	.control = on_control,
	.packet = on_packet,
	.closed = on_closed,
};

/* --- the rig ---------------------------------------------------------------------------------- */

static void
begin(struct rig *r, struct end *e, SSL_CTX *ctx, int fd, const char *host)
{
	struct err err = { 0 };

	ck_assert_msg(conn_new(&r->env, ctx, fd, host, &rig_ops, e, &e->conn, &err) == 0, "%s",
	    err.text);
}

void
rig_init(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(ev_new(&r->ev), 0);
	conn_env_init(&r->env, r->ev);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, r->fds), 0);
	begin(r, &r->server, certs()->server, r->fds[0], NULL);
}

void
rig_fini(struct rig *r)
{
	conn_free(r->server.conn);
	conn_free(r->node.conn);
	conn_env_fini(&r->env);
	if (r->hand != NULL) {
		SSL_free(r->hand);
		frame_reader_fini(&r->in);
		close(r->fds[1]);
	}
	ev_free(r->ev);
}

void
rig_begin_node(struct rig *r)
{
	begin(r, &r->node, certs()->node, r->fds[1], CERTS_HOST);
}

void
rig_join(struct rig *r)
{
	rig_begin_node(r);
	LOOP_UNTIL(r->ev, r->server.times[READY] == 1 && r->node.times[READY] == 1);
}

void
rig_join_trusted(struct rig *r)
{
	rig_join(r);
	conn_trust(r->server.conn);
	conn_trust(r->node.conn);
}

void
rig_join_by_hand(struct rig *r)
{
	r->hand = SSL_new(certs()->node);
	SSL_set_fd(r->hand, r->fds[1]);
	LOOP_UNTIL(r->ev, SSL_connect(r->hand) == 1);
	frame_reader_init(&r->in, FRAME_BODY_MAX);
	LOOP_UNTIL(r->ev, r->server.times[READY] == 1);
}

void
rig_hand_write(struct rig *r, uint8_t type, const void *body, size_t len)
{
	uint8_t *frame = malloc(FRAME_HEAD + len);
	int n = 0;

	frame_head(frame, (enum frame_type) type, len);
	memcpy(frame + FRAME_HEAD, body, len);
	for (size_t at = 0; at < FRAME_HEAD + len; at += n > 0 ? (size_t) n : 0) {
		n = SSL_write(r->hand, frame + at, (int) (FRAME_HEAD + len - at));
		if (n <= 0 && SSL_get_error(r->hand, n) != SSL_ERROR_WANT_WRITE)
			break;
		loop_step(r->ev);
	}
	free(frame);
}

static int
hand_saw(void *arg, uint8_t type, const uint8_t *body, size_t len)
{
	struct rig *r = arg;

	(void) body, (void) len;
	if (type == FRAME_CONTROL && r->controls++ == 0)
		r->packets_before = r->packets;
	r->packets += type == FRAME_DATA;
	return 0;
}

void
rig_hand_read(struct rig *r, unsigned frames)
{
	uint8_t buf[READ_MAX];
	int n;

	while (r->controls + r->packets < frames) {
		while ((n = SSL_read(r->hand, buf, sizeof(buf))) > 0)
			ck_assert_int_eq(frame_read(&r->in, buf, (size_t) n, hand_saw, r), 0);
		ck_assert_int_eq(SSL_get_error(r->hand, n), SSL_ERROR_WANT_READ);
		loop_step(r->ev);
	}
}

int
rig_send_packet(struct conn *c, size_t len)
{
	uint8_t pkt[FRAME_BODY_MAX];

	for (size_t i = 0; i < len; i++)
		pkt[i] = (uint8_t) (i + len);
	return conn_send_packet(c, pkt, len);
}
