/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/admin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"

#define BACKLOG 64
#define PAUSE_MS 200	/* without descriptors: what is pending waits in the backlog */

struct admin {
	struct ev *ev;
	const char *path;
	int fd;
	struct ev_io io;
	struct ev_timer pause;
	void (*connected)(void *arg, int fd);
	void *arg;
};

/* --- making the socket ------------------------------------------------------------------------ */

/* What stands at the path: nothing, or a socket that nobody listens on, which is removed. */
static int
clear_path(const struct sockaddr_un *sun, struct err *e)
{
	struct stat st;
	int fd, rc;

	if (lstat(sun->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : err_set(e, -errno, "%s: %s", sun->sun_path,
		    strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, -EEXIST, "%s: exists and is not a socket", sun->sun_path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return err_set(e, -errno, "%s: %s", sun->sun_path, strerror(errno));
	rc = connect(fd, (const struct sockaddr *) sun, sizeof(*sun));
	close(fd);
	if (rc == 0)
		return err_set(e, -EADDRINUSE, "%s: another ctld listens there", sun->sun_path);
	if (unlink(sun->sun_path) < 0)
		return err_set(e, -errno, "%s: cannot remove it: %s", sun->sun_path,
		    strerror(errno));
	return 0;
}

int
admin_listen(const char *path, int *fd_out, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) >= sizeof(sun.sun_path))
		return err_set(e, -ENAMETOOLONG, "%s: longer than a socket's path may be", path);
	strcpy(sun.sun_path, path);
	if ((rc = clear_path(&sun, e)) < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Everybody may write to it: the directory is what keeps others out. */
	if (fd < 0 || bind(fd, (const struct sockaddr *) &sun, sizeof(sun)) < 0 ||
	    chmod(path, 0666) < 0 || listen(fd, BACKLOG) < 0) {
		rc = err_set(e, -errno, "%s: cannot listen: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	*fd_out = fd;
	return 0;
}

/* --- accepting -------------------------------------------------------------------------------- */

static void
resume(void *arg)
{
	struct admin *a = arg;

	ev_io_mod(a->ev, &a->io, EPOLLIN);
}

static void
on_connection(void *arg, uint32_t events)
{
	struct admin *a = arg;
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);
	int fd = accept4(a->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void) events;
	if (fd >= 0) {
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
		log_debug("admin_connected", "uid=%d pid=%d", (int) peer.uid, (int) peer.pid);
		a->connected(a->arg, fd);
		return;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		log_warn("admin_waits", "error=%s", err_name(-errno));
		ev_io_mod(a->ev, &a->io, 0);
		ev_timer_start(a->ev, &a->pause, PAUSE_MS, resume, a);
	}
}

int
admin_new(struct ev *ev, int fd, const char *path, void (*connected)(void *arg, int fd), void *arg,
    struct admin **out, struct err *e)
{
	struct admin *a = calloc(1, sizeof(*a));
	int rc = -ENOMEM;

	if (a == NULL) {
		close(fd);
		return err_set(e, rc, "out of memory");
	}
	*a = (struct admin){ .ev = ev, .path = path, .fd = fd, .connected = connected, .arg = arg };
	if ((rc = ev_io_add(ev, &a->io, fd, EPOLLIN, on_connection, a)) < 0) {
		admin_free(a);
		return err_set(e, rc, "event loop: %s", strerror(-rc));
	}
	*out = a;
	return 0;
}

void
admin_free(struct admin *a)
{
	if (a == NULL)
		return;
	ev_timer_stop(a->ev, &a->pause);
	ev_io_del(a->ev, &a->io);
	unlink(a->path);
	close(a->fd);
	free(a);
}
