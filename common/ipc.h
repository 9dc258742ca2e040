/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPC_H
#define LV_IPC_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/ev.h"

/*
 * Requests between the daemons: protobuf over nng's REQ/REP on a unix socket. One message type for
 * requests and one for replies per socket (each a oneof).
 *
 * Both ends check the other's uid when a pipe is added: a stranger's pipe is closed before it has
 * said anything. A message that does not parse closes the pipe that it came on and is counted; one
 * that is too large is not even read: nng closes its pipe. Neither ends the receiver.
 *
 * What a client asks in one round of its loop travels in one message, and so do the answers, so that
 * a late one keeps the others waiting (ipc_bundle.h says what that is good for).
 *
 * nng runs threads of its own. Handlers and completions run on the owner's event loop; a client
 * made without a loop gets its completions on an nng thread.
 */

#define IPC_MESSAGE_MAX (256 * 1024)	/* a page of 1,000 nodes with room */
#define IPC_CALLS_MAX 128		/* under way at once, per server and per client */

struct ipc_stats {
	uint64_t requests;	/* handled */
	uint64_t malformed;	/* messages that did not parse; each closed its pipe */
	uint64_t strangers;	/* pipes closed because of the peer's uid */
};

/* --- the answering side ----------------------------------------------------------------------- */

struct ipc_server;
struct ipc_call;	/* one request that waits for its answer */

struct ipc_peer {
	uid_t uid;
	unsigned id;	/* the owner's name for it, for its table of who may ask what */
};

struct ipc_server_conf {
	const char *path;	/* of the socket; its directory exists and guards it */
	const ProtobufCMessageDescriptor *request;
	const ProtobufCMessageDescriptor *reply;
	const struct ipc_peer *peers;	/* copied */
	size_t npeers;
	/*
	 * One request; `msg` is borrowed until it returns. The call is answered exactly once, then
	 * or later, by ipc_reply.
	 */
	void (*handle)(void *arg, struct ipc_call *call, const ProtobufCMessage *msg);
	/* After all requests that had arrived together were handled. May be NULL. */
	void (*handled)(void *arg);
	void *arg;
};

int ipc_server_new(struct ev *ev, const struct ipc_server_conf *conf, struct ipc_server **out,
    struct err *e);

/* Ends it; calls that were not answered are dropped. Not from a handler. NULL is fine. */
void ipc_server_free(struct ipc_server *s);

/*
 * consumes: call. On the loop's thread. A reply that is too large is dropped with its pipe: the
 * asker gets -ECONNRESET.
 */
void ipc_reply(struct ipc_call *call, const ProtobufCMessage *reply);

unsigned ipc_call_peer(const struct ipc_call *call);

struct ipc_stats ipc_server_stats(const struct ipc_server *s);

/* --- the asking side -------------------------------------------------------------------------- */

struct ipc_client;

struct ipc_client_conf {
	const char *path;
	uid_t uid;	/* of the daemon that listens there */
	const ProtobufCMessageDescriptor *request;
	const ProtobufCMessageDescriptor *reply;
	/* The listener was reached, anew or again: ask for what may have been missed, or NULL. */
	void (*up)(void *arg);
	void *arg;
};

/*
 * ev may be NULL: completions and `up` then run on a thread of nng, and what is asked goes out with
 * ipc_client_flush. Connects for ever by itself.
 */
int ipc_client_new(struct ev *ev, const struct ipc_client_conf *conf, struct ipc_client **out,
    struct err *e);

/*
 * Cancels what is under way (completions are not called any more) and ends it. Not from a
 * completion nor from `up`. NULL is fine.
 */
void ipc_client_free(struct ipc_client *c);

/*
 * rc 0: `reply` is there, borrowed until it returns. Otherwise NULL and -ETIMEDOUT, -ECONNRESET
 * (the listener died; whether it acted is unknown), -EBADMSG, -ECANCELED.
 */
typedef void ipc_done(void *arg, int rc, const ProtobufCMessage *reply);

/*
 * Sends a request; `done` is called exactly once, never from inside. Nothing is sent twice: a
 * request whose pipe is lost fails. Waits for a listener that is not there until the time is over.
 * Returns 0, -ENOBUFS when IPC_CALLS_MAX are under way, -EMSGSIZE, -ENOMEM: `done` is not called
 * then. On the loop's thread, or where there is no loop on one thread of the owner's.
 */
int ipc_ask(struct ipc_client *c, const ProtobufCMessage *request, int64_t timeout_ms,
    ipc_done *done, void *arg);

/*
 * For a client without a loop, on the thread that asks: sends what has gathered, unless enough is
 * under way. Its owner calls it when there is nothing more to ask for the moment, and after each
 * answer; what fills a message goes out without.
 */
void ipc_client_flush(struct ipc_client *c);

/* Is the listener connected now. */
bool ipc_client_is_up(const struct ipc_client *c);

struct ipc_stats ipc_client_stats(const struct ipc_client *c);

#endif
