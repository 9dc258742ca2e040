/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_GRPC_H
#define LV_CTLD_GRPC_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/ip.h"
#include "common/reason.h"

/*
 * gRPC's C core as streams of messages: three servers (one per listener, since a call does not say
 * by which port it came) on one completion queue, and one thread that takes from that queue, beside
 * another one that does the sockets. All events run on the queue's thread and all functions of
 * streams but stream_wake must be called from it, so nothing of a stream needs a lock.
 */

#define GRPC_MESSAGE_MAX (256 * 1024)	/* of a request; a page of 1,000 nodes back */
#define GRPC_METHODS_MAX 64	/* of a listener, by grpc_add */

enum listener {
	LISTENER_CONTROL,	/* TCP, a client certificate is required */
	LISTENER_BOOTSTRAP,	/* TCP, a client certificate is verified if there is one */
	LISTENER_ADMIN,		/* the local administrator's socket, no TLS */
	LISTENERS,
};

struct grpc;
struct stream;

/* On the queue's thread. `owner` is what `opened` returned for the stream. */
struct grpc_events {
	/* A call came in. It must be ended by stream_end, now or later, whatever happens to it. */
	void *(*opened)(void *arg, struct stream *s);
	/*
	 * What stream_read asked for, or what came with a call of grpc_add, borrowed; NULL: the peer
	 * has nothing more to say.
	 */
	void (*message)(void *owner, const uint8_t *bytes, size_t len);
	void (*written)(void *owner);	/* the last stream_write is out */
	void (*woken)(void *owner);	/* after stream_wake */
	void (*closed)(void *owner);	/* after stream_watch: over for the peer, whatever the cause */
	void (*released)(void *owner);	/* the last event of a stream */

	void (*settled)(void *arg);	/* no event is left for now, or many came: often */
	void (*tick)(void *arg);	/* about every second */
	void (*stopping)(void *arg);	/* once: no new streams come, the endless ones are to end */
	void (*stopped)(void *arg);	/* once: all streams are released */
	void *arg;
};

struct grpc_conf {
	const char *ca_pem, *cert_pem, *key_pem;	/* borrowed until grpc_new returns */
	struct grpc_events events;
};

/* Starts threads of gRPC: call it with signals blocked, inside of the sandbox. */
int grpc_new(const struct grpc_conf *conf, struct grpc **out, struct err *e);

/*
 * Calls of that method come with their request: `message` follows `opened` at once, and stream_read
 * is not used. So gRPC has one thing to tell of such a call and not two, which takes a fifth of the
 * time for all of it. Before grpc_start, for each listener. path: borrowed for ever.
 */
int grpc_add(struct grpc *g, enum listener at, const char *path, const void *method, struct err *e);

/* Begins to serve. */
int grpc_start(struct grpc *g, struct err *e);

/* For connections that come from now on. Any thread. 0 or -ENOMEM, and nothing has changed. */
int grpc_renew(struct grpc *g, const char *ca_pem, const char *cert_pem, const char *key_pem);

/* consumes: fd, a connected socket. After grpc_start and before grpc_stop, on one thread. */
void grpc_adopt(struct grpc *g, enum listener from, int fd);

/* Refuses new calls and waits for those under way; `stopping` and `stopped` tell how it goes. */
void grpc_stop(struct grpc *g);

/* After grpc_stop: cancels the calls that are still under way. */
void grpc_cancel(struct grpc *g);

/* Ends the thread and frees all; after `stopped`, or when it was never started. NULL is fine. */
void grpc_free(struct grpc *g);

/* --- streams ---------------------------------------------------------------------------------- */

enum listener stream_listener(const struct stream *s);

/* What grpc_add was given for it; NULL: its path was not added. */
const void *stream_method(const struct stream *s);

/*
 * "/litevpn.v1.Node/WatchNodes", as the client wrote it, of a call that was not added. Free it. NULL
 * when out of memory.
 */
char *stream_path(const struct stream *s);

/* Where the peer is; no address where it is on this machine's own socket. */
struct ip_addr stream_source(const struct stream *s);

/* Until the client's deadline; INT64_MAX: it has none. */
int64_t stream_left_ms(const struct stream *s);

/* The verified certificate of the peer, PEM; NULL: none. Free it. */
char *stream_peer_cert(const struct stream *s);

/*
 * For streams that go on: `closed` tells when it is over for the peer, be it ended, cancelled, gone
 * or too late. Once, from `opened`. A call with one answer does without, which is cheaper.
 */
void stream_watch(struct stream *s);

/* Asks for the next message. One at a time. */
void stream_read(struct stream *s);

/* consumes: bytes (malloc). One at a time: `written` is the peer's back-pressure. */
void stream_write(struct stream *s, uint8_t *bytes, size_t len);

/*
 * Ends the stream; later calls of it do nothing. bytes (malloc, consumed): a last message, or NULL.
 * message and details (the trailer grpc-status-details-bin) are copied; NULL: none.
 */
void stream_end(struct stream *s, enum rpc_code code, const char *message, const uint8_t *details,
    size_t details_len, uint8_t *bytes, size_t len);

/* Gives up what has not gone out yet; who has not ended yet is `closed`, if it is watched. */
void stream_cancel(struct stream *s);

/*
 * For work on other threads: the stream stays until stream_wake, which any thread may call, makes
 * `woken` run on the queue's thread. One at a time.
 */
void stream_hold(struct stream *s);
void stream_wake(struct stream *s);

#endif
