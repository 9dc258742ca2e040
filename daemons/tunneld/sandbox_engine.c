/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/sandbox_tunneld.h"

#include <linux/netlink.h>
#include <seccomp.h>
#include <sys/socket.h>

/*
 * No capability, no file. It reads and writes the descriptors that it was handed; nng makes the
 * sockets towards ipamd and ctld. ioctl is missing on purpose: with it a TUN descriptor could be
 * changed even without rights.
 */
/* clang-format off */
const struct sandbox_call sandbox_engine_calls[] = {
	SANDBOX_OK(recvmmsg, "batches of datagrams"),
	SANDBOX_OK(sendmmsg, "batches of datagrams"),
	SANDBOX_ARG(prctl, 0, ~(uint64_t) 0, 1, "PR_SET_PDEATHSIG: it ends with its parent"),
	SANDBOX_END
};

/* A node connects by itself, and looks up its server's name. */
const struct sandbox_call sandbox_node_calls[] = {
	SANDBOX_ARG(socket, 0, ~(uint64_t) 0, AF_INET, "to the server; name service"),
	SANDBOX_ARG(socket, 0, ~(uint64_t) 0, AF_INET6, "to the server; name service"),
	SANDBOX_SOCKET_OF(AF_NETLINK, NETLINK_ROUTE, "getaddrinfo asks which families there are"),
	SANDBOX_OK(openat, "resolv.conf, hosts, nsswitch.conf, gai.conf; Landlock says where"),
	SANDBOX_OK(uname, "the resolver's domain name"),
	SANDBOX_ARG(ioctl, 1, ~(uint64_t) 0, 0x541b, "FIONREAD: the resolver asks how much has come"),
	SANDBOX_END
};
/* clang-format on */

/*
 * What the C library's name service reads, and where the links lead that stand in its place. Whole
 * directories: a rule for a file is for that file, and its programs replace it by a new one. What
 * this user can read in /etc is public.
 */
const struct sandbox_path sandbox_node_paths[SANDBOX_NODE_PATHS] = {
	{ "/etc", SANDBOX_READ },
	{ "/run/systemd/resolve", SANDBOX_READ },
	{ "/run/NetworkManager", SANDBOX_READ },
	{ "/run/resolvconf", SANDBOX_READ },
};

int
sandbox_enter_engine(const struct tunneld *d, struct err *e)
{
	const struct sandbox_call *const server[] = { sandbox_base, sandbox_threads,
		sandbox_engine_calls, NULL };
	const struct sandbox_call *const node[] = { sandbox_base, sandbox_threads,
		sandbox_engine_calls, sandbox_node_calls, NULL };
	struct sandbox_path run = { d->places.tunneld_run, SANDBOX_SOCKET };
	struct sandbox sb = {
		.name = "tunneld-engine",
		.calls = d->server ? server : node,
		.paths = d->server ? &run : sandbox_node_paths,
		.npaths = d->server ? 1 : SANDBOX_NODE_PATHS,
		.tcp = !d->server,	/* the server's sockets were bound by the monitor */
	};
	int rc;

	if ((rc = sandbox_load(&sb, d->daemon.sandbox, e)) < 0)
		return rc;
	return sandbox_verify(&sb, d->daemon.sandbox, e);
}
