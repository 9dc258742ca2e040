/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc.h"

/*
 * A round: the loop hears what has come on each line and hands it to the owner, request after
 * request; when all were heard, a task says so to the owner, and sends what was answered. An answer
 * that comes later has the task run once more.
 *
 * A call is the owner's from `handle` to ipc_reply, also when its line ends meanwhile. While all
 * calls are in use nobody is heard.
 */

#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "common/ipc_listen.h"
#include "common/log.h"

#define UNSENT_MAX (4 * IPC_MESSAGE_MAX)	/* for a peer that asks, and does not read */

struct ipc_call {
	struct ipc_server *server;
	struct ipc_line *line;	/* NULL: it has ended, nobody waits for the answer */
	uint32_t number;
	unsigned peer;
	SLIST_ENTRY(ipc_call) next;
};

struct ipc_server {
	struct ipc_listener listener;	/* comes first: a line's listener is its server */
	struct ipc_server_conf conf;
	struct ev_task round_end;
	bool has_handled;		/* requests of this round */
	struct ipc_call calls[IPC_CALLS_MAX];
	SLIST_HEAD(, ipc_call) idle;
};

static struct ipc_server *
server_of(const struct ipc_pipe *p)
{
	return (struct ipc_server *) ((const struct ipc_line *) p)->listener;
}

static void
end_round(void *arg)
{
	struct ipc_server *s = arg;
	bool has_handled = s->has_handled;

	s->has_handled = false;
	if (has_handled && s->conf.handled != NULL)
		s->conf.handled(s->conf.arg);
	ipc_listener_flush(&s->listener);
	for (unsigned i = 0; i < IPC_LINES_MAX; i++) {
		if (ipc_pipe_is_open(&s->listener.lines[i].pipe))
			ipc_pipe_hear(&s->listener.lines[i].pipe);
	}
}

/* --- lines ------------------------------------------------------------------------------------ */

static bool
is_ready(const struct ipc_pipe *p)
{
	return !SLIST_EMPTY(&server_of(p)->idle) && ipc_pipe_unsent(p) <= UNSENT_MAX;
}

static bool
on_message(struct ipc_pipe *p, uint32_t number, const uint8_t *body, size_t len)
{
	struct ipc_server *s = server_of(p);
	struct ipc_line *line = (struct ipc_line *) p;
	struct ipc_call *call = SLIST_FIRST(&s->idle);
	ProtobufCMessage *msg = ipc_unpack(&s->listener.stats, body, len, s->conf.request);

	if (msg == NULL)
		return false;
	SLIST_REMOVE_HEAD(&s->idle, next);
	*call = (struct ipc_call){ .server = s, .line = line, .number = number,
		.peer = line->peer };
	atomic_fetch_add(&s->listener.stats.requests, 1);
	s->has_handled = true;
	ev_task_add(s->listener.ev, &s->round_end, end_round, s);
	s->conf.handle(s->conf.arg, call, msg);
	protobuf_c_message_free_unpacked(msg, NULL);
	return true;
}

static void
on_over(struct ipc_pipe *p)
{
	struct ipc_server *s = server_of(p);

	for (unsigned i = 0; i < IPC_CALLS_MAX; i++) {
		if (s->calls[i].line == (struct ipc_line *) p)
			s->calls[i].line = NULL;
	}
}

static const struct ipc_pipe_type line_type = {
	.self = IPC_REP,
	.peer = IPC_REQ,
	.is_ready = is_ready,
	.message = on_message,
	.over = on_over,
};

/* --- calls ------------------------------------------------------------------------------------ */

void
ipc_reply(struct ipc_call *call, const ProtobufCMessage *reply)
{
	struct ipc_server *s = call->server;
	int rc = call->line == NULL ? 0
	    : ipc_pipe_pack(&call->line->pipe, call->number, reply);

	if (rc < 0) {
		log_err("ipc_reply_dropped", "socket=%s error=%s", s->listener.path, err_name(rc));
		ipc_pipe_break(&call->line->pipe);
	}
	call->line = NULL;
	SLIST_INSERT_HEAD(&s->idle, call, next);
	ev_task_add(s->listener.ev, &s->round_end, end_round, s);
}

unsigned
ipc_call_peer(const struct ipc_call *call)
{
	return call->peer;
}

/* --- its life --------------------------------------------------------------------------------- */

int
ipc_server_new(struct ev *ev, const struct ipc_server_conf *conf, struct ipc_server **out,
    struct err *e)
{
	struct ipc_listener_conf listener = { conf->path, &line_type, conf->peers, conf->npeers };
	struct ipc_server *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	s->conf = *conf;
	for (unsigned i = 0; i < IPC_CALLS_MAX; i++)
		SLIST_INSERT_HEAD(&s->idle, &s->calls[i], next);
	if ((rc = ipc_listener_init(&s->listener, ev, &listener, e)) < 0) {
		ipc_server_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void
ipc_server_free(struct ipc_server *s)
{
	if (s == NULL)
		return;
	ev_task_del(s->listener.ev, &s->round_end);
	ipc_listener_fini(&s->listener);
	free(s);
}

struct ipc_stats
ipc_server_stats(const struct ipc_server *s)
{
	return ipc_counters_read(&s->listener.stats);
}
