/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/hotcopy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/reason.h"

/* `copy` while it is made, then `fd` and `digest`; none of them while nobody wants one. */
struct hotcopy {
	struct ev *ev;
	char db_path[DBFILE_PATH_MAX], path[DBFILE_PATH_MAX];
	uint64_t last_id;
	struct dbfile_copy *copy;
	int fd;			/* -1: none */
	uint64_t next;		/* offset that is to be asked for */
	struct digest *digest;	/* of what was read */
	struct ev_timer idle;
	struct hotcopy_part part;
};

static void
end(struct hotcopy *h)
{
	ev_timer_stop(h->ev, &h->idle);
	dbfile_copy_end(h->copy);
	h->copy = NULL;
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	digest_free(h->digest);
	h->digest = NULL;
	dbfile_remove(h->path);
	h->part.id = 0;
}

static void
on_idle(void *arg)
{
	log_warn("backup_dropped", "after_ms=%d because=\"nobody asks for the rest\"",
	    HOTCOPY_IDLE_MS);
	end(arg);
}

int
hotcopy_new(struct ev *ev, const char *db_path, struct hotcopy **out, struct err *e)
{
	struct hotcopy *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	h->ev = ev;
	h->fd = -1;
	if (snprintf(h->db_path, sizeof(h->db_path), "%s", db_path) >= (int) sizeof(h->db_path) ||
	    snprintf(h->path, sizeof(h->path), "%s.hotcopy", db_path) >= (int) sizeof(h->path)) {
		free(h);
		return err_set(e, -ENAMETOOLONG, "%s: the path is too long", db_path);
	}
	dbfile_remove(h->path);
	*out = h;
	return 0;
}

void
hotcopy_free(struct hotcopy *h)
{
	if (h == NULL)
		return;
	end(h);
	free(h);
}

static int
begin(struct hotcopy *h, uint64_t revision, struct err *e)
{
	int rc;

	if (h->part.id != 0)
		return err_set(e, -REASON_BACKUP_BUSY, "%s", reason_text(REASON_BACKUP_BUSY));
	if ((rc = dbfile_copy_begin(h->db_path, h->path, &h->copy, e)) < 0)
		return rc;
	h->part.id = ++h->last_id;
	h->part.revision = revision;
	h->part.size = h->part.len = h->next = 0;
	h->part.copied = h->part.whole = false;
	log_notice("backup_begun", "id=%" PRIu64, h->part.id);
	return 0;
}

/* The copy is whole: it is read from now on. */
static int
open_copy(struct hotcopy *h, struct err *e)
{
	struct stat st;

	dbfile_copy_end(h->copy);
	h->copy = NULL;
	if ((h->fd = open(h->path, O_RDONLY | O_CLOEXEC)) < 0 || fstat(h->fd, &st) < 0)
		return err_set(e, -errno, "%s: %s", h->path, strerror(errno));
	if ((h->digest = digest_new()) == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	h->part.size = (uint64_t) st.st_size;
	h->part.copied = true;
	return 0;
}

static int
copy_slice(struct hotcopy *h, struct err *e)
{
	int rc = dbfile_copy_step(h->copy, HOTCOPY_PAGES, e);

	return rc == 0 ? open_copy(h, e) : rc < 0 ? rc : 0;
}

static int
read_slice(struct hotcopy *h, uint64_t offset, struct err *e)
{
	ssize_t n = pread(h->fd, h->part.data, sizeof(h->part.data), (off_t) offset);

	if (n < 0)
		return err_set(e, -errno, "%s: %s", h->path, strerror(errno));
	h->part.len = (size_t) n;
	h->next += (size_t) n;
	digest_add(h->digest, h->part.data, (size_t) n);
	if (n > 0)
		return 0;
	digest_end(h->digest, h->part.sha256);
	log_notice("backup_done", "id=%" PRIu64 " bytes=%" PRIu64, h->part.id, h->part.size);
	h->part.whole = true;
	end(h);
	return 0;
}

static int
check(const struct hotcopy *h, uint64_t id, uint64_t offset, struct err *e)
{
	if (h->part.id == 0 || id != h->part.id)
		return err_set(e, -REASON_DEADLINE, "the rest of the backup was asked for too late");
	if (offset != h->next)
		return err_set(e, -REASON_FIELD_INVALID, "offset: the next one is %" PRIu64,
		    h->next);
	return 0;
}

int
hotcopy_read(struct hotcopy *h, uint64_t id, uint64_t offset, uint64_t revision,
    const struct hotcopy_part **out, struct err *e)
{
	int rc;

	if ((rc = id == 0 ? begin(h, revision, e) : check(h, id, offset, e)) < 0)
		return rc;
	ev_timer_start(h->ev, &h->idle, HOTCOPY_IDLE_MS, on_idle, h);
	rc = h->copy != NULL ? copy_slice(h, e) : read_slice(h, offset, e);
	if (rc < 0) {
		log_err("backup_failed", "error=%s", LOG_Q(e->text));
		end(h);
		return err_set(e, -REASON_STORE_FAILED, "%s", e->text);
	}
	*out = &h->part;
	return 0;
}

void
hotcopy_drop(struct hotcopy *h, uint64_t id)
{
	if (h->part.id != 0 && h->part.id == id)
		end(h);
}
