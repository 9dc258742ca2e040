/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/sandbox_tunneld.h"

#include <seccomp.h>
#include <signal.h>

/*
 * Forks engines. A filter is inherited and can only be narrowed, so this one must let through what
 * an engine needs to begin; what the spawner itself has is no capability.
 */
/* clang-format off */
static const struct sandbox_call calls[] = {
	SANDBOX_OK(clone, "fork"),
	SANDBOX_OK(fork, "fork"),
	SANDBOX_OK(wait4, "how the engine has ended"),
	SANDBOX_OK(set_robust_list, "fork"),
	SANDBOX_OK(seccomp, "an engine narrows this filter"),
	SANDBOX_OK(landlock_create_ruleset, "an engine narrows its paths"),
	SANDBOX_OK(landlock_add_rule, "the same"),
	SANDBOX_OK(landlock_restrict_self, "the same"),
	SANDBOX_OK(prctl, "an engine ends with its spawner; libseccomp sets no-new-privileges"),
	SANDBOX_OK(openat, "an engine names its paths; only the socket directory and name service"),
	SANDBOX_OK(ioctl, "the resolver of a node's engine; a server's engine forbids it"),
	SANDBOX_END
};
/* clang-format on */

int
sandbox_enter_spawner(const struct tunneld *d, struct err *e)
{
	const struct sandbox_call *const tables[] = { sandbox_base, sandbox_threads,
		sandbox_engine_calls, sandbox_node_calls, calls, NULL };
	const struct sandbox_path server[] = {
		{ d->places.tunneld_run, SANDBOX_SOCKET },
		{ "/proc", SANDBOX_READ },	/* an engine begins by opening its own counts */
	};
	struct sandbox sb = {
		.name = "tunneld-spawner",
		.calls = tables,
		.paths = d->server ? server : sandbox_node_paths,
		.npaths = d->server ? sizeof(server) / sizeof(server[0]) : SANDBOX_NODE_PATHS,
		.tcp = !d->server,
	};
	int rc;

	if ((rc = sandbox_load(&sb, d->daemon.sandbox, e)) < 0)
		return rc;
	return sandbox_verify(&sb, d->daemon.sandbox, e);
}
