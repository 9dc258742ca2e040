/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_DISK_H
#define LV_TEST_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a database does to its disk, written down: a VFS of sqlite before the usual one. Each write,
 * truncation, sync and removal of the database at one path, of its log and of its journal goes into
 * one stream, and notes of the test's own between them. wreck.h makes of it what a power failure
 * leaves. Nothing is forced to the real disk meanwhile, for the real power does not fail.
 */
struct disk;

enum disk_kind {
	DISK_CREATE,	/* a file that the directory names from now on */
	DISK_WRITE,
	DISK_TRUNCATE,
	DISK_SYNC,	/* what was written to the file before is on the disk */
	DISK_REMOVE,
	DISK_NOTE,
};

struct disk_event {
	enum disk_kind kind;
	unsigned file;		/* not for a note */
	uint64_t at;		/* offset, new size, or the note */
	uint8_t *bytes;		/* of a write */
	size_t len;
	bool directory;		/* the directory is on the disk as well now */
};

/*
 * From now on the default VFS of this process: for the database at `path` and, without being
 * written down, for all others. A file that is there already is on the disk.
 */
struct disk *disk_new(const char *path);
void disk_free(struct disk *d);		/* when everything is closed; NULL is fine */

/*
 * The nth write, truncation or sync of its files from now on fails, and all after it: of that many
 * a disk has had enough. n 0: it works again. code: SQLITE_FULL or SQLITE_IOERR_...
 */
void disk_fail(struct disk *d, unsigned nth, int code);
bool disk_failed(const struct disk *d);

void disk_note(struct disk *d, uint64_t note);

/* The stream so far; valid until more happens. */
size_t disk_events(const struct disk *d, const struct disk_event **out);

/* What follows the path of the database in the name of a file. */
const char *disk_name(const struct disk *d, unsigned file);

#define DISK_FILES_MAX 1024	/* each start makes a log, and each end removes it */

#endif
