/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/sandbox_ipamd.h"

#include <seccomp.h>

/* clang-format off */
static const struct sandbox_call calls[] = {
	SANDBOX_OK(openat, "the database with its WAL, the grant key, the configuration on SIGHUP; "
	    "which files, Landlock says"),
	SANDBOX_OK(pwrite64, "the database"),
	SANDBOX_OK(fsync, "the database and its directory, the grant key"),
	SANDBOX_OK(fdatasync, "commits"),
	SANDBOX_OK(ftruncate, "the database's WAL and shared index"),
	SANDBOX_OK(flock, "one ipamd per database"),
	SANDBOX_OK(getdents64, "which snapshots are there"),
	SANDBOX_OK(access, "is there a WAL to recover"),
	SANDBOX_OK(lstat, "sqlite looks for symbolic links in the path"),
	SANDBOX_OK(stat, "is the database still the file that was opened"),
	SANDBOX_OK(fchmod, "mode of the database and of the two files of the grant key"),
	SANDBOX_OK(link, "a database that another one replaces becomes a snapshot"),
	SANDBOX_OK(rename, "files of the grant key, and snapshots, appear whole"),
	SANDBOX_END
};
/* clang-format on */

static const struct sandbox_call *const tables[] = {
	sandbox_base, sandbox_threads, calls, NULL,
};

int
sandbox_ipamd(const struct places *p, const char *conf_dir, enum sandbox_mode mode, struct err *e)
{
	const struct sandbox_path paths[] = {
		{ p->ipamd_state, SANDBOX_READ | SANDBOX_WRITE },
		{ p->ipamd_run, SANDBOX_READ | SANDBOX_SOCKET },
		{ conf_dir, SANDBOX_READ },
		{ "/dev/urandom", SANDBOX_READ },	/* sqlite salts its WAL */
	};
	const struct sandbox sb = {
		.name = "ipamd",
		.calls = tables,
		.paths = paths,
		.npaths = sizeof(paths) / sizeof(paths[0]),
	};
	int rc = sandbox_load(&sb, mode, e);

	return rc < 0 ? rc : sandbox_verify(&sb, mode, e);
}
