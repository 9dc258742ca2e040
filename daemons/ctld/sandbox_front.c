/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/sandbox_ctld.h"

#include <seccomp.h>
#include <sys/socket.h>

/* clang-format off */
static const struct sandbox_call calls[] = {
	SANDBOX_NO_ARG(socket, 0, ~(uint64_t) 0, AF_INET, "gRPC tries what the kernel can"),
	SANDBOX_NO_ARG(socket, 0, ~(uint64_t) 0, AF_INET6, "the same"),
	SANDBOX_OK(openat, "configuration and certificates anew; Landlock limits it"),
	SANDBOX_OK(uname, "gRPC asks which kernel it runs on"),
	SANDBOX_OK(sched_getparam, "gRPC's locks ask for their thread's priority"),
	SANDBOX_OK(sched_getscheduler, "the same"),
	SANDBOX_OK(wait4, "the signer's end"),
	SANDBOX_END
};
/* clang-format on */

static const struct sandbox_call *const tables[] = { calls, sandbox_base, sandbox_threads, NULL };

int
sandbox_front(const char *admin_dir, const char *conf_dir, const char *cert_dir,
    enum sandbox_mode mode, struct err *e)
{
	const struct sandbox_path paths[] = {
		{ admin_dir, SANDBOX_SOCKET },	/* its own socket is removed at the end */
		{ conf_dir, SANDBOX_READ },
		{ cert_dir, SANDBOX_READ },	/* CA keys there are another user's */
	};
	const struct sandbox sb = {
		.name = "ctld",
		.calls = tables,
		.paths = paths,
		.npaths = sizeof(paths) / sizeof(paths[0]),
	};
	int rc = sandbox_load(&sb, mode, e);

	return rc < 0 ? rc : sandbox_verify(&sb, mode, e);
}
