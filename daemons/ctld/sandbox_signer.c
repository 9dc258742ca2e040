/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/sandbox_ctld.h"

#include <seccomp.h>

/* clang-format off */
static const struct sandbox_call calls[] = {
	SANDBOX_OK(openat, "CA keys and certificates, ipamd's grant.pub; Landlock limits it"),
	SANDBOX_END
};
/* clang-format on */

/* Without sandbox_threads: it starts none, and no socket can be made without that table. */
static const struct sandbox_call *const tables[] = { calls, sandbox_base, NULL };

int
sandbox_signer(const char *grpc_dir, const char *vpn_dir, const char *grant_dir,
    enum sandbox_mode mode, struct err *e)
{
	const struct sandbox_path paths[] = {
		{ grpc_dir, SANDBOX_READ },
		{ vpn_dir, SANDBOX_READ },
		{ grant_dir, SANDBOX_READ },
	};
	const struct sandbox sb = {
		.name = "ctld-signer",
		.calls = tables,
		.paths = paths,
		.npaths = sizeof(paths) / sizeof(paths[0]),
	};
	int rc = sandbox_load(&sb, mode, e);

	return rc < 0 ? rc : sandbox_verify(&sb, mode, e);
}
