/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/checkpoint.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

/* Pages of 4 KiB. */
#define WORTH 100	/* to copy; with more at once commits wait for the disk as well */
#define FEW 128		/* the writer copies itself: about a millisecond */
#define LONG 8192	/* it should begin at the front again: 32 MiB */
#define TOO_LONG 65536	/* whatever it takes */

struct checkpointer {
	sqlite3 *db;
	pthread_t thread;
	pthread_mutex_t lock;	/* of what follows */
	pthread_cond_t changed;
	bool due, stop, copying;
	int copied;		/* pages at the front of the WAL */
};

/* A failure leaves everything in the WAL, where it is as safe; the next time, then. */
static void
copy(struct checkpointer *c)
{
	int copied = -1;

	c->copying = true;
	pthread_mutex_unlock(&c->lock);
	sqlite3_wal_checkpoint_v2(c->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, &copied);
	pthread_mutex_lock(&c->lock);
	c->copying = false;
	pthread_cond_broadcast(&c->changed);
	if (copied >= 0)
		c->copied = copied;
}

static void *
work(void *arg)
{
	struct checkpointer *c = arg;

	pthread_mutex_lock(&c->lock);
	while (!c->stop) {
		if (!c->due) {
			pthread_cond_wait(&c->changed, &c->lock);
			continue;
		}
		c->due = false;
		copy(c);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

/* Signals are for the loop. */
static int
start(struct checkpointer *c)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = -pthread_create(&c->thread, NULL, work, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

static void
destroy(struct checkpointer *c)
{
	sqlite3_close(c->db);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

int
checkpointer_new(const char *path, struct checkpointer **out, struct err *e)
{
	struct checkpointer *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->changed, NULL);
	if (sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK ||
	    sqlite3_exec(c->db, "pragma synchronous=full", NULL, NULL, NULL) != SQLITE_OK)
		rc = err_set(e, -EIO, "%s",
		    c->db == NULL ? "out of memory" : sqlite3_errmsg(c->db));
	else if ((rc = start(c)) < 0)
		err_set(e, rc, "cannot start a thread: %s", strerror(-rc));
	if (rc < 0) {
		destroy(c);
		return rc;
	}
	*out = c;
	return 0;
}

bool
checkpointer_grown(struct checkpointer *c, int pages)
{
	int behind;
	bool yourself;

	pthread_mutex_lock(&c->lock);
	if (pages < c->copied)
		c->copied = 0;	/* it has begun at the front */
	behind = pages - c->copied;
	yourself = pages >= TOO_LONG || (pages >= LONG && behind <= FEW);
	/* Only one can make a checkpoint at a time, and this one must be made. */
	while (pages >= TOO_LONG && c->copying)
		pthread_cond_wait(&c->changed, &c->lock);
	c->due = !yourself && (c->due || behind >= WORTH || pages >= LONG);
	if (c->due)
		pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	return yourself;
}

void
checkpointer_free(struct checkpointer *c)
{
	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	destroy(c);
}
