/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/connect.h"
#include "cli/output.h"
#include "common/places.h"
#include "common/priv.h"
#include "config.h"
#include "litevpn/v1/node.pb-c.h"
#include "litevpn/v1/server.pb-c.h"

/* --- the daemons' sockets --------------------------------------------------------------------- */

/* 0 with the uid of who listens there, or a negative errno. */
static int
who_listens(const char *path, uid_t *uid_out)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(struct ucred);
	struct ucred peer = { 0 };
	int fd, rc = 0;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	strcpy(sun.sun_path, path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *) &sun, sizeof(sun)) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		rc = -errno;
	close(fd);
	if (rc == 0)
		*uid_out = peer.uid;
	return rc;
}

static void
check_socket(struct doctor *d, const char *daemon, const char *path, const char *user)
{
	struct priv_user expected = { 0 };
	uid_t uid = 0;
	int rc = who_listens(path, &uid);

	if (rc == -EACCES)
		doctor_say(d, DOCTOR_WARN, "socket", "run it as root", "%s: %s", path,
		    strerror(-rc));
	else if (rc < 0)
		doctor_say(d, DOCTOR_FAIL, "socket", "start that daemon, and see its log",
		    "%s does not answer at %s: %s", daemon, path, strerror(-rc));
	else if (priv_user(user, &expected, NULL) == 0 && expected.uid != uid)
		doctor_say(d, DOCTOR_FAIL, "socket", "find out who that is: the daemons do not "
		    "talk to him", "at %s the user %u listens, not %s", path, (unsigned) uid, user);
	else
		doctor_say(d, DOCTOR_OK, "socket", NULL, "%s answers at %s", daemon, path);
}

void
doctor_sockets(struct doctor *d)
{
	struct places p;
	struct err e;

	if (places_init(&p, d->m->server.run_dir, d->m->server.state_dir, &e) < 0) {
		doctor_say(d, DOCTOR_FAIL, "socket", "choose a shorter runDir", "%s", e.text);
		return;
	}
	check_socket(d, "ipamd", p.ipamd_rpc, LV_USER_IPAMD);
	check_socket(d, "ipamd", p.ipamd_events, LV_USER_IPAMD);
	check_socket(d, "tunneld", p.tunneld_control, LV_USER_TUNNELD);
	check_socket(d, "ctld", p.ctld_admin, LV_USER_CTLD);
}

/* --- ports ------------------------------------------------------------------------------------ */

#define TCP_LISTEN 0x0a

/* Is there a socket of that port in a table of /proc/net: listening, where `state` is not 0. */
static bool
is_in_table(const char *path, unsigned port, unsigned state)
{
	FILE *f = fopen(path, "re");
	unsigned local, actual;
	bool found = false;
	char line[512];

	while (f != NULL && !found && fgets(line, sizeof(line), f) != NULL)
		found = sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x", &local,
		    &actual) == 2 && local == port && (state == 0 || actual == state);
	if (f != NULL)
		fclose(f);
	return found;
}

void
doctor_ports(struct doctor *d)
{
	const struct conf_server *c = &d->m->server;
	const struct {
		const char *daemon, *kind, *path, *path6;
		int64_t port;
		unsigned state;
	} ports[] = {
		{ "tunneld", "UDP", "/proc/net/udp", "/proc/net/udp6", c->port, 0 },
		{ "tunneld", "TCP", "/proc/net/tcp", "/proc/net/tcp6", c->port, TCP_LISTEN },
		{ "ctld", "TCP", "/proc/net/tcp", "/proc/net/tcp6", c->grpc_port, TCP_LISTEN },
		{ "ctld", "TCP", "/proc/net/tcp", "/proc/net/tcp6", c->bootstrap_port, TCP_LISTEN },
	};

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		unsigned port = (unsigned) ports[i].port;

		if (is_in_table(ports[i].path, port, ports[i].state) ||
		    is_in_table(ports[i].path6, port, ports[i].state))
			doctor_say(d, DOCTOR_OK, "port", NULL, "%s port %u is open for %s",
			    ports[i].kind, port, ports[i].daemon);
		else
			doctor_say(d, DOCTOR_FAIL, "port", "start that daemon, and see its log",
			    "%s port %u is not open: %s should have it", ports[i].kind, port,
			    ports[i].daemon);
	}
}

/* --- forwarding ------------------------------------------------------------------------------- */

/*
 * Between nodes tunneld forwards by itself; what lies behind the server is the kernel's business.
 */
void
doctor_forwarding(struct doctor *d)
{
	bool v6 = d->m->server.vpn_addr.addr.family == AF_INET6;
	const char *path = v6 ? "/proc/sys/net/ipv6/conf/all/forwarding"
			      : "/proc/sys/net/ipv4/ip_forward";
	FILE *f = fopen(path, "re");
	int on = f != NULL && fgetc(f) == '1';

	if (f != NULL)
		fclose(f);
	if (on)
		doctor_say(d, DOCTOR_OK, "forwarding", NULL, "%s is on", path);
	else if (d->m->server.push_routes.n == 0)
		doctor_say(d, DOCTOR_OK, "forwarding", NULL,
		    "%s is off, and no network behind this server is announced (push.routes)",
		    path);
	else
		doctor_say(d, DOCTOR_FAIL, "forwarding", v6
		    ? "sysctl -w net.ipv6.conf.all.forwarding=1, and in /etc/sysctl.d"
		    : "sysctl -w net.ipv4.ip_forward=1, and in /etc/sysctl.d",
		    "%s is off, but push.routes sends nodes' packets through this server", path);
}

/* --- what ctld tells -------------------------------------------------------------------------- */

/* The calls of a doctor go by the socket of the configuration, not by where others are. */
static int
ask(struct doctor *d, const struct rpc_method *method, const ProtobufCMessage *request,
    ProtobufCMessage **answer)
{
	struct rpc_conf conf = { .timeout_ms = args_number(&d->cli->args, "timeout") };
	struct rpc_error error;
	struct places p;
	struct rpc *rpc;
	struct err e;
	int rc;

	if (places_init(&p, d->m->server.run_dir, d->m->server.state_dir, &e) < 0)
		return -1;	/* doctor_sockets has said it */
	conf.socket = p.ctld_admin;
	if (rpc_open(&conf, &rpc, &e) < 0) {
		doctor_say(d, DOCTOR_FAIL, "API", NULL, "%s", e.text);
		return -1;
	}
	if ((rc = rpc_call(rpc, method, request, answer, &error)) < 0)
		doctor_say(d, DOCTOR_FAIL, "API", "see ctld's log", "%s: %s", error.reason,
		    error.text);
	rpc_close(rpc);
	return rc;
}

static void
check_version(struct doctor *d, const char *name, const char *version)
{
	if (strcmp(version, PACKAGE_VERSION) == 0)
		doctor_say(d, DOCTOR_OK, "version", NULL, "%s has %s", name, version);
	else
		doctor_say(d, DOCTOR_WARN, "version", "restart what is older: the daemons of one "
		    "machine are of one version", "%s has %s, litevpnctl %s", name, version,
		    PACKAGE_VERSION);
}

static void
check_device(struct doctor *d, const Litevpn__V1__ServerInfo *info)
{
	const char *name = info->tunnel_device;
	bool up = false;
	int mtu = 0, rc;

	if (name[0] == '\0')
		return;		/* tunneld is down, which was said */
	if ((rc = doctor_device(name, &mtu, &up)) < 0)
		doctor_say(d, DOCTOR_FAIL, "device", "restart tunneld: it makes it anew", "%s: %s",
		    name, strerror(-rc));
	else if (!up)
		doctor_say(d, DOCTOR_FAIL, "device", "restart tunneld, and see who takes it down",
		    "%s is down", name);
	else if (mtu != info->tunnel_mtu)
		doctor_say(d, DOCTOR_WARN, "MTU", "restart tunneld, and see who changes it",
		    "%s has the MTU %d, but tunneld uses %" PRId32, name, mtu, info->tunnel_mtu);
	else
		doctor_say(d, DOCTOR_OK, "MTU", NULL, "%s is up with the MTU %d", name, mtu);
}

void
doctor_server_info(struct doctor *d)
{
	static const struct rpc_method get = { &litevpn__v1__server__descriptor, "GetServerInfo" };
	Litevpn__V1__GetServerInfoRequest req = LITEVPN__V1__GET_SERVER_INFO_REQUEST__INIT;
	const Litevpn__V1__ServerInfo *info;
	ProtobufCMessage *answer;

	if (ask(d, &get, &req.base, &answer) < 0)
		return;
	info = (const Litevpn__V1__ServerInfo *) answer;
	check_version(d, "ctld", info->version);
	for (size_t i = 0; i < info->n_components; i++) {
		const Litevpn__V1__Component *c = info->components[i];

		if (!c->up)
			doctor_say(d, DOCTOR_FAIL, "daemons", "start it, and see its log",
			    "%s is down: %s", c->name, c->message);
		else if (c->version[0] != '\0')
			check_version(d, c->name, c->version);
	}
	check_device(d, info);
	protobuf_c_message_free_unpacked(answer, NULL);
}

/* --- do packets pass? ------------------------------------------------------------------------- */

/* From outside only nodes can tell whether UDP passes: those that are connected have told. */
void
doctor_server_paths(struct doctor *d)
{
	static const struct rpc_method list = { &litevpn__v1__node__descriptor, "ListNodes" };
	Litevpn__V1__ListNodesRequest req = LITEVPN__V1__LIST_NODES_REQUEST__INIT;
	const Litevpn__V1__ListNodesResponse *nodes;
	ProtobufCMessage *answer;
	unsigned udp = 0, tls = 0;

	req.page_size = 1000;
	if (ask(d, &list, &req.base, &answer) < 0)
		return;
	nodes = (const Litevpn__V1__ListNodesResponse *) answer;
	for (size_t i = 0; i < nodes->n_nodes; i++) {
		const Litevpn__V1__Session *s = nodes->nodes[i]->session;

		udp += s != NULL && s->transport == LITEVPN__V1__SESSION__TRANSPORT__UDP;
		tls += s != NULL && s->transport == LITEVPN__V1__SESSION__TRANSPORT__TLS;
	}
	protobuf_c_message_free_unpacked(answer, NULL);
	if (tls > 0 && udp == 0)
		doctor_say(d, DOCTOR_WARN, "UDP", "open the tunnel's UDP port in the firewall",
		    "no node's packets come by UDP: %u by TLS, which is slower", tls);
	else if (udp + tls == 0)
		doctor_say(d, DOCTOR_OK, "UDP", NULL,
		    "no node is connected that could tell whether UDP passes");
	else
		doctor_say(d, DOCTOR_OK, "UDP", NULL, "%u nodes by UDP, %u by TLS", udp, tls);
}
