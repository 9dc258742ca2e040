/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_DIRWATCH_H
#define LV_DIRWATCH_H

#include "common/ev.h"

/*
 * Says when files of a directory have been written or renamed to, a while after the last of them:
 * a certificate and its key are two files, and one is always the first (inotify(7)).
 */

#define DIRWATCH_SETTLE_MS 500

struct dirwatch {
	int fd;			/* -1: the kernel does not watch */
	struct ev *ev;		/* NULL: not begun */
	struct ev_io io;
	struct ev_timer settle;
	void (*changed)(void *arg);
	void *arg;
};

/* Before the sandbox. Where the directory cannot be watched nothing is ever said. */
void dirwatch_init(struct dirwatch *w, const char *dir);

/* changed: on the loop. */
int dirwatch_start(struct dirwatch *w, struct ev *ev, void (*changed)(void *arg), void *arg);

void dirwatch_fini(struct dirwatch *w);	/* before its loop is freed */

#endif
