/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/snapshot.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

#define TIME_TEXT "20231114T221320.123Z"
#define TIME_MAX sizeof(TIME_TEXT)

/* --- names ------------------------------------------------------------------------------------ */

int
snapshot_name(const char *path, const char *what, char out[DBFILE_PATH_MAX], struct err *e)
{
	int64_t now_ms = clock_utc_ms();
	time_t now_s = (time_t) (now_ms / 1000);
	char stamp[TIME_MAX];
	struct tm tm;

	gmtime_r(&now_s, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%S", &tm);
	if (snprintf(out, DBFILE_PATH_MAX, "%s.%s-%s.%03dZ", path, what, stamp,
	    (int) (now_ms % 1000)) >= DBFILE_PATH_MAX)
		return err_set(e, -ENAMETOOLONG, "%s: the path is too long", path);
	return 0;
}

/* The time in a file's name where it is that of a snapshot of BASE; else NULL. */
static const char *
time_of(const char *name, const char *base)
{
	size_t len = strlen(base);
	const char *stamp = strrchr(name, '-');

	if (strncmp(name, base, len) != 0 || name[len] != '.' || stamp == NULL ||
	    strlen(stamp + 1) != strlen(TIME_TEXT))
		return NULL;
	stamp++;
	for (size_t i = 0; i < strlen(TIME_TEXT); i++) {
		if (isdigit((unsigned char) TIME_TEXT[i])
		    ? !isdigit((unsigned char) stamp[i]) : stamp[i] != TIME_TEXT[i])
			return NULL;
	}
	return stamp;
}

/* The schema's version in a snapshot of BASE that was made before a step; -1: it is another one. */
static int64_t
version_of(const char *name, const char *base)
{
	const char *what = name + strlen(base) + 1;
	char *end;
	long step;

	if (strncmp(what, "step", strlen("step")) != 0)
		return -1;
	step = strtol(what + strlen("step"), &end, 10);
	return *end == '-' && step > 0 ? step - 1 : -1;
}

/* --- looking through the directory ------------------------------------------------------------ */

struct place {
	char dir[DBFILE_PATH_MAX];	/* with its slash */
	const char *base;	/* the database's name in it; borrowed */
};

static void
split(const char *path, struct place *p)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		snprintf(p->dir, sizeof(p->dir), "./");
	else
		snprintf(p->dir, sizeof(p->dir), "%.*s", (int) (slash - path + 1), path);
	p->base = slash == NULL ? path : slash + 1;
}

/* Calls fn with the name and the time of each snapshot. */
static void
each(const struct place *p, void (*fn)(void *arg, const char *name, const char *stamp), void *arg)
{
	DIR *dir = opendir(p->dir);
	const struct dirent *d;
	const char *stamp;

	if (dir == NULL)
		return;
	while ((d = readdir(dir)) != NULL) {
		if ((stamp = time_of(d->d_name, p->base)) != NULL)
			fn(arg, d->d_name, stamp);
	}
	closedir(dir);
}

struct oldest {
	unsigned n;
	char name[NAME_MAX + 1], stamp[TIME_MAX];
};

static void
look_for_oldest(void *arg, const char *name, const char *stamp)
{
	struct oldest *o = arg;

	if (o->n++ == 0 || strcmp(stamp, o->stamp) < 0) {
		snprintf(o->name, sizeof(o->name), "%s", name);
		snprintf(o->stamp, sizeof(o->stamp), "%s", stamp);
	}
}

void
snapshot_prune(const char *path)
{
	char old[DBFILE_PATH_MAX + NAME_MAX];
	struct oldest o;
	struct place p;

	split(path, &p);
	do {
		o = (struct oldest){ 0 };
		each(&p, look_for_oldest, &o);
		snprintf(old, sizeof(old), "%s%s", p.dir, o.name);
		if (o.n > SNAPSHOTS_MAX)
			dbfile_remove(old);
	} while (o.n > SNAPSHOTS_MAX && access(old, F_OK) < 0);
}

struct newest {
	const char *base;
	int64_t version;	/* at most */
	char name[NAME_MAX + 1], stamp[TIME_MAX];
};

static void
look_for_newest(void *arg, const char *name, const char *stamp)
{
	struct newest *n = arg;
	int64_t version = version_of(name, n->base);

	if (version < 0 || version > n->version || strcmp(stamp, n->stamp) < 0)
		return;
	snprintf(n->name, sizeof(n->name), "%s", name);
	snprintf(n->stamp, sizeof(n->stamp), "%s", stamp);
}

void
snapshot_find(const char *path, int64_t version, char out[DBFILE_PATH_MAX])
{
	struct newest n = { .version = version };
	struct place p;

	split(path, &p);
	n.base = p.base;
	each(&p, look_for_newest, &n);
	if (n.name[0] == '\0' ||
	    snprintf(out, DBFILE_PATH_MAX, "%s%s", p.dir, n.name) >= DBFILE_PATH_MAX)
		out[0] = '\0';
}

/* --- making ----------------------------------------------------------------------------------- */

/* Under its name only when it is whole: what a kill leaves of it is replaced by the next one. */
int
snapshot_take(struct dbfile *db, const char *path, const char *what, char out[DBFILE_PATH_MAX],
    struct err *e)
{
	char part[DBFILE_PATH_MAX + 8];
	int rc;

	snprintf(part, sizeof(part), "%s.part", path);
	if ((rc = snapshot_name(path, what, out, e)) < 0 || (rc = dbfile_copy(db, part, e)) < 0)
		return err_prefix(e, "no snapshot can be taken");
	if (rename(part, out) < 0) {
		rc = err_set(e, -errno, "no snapshot can be taken: %s: %s", out, strerror(errno));
		dbfile_remove(part);
		return rc;
	}
	snapshot_prune(path);
	return dbfile_sync(out, e);
}
