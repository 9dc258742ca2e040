/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/connect.h"
#include "cli/file.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "common/secret.h"
#include "litevpn/v1/server.pb-c.h"

const struct opt cmd_backup_options[] = {
	{ .name = "force", .kind = OPT_FLAG, .help = "replace a file that exists" },
	{ 0 },
};

/* The file has its name only when all of it is there and its checksum is right. */
struct backup {
	struct file_set set;
	int fd;
	uint64_t size;
	bool whole;	/* the last answer has come, and agrees */
	struct err e;
};

/* Read again from the file: what was written counts, not what was to be written. */
static int
hash_file(const struct backup *b, uint8_t out[SECRET_HASH_LEN])
{
	void *all;

	if (b->size == 0) {
		secret_hash_bytes("", 0, out);
		return 0;
	}
	all = mmap(NULL, b->size, PROT_READ, MAP_SHARED, b->fd, 0);
	if (all == MAP_FAILED)
		return -errno;
	secret_hash_bytes(all, b->size, out);
	munmap(all, b->size);
	return 0;
}

static int
check_whole(struct backup *b, const Litevpn__V1__BackupSummary *s)
{
	uint8_t hash[SECRET_HASH_LEN];
	int rc = hash_file(b, hash);

	if (rc < 0)
		return err_set(&b->e, rc, "cannot read what was written: %s", strerror(-rc));
	if (s->size != b->size || s->sha256.len != sizeof(hash) ||
	    memcmp(s->sha256.data, hash, sizeof(hash)) != 0)
		return err_set(&b->e, -EBADMSG, "the copy is not what the server sent: its size "
		    "or its checksum differs");
	b->whole = true;
	return 0;
}

static int
on_piece(const ProtobufCMessage *msg, void *arg)
{
	const Litevpn__V1__BackupDatabaseResponse *r =
	    (const Litevpn__V1__BackupDatabaseResponse *) msg;
	struct backup *b = arg;
	int rc = file_write(b->fd, r->data.data, r->data.len);

	if (rc < 0) {
		err_set(&b->e, rc, "cannot write the copy: %s", strerror(-rc));
		return (int) cli_fail(&b->e);
	}
	b->size += r->data.len;
	if (r->summary != NULL && check_whole(b, r->summary) < 0)
		return (int) cli_fail(&b->e);
	return -1;
}

/* consumes: b->fd */
static enum cli_exit
finish(struct backup *b, const char *path)
{
	char size[OUTPUT_VALUE_MAX];
	int rc = 0;

	if (!b->whole)
		rc = err_set(&b->e, -EBADMSG, "the server has not sent all of it");
	else if (fsync(b->fd) < 0)
		rc = err_set(&b->e, -errno, "%s: %s", path, strerror(errno));
	close(b->fd);
	if (rc < 0 || file_set_commit(&b->set, &b->e) < 0)
		return cli_fail(&b->e);
	printf("%s: %s\n", path, output_bytes(b->size, size));
	return CLI_OK;
}

enum cli_exit
cmd_backup(const struct cli *cli)
{
	static const struct rpc_method method = { &litevpn__v1__server__descriptor,
		"BackupDatabase" };
	Litevpn__V1__BackupDatabaseRequest req = LITEVPN__V1__BACKUP_DATABASE_REQUEST__INIT;
	struct backup b = { .set.force = args_has(&cli->args, "force") };
	const char *path = cli->args.operands[0];
	char dir[PATH_MAX], base[PATH_MAX];
	struct progress *progress;
	enum cli_exit status;

	snprintf(dir, sizeof(dir), "%s", path);
	snprintf(base, sizeof(base), "%s", path);
	b.fd = file_set_open(&b.set, dirname(dir), basename(base), 0600, geteuid(), &b.e);
	if (b.fd < 0) {
		status = cli_fail(&b.e);
	} else {
		progress = progress_begin("copying the database to %s", path);
		status = connect_watch(cli, &method, &req.base, on_piece, &b);
		progress_end(progress);
		if (status == CLI_OK)
			status = finish(&b, path);
		else
			close(b.fd);
	}
	file_set_fini(&b.set);
	return status;
}
