/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"

#define BATCH 32		/* connections per wake-up: sessions want their turn */
#define PAUSE_MS 200

static void on_listen(void *arg, uint32_t events);

static void
on_pause_end(void *arg)
{
	struct listener *l = arg;

	if (ev_io_add(l->ev, &l->io, l->fd, EPOLLIN, on_listen, l) < 0)
		ev_timer_start(l->ev, &l->pause, PAUSE_MS, on_pause_end, l);
}

static void
on_listen(void *arg, uint32_t events)
{
	struct listener *l = arg;
	int on = 1;

	(void) events;
	for (int i = 0; i < BATCH; i++) {
		struct sockaddr_storage ss = { 0 };
		socklen_t len = sizeof(ss);
		int fd = accept4(l->fd, (struct sockaddr *) &ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct ip_addr from;

		if (fd >= 0) {
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
			from = ip_from_sockaddr((const struct sockaddr *) &ss);
			l->accepted(l->arg, fd, &from);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			log_warn("accept_paused", "error=%s ms=%d", err_name(-errno), PAUSE_MS);
			ev_io_del(l->ev, &l->io);
			ev_timer_start(l->ev, &l->pause, PAUSE_MS, on_pause_end, l);
			return;
		}
		if (errno == EAGAIN)
			return;	/* others (ECONNABORTED, EINTR, ...) concern one connection */
	}
}

int
listener_init(struct listener *l, struct ev *ev, int fd,
    void (*accepted)(void *arg, int fd, const struct ip_addr *from), void *arg)
{
	int rc;

	*l = (struct listener){ .ev = ev, .fd = fd, .accepted = accepted, .arg = arg };
	if ((rc = ev_io_add(ev, &l->io, fd, EPOLLIN, on_listen, l)) < 0)
		close(fd);
	return rc;
}

void
listener_fini(struct listener *l)
{
	ev_timer_stop(l->ev, &l->pause);
	ev_io_del(l->ev, &l->io);
	close(l->fd);
}
