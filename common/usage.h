/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_USAGE_H
#define LV_USAGE_H

#include <stdint.h>

#include "common/metric.h"

/*
 * What this process uses of the machine. It holds two descriptors of /proc, since most of our
 * processes cannot open a file once they run.
 */
struct usage {
	int statm, fds;		/* -1: not there */
	int64_t started_s;	/* UTC */
};

#define USAGE_NONE { -1, -1, 0 }

/* In the process itself, before its sandbox. Without /proc less is shown. */
void usage_open(struct usage *u);
void usage_close(struct usage *u);

/* Start, version, processor time, memory, descriptors of that daemon. */
void usage_show(const struct usage *u, const char *daemon, struct metrics *m);

#endif
