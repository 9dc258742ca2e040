/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/wreck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_MAX_HERE 256

struct content {
	uint8_t *bytes;
	size_t len, room;
};

struct file {
	struct content synced;
	size_t *waiting;	/* events that no sync has followed */
	size_t nwaiting, room;
	bool named, kept;	/* by the directory as it is; by the one on the disk */
};

struct wreck {
	const struct disk *disk;
	const struct disk_event *events;
	size_t n, next;
	uint64_t note;
	struct file files[DISK_FILES_MAX];
	unsigned nfiles;
};

static void *
need(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* --- contents --------------------------------------------------------------------------------- */

static void
resize(struct content *c, size_t len)
{
	if (len > c->room) {
		c->room = 2 * len;
		c->bytes = need(realloc(c->bytes, c->room));
	}
	if (len > c->len)
		memset(c->bytes + c->len, 0, len - c->len);
	c->len = len;
}

/* The part of a write from byte `from` to byte `to` of it. */
static void
put(struct content *c, const struct disk_event *e, size_t from, size_t to)
{
	if (e->kind == DISK_TRUNCATE) {
		if (e->at < c->len)
			c->len = e->at;
		return;
	}
	if (e->at + to > c->len)
		resize(c, e->at + to);
	memcpy(c->bytes + e->at + from, e->bytes + from, to - from);
}

/* Where the sector ends that byte `from` of a write lies in. */
static size_t
sector_end(const struct disk_event *e, size_t from)
{
	size_t end = (e->at + from) / WRECK_SECTOR * WRECK_SECTOR + WRECK_SECTOR - e->at;

	return end < e->len ? end : e->len;
}

static void
put_torn(struct content *c, const struct disk_event *e, struct dice *dice)
{
	size_t end = 0;

	if (e->kind == DISK_TRUNCATE)
		return;
	for (unsigned n = dice_below(dice, (unsigned) (e->len / WRECK_SECTOR) + 1); n > 0; n--)
		end = sector_end(e, end);
	if (end > 0)
		put(c, e, 0, end);
}

static void
put_scattered(struct content *c, const struct disk_event *e, unsigned of, struct dice *dice)
{
	size_t end;

	if (e->kind == DISK_TRUNCATE && dice_below(dice, of) > 0)
		put(c, e, 0, 0);
	for (size_t from = 0; from < e->len; from = end) {
		end = sector_end(e, from);
		if (dice_below(dice, of) > 0)
			put(c, e, from, end);
	}
}

/* --- going through the stream ----------------------------------------------------------------- */

static void
wait_for_sync(struct file *f, size_t event)
{
	if (f->nwaiting == f->room) {
		f->room = f->room == 0 ? 64 : 2 * f->room;
		f->waiting = need(realloc(f->waiting, f->room * sizeof(*f->waiting)));
	}
	f->waiting[f->nwaiting++] = event;
}

static void
settle(struct wreck *w, struct file *f)
{
	for (size_t i = 0; i < f->nwaiting; i++) {
		const struct disk_event *e = &w->events[f->waiting[i]];

		put(&f->synced, e, 0, e->len);
	}
	f->nwaiting = 0;
}

bool
wreck_step(struct wreck *w)
{
	const struct disk_event *e = &w->events[w->next];
	struct file *f = &w->files[w->next < w->n ? e->file : 0];

	if (w->next == w->n)
		return false;
	switch (e->kind) {
	case DISK_CREATE:
		f->named = true;
		w->nfiles = e->file + 1;
		break;
	case DISK_WRITE:
	case DISK_TRUNCATE:
		wait_for_sync(f, w->next);
		break;
	case DISK_SYNC:
		settle(w, f);
		break;
	case DISK_REMOVE:
		f->named = false;
		break;
	case DISK_NOTE:
		w->note = e->at;
		break;
	}
	for (unsigned i = 0; e->directory && i < w->nfiles; i++)
		w->files[i].kept = w->files[i].named;
	w->next++;
	return true;
}

uint64_t
wreck_note(const struct wreck *w)
{
	return w->note;
}

/* --- images ----------------------------------------------------------------------------------- */

static void
put_waiting(const struct wreck *w, const struct file *f, enum wreck_kind kind, struct dice *dice,
    struct content *c)
{
	unsigned whole = dice_below(dice, (unsigned) f->nwaiting + 1), of = 2 + dice_below(dice, 6);

	for (size_t i = 0; i < f->nwaiting && kind != WRECK_NOTHING; i++) {
		const struct disk_event *e = &w->events[f->waiting[i]];

		if (kind == WRECK_SCATTERED)
			put_scattered(c, e, of, dice);
		else if (i < whole)
			put(c, e, 0, e->len);
		else if (i == whole)
			put_torn(c, e, dice);
	}
}

static void
write_file(const struct wreck *w, unsigned file, enum wreck_kind kind, struct dice *dice,
    const char *path)
{
	const struct file *f = &w->files[file];
	struct content c = { 0 };
	FILE *out = need(fopen(path, "w"));

	resize(&c, f->synced.len);
	if (c.len > 0)
		memcpy(c.bytes, f->synced.bytes, c.len);
	put_waiting(w, f, kind, dice, &c);
	if ((c.len > 0 && fwrite(c.bytes, c.len, 1, out) != 1) || fclose(out) != 0)
		abort();
	free(c.bytes);
}

/* The file of that name in the directory as it is, or as it is on the disk; -1: there is none. */
static int
find(const struct wreck *w, const char *name, bool on_disk)
{
	for (unsigned i = w->nfiles; i > 0; i--) {
		const struct file *f = &w->files[i - 1];

		if ((on_disk ? f->kept : f->named) && strcmp(disk_name(w->disk, i - 1), name) == 0)
			return (int) i - 1;
	}
	return -1;
}

void
wreck_image(const struct wreck *w, enum wreck_kind kind, struct dice *dice, const char *path)
{
	static const char *const names[] = { "", "-wal", "-journal", "-shm" };
	char at[PATH_MAX_HERE];
	int file;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(at, sizeof(at), "%s%s", path, names[i]);
		remove(at);
		file = find(w, names[i], kind == WRECK_NOTHING || dice_below(dice, 2) == 0);
		if (file >= 0)
			write_file(w, (unsigned) file, kind, dice, at);
	}
}

struct wreck *
wreck_new(const struct disk *d)
{
	struct wreck *w = need(calloc(1, sizeof(*w)));

	w->disk = d;
	w->n = disk_events(d, &w->events);
	return w;
}

void
wreck_free(struct wreck *w)
{
	if (w == NULL)
		return;
	for (unsigned i = 0; i < w->nfiles; i++) {
		free(w->files[i].synced.bytes);
		free(w->files[i].waiting);
	}
	free(w);
}
