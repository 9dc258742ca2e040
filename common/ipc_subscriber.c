/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc_events.h"

#include <errno.h>
#include <stdlib.h>

#include "common/ipc_dial.h"

struct ipc_subscriber {
	struct ipc_dialer dialer;	/* comes first: what is told of the pipe is told of it */
	struct ipc_subscriber_conf conf;
};

static void
on_greeted(struct ipc_pipe *p)
{
	struct ipc_subscriber *s = (struct ipc_subscriber *) p;

	if (s->conf.up != NULL)
		s->conf.up(s->conf.arg);
}

static bool
on_message(struct ipc_pipe *p, uint32_t number, const uint8_t *body, size_t len)
{
	struct ipc_subscriber *s = (struct ipc_subscriber *) p;
	ProtobufCMessage *msg = ipc_unpack(&s->dialer.stats, body, len, s->conf.type);

	(void) number;
	if (msg == NULL)
		return false;
	atomic_fetch_add(&s->dialer.stats.requests, 1);
	s->conf.event(s->conf.arg, msg);
	protobuf_c_message_free_unpacked(msg, NULL);
	return true;
}

static void
on_over(struct ipc_pipe *p)
{
	ipc_dialer_again((struct ipc_dialer *) p);
}

static const struct ipc_pipe_type pipe_type = {
	.self = IPC_SUB,
	.peer = IPC_PUB,
	.greeted = on_greeted,
	.message = on_message,
	.over = on_over,
};

int
ipc_subscriber_new(struct ev *ev, const struct ipc_subscriber_conf *conf,
    struct ipc_subscriber **out, struct err *e)
{
	struct ipc_dialer_conf dialer = { conf->path, conf->uid, &pipe_type };
	struct ipc_subscriber *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	s->conf = *conf;
	if ((rc = ipc_dialer_init(&s->dialer, ev, &dialer, e)) < 0) {
		ipc_subscriber_free(s);
		return rc;
	}
	*out = s;
	return 0;
}

void
ipc_subscriber_free(struct ipc_subscriber *s)
{
	if (s == NULL)
		return;
	ipc_dialer_fini(&s->dialer);
	free(s);
}

struct ipc_stats
ipc_subscriber_stats(const struct ipc_subscriber *s)
{
	return ipc_counters_read(&s->dialer.stats);
}
