/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc_listen.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"

#define CALL_EVERY_MS 2000	/* nng's threads may be late by so much on a busy machine */

/* --- who comes -------------------------------------------------------------------------------- */

const struct ipc_peer *
ipc_listener_peer(const struct ipc_listener *l, uid_t uid)
{
	for (size_t i = 0; i < l->npeers; i++) {
		if (l->peers[i].uid == uid)
			return &l->peers[i];
	}
	return NULL;
}

/* Is it the other end of our own call? (Or of another socket of this process: a test.) */
static bool
is_own_call(nng_pipe p)
{
	uint64_t pid;

	return nng_pipe_get_uint64(p, NNG_OPT_IPC_PEER_PID, &pid) == 0 && (pid_t) pid == getpid();
}

/* On an nng thread. */
static void
on_pipe(nng_pipe p, nng_pipe_ev ev, void *arg)
{
	struct ipc_listener *l = arg;

	(void) ev;
	if (is_own_call(p))
		atomic_store(&l->call_heard, true);
	else if (ipc_listener_peer(l, ipc_pipe_uid(p)) == NULL)
		ipc_reject(&l->stats, p, l->path);
}

/* --- staying reachable ------------------------------------------------------------------------ */

/*
 * Connects to whoever listens there and greets it as a dialer of nng's would: zero, "SP", version,
 * the number of its protocol. Returns the descriptor, or -errno.
 */
static int
call_path(const char *path, uint8_t dialer)
{
	const char greeting[] = { 0, 'S', 'P', 0, 0, (char) dialer, 0, 0 };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, rc = 0;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
		return -errno;
	memcpy(sun.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *) &sun, sizeof(sun)) < 0 ||
	    send(fd, greeting, sizeof(greeting), MSG_NOSIGNAL) < 0)
		rc = -errno;
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

/* nng would replace whatever stands at the path. */
static int
check_path(const struct ipc_listener *l, struct err *e)
{
	struct stat st;

	if (lstat(l->path, &st) == 0 && !S_ISSOCK(st.st_mode))
		return err_set(e, -EEXIST, "%s: exists and is not a socket", l->path);
	return 0;
}

/* A socket at which nobody answers was left by a daemon that was killed. */
static int
check_unused(const struct ipc_listener *l, struct err *e)
{
	struct pollfd greeted = { .fd = call_path(l->path, l->dialer), .events = POLLIN };

	if (greeted.fd < 0)
		return 0;
	poll(&greeted, 1, CALL_EVERY_MS);	/* who hangs up before the answer does harm */
	close(greeted.fd);
	return err_set(e, -EADDRINUSE, "%s: somebody listens there (does the daemon run already?)",
	    l->path);
}

static int
start(struct ipc_listener *l, struct err *e)
{
	char url[IPC_URL_MAX];
	int rc, rv;

	if ((rc = ipc_url(l->path, url, e)) < 0 || (rc = check_path(l, e)) < 0)
		return rc;
	if ((rv = nng_listener_create(&l->listener, l->sock, url)) == 0 &&
	    (rv = nng_listener_set_int(l->listener, NNG_OPT_IPC_PERMISSIONS, 0660)) == 0 &&
	    (rv = nng_listener_start(l->listener, 0)) == 0)
		return 0;
	return err_set(e, ipc_rc(rv), "%s: cannot listen: %s", l->path, nng_strerror(rv));
}

/* Was the last call heard? What could not be tried, for want of descriptors, says nothing. */
static bool
is_reachable(const struct ipc_listener *l)
{
	if (l->call < 0)
		return l->call != -ENOENT && l->call != -ENOTDIR && l->call != -ECONNREFUSED;
	return atomic_load(&l->call_heard);
}

/* What goes wrong is said once, and its end. */
static void
listen_anew(struct ipc_listener *l)
{
	int before = l->start_rc;
	struct err e;

	nng_listener_close(l->listener);	/* one that could not start is closed already */
	l->start_rc = start(l, &e);
	if (l->start_rc == 0)
		log_warn("ipc_listening_anew", "socket=%s why=\"it did not answer\"", l->path);
	else if (l->start_rc != before)
		log_err("ipc_listen_failed", "error=%s", LOG_Q(e.text));
}

static void
call_again(void *arg)
{
	struct ipc_listener *l = arg;

	if (!is_reachable(l))
		listen_anew(l);
	if (l->call >= 0)
		close(l->call);
	atomic_store(&l->call_heard, false);
	l->call = call_path(l->path, l->dialer);
	if (ev_timer_start(l->ev, &l->call_timer, CALL_EVERY_MS, call_again, l) < 0)
		log_err("ipc_unwatched", "socket=%s error=ENOMEM", l->path);
}

/* --- beginning and end ------------------------------------------------------------------------ */

int
ipc_listener_init(struct ipc_listener *l, struct ev *ev, const struct ipc_listener_conf *conf,
    int (*open_socket)(nng_socket *sock), struct err *e)
{
	int rc, rv;

	assert(conf->npeers <= IPC_PEERS_MAX);
	*l = (struct ipc_listener){ .ev = ev, .dialer = conf->dialer, .npeers = conf->npeers,
		.call = -EAGAIN };
	memcpy(l->peers, conf->peers, conf->npeers * sizeof(l->peers[0]));
	if ((l->path = strdup(conf->path)) == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	if ((rv = open_socket(&l->sock)) != 0)
		return err_set(e, ipc_rc(rv), "%s: %s", l->path, nng_strerror(rv));
	l->open = true;
	nng_socket_set_size(l->sock, NNG_OPT_RECVMAXSZ, IPC_MESSAGE_MAX + IPC_HEADER_MAX);
	nng_pipe_notify(l->sock, NNG_PIPE_EV_ADD_PRE, on_pipe, l);
	if ((rc = check_unused(l, e)) < 0 || (rc = start(l, e)) < 0)
		return rc;
	call_again(l);
	return 0;
}

void
ipc_listener_fini(struct ipc_listener *l)
{
	if (l->ev == NULL)
		return;
	ev_timer_stop(l->ev, &l->call_timer);
	if (l->call >= 0)
		close(l->call);
	l->call = -EAGAIN;
	if (l->open)
		nng_close(l->sock);
	l->open = false;
	free(l->path);
	l->path = NULL;
}
