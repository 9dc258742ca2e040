/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc_dial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAUSE_MIN_MS 50
#define PAUSE_MAX_MS 200
#define CONNECTED_MS 3600000	/* nothing is to be done, once an hour */

static void on_timer(void *arg);

static void
set_timer(struct ipc_dialer *d, int64_t delay_ms)
{
	ev_timer_start(d->ev, &d->timer, delay_ms, on_timer, d);
}

void
ipc_dialer_again(struct ipc_dialer *d)
{
	if (d->pipe.is_greeted)
		d->pause_ms = PAUSE_MIN_MS;
	set_timer(d, d->pause_ms);
	d->pause_ms = d->pause_ms * 2 < PAUSE_MAX_MS ? d->pause_ms * 2 : PAUSE_MAX_MS;
}

static int
dial(struct ipc_dialer *d)
{
	int fd = ipc_connect(d->path);
	uid_t uid;

	d->pipe.is_greeted = false;
	if (fd < 0)
		return fd;
	if ((uid = ipc_peer_uid(fd)) != d->uid) {
		ipc_stranger(&d->stats, uid, d->path);
		close(fd);
		return -EPERM;
	}
	return ipc_pipe_open(&d->pipe, d->ev, fd, d->type);
}

static void
on_timer(void *arg)
{
	struct ipc_dialer *d = arg;

	set_timer(d, CONNECTED_MS);
	if (!ipc_pipe_is_open(&d->pipe) && dial(d) < 0)
		ipc_dialer_again(d);
}

int
ipc_dialer_init(struct ipc_dialer *d, struct ev *ev, const struct ipc_dialer_conf *conf,
    struct err *e)
{
	int rc;

	*d = (struct ipc_dialer){ .ev = ev, .uid = conf->uid, .type = conf->type,
		.pause_ms = PAUSE_MIN_MS };
	if ((rc = ipc_check_path(conf->path, e)) < 0)
		return rc;
	if ((d->path = strdup(conf->path)) == NULL ||
	    ev_timer_start(ev, &d->timer, 0, on_timer, d) < 0)
		return err_set(e, -ENOMEM, "out of memory");
	return 0;
}

void
ipc_dialer_fini(struct ipc_dialer *d)
{
	if (d->ev == NULL)
		return;
	ipc_pipe_close(&d->pipe);
	ev_timer_stop(d->ev, &d->timer);
	free(d->path);
}
