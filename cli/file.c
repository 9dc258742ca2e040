/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/priv.h"
#include "common/secret.h"

int
file_make_dirs(const char *path, struct err *e)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(part))
		return err_set(e, -ENAMETOOLONG, "%.80s: not a path that can be made", path);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return err_set(e, -errno, "%s: cannot make it: %s", part, strerror(errno));
	}
	return 0;
}

int
file_write(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0)
			return -errno;
		at += n;
		len -= (size_t) n;
	}
	return 0;
}

/* Owner and mode before the first byte is in it. Returns the descriptor. */
static int
open_temp(const struct file_new *f, mode_t mode, uid_t uid)
{
	int fd = openat(f->dir_fd, f->temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    0600);
	int rc;

	if (fd < 0)
		return -errno;
	if ((priv_is_root() && fchown(fd, uid, (gid_t) -1) < 0) || fchmod(fd, mode) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

int
file_set_open(struct file_set *set, const char *dir, const char *name, mode_t mode, uid_t uid,
    struct err *e)
{
	struct file_new *f = &set->files[set->n];
	char random[SECRET_TOKEN_LEN + 1];
	int fd;

	if (set->n == FILE_SET_MAX)
		return err_set(e, -ENOSPC, "%s/%s: too many files at once", dir, name);
	secret_token(random);
	if (snprintf(f->dir, sizeof(f->dir), "%s", dir) >= (int) sizeof(f->dir) ||
	    snprintf(f->name, sizeof(f->name), "%s", name) >= (int) sizeof(f->name) ||
	    snprintf(f->temp, sizeof(f->temp), ".%s.%s", name, random) >= (int) sizeof(f->temp))
		return err_set(e, -ENAMETOOLONG, "%s/%s: the path is too long", dir, name);
	f->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir_fd < 0)
		return err_set(e, -errno, "%s: %s", dir, strerror(errno));
	set->n++;
	if (!set->force && faccessat(f->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(e, -EEXIST, "%s/%s exists; --force replaces it", dir, name);
	if ((fd = open_temp(f, mode, uid)) < 0)
		return err_set(e, fd, "%s/%s: cannot write it: %s", dir, name, strerror(-fd));
	return fd;
}

int
file_set_add(struct file_set *set, const char *dir, const char *name, const char *text, mode_t mode,
    uid_t uid, struct err *e)
{
	int fd = file_set_open(set, dir, name, mode, uid, e);
	int rc;

	if (fd < 0)
		return fd;
	if ((rc = file_write(fd, text, strlen(text))) == 0 && fsync(fd) < 0)
		rc = -errno;
	close(fd);
	if (rc < 0)
		return err_set(e, rc, "%s/%s: cannot write it: %s", dir, name, strerror(-rc));
	return 0;
}

int
file_set_commit(struct file_set *set, struct err *e)
{
	unsigned flags = set->force ? 0 : RENAME_NOREPLACE;

	for (size_t i = 0; i < set->n; i++) {
		struct file_new *f = &set->files[i];

		if (renameat2(f->dir_fd, f->temp, f->dir_fd, f->name, flags) < 0)
			return err_set(e, -errno, "%s/%s: cannot put it in place: %s", f->dir,
			    f->name, strerror(errno));
		f->temp[0] = '\0';
	}
	for (size_t i = 0; i < set->n; i++) {
		if (fsync(set->files[i].dir_fd) < 0)
			return err_set(e, -errno, "%s: %s", set->files[i].dir, strerror(errno));
	}
	return 0;
}

void
file_set_fini(struct file_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		if (set->files[i].temp[0] != '\0')
			unlinkat(set->files[i].dir_fd, set->files[i].temp, 0);
		close(set->files[i].dir_fd);
	}
	set->n = 0;
}

int
file_read(const char *dir, const char *name, bool private, char **text_out, struct err *e)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int) sizeof(path))
		return err_set(e, -ENAMETOOLONG, "%s/%s: the path is too long", dir, name);
	return secret_read_file(path, private, text_out, e);
}
