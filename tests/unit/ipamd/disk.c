/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/disk.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct file {
	const char *name;	/* what follows the path of the database */
	bool removed;
	bool known;	/* the directory was forced to the disk when it named the file */
};

struct disk {
	sqlite3_vfs vfs;	/* its pAppData is the disk */
	sqlite3_vfs *below;
	char *path;
	struct file files[DISK_FILES_MAX];
	unsigned nfiles;
	struct disk_event *events;
	size_t n, room;
	unsigned fail_in;	/* calls until the failure; 0: none */
	int fail_code;
	bool failed;
};

/* An open file. The one below lies behind it. */
struct handle {
	sqlite3_file file;
	struct disk *disk;
	int number;	/* of files; -1: it is not written down */
};

#define NOT_OURS (-1)

static sqlite3_file *
below(sqlite3_file *f)
{
	return (sqlite3_file *) ((struct handle *) f + 1);
}

#define BELOW(f) below(f)->pMethods

/* --- the stream ------------------------------------------------------------------------------- */

static struct disk_event *
add(struct disk *d, enum disk_kind kind, int file)
{
	if (d->n == d->room) {
		d->room = d->room == 0 ? 4096 : 2 * d->room;
		d->events = realloc(d->events, d->room * sizeof(*d->events));
		if (d->events == NULL)
			abort();
	}
	d->events[d->n] = (struct disk_event){ .kind = kind, .file = (unsigned) file };
	return &d->events[d->n++];
}

static void
add_write(struct disk *d, int file, const void *bytes, size_t len, uint64_t at)
{
	struct disk_event *e = add(d, DISK_WRITE, file);

	e->at = at;
	e->len = len;
	if ((e->bytes = malloc(len + 1)) == NULL)
		abort();
	memcpy(e->bytes, bytes, len);
}

static void
force_directory(struct disk *d, struct disk_event *e)
{
	e->directory = true;
	for (unsigned i = 0; i < d->nfiles; i++)
		d->files[i].known = !d->files[i].removed;
}

void
disk_note(struct disk *d, uint64_t note)
{
	add(d, DISK_NOTE, 0)->at = note;
}

size_t
disk_events(const struct disk *d, const struct disk_event **out)
{
	*out = d->events;
	return d->n;
}

const char *
disk_name(const struct disk *d, unsigned file)
{
	return d->files[file].name;
}

/* --- failures --------------------------------------------------------------------------------- */

void
disk_fail(struct disk *d, unsigned nth, int code)
{
	d->fail_in = nth;
	d->fail_code = code;
	d->failed = false;
}

bool
disk_failed(const struct disk *d)
{
	return d->failed;
}

/* SQLITE_OK, or what the call has to say instead of doing anything. */
static int
trip(const struct handle *h)
{
	struct disk *d = h->disk;

	if (h->number == NOT_OURS || d->fail_in == 0)
		return SQLITE_OK;
	if (d->fail_in > 1) {
		d->fail_in--;
		return SQLITE_OK;
	}
	d->failed = true;
	return d->fail_code;
}

/* --- one file --------------------------------------------------------------------------------- */

static int
close_file(sqlite3_file *f)
{
	return BELOW(f)->xClose(below(f));
}

static int
read_file(sqlite3_file *f, void *out, int len, sqlite3_int64 at)
{
	return BELOW(f)->xRead(below(f), out, len, at);
}

static int
write_file(sqlite3_file *f, const void *bytes, int len, sqlite3_int64 at)
{
	const struct handle *h = (struct handle *) f;
	int rc = trip(h);

	if (rc == SQLITE_OK)
		rc = BELOW(f)->xWrite(below(f), bytes, len, at);
	if (rc == SQLITE_OK && h->number != NOT_OURS)
		add_write(h->disk, h->number, bytes, (size_t) len, (uint64_t) at);
	return rc;
}

static int
truncate_file(sqlite3_file *f, sqlite3_int64 size)
{
	const struct handle *h = (struct handle *) f;
	int rc = trip(h);

	if (rc == SQLITE_OK)
		rc = BELOW(f)->xTruncate(below(f), size);
	if (rc == SQLITE_OK && h->number != NOT_OURS)
		add(h->disk, DISK_TRUNCATE, h->number)->at = (uint64_t) size;
	return rc;
}

/* sqlite's VFS for Unix forces the directory to the disk with the first sync of a new file. */
static int
sync_file(sqlite3_file *f, int flags)
{
	const struct handle *h = (struct handle *) f;
	struct disk_event *e;
	int rc = trip(h);

	(void) flags;
	if (rc != SQLITE_OK || h->number == NOT_OURS)
		return rc;
	e = add(h->disk, DISK_SYNC, h->number);
	if (!h->disk->files[h->number].known)
		force_directory(h->disk, e);
	return SQLITE_OK;
}

static int
size_of(sqlite3_file *f, sqlite3_int64 *out)
{
	return BELOW(f)->xFileSize(below(f), out);
}

static int
lock(sqlite3_file *f, int level)
{
	return BELOW(f)->xLock(below(f), level);
}

static int
unlock(sqlite3_file *f, int level)
{
	return BELOW(f)->xUnlock(below(f), level);
}

static int
is_locked(sqlite3_file *f, int *out)
{
	return BELOW(f)->xCheckReservedLock(below(f), out);
}

static int
control(sqlite3_file *f, int what, void *arg)
{
	return BELOW(f)->xFileControl(below(f), what, arg);
}

static int
sector_size(sqlite3_file *f)
{
	return BELOW(f)->xSectorSize(below(f));
}

static int
characteristics(sqlite3_file *f)
{
	return BELOW(f)->xDeviceCharacteristics(below(f));
}

static int
shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return BELOW(f)->xShmMap(below(f), page, size, extend, out);
}

static int
shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return BELOW(f)->xShmLock(below(f), at, n, flags);
}

static void
shm_barrier(sqlite3_file *f)
{
	BELOW(f)->xShmBarrier(below(f));
}

static int
shm_unmap(sqlite3_file *f, int remove)
{
	return BELOW(f)->xShmUnmap(below(f), remove);
}

/* Version 2: without mappings of the database, which nobody could watch. */
static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = close_file,
	.xRead = read_file,
	.xWrite = write_file,
	.xTruncate = truncate_file,
	.xSync = sync_file,
	.xFileSize = size_of,
	.xLock = lock,
	.xUnlock = unlock,
	.xCheckReservedLock = is_locked,
	.xFileControl = control,
	.xSectorSize = sector_size,
	.xDeviceCharacteristics = characteristics,
	.xShmMap = shm_map,
	.xShmLock = shm_lock,
	.xShmBarrier = shm_barrier,
	.xShmUnmap = shm_unmap,
};

/* --- all of them ------------------------------------------------------------------------------ */

/* What of the path follows that of the database; NULL: it is another file. */
static const char *
name_in(const struct disk *d, const char *path)
{
	static const char *const names[] = { "", "-wal", "-journal" };
	size_t len = strlen(d->path);

	for (unsigned i = 0; path != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strncmp(path, d->path, len) == 0 && strcmp(path + len, names[i]) == 0)
			return names[i];
	}
	return NULL;
}

static int
find(const struct disk *d, const char *name)
{
	for (unsigned i = 0; i < d->nfiles; i++) {
		if (!d->files[i].removed && strcmp(d->files[i].name, name) == 0)
			return (int) i;
	}
	return NOT_OURS;
}

/* What is in it now is on the disk, unless it was made just now. */
static void
take_over(struct disk *d, int number, sqlite3_file *f)
{
	struct disk_event *e;
	sqlite3_int64 size = 0;
	uint8_t *bytes;

	size_of(f, &size);
	if ((bytes = calloc(1, (size_t) size + 1)) == NULL)
		abort();
	if (read_file(f, bytes, (int) size, 0) == SQLITE_OK && size > 0)
		add_write(d, number, bytes, (size_t) size, 0);
	free(bytes);
	e = add(d, DISK_SYNC, number);
	force_directory(d, e);
}

static int
meet(struct disk *d, const char *name, bool is_new, sqlite3_file *f)
{
	int number = find(d, name);

	if (number != NOT_OURS)
		return number;
	if (d->nfiles == DISK_FILES_MAX)
		abort();
	number = (int) d->nfiles++;
	d->files[number].name = name;
	add(d, DISK_CREATE, number);
	if (!is_new)
		take_over(d, number, f);
	return number;
}

static int
open_file(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *flags_out)
{
	struct disk *d = vfs->pAppData;
	struct handle *h = (struct handle *) f;
	const char *name = name_in(d, path);
	int there = 1, rc;

	*h = (struct handle){ .disk = d, .number = NOT_OURS };
	if (name != NULL)
		d->below->xAccess(d->below, path, SQLITE_ACCESS_EXISTS, &there);
	if ((rc = d->below->xOpen(d->below, path, below(f), flags, flags_out)) != SQLITE_OK)
		return rc;
	h->file.pMethods = &methods;
	if (name != NULL)
		h->number = meet(d, name, !there, f);
	return SQLITE_OK;
}

static int
remove_file(sqlite3_vfs *vfs, const char *path, int force)
{
	struct disk *d = vfs->pAppData;
	const char *name = name_in(d, path);
	int number = name == NULL ? NOT_OURS : find(d, name);
	int rc = d->below->xDelete(d->below, path, 0);
	struct disk_event *e;

	if (rc != SQLITE_OK || number == NOT_OURS)
		return rc;
	d->files[number].removed = true;
	e = add(d, DISK_REMOVE, number);
	if (force)
		force_directory(d, e);
	return rc;
}

struct disk *
disk_new(const char *path)
{
	struct disk *d = calloc(1, sizeof(*d));

	if (d == NULL || (d->path = strdup(path)) == NULL)
		abort();
	d->below = sqlite3_vfs_find(NULL);
	d->vfs = *d->below;
	d->vfs.zName = "disk";
	d->vfs.pNext = NULL;
	d->vfs.pAppData = d;
	d->vfs.szOsFile = (int) sizeof(struct handle) + d->below->szOsFile;
	d->vfs.xOpen = open_file;
	d->vfs.xDelete = remove_file;
	if (sqlite3_vfs_register(&d->vfs, 1) != SQLITE_OK)
		abort();
	return d;
}

void
disk_free(struct disk *d)
{
	if (d == NULL)
		return;
	sqlite3_vfs_unregister(&d->vfs);
	sqlite3_vfs_register(d->below, 1);
	for (size_t i = 0; i < d->n; i++)
		free(d->events[i].bytes);
	free(d->events);
	free(d->path);
	free(d);
}
