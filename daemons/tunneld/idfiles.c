/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/idfiles.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemons/tunneld/control.h"

/* What may be replaced. */
#define CERTIFICATES (1u << TUNNELD_CA | 1u << TUNNELD_CERT | 1u << TUNNELD_GRPC_CA | \
	1u << TUNNELD_GRPC_CERT)

void
idfiles_init(struct idfiles *f, const struct tunneld *d)
{
	const char *dir = d->server ? d->sc.vpn_cert_dir : d->cc.vpn_cert_dir;
	const char *who = d->server ? "server" : "client";

	*f = (struct idfiles){ .server = d->server };
	snprintf(f->paths[TUNNELD_CA], PATH_MAX, "%s/ca.pem", dir);
	snprintf(f->paths[TUNNELD_CERT], PATH_MAX, "%s/%s.pem", dir, who);
	snprintf(f->paths[TUNNELD_KEY], PATH_MAX, "%s/%s-key.pem", dir, who);
	if (d->server)
		return;
	if (d->cc.token[0] == '\0')
		snprintf(f->paths[TUNNELD_TOKEN], PATH_MAX, "%s", d->cc.token_file);
	snprintf(f->paths[TUNNELD_NET_TOKEN], PATH_MAX, "%s", d->cc.net_token_file);
	snprintf(f->paths[TUNNELD_GRPC_CA], PATH_MAX, "%s/ca.pem", d->cc.grpc_cert_dir);
	snprintf(f->paths[TUNNELD_GRPC_CERT], PATH_MAX, "%s/client.pem", d->cc.grpc_cert_dir);
	snprintf(f->paths[TUNNELD_GRPC_CSR], PATH_MAX, "%s/client.csr", d->cc.grpc_cert_dir);
}

/* Whose absence has a remedy: a server's come from one command, a node's from another. */
static int
cannot_open(const struct idfiles *f, unsigned which, int error, struct err *e)
{
	const char *path = f->paths[which];

	if (error != ENOENT || which == TUNNELD_NET_TOKEN)
		return err_set(e, -error, "%s: %s", path, strerror(error));
	return err_set(e, -error, "%s: does not exist; litevpnctl %s makes it", path,
	    f->server ? "pki init" : "client enroll");
}

/* The tunnel does without these. */
static bool
may_miss(unsigned which)
{
	return which == TUNNELD_GRPC_CERT || which == TUNNELD_GRPC_CSR;
}

int
idfiles_open(const struct idfiles *f, int fds_out[TUNNELD_FILES], uint32_t *mask_out,
    struct err *e)
{
	uint32_t mask = 0;
	int n = 0;

	for (unsigned i = 0; i < TUNNELD_FILES; i++) {
		if (f->paths[i][0] == '\0')
			continue;
		/* Non-blocking for a FIFO, which nobody may ever write to; the reader refuses it. */
		fds_out[n] = open(f->paths[i], O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fds_out[n] < 0 && may_miss(i))
			continue;
		if (fds_out[n] < 0) {
			int rc = cannot_open(f, i, errno, e);

			idfiles_close(fds_out, n);
			return rc;
		}
		mask |= 1u << i;
		n++;
	}
	*mask_out = mask;
	return n;
}

/* Beside the file; what an interrupted one has left there goes. */
static int
write_new(const char *path, const char *text, size_t len, struct err *e)
{
	int fd, rc = 0;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	errno = ENOSPC;		/* what a short write means */
	if (write(fd, text, len) != (ssize_t) len || fchmod(fd, 0644) < 0 || fsync(fd) < 0)
		rc = err_set(e, -errno, "%s: %s", path, strerror(errno));
	close(fd);
	if (rc < 0)
		unlink(path);
	return rc;
}

/* The name is on the disk, too. Where that fails the file itself is whole all the same. */
static void
sync_dir_of(const char *path)
{
	char dir[PATH_MAX];
	int fd;

	snprintf(dir, sizeof(dir), "%s", path);
	fd = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
}

int
idfiles_put(const struct idfiles *f, enum tunneld_file which, const char *text, size_t len,
    struct err *e)
{
	const char *path = f->paths[which];
	char fresh[PATH_MAX + 8];
	int rc;

	if ((1u << which & CERTIFICATES) == 0 || len < 1 || len > CONTROL_PEM_MAX)
		return err_set(e, -EINVAL, "not a certificate of %zu bytes", len);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	if ((rc = write_new(fresh, text, len, e)) < 0)
		return rc;
	if (rename(fresh, path) < 0) {
		rc = err_set(e, -errno, "%s: %s", path, strerror(errno));
		unlink(fresh);
		return rc;
	}
	sync_dir_of(path);
	return 0;
}

void
idfiles_close(const int *fds, int n)
{
	for (int i = 0; i < n; i++)
		close(fds[i]);
}
