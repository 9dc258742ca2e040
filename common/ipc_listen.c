/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc_listen.h"

#include <assert.h>
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
#define AGAIN_MS 100
#define LOOK_MS 2000		/* how long a socket that was removed may be missed */
#define SOCKET_MODE 0660

/* --- connections ------------------------------------------------------------------------------ */

static const struct ipc_peer *
find_peer(const struct ipc_listener *l, uid_t uid)
{
	for (size_t i = 0; i < l->npeers; i++) {
		if (l->peers[i].uid == uid)
			return &l->peers[i];
	}
	return NULL;
}

static struct ipc_line *
find_place(struct ipc_listener *l)
{
	for (unsigned i = 0; i < IPC_LINES_MAX; i++) {
		if (!ipc_pipe_is_open(&l->lines[i].pipe))
			return &l->lines[i];
	}
	return NULL;
}

/* consumes: fd */
static void
admit(struct ipc_listener *l, int fd)
{
	uid_t uid = ipc_peer_uid(fd);
	const struct ipc_peer *peer = find_peer(l, uid);
	struct ipc_line *line = find_place(l);
	int rc = line == NULL ? -EMFILE : 0;

	if (peer == NULL) {
		ipc_stranger(&l->stats, uid, l->path);
		close(fd);
		return;
	}
	if (rc < 0) {
		close(fd);
	} else {
		line->listener = l;
		line->peer = peer->id;
		rc = ipc_pipe_open(&line->pipe, l->ev, fd, l->type);
	}
	if (rc < 0)
		log_err("ipc_refused", "socket=%s uid=%d error=%s", l->path, (int) uid,
		    err_name(rc));
}

static void
listen_again(void *arg)
{
	struct ipc_listener *l = arg;

	ev_io_mod(l->ev, &l->io, EPOLLIN);
}

static void
on_connection(void *arg, uint32_t events)
{
	struct ipc_listener *l = arg;
	int fd = accept4(l->io.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void) events;
	if (fd >= 0) {
		admit(l, fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		log_err("ipc_accept_failed", "socket=%s error=%s", l->path, err_name(-errno));
		/* Who waits would wake the loop for ever. */
		if (ev_timer_start(l->ev, &l->again, AGAIN_MS, listen_again, l) == 0)
			ev_io_mod(l->ev, &l->io, 0);
	}
}

void
ipc_listener_flush(struct ipc_listener *l)
{
	for (unsigned i = 0; i < IPC_LINES_MAX; i++) {
		if (ipc_pipe_is_open(&l->lines[i].pipe))
			ipc_pipe_flush(&l->lines[i].pipe);
	}
}

/* --- the socket ------------------------------------------------------------------------------- */

/* What stands at the path already? */
static int
clear_path(const char *path, struct err *e)
{
	struct stat st;
	int fd;

	if (lstat(path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, -EEXIST, "%s: exists and is not a socket", path);
	fd = ipc_connect(path);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || fd == -EAGAIN)
		return err_set(e, -EADDRINUSE, "%s: somebody listens there (does the daemon run "
		    "already?)", path);
	unlink(path);	/* a daemon that was killed has left it */
	return 0;
}

/* The mode is set before anybody can connect. */
static int
bind_to(int fd, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	memcpy(sun.sun_path, path, strlen(path) + 1);
	return bind(fd, (struct sockaddr *) &sun, sizeof(sun)) < 0 ||
	    chmod(path, SOCKET_MODE) < 0 || listen(fd, BACKLOG) < 0 ? -errno : 0;
}

static void
stop_listening(struct ipc_listener *l)
{
	if (!l->io.active)
		return;
	ev_io_del(l->ev, &l->io);
	close(l->io.fd);
}

/* consumes: fd. From now on it is the one, and no other. */
static int
serve(struct ipc_listener *l, int fd)
{
	struct stat st;
	int rc;

	if (lstat(l->path, &st) < 0) {
		rc = -errno;
		goto fail;
	}
	stop_listening(l);
	if ((rc = ev_io_add(l->ev, &l->io, fd, EPOLLIN, on_connection, l)) < 0)
		goto fail;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return 0;
fail:
	close(fd);
	return rc;
}

static int
listen_at(struct ipc_listener *l, struct err *e)
{
	int fd, rc;

	if ((rc = ipc_check_path(l->path, e)) < 0 || (rc = clear_path(l->path, e)) < 0)
		return rc;
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
		return err_set(e, -errno, "%s: %s", l->path, strerror(errno));
	if ((rc = bind_to(fd, l->path)) < 0)
		close(fd);
	else
		rc = serve(l, fd);
	return rc < 0 ? err_set(e, rc, "%s: cannot listen: %s", l->path, strerror(-rc)) : 0;
}

/* --- staying reachable ------------------------------------------------------------------------ */

/* Does our own socket stand at the path? What cannot be known now may be at the next look. */
static bool
is_there(const struct ipc_listener *l)
{
	struct stat st;

	if (!l->io.active)
		return false;
	if (lstat(l->path, &st) < 0)
		return errno != ENOENT && errno != ENOTDIR;
	return st.st_dev == l->dev && st.st_ino == l->ino;
}

/* What goes wrong is said once, and its end. Who is connected stays connected. */
static void
listen_anew(struct ipc_listener *l)
{
	int before = l->anew_rc;
	struct err e;

	l->anew_rc = listen_at(l, &e);
	if (l->anew_rc == 0)
		log_warn("ipc_listening_anew", "socket=%s why=\"it was removed\"", l->path);
	else if (l->anew_rc != before)
		log_err("ipc_listen_failed", "error=%s", LOG_Q(e.text));
}

static void
look_after(void *arg)
{
	struct ipc_listener *l = arg;

	if (!is_there(l))
		listen_anew(l);
	ev_timer_start(l->ev, &l->look, LOOK_MS, look_after, l);
}

/* --- beginning and end ------------------------------------------------------------------------ */

int
ipc_listener_init(struct ipc_listener *l, struct ev *ev, const struct ipc_listener_conf *conf,
    struct err *e)
{
	int rc;

	assert(conf->npeers <= IPC_PEERS_MAX);
	*l = (struct ipc_listener){ .ev = ev, .type = conf->type, .npeers = conf->npeers };
	memcpy(l->peers, conf->peers, conf->npeers * sizeof(l->peers[0]));
	if ((l->path = strdup(conf->path)) == NULL ||
	    ev_timer_start(ev, &l->look, LOOK_MS, look_after, l) < 0)
		return err_set(e, -ENOMEM, "out of memory");
	if ((rc = listen_at(l, e)) < 0)
		ev_timer_stop(ev, &l->look);
	return rc;
}

void
ipc_listener_fini(struct ipc_listener *l)
{
	if (l->ev == NULL)
		return;
	if (l->io.active && is_there(l))
		unlink(l->path);
	stop_listening(l);
	ev_timer_stop(l->ev, &l->look);
	ev_timer_stop(l->ev, &l->again);
	for (unsigned i = 0; i < IPC_LINES_MAX; i++)
		ipc_pipe_close(&l->lines[i].pipe);
	free(l->path);
}
