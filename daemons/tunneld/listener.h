/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_LISTENER_H
#define TUNNELD_LISTENER_H

#include "common/ev.h"
#include "common/ip.h"

/* One listening TCP socket on the loop. Running out of descriptors makes it pause, not spin. */
struct listener {
	struct ev *ev;
	int fd;			/* owned */
	struct ev_io io;
	struct ev_timer pause;
	/* consumes: fd, connected and non-blocking. */
	void (*accepted)(void *arg, int fd, const struct ip_addr *from);
	void *arg;
};

/* consumes: fd, also on failure. */
int listener_init(struct listener *l, struct ev *ev, int fd,
    void (*accepted)(void *arg, int fd, const struct ip_addr *from), void *arg);
void listener_fini(struct listener *l);

#endif
