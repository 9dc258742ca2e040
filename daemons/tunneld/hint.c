/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/hint.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/ipc_events.h"
#include "ipc/ipam.pb-c.h"

struct hint {
	struct ipc_subscriber *subscriber;
	void (*gone)(void *arg, const char *node_id);
	void *arg;
	uint64_t seen;	/* revision; 0: none yet */
};

static bool
is_end(Litevpn__Ipam__Event__Kind kind)
{
	switch (kind) {
	case LITEVPN__IPAM__EVENT__KIND__RECLAIM:
	case LITEVPN__IPAM__EVENT__KIND__UNREGISTER:
	case LITEVPN__IPAM__EVENT__KIND__NETWORK_DELETE:
	case LITEVPN__IPAM__EVENT__KIND__RESTORE:
		return true;
	default:
		return false;
	}
}

/* Did some come between those that were seen and these? */
static bool
has_missed(const struct hint *h, const Litevpn__Ipam__Events *m)
{
	uint64_t first = m->n_events > 0 ? m->events[0]->revision : m->newest + 1;

	return h->seen != 0 && first > h->seen + 1;
}

static void
on_events(void *arg, const ProtobufCMessage *msg)
{
	const Litevpn__Ipam__Events *m = (const Litevpn__Ipam__Events *) msg;
	struct hint *h = arg;
	bool missed = has_missed(h, m);

	h->seen = m->n_events > 0 ? m->events[m->n_events - 1]->revision : m->newest;
	if (missed)
		h->gone(h->arg, NULL);
	for (size_t i = 0; i < m->n_events && !missed; i++) {
		const Litevpn__Ipam__Event *ev = m->events[i];

		if (is_end(ev->kind))
			h->gone(h->arg, ev->node_id[0] == '\0' ? NULL : ev->node_id);
	}
}

int
hint_new(struct ev *ev, const char *path, uid_t uid,
    void (*gone)(void *arg, const char *node_id), void *arg, struct hint **out, struct err *e)
{
	struct hint *h = calloc(1, sizeof(*h));
	struct ipc_subscriber_conf conf = {
		.path = path,
		.uid = uid,
		.type = &litevpn__ipam__events__descriptor,
		.event = on_events,
		.arg = h,
	};
	int rc;

	if (h == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	h->gone = gone;
	h->arg = arg;
	if ((rc = ipc_subscriber_new(ev, &conf, &h->subscriber, e)) < 0) {
		free(h);
		return rc;
	}
	*out = h;
	return 0;
}

void
hint_free(struct hint *h)
{
	if (h == NULL)
		return;
	ipc_subscriber_free(h->subscriber);
	free(h);
}
