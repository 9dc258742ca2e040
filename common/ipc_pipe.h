/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPC_PIPE_H
#define LV_IPC_PIPE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ev.h"
#include "common/ipc.h"

/*
 * One connection between two daemons: what all ends of ipc.h and ipc_events.h share, of no use
 * elsewhere.
 *
 * On it nanomsg's published protocols are spoken, so that nng is a peer which we did not write: on
 * a unix stream socket each end greets with eight bytes that name its protocol, and each message
 * has a byte 1 and its length before it. In REQ/REP a message begins with the request's number; in
 * PUB/SUB there is only the body.
 *
 * Not nng itself: it hands each message from thread to thread four times, which cost ipamd five
 * times as much as all that it did for a request. Here one call reads what has come, and one writes
 * what has gathered.
 *
 * A pipe's end is told by the loop, never out of a call of its owner's.
 */

enum ipc_protocol {
	IPC_PUB = 0x20, IPC_SUB = 0x21,
	IPC_REQ = 0x30, IPC_REP = 0x31,
};

struct ipc_pipe;

struct ipc_pipe_type {
	enum ipc_protocol self, peer;
	/* May the next message come? NULL: always. Once it may again, call ipc_pipe_hear. */
	bool (*is_ready)(const struct ipc_pipe *p);
	/* The peer has greeted. May be NULL. */
	void (*greeted)(struct ipc_pipe *p);
	/*
	 * A message, borrowed until it returns; number: 0 in PUB/SUB. False: who sends such a thing
	 * is not worth hearing.
	 */
	bool (*message)(struct ipc_pipe *p, uint32_t number, const uint8_t *body, size_t len);
	/* It is over, and closed already. */
	void (*over)(struct ipc_pipe *p);
};

struct ipc_buffer {
	uint8_t *bytes;
	size_t begin, end, size;	/* what it holds lies between begin and end */
};

struct ipc_pipe {
	struct ev *ev;
	const struct ipc_pipe_type *type;
	struct ev_io io;	/* active as long as the pipe is open */
	uint32_t events;	/* that the loop looks for */
	bool is_greeted;
	bool is_broken;		/* nothing counts any more but its end */
	struct ipc_buffer in, out;
};

/* consumes: fd, a connected unix socket that does not block. Greets. */
int ipc_pipe_open(struct ipc_pipe *p, struct ev *ev, int fd, const struct ipc_pipe_type *type);
bool ipc_pipe_is_open(const struct ipc_pipe *p);
void ipc_pipe_close(struct ipc_pipe *p);	/* not from `message`; a closed one is fine */

/* Breaks it: the loop will say that it is over. */
void ipc_pipe_break(struct ipc_pipe *p);

/* Its owner is ready again for what has come. May call `message`. */
void ipc_pipe_hear(struct ipc_pipe *p);

/* Numbers of requests have this bit. */
#define IPC_NUMBER_BIT (1u << 31)

/*
 * Queues a message, whose protobuf is packed already or not. number: 0 in PUB/SUB.
 * 0, -EMSGSIZE or -ENOMEM.
 */
int ipc_pipe_send(struct ipc_pipe *p, uint32_t number, const uint8_t *body, size_t len);
int ipc_pipe_pack(struct ipc_pipe *p, uint32_t number, const ProtobufCMessage *msg);

/* Sends as much of the queue as the socket takes; the rest goes when it can. */
void ipc_pipe_flush(struct ipc_pipe *p);
size_t ipc_pipe_unsent(const struct ipc_pipe *p);	/* bytes */

#endif
