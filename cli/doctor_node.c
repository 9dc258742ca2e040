/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/answer.h"
#include "cli/self.h"
#include "common/ip.h"
#include "common/secret.h"
#include "config.h"
#include "litevpn/v1/enrollment.pb-c.h"

#define REACH_MS 3000	/* for a connection to come about */
#define REFUSED_MS 300	/* for a refusal of a datagram to come back */

/*
 * Around an inner packet: UDP, ESP with its IV and tag; the trailer pads to whole words (RFC 4303).
 */
#define UDP_ESP_LEN (8 + 16 + 16)
#define TRAILER_LEN 2
#define IPV4_LEN 20
#define IPV6_LEN 40

void
doctor_token(struct doctor *d)
{
	const char *path = d->m->client.token_file;
	char *token = NULL;
	struct err e;

	if (path[0] == '\0')
		doctor_say(d, DOCTOR_OK, "token", NULL, "the node token is in %s",
		    d->m->client_path);
	else if (secret_read_file(path, true, &token, &e) == -EACCES)
		doctor_say(d, DOCTOR_WARN, "token", "run it as root", "%s", e.text);
	else if (token == NULL)
		doctor_say(d, DOCTOR_FAIL, "token", "litevpnctl client enroll; others must not "
		    "read the file (chmod 600)", "%s", e.text);
	else
		doctor_say(d, DOCTOR_OK, "token", NULL, "the node token is in %s", path);
	secret_free(token);
}

void
doctor_node_device(struct doctor *d)
{
	const char *device = d->m->client.device;
	bool up = false;
	int mtu, rc = doctor_device(device, &mtu, &up);

	if (rc == 0 && up)
		doctor_say(d, DOCTOR_OK, "device", NULL, "%s is up", device);
	else
		doctor_say(d, DOCTOR_FAIL, "device", "litevpnctl client up; see tunneld's log",
		    "%s: %s", device, rc < 0 ? strerror(-rc) : "it is down");
}

/* --- reaching the server ---------------------------------------------------------------------- */

static int
resolve(const char *host, struct addrinfo **out)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };

	return getaddrinfo(host, NULL, &hints, out);
}

void
doctor_dns(struct doctor *d)
{
	struct addrinfo *found;
	struct ip_addr addr;
	const char *host;
	int rc;

	for (unsigned n = 0; (host = conf_client_server(&d->m->client, n)) != NULL; n++) {
		if ((rc = resolve(host, &found)) != 0) {
			doctor_say(d, DOCTOR_FAIL, "DNS", "check serverAddr in client.yml and "
			    "/etc/resolv.conf", "%s: %s", host, gai_strerror(rc));
			continue;
		}
		addr = ip_from_sockaddr(found->ai_addr);
		doctor_say(d, DOCTOR_OK, "DNS", NULL, "%s is %s", host, IP_TEXT(&addr));
		freeaddrinfo(found);
	}
}

/* A socket that is connected, or a negative errno. */
static int
connect_to(const struct addrinfo *to, int type, uint16_t port, int wait_ms)
{
	struct ip_addr addr = ip_from_sockaddr(to->ai_addr);
	struct sockaddr_storage ss;
	struct pollfd ready = { .events = POLLOUT };
	socklen_t len = sizeof(int), sslen = ip_to_sockaddr(&addr, port, &ss);
	int error = 0;

	ready.fd = socket(ss.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (ready.fd < 0)
		return -errno;
	if (connect(ready.fd, (struct sockaddr *) &ss, sslen) < 0)
		error = errno;
	if (error == EINPROGRESS) {
		error = poll(&ready, 1, wait_ms) == 0 ? ETIMEDOUT : 0;
		if (error == 0)
			getsockopt(ready.fd, SOL_SOCKET, SO_ERROR, &error, &len);
	}
	if (error == 0)
		return ready.fd;
	close(ready.fd);
	return -error;
}

static void
check_tcp(struct doctor *d, const char *host, const struct addrinfo *to, uint16_t port,
    const char *what)
{
	int fd = connect_to(to, SOCK_STREAM, port, REACH_MS);

	if (fd >= 0) {
		doctor_say(d, DOCTOR_OK, "TCP", NULL, "%s port %u (%s) is reached", host, port,
		    what);
		close(fd);
	} else {
		doctor_say(d, DOCTOR_FAIL, "TCP", "see whether the server runs, and open the port "
		    "in its firewall and on the way there", "%s port %u (%s): %s", host, port,
		    what, strerror(-fd));
	}
}

/* Nothing answers a stranger's datagram; but where nobody is, a refusal comes back. */
static void
check_udp(struct doctor *d, const char *host, int fd, uint16_t port)
{
	struct pollfd answer = { .fd = fd, .events = POLLIN };
	socklen_t len = sizeof(int);
	int error = 0;

	if (send(fd, "", 1, 0) < 0)
		error = errno;
	if (error == 0 && poll(&answer, 1, REFUSED_MS) > 0)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error == 0)
		doctor_say(d, DOCTOR_OK, "UDP", NULL, "%s port %u is not refused", host, port);
	else
		doctor_say(d, DOCTOR_FAIL, "UDP", "see whether tunneld runs on the server, and "
		    "open the UDP port in its firewall", "%s port %u: %s", host, port, strerror(error));
}

/* A full packet of the tunnel as it is on the way. */
static int
outer_len(int mtu, bool v6)
{
	return (v6 ? IPV6_LEN : IPV4_LEN) + UDP_ESP_LEN + (mtu + TRAILER_LEN + 3) / 4 * 4;
}

/* Does it fit the path, as far as the kernel knows it? */
static void
check_mtu(struct doctor *d, int fd, bool v6)
{
	const char *device = d->m->client.device;
	int path_mtu = 0, mtu = 0;
	socklen_t len = sizeof(path_mtu);
	bool up = false;

	if (doctor_device(device, &mtu, &up) < 0 || getsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP,
	    v6 ? IPV6_MTU : IP_MTU, &path_mtu, &len) < 0)
		return;
	if (outer_len(mtu, v6) > path_mtu)
		doctor_say(d, DOCTOR_WARN, "MTU", "set mtu in client.yml to less, or to auto",
		    "packets of %s (%d) are %d on the way to the server, which takes %d", device,
		    mtu, outer_len(mtu, v6), path_mtu);
	else
		doctor_say(d, DOCTOR_OK, "MTU", NULL, "%s has %d, the path to the server %d",
		    device, mtu, path_mtu);
}

static void
reach(struct doctor *d, const char *host, const struct addrinfo *to)
{
	const struct conf_client *c = &d->m->client;
	uint16_t port = (uint16_t) c->port;
	int fd;

	check_tcp(d, host, to, port, "tunnel");
	check_tcp(d, host, to, (uint16_t) c->grpc_port, "API");
	if ((fd = connect_to(to, SOCK_DGRAM, port, 0)) < 0) {
		doctor_say(d, DOCTOR_FAIL, "UDP", "see the routes (ip route get)", "%s: %s", host,
		    strerror(-fd));
		return;
	}
	check_udp(d, host, fd, port);
	check_mtu(d, fd, to->ai_family == AF_INET6);
	close(fd);
}

void
doctor_reach(struct doctor *d)
{
	struct addrinfo *found;
	const char *host;

	for (unsigned n = 0; (host = conf_client_server(&d->m->client, n)) != NULL; n++) {
		if (resolve(host, &found) != 0)
			continue;	/* doctor_dns has said it */
		reach(d, host, found);
		freeaddrinfo(found);
	}
}

/* --- what the server sees of us --------------------------------------------------------------- */

static void
say_session(struct doctor *d, const Litevpn__V1__NodeInfo *n)
{
	const char *state = answer_word(&litevpn__v1__node_info__state__descriptor, (int) n->state);

	if (n->session == NULL)
		doctor_say(d, DOCTOR_FAIL, "session", "litevpnctl client up; see tunneld's log",
		    "%s is %s", n->name, state);
	else if (n->session->transport != LITEVPN__V1__SESSION__TRANSPORT__UDP &&
	    d->m->client.transport != CONF_TRANSPORT_TLS)
		doctor_say(d, DOCTOR_WARN, "session", "open the tunnel's UDP port on the way to "
		    "the server", "%s is %s by TLS, which is slower: UDP does not pass", n->name,
		    state);
	else
		doctor_say(d, DOCTOR_OK, "session", NULL, "%s is %s as %s, from %s", n->name, state,
		    n->address, n->session->endpoint);
}

static void
say_version(struct doctor *d, const char *version)
{
	if (strcmp(version, PACKAGE_VERSION) == 0)
		doctor_say(d, DOCTOR_OK, "version", NULL, "the server has %s, too", version);
	else
		doctor_say(d, DOCTOR_WARN, "version", "update the older one when it suits",
		    "the server has %s, this machine %s", version, PACKAGE_VERSION);
}

static void
ask_server(struct doctor *d, const struct self *s)
{
	static const struct rpc_method get_self = { &litevpn__v1__enrollment__descriptor,
		"GetSelf" };
	static const struct rpc_method get_info = { &litevpn__v1__enrollment__descriptor,
		"GetEnrollmentInfo" };
	Litevpn__V1__GetSelfRequest self_req = LITEVPN__V1__GET_SELF_REQUEST__INIT;
	Litevpn__V1__GetEnrollmentInfoRequest info_req =
	    LITEVPN__V1__GET_ENROLLMENT_INFO_REQUEST__INIT;
	ProtobufCMessage *answer;
	struct rpc_error error;

	if (self_ask(s, &get_self, &self_req.base, &answer, &error) < 0) {
		enum reason reason = reason_by_name(error.reason);

		doctor_say(d, DOCTOR_FAIL, "session", reason == REASON_NONE ? NULL
		    : reason_hint((int) reason), "%s: %s", error.reason, error.text);
		return;
	}
	say_session(d, (const Litevpn__V1__NodeInfo *) answer);
	protobuf_c_message_free_unpacked(answer, NULL);
	if (self_ask(s, &get_info, &info_req.base, &answer, &error) == 0) {
		say_version(d, ((const Litevpn__V1__EnrollmentInfo *) answer)->version);
		protobuf_c_message_free_unpacked(answer, NULL);
	}
}

void
doctor_session(struct doctor *d)
{
	struct self s = { 0 };
	struct err e;

	if (self_init(&s, d->m->client_path, args_number(&d->cli->args, "timeout"), &e) < 0 ||
	    self_read_identity(&s, &e) < 0)
		doctor_say(d, DOCTOR_FAIL, "session", "litevpnctl client enroll", "%s", e.text);
	else
		ask_server(d, &s);
	self_fini(&s);
}
