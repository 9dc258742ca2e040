/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/grpc.h"

#include <errno.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemons/ctld/grpc_core.h"

#define ACCEPT_WINDOW 16	/* calls per listener that gRPC may deliver before we ask again */
#define LANE_WINDOW 4	/* likewise, per method; there are a hundred */
#define ROUND_MAX 64	/* events before `settled` is due, though more wait */
#define MANY 8	/* calls under way: beyond, rates count for more than the time of one call */
#define STREAMS_PER_CONNECTION_MAX 100
/*
 * What gRPC may hold of calls that are not ours yet, and of connections; beyond it gRPC ends calls,
 * one after the other. A call of grpc_add is gRPC's alone until its whole request is there, however
 * long that takes.
 */
#define MEMORY_MAX ((size_t) 256 << 20)
#define HANDSHAKE_MS 10000	/* gRPC's own two minutes would let strangers hold descriptors */
#define IDLE_MS (10 * 60 * 1000)
#define KEEPALIVE_MS (60 * 1000)
#define KEEPALIVE_WAIT_MS (20 * 1000)
#define CLIENT_PING_MIN_MS (10 * 1000)

/* --- the queue -------------------------------------------------------------------------------- */

static void on_opened(void *owner, bool ok);

/* Leaves one more open place for a call that may come. */
static void
request_call(struct server *srv, const struct lane *lane)
{
	grpc_completion_queue *q = srv->g->queue;
	struct stream *s = stream_new(srv, lane);
	grpc_call_error error;

	if (s == NULL) {
		log_err("grpc_window_shrinks", "error=%s", err_name(-ENOMEM));
		return;
	}
	s->opened = (struct tag){ on_opened, s };
	if (lane == NULL)
		error = grpc_server_request_call(srv->core, &s->core, &s->details, &s->metadata, q,
		    q, &s->opened);
	else
		error = grpc_server_request_registered_call(srv->core, lane->core, &s->core,
		    &s->deadline, &s->metadata, &s->in, q, q, &s->opened);
	if (error != GRPC_CALL_OK)
		stream_free(s);
}

static void
open_places(struct server *srv)
{
	for (unsigned i = 0; i < ACCEPT_WINDOW; i++)
		request_call(srv, NULL);
	for (unsigned n = 0; n < srv->nlanes; n++) {
		for (unsigned i = 0; i < LANE_WINDOW; i++)
			request_call(srv, &srv->lanes[n]);
	}
}

static void
note_stopping(struct grpc *g)
{
	if (g->stopping)
		return;
	g->stopping = true;
	g->events.stopping(g->events.arg);
}

static void
on_opened(void *owner, bool ok)
{
	struct stream *s = owner;
	struct grpc *g = s->server->g;

	if (!ok) {	/* grpc_stop closes the open places */
		stream_free(s);
		note_stopping(g);
		return;
	}
	request_call(s->server, s->lane);
	stream_begin(s);
}

static void
on_down(void *owner, bool ok)
{
	struct server *srv = owner;

	(void) ok;
	note_stopping(srv->g);
	srv->g->down++;
	grpc_check_stopped(srv->g);
}

static gpr_timespec
in_a_second(void)
{
	return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(1, GPR_TIMESPAN));
}

/*
 * The next event; `settled` before it is waited for. While many calls are under way the queue is
 * asked whether there is more: gRPC sleeps for some 50 us to say that there is not, and what comes
 * meanwhile is done in one go. For a few calls that would be half of their time.
 */
static grpc_event
next_event(struct grpc *g, unsigned *round, gpr_timespec until)
{
	grpc_event ev = { .type = GRPC_QUEUE_TIMEOUT };

	if (*round > 0 && *round < ROUND_MAX && g->live >= MANY)
		ev = grpc_completion_queue_next(g->queue, gpr_inf_past(GPR_CLOCK_MONOTONIC), NULL);
	if (ev.type == GRPC_QUEUE_TIMEOUT) {
		if (*round > 0)
			g->events.settled(g->events.arg);
		*round = 0;
		ev = grpc_completion_queue_next(g->queue, until, NULL);
	}
	if (ev.type == GRPC_OP_COMPLETE)
		++*round;
	return ev;
}

static void *
run_queue(void *arg)
{
	struct grpc *g = arg;
	gpr_timespec next_tick = in_a_second();
	unsigned round = 0;

	for (enum listener id = 0; id < LISTENERS; id++)
		open_places(&g->servers[id]);
	for (;;) {
		grpc_event ev = next_event(g, &round, next_tick);
		struct tag *tag = ev.tag;

		(void) atomic_load_explicit(&g->handed, memory_order_acquire);
		if (ev.type == GRPC_QUEUE_SHUTDOWN)
			return NULL;
		if (ev.type == GRPC_OP_COMPLETE)
			tag->fn(tag->owner, ev.success != 0);
		if (gpr_time_cmp(gpr_now(GPR_CLOCK_MONOTONIC), next_tick) >= 0) {
			g->events.tick(g->events.arg);
			next_tick = in_a_second();
		}
	}
}

/* Sockets, TLS and HTTP/2; no event of ours comes here. */
static void *
run_wire(void *arg)
{
	struct grpc *g = arg;

	grpc_completion_queue_next(g->wire, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	return NULL;
}

/* --- the servers ------------------------------------------------------------------------------ */

#define INTEGER(k, v) { .type = GRPC_ARG_INTEGER, .key = (char *) (k), .value.integer = (v) }

static const grpc_arg settings[] = {
	INTEGER(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, GRPC_MESSAGE_MAX),
	INTEGER(GRPC_ARG_MAX_CONCURRENT_STREAMS, STREAMS_PER_CONNECTION_MAX),
	INTEGER(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, HANDSHAKE_MS),
	INTEGER(GRPC_ARG_MAX_CONNECTION_IDLE_MS, IDLE_MS),
	INTEGER(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_MS),
	INTEGER(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_WAIT_MS),
	INTEGER(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, CLIENT_PING_MIN_MS),
	/* What we do not use of it costs an eighth of each call: its statistics, ... */
	INTEGER(GRPC_ARG_ENABLE_CHANNELZ, 0),
	/* ... compression (grpc_stream.c refuses it), ... */
	INTEGER(GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0),
	INTEGER(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
	/* ... timers for the clients' deadlines beside our own (call.h), ... */
	INTEGER(GRPC_ARG_ENABLE_DEADLINE_CHECKS, 0),
	/* ... pings to learn how much a long line holds: our messages are small. */
	INTEGER(GRPC_ARG_HTTP2_BDP_PROBE, 0),
};

/* gRPC's own words are for those who look for a fault in it. */
static void
on_log(gpr_log_func_args *args)
{
	log_debug("grpc", "text=%s", LOG_Q(args->message));
}

static grpc_completion_queue *
make_queue(grpc_cq_polling_type polling)
{
	const grpc_completion_queue_attributes attr = { 1, GRPC_CQ_NEXT, polling, NULL };

	return grpc_completion_queue_create(grpc_completion_queue_factory_lookup(&attr), &attr,
	    NULL);
}

#define NSETTINGS (sizeof(settings) / sizeof(settings[0]))

static int
make_server(struct server *srv, struct err *e)
{
	grpc_arg args[NSETTINGS + 2];
	grpc_server_credentials *creds;
	bool open;

	memcpy(args, settings, sizeof(settings));
	args[NSETTINGS] = grpc_adopt_arg(srv);
	args[NSETTINGS + 1] = (grpc_arg){
		.type = GRPC_ARG_POINTER,
		.key = (char *) GRPC_ARG_RESOURCE_QUOTA,
		.value.pointer = { srv->g->quota, grpc_resource_quota_arg_vtable() },
	};
	srv->core = grpc_server_create(&(grpc_channel_args){ NSETTINGS + 2, args }, NULL);
	grpc_server_register_completion_queue(srv->core, srv->g->queue, NULL);
	grpc_server_register_completion_queue(srv->core, srv->g->wire, NULL);
	if ((creds = grpc_tls_creds(srv)) == NULL)
		return err_set(e, -EINVAL, "gRPC cannot use the server's certificate");
	open = grpc_adopt_open(srv, creds);
	grpc_server_credentials_release(creds);
	return open ? 0 : err_set(e, -ENOTSUP, "this gRPC takes no connections from us");
}

int
grpc_new(const struct grpc_conf *conf, struct grpc **out, struct err *e)
{
	struct grpc *g = calloc(1, sizeof(*g));
	int rc = 0;

	if (g == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	pthread_mutex_init(&g->tls.lock, NULL);
	if (grpc_tls_set(&g->tls, conf->ca_pem, conf->cert_pem, conf->key_pem) < 0) {
		grpc_tls_fini(&g->tls);
		free(g);
		return err_set(e, -ENOMEM, "out of memory");
	}
	gpr_set_log_function(on_log);
	grpc_init();
	g->events = conf->events;
	g->wire = make_queue(GRPC_CQ_DEFAULT_POLLING);
	g->queue = make_queue(GRPC_CQ_NON_POLLING);
	g->quota = grpc_resource_quota_create("ctld");
	grpc_resource_quota_resize(g->quota, MEMORY_MAX);
	for (enum listener id = 0; id < LISTENERS && rc == 0; id++) {
		struct server *srv = &g->servers[id];

		*srv = (struct server){ .g = g, .id = id, .down = { on_down, srv } };
		rc = make_server(srv, e);
	}
	if (rc < 0)
		grpc_free(g);
	else
		*out = g;
	return rc;
}

int
grpc_add(struct grpc *g, enum listener at, const char *path, const void *method, struct err *e)
{
	struct server *srv = &g->servers[at];
	struct lane *lane = &srv->lanes[srv->nlanes];

	if (srv->nlanes == GRPC_METHODS_MAX)
		return err_set(e, -ENOSPC, "gRPC is given too many methods");
	*lane = (struct lane){ srv, grpc_server_register_method(srv->core, path, NULL,
	    GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER, 0), method };
	if (lane->core == NULL)
		return err_set(e, -EEXIST, "gRPC knows %s already", path);
	srv->nlanes++;
	return 0;
}

int
grpc_start(struct grpc *g, struct err *e)
{
	int rc;

	for (enum listener id = 0; id < LISTENERS; id++)
		grpc_server_start(g->servers[id].core);
	if ((rc = pthread_create(&g->wire_thread, NULL, run_wire, g)) == 0) {
		g->has_wire_thread = true;
		rc = pthread_create(&g->queue_thread, NULL, run_queue, g);
		g->has_queue_thread = rc == 0;
	}
	return rc == 0 ? 0 : err_set(e, -rc, "cannot start a thread: %s", strerror(rc));
}

int
grpc_renew(struct grpc *g, const char *ca_pem, const char *cert_pem, const char *key_pem)
{
	return grpc_tls_set(&g->tls, ca_pem, cert_pem, key_pem);
}

/* --- the end ---------------------------------------------------------------------------------- */

void
grpc_stop(struct grpc *g)
{
	for (enum listener id = 0; id < LISTENERS; id++) {
		struct server *srv = &g->servers[id];

		grpc_server_shutdown_and_notify(srv->core, g->queue, &srv->down);
	}
}

void
grpc_cancel(struct grpc *g)
{
	for (enum listener id = 0; id < LISTENERS; id++)
		grpc_server_cancel_all_calls(g->servers[id].core);
}

/* A server may be destroyed only when it is down, also one whose calls nobody has taken. */
static void
shut_unserved(struct grpc *g)
{
	gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);

	for (enum listener id = 0; id < LISTENERS; id++) {
		struct server *srv = &g->servers[id];

		if (srv->core == NULL)
			continue;
		grpc_server_shutdown_and_notify(srv->core, g->queue, &srv->down);
		grpc_completion_queue_next(g->queue, never, NULL);
	}
}

/* Its thread, or else we, take what is left. */
static void
end_queue(grpc_completion_queue *queue, bool has_thread, pthread_t thread)
{
	grpc_completion_queue_shutdown(queue);
	if (has_thread)
		pthread_join(thread, NULL);
	else
		grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	grpc_completion_queue_destroy(queue);
}

void
grpc_free(struct grpc *g)
{
	if (g == NULL)
		return;
	if (!g->has_queue_thread)
		shut_unserved(g);
	for (enum listener id = 0; id < LISTENERS; id++) {
		if (g->servers[id].core != NULL)
			grpc_server_destroy(g->servers[id].core);
	}
	end_queue(g->queue, g->has_queue_thread, g->queue_thread);
	end_queue(g->wire, g->has_wire_thread, g->wire_thread);
	grpc_resource_quota_unref(g->quota);
	grpc_shutdown();
	grpc_tls_fini(&g->tls);
	free(g);
}
