/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_FILE_H
#define LV_CLI_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"

/*
 * Several files that are to appear together: each is written and synced under another name in its
 * own directory; when all are there, they are renamed. What fails before that leaves nothing
 * behind; after a power loss in between, each file is whole, old or new.
 */

#define FILE_SET_MAX 20

struct file_set {
	bool force;		/* replace files that exist; else that is an error */
	size_t n;
	struct file_new {
		int dir_fd;
		char dir[256], name[64], temp[96];
	} files[FILE_SET_MAX];
};

/* mkdir -p; new directories 0755. */
int file_make_dirs(const char *path, struct err *e);

/* Writes one text under its temporary name. uid: its owner, when we are root. */
int file_set_add(struct file_set *set, const char *dir, const char *name, const char *text,
    mode_t mode, uid_t uid, struct err *e);

/*
 * The same for what comes in pieces: the descriptor is the caller's, who writes, syncs and closes
 * it before the commit.
 */
int file_set_open(struct file_set *set, const char *dir, const char *name, mode_t mode, uid_t uid,
    struct err *e);

/* All of it. 0 or a negative errno. */
int file_write(int fd, const void *bytes, size_t len);

/* Gives all of them their names. */
int file_set_commit(struct file_set *set, struct err *e);

/* Removes what has no name yet; after a commit it does nothing. */
void file_set_fini(struct file_set *set);

/* The whole text of dir/name (secret_read_file). */
int file_read(const char *dir, const char *name, bool private, char **text_out, struct err *e);

#endif
