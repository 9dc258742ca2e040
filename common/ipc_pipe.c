/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc_pipe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/wire.h"

#define GREETING_LEN 8
#define GREETING 0x00535000	/* "\0SP\0"; then the protocol, and two bytes of zero */
#define FRAME_LEN 9		/* before each message: FRAME_MESSAGE and the length of the rest */
#define FRAME_MESSAGE 1
#define NUMBER_LEN 4
#define READ_MIN (16 * 1024)	/* room for what one call may read */

/* --- buffers ---------------------------------------------------------------------------------- */

static size_t
held_in(const struct ipc_buffer *b)
{
	return b->end - b->begin;
}

/* Room for n bytes behind those that it holds. */
static bool
reserve(struct ipc_buffer *b, size_t n)
{
	size_t len = held_in(b), size = b->size;
	uint8_t *bytes;

	if (b->size - b->end >= n)
		return true;
	if (len > 0)
		memmove(b->bytes, b->bytes + b->begin, len);
	b->begin = 0;
	b->end = len;
	while (size - len < n)
		size = size == 0 ? READ_MIN : size * 2;
	if (size == b->size)
		return true;
	if ((bytes = realloc(b->bytes, size)) == NULL)
		return false;
	b->bytes = bytes;
	b->size = size;
	return true;
}

static void
drop(struct ipc_buffer *b)
{
	free(b->bytes);
	*b = (struct ipc_buffer){ 0 };
}

/* --- hearing ---------------------------------------------------------------------------------- */

static bool
is_ready(const struct ipc_pipe *p)
{
	return !p->is_broken && (p->type->is_ready == NULL || p->type->is_ready(p));
}

static void
choose_events(struct ipc_pipe *p)
{
	uint32_t events = (is_ready(p) ? EPOLLIN : 0) | (held_in(&p->out) > 0 ? EPOLLOUT : 0);

	if (events != p->events && ev_io_mod(p->ev, &p->io, events) == 0)
		p->events = events;
}

static bool
is_numbered(const struct ipc_pipe *p)
{
	return p->type->peer == IPC_REQ || p->type->peer == IPC_REP;
}

/* Returns whether there was one, likewise below. */
static bool
hear_greeting(struct ipc_pipe *p)
{
	struct wire w = wire_reader(p->in.bytes + p->in.begin, GREETING_LEN);

	if (held_in(&p->in) < GREETING_LEN)
		return false;
	p->in.begin += GREETING_LEN;
	p->is_greeted = wire_get_u32(&w) == GREETING && wire_get_u16(&w) == p->type->peer;
	if (!p->is_greeted)
		ipc_pipe_break(p);
	else if (p->type->greeted != NULL)
		p->type->greeted(p);
	return true;
}

static bool
hear_message(struct ipc_pipe *p)
{
	struct wire w = wire_reader(p->in.bytes + p->in.begin, held_in(&p->in));
	size_t number_len = is_numbered(p) ? NUMBER_LEN : 0;
	uint8_t frame = wire_get_u8(&w);
	uint64_t len = wire_get_u64(&w);
	uint32_t number = 0;
	const uint8_t *body;

	if (w.failed)
		return false;
	if (frame != FRAME_MESSAGE || len < number_len || len - number_len > IPC_MESSAGE_MAX) {
		ipc_pipe_break(p);
		return true;
	}
	if (wire_left(&w) < len)
		return false;
	p->in.begin += FRAME_LEN + len;
	if (is_numbered(p))
		number = wire_get_u32(&w);
	body = wire_get_bytes(&w, len - number_len);
	/* Words without the bit are hops, and between us there are none. */
	if ((is_numbered(p) && (number & IPC_NUMBER_BIT) == 0) ||
	    !p->type->message(p, number, body, len - number_len))
		ipc_pipe_break(p);
	return true;
}

void
ipc_pipe_hear(struct ipc_pipe *p)
{
	while (is_ready(p) && (p->is_greeted ? hear_message(p) : hear_greeting(p)))
		;
	choose_events(p);
}

/* --- the socket ------------------------------------------------------------------------------- */

/* False: the peer has gone. */
static bool
read_more(struct ipc_pipe *p)
{
	ssize_t n;

	if (!reserve(&p->in, READ_MIN))
		return false;
	n = recv(p->io.fd, p->in.bytes + p->in.end, p->in.size - p->in.end, 0);
	if (n > 0)
		p->in.end += (size_t) n;
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static void
write_more(struct ipc_pipe *p)
{
	ssize_t n = 0;

	while (n >= 0 && held_in(&p->out) > 0) {
		n = send(p->io.fd, p->out.bytes + p->out.begin, held_in(&p->out), MSG_NOSIGNAL);
		if (n >= 0)
			p->out.begin += (size_t) n;
		else if (errno != EAGAIN && errno != EINTR)
			p->out.begin = p->out.end;	/* it has gone: the loop will notice */
	}
}

static void
on_events(void *arg, uint32_t events)
{
	struct ipc_pipe *p = arg;
	bool is_there = !p->is_broken && (events & (EPOLLIN | EPOLLOUT)) != 0;

	if (is_there && (events & EPOLLOUT) != 0)
		write_more(p);
	if (is_there && (events & EPOLLIN) != 0)
		is_there = read_more(p);
	if (is_there) {
		ipc_pipe_hear(p);
	} else {
		ipc_pipe_close(p);
		p->type->over(p);
	}
}

void
ipc_pipe_flush(struct ipc_pipe *p)
{
	write_more(p);
	choose_events(p);
}

size_t
ipc_pipe_unsent(const struct ipc_pipe *p)
{
	return held_in(&p->out);
}

/* Where the body of that length goes; NULL: no memory. */
static uint8_t *
begin_message(struct ipc_pipe *p, uint32_t number, size_t len)
{
	size_t number_len = is_numbered(p) ? NUMBER_LEN : 0;
	size_t whole = FRAME_LEN + number_len + len;
	struct wire w;

	if (!reserve(&p->out, whole))
		return NULL;
	w = wire_writer(p->out.bytes + p->out.end, whole);
	wire_put_u8(&w, FRAME_MESSAGE);
	wire_put_u64(&w, number_len + len);
	if (is_numbered(p))
		wire_put_u32(&w, number);
	p->out.end += whole;
	return w.base + w.pos;
}

int
ipc_pipe_send(struct ipc_pipe *p, uint32_t number, const uint8_t *body, size_t len)
{
	uint8_t *to;

	if (len > IPC_MESSAGE_MAX)
		return -EMSGSIZE;
	if ((to = begin_message(p, number, len)) == NULL)
		return -ENOMEM;
	memcpy(to, body, len);
	return 0;
}

int
ipc_pipe_pack(struct ipc_pipe *p, uint32_t number, const ProtobufCMessage *msg)
{
	size_t len = protobuf_c_message_get_packed_size(msg);
	uint8_t *to;

	if (len > IPC_MESSAGE_MAX)
		return -EMSGSIZE;
	if ((to = begin_message(p, number, len)) == NULL)
		return -ENOMEM;
	protobuf_c_message_pack(msg, to);
	return 0;
}

/* --- its life --------------------------------------------------------------------------------- */

int
ipc_pipe_open(struct ipc_pipe *p, struct ev *ev, int fd, const struct ipc_pipe_type *type)
{
	struct wire w;
	int rc;

	*p = (struct ipc_pipe){ .ev = ev, .type = type, .events = EPOLLIN };
	rc = reserve(&p->out, GREETING_LEN) ? ev_io_add(ev, &p->io, fd, p->events, on_events, p)
	    : -ENOMEM;
	if (rc < 0) {
		drop(&p->out);
		close(fd);
		return rc;
	}
	w = wire_writer(p->out.bytes, GREETING_LEN);
	wire_put_u32(&w, GREETING);
	wire_put_u16(&w, (uint16_t) type->self);
	wire_put_u16(&w, 0);
	p->out.end = GREETING_LEN;
	ipc_pipe_flush(p);
	return 0;
}

bool
ipc_pipe_is_open(const struct ipc_pipe *p)
{
	return p->io.active;
}

void
ipc_pipe_close(struct ipc_pipe *p)
{
	if (!p->io.active)
		return;
	ev_io_del(p->ev, &p->io);
	close(p->io.fd);
	drop(&p->in);
	drop(&p->out);
}

void
ipc_pipe_break(struct ipc_pipe *p)
{
	p->is_broken = true;
	shutdown(p->io.fd, SHUT_RDWR);
}
