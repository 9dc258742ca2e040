/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc_events.h"

#include <errno.h>
#include <stdlib.h>

#include "common/ipc_listen.h"

struct ipc_publisher {
	struct ipc_listener listener;
	struct ev_task flush;
};

/* A subscriber has nothing to say. */
static bool
on_message(struct ipc_pipe *p, uint32_t number, const uint8_t *body, size_t len)
{
	struct ipc_line *line = (struct ipc_line *) p;

	(void) number;
	(void) body;
	(void) len;
	atomic_fetch_add(&line->listener->stats.malformed, 1);
	return false;
}

static void
on_over(struct ipc_pipe *p)
{
	(void) p;	/* the others go on */
}

static const struct ipc_pipe_type line_type = {
	.self = IPC_PUB,
	.peer = IPC_SUB,
	.message = on_message,
	.over = on_over,
};

int
ipc_publisher_new(struct ev *ev, const struct ipc_publisher_conf *conf, struct ipc_publisher **out,
    struct err *e)
{
	struct ipc_listener_conf listener = { conf->path, &line_type, conf->peers, conf->npeers };
	struct ipc_publisher *p = calloc(1, sizeof(*p));
	int rc;

	if (p == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	if ((rc = ipc_listener_init(&p->listener, ev, &listener, e)) < 0) {
		ipc_publisher_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

void
ipc_publisher_free(struct ipc_publisher *p)
{
	if (p == NULL)
		return;
	ev_task_del(p->listener.ev, &p->flush);
	ipc_listener_fini(&p->listener);
	free(p);
}

static void
flush(void *arg)
{
	struct ipc_publisher *p = arg;

	ipc_listener_flush(&p->listener);
}

int
ipc_publish(struct ipc_publisher *p, const ProtobufCMessage *msg)
{
	size_t len = protobuf_c_message_get_packed_size(msg);
	uint8_t *body;

	if (len > IPC_MESSAGE_MAX)
		return -EMSGSIZE;
	if ((body = malloc(len + 1)) == NULL)
		return -ENOMEM;
	protobuf_c_message_pack(msg, body);
	for (unsigned i = 0; i < IPC_LINES_MAX; i++) {
		struct ipc_pipe *line = &p->listener.lines[i].pipe;

		/* Who does not keep up misses it, as when there was no memory for it. */
		if (ipc_pipe_is_open(line) && ipc_pipe_unsent(line) <= IPC_EVENTS_UNSENT_MAX)
			ipc_pipe_send(line, 0, body, len);
	}
	free(body);
	ev_task_add(p->listener.ev, &p->flush, flush, p);
	atomic_fetch_add(&p->listener.stats.requests, 1);
	return 0;
}

struct ipc_stats
ipc_publisher_stats(const struct ipc_publisher *p)
{
	return ipc_counters_read(&p->listener.stats);
}
