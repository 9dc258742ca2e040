/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_GRPC_CORE_H
#define LV_CTLD_GRPC_CORE_H

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "daemons/ctld/grpc.h"

/* What grpc.c (servers, queue) and grpc_stream.c (streams) share, and nobody else sees. */

/* What comes out of the queue. Its fields are set before its batch starts: it may come at once. */
struct tag {
	void (*fn)(void *owner, bool ok);
	void *owner;
};

/* What TLS works with; owns the texts. */
struct grpc_tls {
	pthread_mutex_t lock;
	grpc_ssl_pem_key_cert_pair pair;
	char *ca;
	unsigned generation;	/* rises with each change; 0: nothing is set yet */
};

struct server;

/* Calls of one method of grpc_add. */
struct lane {
	struct server *server;
	void *core;
	const void *method;
};

struct server {
	struct grpc *g;
	enum listener id;
	grpc_server *core;
	unsigned generation;		/* of grpc_tls that it has */
	struct grpc_handler *handler;	/* takes connections; gRPC's, until the server shuts down */
	struct tag down;
	struct lane lanes[GRPC_METHODS_MAX];
	unsigned nlanes;
};

/*
 * refs: one for each batch that gRPC holds, given back when its tag comes out of the queue, and
 * one for each stream_hold, given back by way of stream_wake. gRPC wants a status for every call
 * that it has delivered, also for one that was cancelled long ago: without it a shutdown never
 * ends. So what nobody has ended when it is cancelled is ended then.
 */
struct stream {
	struct server *server;
	const struct lane *lane;	/* NULL: of all that have none */
	void *owner;
	grpc_call *core;	/* NULL until a call has come */
	grpc_call_details details;	/* without a lane */
	gpr_timespec deadline;
	grpc_metadata_array metadata;
	unsigned refs;
	bool ended, began;	/* our status, our headers are on their way */
	bool watched;		/* the owner is told when it is over */
	int cancelled;
	grpc_byte_buffer *in, *out;	/* of the batches under way */
	grpc_slice message, status;
	struct tag opened, read, written, ended_tag, closed, woken;
};

/*
 * Two queues, each with its thread: `wire` does the sockets, `queue` has all our events. While the
 * wire's thread reads, or writes, the answers that are given meanwhile gather, and go out as one
 * record and one system call: ten answers each where one thread sends every answer alone (measured
 * with 64 calls in flight; half as much time again for a single one at a time is the price).
 */
struct grpc {
	struct grpc_events events;
	grpc_completion_queue *queue, *wire;
	grpc_resource_quota *quota;
	struct server servers[LISTENERS];
	struct grpc_tls tls;
	pthread_t queue_thread, wire_thread;
	bool has_queue_thread, has_wire_thread;
	/*
	 * Raised by who wakes a stream, read by the queue's thread: what was written before the one
	 * is seen after the other. The queue orders it as well, but promises that to nobody.
	 */
	atomic_uint handed;
	bool stopping;
	unsigned down;	/* servers that have shut down */
	unsigned live;	/* streams that are not released */
};

static inline void
grpc_check_stopped(struct grpc *g)
{
	if (g->down == LISTENERS && g->live == 0)
		g->events.stopped(g->events.arg);
}

/* --- grpc_tls.c --------------------------------------------------------------------------------- */

/* From now on, for connections that come. Copies. 0 or -ENOMEM. */
int grpc_tls_set(struct grpc_tls *tls, const char *ca_pem, const char *cert_pem,
    const char *key_pem);
void grpc_tls_fini(struct grpc_tls *tls);

/* Of the server's listener. NULL: gRPC cannot use the certificate. *srv must stay where it is. */
grpc_server_credentials *grpc_tls_creds(struct server *srv);

/* --- grpc_adopt.c: connections that we accept --------------------------------------------------- */

/* What grpc_server_create is to be told; *srv must stay where it is. */
grpc_arg grpc_adopt_arg(struct server *srv);

/* False: gRPC does not do it. */
bool grpc_adopt_open(struct server *srv, grpc_server_credentials *creds);

/* --- grpc_stream.c ------------------------------------------------------------------------------ */

/*
 * A place for a call that is to come; the server has to be asked for it with s->opened. lane: may be
 * NULL.
 */
struct stream *stream_new(struct server *srv, const struct lane *lane);
void stream_free(struct stream *s);

/* A call has come into its place. */
void stream_begin(struct stream *s);

#endif
