/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_IDFILES_H
#define TUNNELD_IDFILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "daemons/tunneld/tunneld.h"

/* Where the files of the identity are. The monitor opens them and reads none; see identity.h. */
struct idfiles {
	bool server;
	char paths[TUNNELD_PATHS][PATH_MAX];	/* "": not there for this role */
};

void idfiles_init(struct idfiles *f, const struct tunneld *d);

/*
 * Opens them in their order: bit i of *mask_out for file i. Returns how many, which the caller
 * closes, or a negative errno with *e and none.
 */
int idfiles_open(const struct idfiles *f, int fds_out[TUNNELD_FILES], uint32_t *mask_out,
    struct err *e);

/*
 * Replaces a certificate or CAs: whole, on the disk, under its name, or not at all. It looks at
 * nothing but the length, from 1 to CONTROL_PEM_MAX. -EINVAL for another file or length.
 */
int idfiles_put(const struct idfiles *f, enum tunneld_file which, const char *text, size_t len,
    struct err *e);

void idfiles_close(const int *fds, int n);

#endif
