/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/sandbox_tunneld.h"

#include <libgen.h>
#include <limits.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>

/*
 * uid 0 with CAP_NET_ADMIN. It opens files by path (its configuration, the identity's files, the
 * journal) and changes the network by the netlink socket that it holds.
 */
/* clang-format off */
static const struct sandbox_call calls[] = {
	SANDBOX_OK(openat, "configuration, certificates, tokens; Landlock says which"),
	SANDBOX_OK(open, "the same, of older glibc"),
	SANDBOX_OK(pwrite64, "journal"),
	SANDBOX_OK(fsync, "a renewed certificate (node)"),
	SANDBOX_OK(fchmod, "the same"),
	SANDBOX_OK(rename, "the same"),
	SANDBOX_OK(renameat, "the same, of other libraries"),
	SANDBOX_OK(unlink, "the same: what an interrupted one has left"),
	SANDBOX_OK(ftruncate, "journal"),
	SANDBOX_OK(fdatasync, "journal"),
	SANDBOX_OK(getsockname, "netlink"),
	SANDBOX_OK(wait4, "the spawner's end"),
	SANDBOX_NO(ioctl, "stdio asks whether a file is a terminal"),
	SANDBOX_OK(dup2, "readiness: stderr is given up"),
	SANDBOX_END
};
/* clang-format on */

#define PATHS 7

static void
add_path(struct sandbox_path *paths, size_t *n, const char *path, unsigned rights)
{
	paths[*n] = (struct sandbox_path){ path, rights };
	*n += 1;
}

/* The directory of a file. "": there is no such file, and "." would be a directory. */
static void
add_dir_of(struct sandbox_path *paths, size_t *n, const char *file, char buf[PATH_MAX])
{
	if (file[0] == '\0')
		return;
	snprintf(buf, PATH_MAX, "%s", file);
	add_path(paths, n, dirname(buf), SANDBOX_READ);
}

int
sandbox_enter_monitor(const struct tunneld *d, struct err *e)
{
	const struct sandbox_call *const tables[] = { sandbox_base, calls, NULL };
	char conf[PATH_MAX], token[PATH_MAX], net_token[PATH_MAX];
	struct sandbox_path paths[PATHS];
	struct sandbox sb = { .name = "tunneld-monitor", .calls = tables, .paths = paths };
	size_t n = 0;
	int rc;

	add_dir_of(paths, &n, d->daemon.conf_path, conf);
	add_path(paths, &n, d->places.tunneld_state, SANDBOX_READ | SANDBOX_WRITE);
	if (d->server) {
		add_path(paths, &n, d->sc.vpn_cert_dir, SANDBOX_READ);
	} else {
		add_path(paths, &n, d->cc.vpn_cert_dir, SANDBOX_READ | SANDBOX_WRITE);
		add_path(paths, &n, d->cc.grpc_cert_dir, SANDBOX_READ | SANDBOX_WRITE);
		add_dir_of(paths, &n, d->cc.token_file, token);
		add_dir_of(paths, &n, d->cc.net_token_file, net_token);
	}
	sb.npaths = n;
	if ((rc = sandbox_load(&sb, d->daemon.sandbox, e)) < 0)
		return rc;
	return sandbox_verify(&sb, d->daemon.sandbox, e);
}
