/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/grpc.h"

#include <errno.h>
#include <grpc/grpc_security.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "daemons/ctld/grpc_core.h"

#define ACCEPT_WINDOW 16	/* calls per listener that gRPC may deliver before we ask again */
#define STREAMS_PER_CONNECTION_MAX 100
#define HANDSHAKE_MS 10000	/* gRPC's own two minutes would let strangers hold descriptors */
#define IDLE_MS (10 * 60 * 1000)
#define KEEPALIVE_MS (60 * 1000)
#define KEEPALIVE_WAIT_MS (20 * 1000)
#define CLIENT_PING_MIN_MS (10 * 1000)

/* --- the queue -------------------------------------------------------------------------------- */

static void on_opened(void *owner, bool ok);

/* Leaves one more open place for a call that may come. */
static void
request_call(struct server *srv)
{
	struct grpc *g = srv->g;
	struct stream *s = stream_new(srv);

	if (s == NULL) {
		log_err("grpc_window_shrinks", "error=%s", err_name(-ENOMEM));
		return;
	}
	s->opened = (struct tag){ on_opened, s };
	if (grpc_server_request_call(srv->core, &s->core, &s->details, &s->metadata, g->queue,
	    g->queue, &s->opened) != GRPC_CALL_OK)
		stream_free(s);
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
	request_call(s->server);
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

static void *
run_queue(void *arg)
{
	struct grpc *g = arg;
	gpr_timespec next_tick = in_a_second();

	for (enum listener id = 0; id < LISTENERS; id++) {
		for (unsigned i = 0; i < ACCEPT_WINDOW; i++)
			request_call(&g->servers[id]);
	}
	for (;;) {
		grpc_event ev = grpc_completion_queue_next(g->queue, next_tick, NULL);
		struct tag *tag = ev.tag;

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
};

/* What each listener asks of its peers' certificates; the modes that do not verify report as
 * authenticated what they have not looked at. */
static const grpc_ssl_client_certificate_request_type cert_modes[LISTENERS] = {
	[LISTENER_CONTROL] = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY,
	[LISTENER_BOOTSTRAP] = GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY,
};

static grpc_server_credentials *
make_creds(const struct grpc_conf *conf, enum listener id)
{
	grpc_ssl_pem_key_cert_pair pair = { conf->key_pem, conf->cert_pem };

	if (id == LISTENER_ADMIN)
		return grpc_insecure_server_credentials_create();
	return grpc_ssl_server_credentials_create_with_options(
	    grpc_ssl_server_credentials_create_options_using_config(cert_modes[id],
	    grpc_ssl_server_certificate_config_create(conf->ca_pem, &pair, 1)));
}

/* gRPC's own words are for those who look for a fault in it. */
static void
on_log(gpr_log_func_args *args)
{
	log_debug("grpc", "text=%s", LOG_Q(args->message));
}

#define NSETTINGS (sizeof(settings) / sizeof(settings[0]))

static int
make_server(struct server *srv, const struct grpc_conf *conf, struct err *e)
{
	grpc_arg args[NSETTINGS + 1];
	grpc_server_credentials *creds;
	bool open;

	memcpy(args, settings, sizeof(settings));
	args[NSETTINGS] = grpc_adopt_arg(srv);
	srv->core = grpc_server_create(&(grpc_channel_args){ NSETTINGS + 1, args }, NULL);
	grpc_server_register_completion_queue(srv->core, srv->g->queue, NULL);
	if ((creds = make_creds(conf, srv->id)) == NULL)
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
	gpr_set_log_function(on_log);
	grpc_init();
	g->events = conf->events;
	g->queue = grpc_completion_queue_create_for_next(NULL);
	for (enum listener id = 0; id < LISTENERS && rc == 0; id++) {
		struct server *srv = &g->servers[id];

		*srv = (struct server){ .g = g, .id = id, .down = { on_down, srv } };
		rc = make_server(srv, conf, e);
	}
	if (rc < 0)
		grpc_free(g);
	else
		*out = g;
	return rc;
}

int
grpc_start(struct grpc *g, struct err *e)
{
	int rc;

	for (enum listener id = 0; id < LISTENERS; id++)
		grpc_server_start(g->servers[id].core);
	if ((rc = pthread_create(&g->thread, NULL, run_queue, g)) != 0)
		return err_set(e, -rc, "cannot start a thread: %s", strerror(rc));
	g->started = true;
	return 0;
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

/* A server may be destroyed only when it is down, also one that has never served. */
static void
shut_unstarted(struct grpc *g)
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

void
grpc_free(struct grpc *g)
{
	if (g == NULL)
		return;
	if (!g->started)
		shut_unstarted(g);
	for (enum listener id = 0; id < LISTENERS; id++) {
		if (g->servers[id].core != NULL)
			grpc_server_destroy(g->servers[id].core);
	}
	grpc_completion_queue_shutdown(g->queue);
	if (g->started)
		pthread_join(g->thread, NULL);
	else
		grpc_completion_queue_next(g->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	grpc_completion_queue_destroy(g->queue);
	grpc_shutdown();
	free(g);
}
