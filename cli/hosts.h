/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_HOSTS_H
#define LV_CLI_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/args.h"
#include "common/err.h"

/* The addresses and names that a server's certificate is for: each once, in order. Pure. */

#define HOSTS_MAX 300		/* a full `advertise` list, what was typed, and our own few */
#define HOSTS_NAME_MAX 254	/* of a DNS name, with its zero */

struct hosts {
	size_t n;
	char names[HOSTS_MAX][HOSTS_NAME_MAX];
	const char *list[HOSTS_MAX];	/* the first n point into names */
};

/* An IP address or a DNS name; one that is there already is fine. -EINVAL, -ENOSPC. */
int hosts_add(struct hosts *h, const char *name, struct err *e);

/* All that were typed as --san. */
int hosts_add_typed(struct hosts *h, const struct args *a, struct err *e);

#endif
