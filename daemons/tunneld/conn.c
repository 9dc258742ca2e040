/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/secret.h"
#include "daemons/tunneld/udp.h"

#define CONTROL_MAX (64 * 1024)	/* control bytes that wait: a peer that reads nothing is ended */
#define STAGE_MAX 16384		/* one TLS record: as many packets as fit travel together */

/* Bytes in order of arrival; the buffer exists while something was ever queued. */
struct queue {
	uint8_t *buf;
	size_t max;		/* of bytes in it */
	size_t head, len;	/* the oldest byte; buf is a ring of max bytes */
};

struct conn {
	struct conn_env *env;
	LIST_ENTRY(conn) link;	/* in env->freed, once dead */
	struct tls *tls;
	int fd;			/* the stream's */
	const struct conn_ops *ops;
	void *owner;
	struct frame_reader in;
	struct queue control, data;	/* whole frames only */
	/*
	 * What is being written. OpenSSL wants the same bytes again after it has refused them, so
	 * they stay here from the first try on; [stage_pos, stage_len) is left.
	 */
	uint8_t *stage;		/* STAGE_MAX bytes; NULL while nothing is being written */
	size_t stage_pos, stage_len;
	bool trusted, dead;
	struct ev_timer flusher;	/* writes what one round of the loop has queued, together */
	struct sockaddr_storage peer;
	int64_t rx_ms, tx_ms;
};

/* --- queues ----------------------------------------------------------------------------------- */

static void
ring_put(struct queue *q, const uint8_t *data, size_t n)
{
	size_t at = (q->head + q->len) % q->max;
	size_t first = q->max - at < n ? q->max - at : n;

	memcpy(q->buf + at, data, first);
	memcpy(q->buf, data + first, n - first);
	q->len += n;
}

static void
ring_get(struct queue *q, uint8_t *out, size_t n)
{
	size_t first = q->max - q->head < n ? q->max - q->head : n;

	memcpy(out, q->buf + q->head, first);
	memcpy(out + first, q->buf, n - first);
	q->head = (q->head + n) % q->max;
	q->len -= n;
}

static int
queue_frame(struct queue *q, enum frame_type type, const uint8_t *body, size_t len)
{
	uint8_t head[FRAME_HEAD];

	if (q->buf == NULL && (q->buf = malloc(q->max)) == NULL)
		return -ENOMEM;
	if (q->max - q->len < FRAME_HEAD + len)
		return -ENOBUFS;
	frame_head(head, type, len);
	ring_put(q, head, FRAME_HEAD);
	ring_put(q, body, len);
	return 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

/* Length of the frame at the head of a queue that is not empty. */
static size_t
frame_length(const struct queue *q)
{
	size_t high = q->buf[(q->head + 2) % q->max], low = q->buf[(q->head + 3) % q->max];

	return FRAME_HEAD + (high << 8 | low);
}

/* Moves whole frames to the stage while they fit. */
static void
stage_from(struct conn *c, struct queue *q)
{
	while (q->len > 0) {
		size_t n = frame_length(q);

		if (n > STAGE_MAX - c->stage_len)
			return;
		ring_get(q, c->stage + c->stage_len, n);
		c->stage_len += n;
	}
}

/* The next record: messages first, then packets. False when there is nothing to write. */
static bool
stage_next(struct conn *c)
{
	c->stage_pos = c->stage_len = 0;
	if (c->control.len == 0 && c->data.len == 0) {
		free(c->stage);
		free(c->data.buf);	/* most connections never carry packets, or not for long */
		c->stage = c->data.buf = NULL;
		c->data.head = 0;
		return false;
	}
	if (c->stage == NULL && (c->stage = malloc(STAGE_MAX)) == NULL)
		return false;	/* the next flush tries again */
	stage_from(c, &c->control);
	stage_from(c, &c->data);
	return true;
}

static void
flush(struct conn *c)
{
	int n;

	while (!c->dead) {
		if (c->stage_pos == c->stage_len && !stage_next(c))
			return;
		n = tls_write(c->tls, c->stage + c->stage_pos, c->stage_len - c->stage_pos);
		if (n <= 0)
			return;	/* `writable` or `closed` will come */
		c->stage_pos += (size_t) n;
	}
}

static void
on_flush(void *arg)
{
	flush(arg);
}

static int
queue_and_flush(struct conn *c, struct queue *q, enum frame_type type, const uint8_t *body,
    size_t len)
{
	int rc;

	if (c->dead)
		return -ENOBUFS;
	if ((rc = queue_frame(q, type, body, len)) < 0)
		return rc;
	c->tx_ms = clock_mono_ms();
	if (c->flusher.slot == 0)
		return ev_timer_start(c->env->ev, &c->flusher, 0, on_flush, c);
	return 0;
}

int
conn_send(struct conn *c, const struct control *msg)
{
	uint8_t body[CONTROL_BODY_MAX];
	int len = control_pack(msg, body);

	if (len < 0)
		return len;
	return queue_and_flush(c, &c->control, FRAME_CONTROL, body, (size_t) len);
}

int
conn_send_packet(struct conn *c, const uint8_t *pkt, size_t len)
{
	if (len > STAGE_MAX - FRAME_HEAD)
		return -ENOBUFS;	/* above every MTU that can be configured */
	return queue_and_flush(c, &c->data, FRAME_DATA, pkt, len);
}

/* --- reading ---------------------------------------------------------------------------------- */

static int
on_frame(void *arg, uint8_t type, const uint8_t *body, size_t len)
{
	struct conn *c = arg;
	struct control msg;
	int rc;

	if (type == FRAME_CONTROL) {
		if ((rc = control_parse(body, len, &msg)) < 0)
			return rc;
		c->ops->control(c->owner, &msg);
		control_fini(&msg);
	} else if (type == FRAME_DATA && c->trusted) {
		c->ops->packet(c->owner, body, len);
	} else if (!c->trusted) {
		return -EBADMSG;
	}
	return c->dead ? -ECANCELED : 0;
}

static void
learn_peer(struct conn *c)
{
	socklen_t len = sizeof(c->peer);

	if (getpeername(c->fd, (struct sockaddr *) &c->peer, &len) < 0)
		c->peer.ss_family = AF_UNSPEC;
}

bool
conn_is_cut_off(const struct conn *c)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(ss);
	struct ip_addr before, now;

	if (getsockname(c->fd, (struct sockaddr *) &ss, &len) < 0 ||
	    udp_source(&c->peer, len, &now) < 0)
		return false;	/* nor is there any other way */
	before = ip_from_sockaddr((const struct sockaddr *) &ss);
	return !ip_equal(&before, &now);
}

static void
on_ready(void *arg)
{
	struct conn *c = arg;

	c->rx_ms = clock_mono_ms();
	learn_peer(c);
	if (c->ops->ready != NULL)
		c->ops->ready(c->owner);
}

static void
on_data(void *arg, const uint8_t *data, size_t len)
{
	struct conn *c = arg;
	struct conn_env *env = c->env;	/* c may be gone afterwards */
	int rc;

	c->rx_ms = clock_mono_ms();
	rc = frame_read(&c->in, data, len, on_frame, c);
	if (env->flush != NULL)
		env->flush(env->flush_arg);
	if (rc < 0 && !c->dead)
		c->ops->closed(c->owner, rc == -EMSGSIZE ? "a frame is too long"
							 : "a frame is malformed");
}

static void
on_writable(void *arg)
{
	flush(arg);
}

static void
on_closed(void *arg, const char *why)
{
	struct conn *c = arg;

	c->ops->closed(c->owner, why);
}

static const struct tls_ops tls_ops = {
	.ready = on_ready,
	.data = on_data,
	.writable = on_writable,
	.closed = on_closed,
};

/* --- life ------------------------------------------------------------------------------------- */

int
conn_new(struct conn_env *env, SSL_CTX *ctx, int fd, const char *host,
    const struct conn_ops *ops, void *owner, struct conn **out, struct err *e)
{
	struct conn *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL) {
		close(fd);
		return err_set(e, -ENOMEM, "out of memory");
	}
	c->env = env;
	c->fd = fd;
	c->ops = ops;
	c->owner = owner;
	c->control.max = CONTROL_MAX;
	c->data.max = CONN_DATA_MAX;
	c->rx_ms = c->tx_ms = clock_mono_ms();
	frame_reader_init(&c->in, FRAME_BODY_STRANGER);
	learn_peer(c);
	if ((rc = tls_new(&env->tls, ctx, fd, host, &tls_ops, c, &c->tls, e)) < 0) {
		free(c);
		return rc;
	}
	*out = c;
	return 0;
}

static void
release(struct conn *c)
{
	LIST_REMOVE(c, link);
	ev_timer_stop(c->env->ev, &c->flusher);
	frame_reader_fini(&c->in);
	free(c->control.buf);
	free(c->data.buf);
	free(c->stage);
	free(c);
}

static void
on_release(void *arg)
{
	release(arg);
}

void
conn_free(struct conn *c)
{
	if (c == NULL || c->dead)
		return;
	flush(c);	/* a last Goodbye or Refuse */
	c->dead = true;
	tls_free(c->tls);
	LIST_INSERT_HEAD(&c->env->freed, c, link);
	/* The flusher has nothing to do any more. */
	ev_timer_start(c->env->ev, &c->flusher, 0, on_release, c);
}

void
conn_env_init(struct conn_env *env, struct ev *ev)
{
	env->ev = ev;
	env->flush = NULL;
	LIST_INIT(&env->freed);
	tls_env_init(&env->tls, ev);
}

void
conn_env_fini(struct conn_env *env)
{
	while (!LIST_EMPTY(&env->freed))	/* release takes it off the list */
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		release(LIST_FIRST(&env->freed));
	tls_env_fini(&env->tls);
}

void
conn_give(struct conn *c, const struct conn_ops *ops, void *owner)
{
	c->ops = ops;
	c->owner = owner;
}

void
conn_trust(struct conn *c)
{
	c->trusted = true;
	c->in.max = FRAME_BODY_MAX;
}

struct tls *
conn_tls(struct conn *c)
{
	return c->tls;
}

const struct sockaddr *
conn_peer(const struct conn *c)
{
	return (const struct sockaddr *) &c->peer;
}

int64_t
conn_last_rx_ms(const struct conn *c)
{
	return c->rx_ms;
}

int64_t
conn_last_tx_ms(const struct conn *c)
{
	return c->tx_ms;
}
