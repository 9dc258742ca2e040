/* SPDX-License-Identifier: Apache-2.0 */
#include "common/dirwatch.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

void
dirwatch_init(struct dirwatch *w, const char *dir)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd >= 0 && inotify_add_watch(fd, dir, IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR) < 0) {
		close(fd);
		fd = -1;
	}
	*w = (struct dirwatch){ .fd = fd };
}

static void
on_settled(void *arg)
{
	struct dirwatch *w = arg;

	w->changed(w->arg);
}

/* Which file it was is not asked: several change together. */
static void
on_event(void *arg, uint32_t events)
{
	struct dirwatch *w = arg;
	char buf[4096];

	(void) events;
	while (read(w->fd, buf, sizeof(buf)) > 0)
		continue;
	ev_timer_start(w->ev, &w->settle, DIRWATCH_SETTLE_MS, on_settled, w);
}

int
dirwatch_start(struct dirwatch *w, struct ev *ev, void (*changed)(void *arg), void *arg)
{
	w->ev = ev;
	w->changed = changed;
	w->arg = arg;
	return w->fd < 0 ? 0 : ev_io_add(ev, &w->io, w->fd, EPOLLIN, on_event, w);
}

void
dirwatch_fini(struct dirwatch *w)
{
	if (w->ev != NULL) {
		ev_timer_stop(w->ev, &w->settle);
		ev_io_del(w->ev, &w->io);
		w->ev = NULL;
	}
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}
