/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Thousands of nodes in one process, as far as a server can see: each has a key, a certificate, a
 * token, a control connection and a session of its own, with all that these do by themselves. They
 * share a UDP socket and have no devices.
 *
 *     swarm SERVER CA_CERT CA_KEY FIRST COUNT SOURCE SOURCES FLIGHT
 *
 * Nodes are numbered from FIRST on, as tests/bench/ipam_nodes.h names them. Their connections come
 * from the IPv4 addresses SOURCE and up, SOURCES of them, and at most FLIGHT are being made at a time.
 * On standard input a line at a time: "up", "cut" (all connections are closed, and made again). It
 * answers each, when every node is up, with "DONE MILLISECONDS RESUMED ELSEWHERE": since the command,
 * how many resumed their TLS session, how many have another address than before. It begins with
 * "READY", and ends with its standard input.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/pki.h"
#include "common/pki_ca.h"
#include "common/secret.h"
#include "common/tlsctx.h"
#include "daemons/tunneld/hello.h"
#include "daemons/tunneld/session.h"
#include "daemons/tunneld/uplink.h"
#include "tests/bench/ipam_nodes.h"

#define PORT 6441
#define SERVER_WORKERS 4	/* that each is ready for: SA_MAX is for all of a process */
#define RETRY_MS 200
#define LIFE_S 86400
#define TEXT_MAX 65536

struct node {
	struct swarm *all;
	uint64_t number;
	struct identity identity;
	struct conn_env conns;		/* its own: the memory of its server is in it */
	struct peer server;
	struct conn *conn;		/* until a session has it */
	struct session *session;	/* until it is the peer's current one */
	struct ip_addr addr;		/* inside; none before it was up */
	struct ev_timer retry;
	bool waits, up, resumed, elsewhere;
};

struct swarm {
	struct ev *ev;
	struct workers workers;
	struct session_env sessions;
	struct conf_client conf;
	const char *server;
	struct ip_addr server_addr;
	uint32_t source;		/* host byte order */
	unsigned sources, flight, flying;
	struct node *nodes;
	unsigned n, nup, next;
	int device;		/* stands for one: what comes for the nodes goes there and is lost */
	int64_t begin_ms;
	struct ev_io input;
};

static void go_on(struct swarm *w);

static void
die(const char *what, const struct err *e)
{
	fprintf(stderr, "swarm: %s: %s\n", what, e == NULL ? strerror(errno) : e->text);
	exit(1);
}

/* --- coming up --------------------------------------------------------------------------------- */

static void
landed(struct node *n)
{
	if (n->waits)
		n->all->flying--;
	n->waits = false;
}

static void
on_retry(void *arg)
{
	struct node *n = arg;

	n->all->next = 0;
	go_on(n->all);
}

/* Whatever became of it: the same again in a moment. */
static void
fail(struct node *n)
{
	landed(n);
	if (n->up)
		n->all->nup--;
	n->up = false;
	conn_free(n->conn);
	session_free(n->session);
	n->conn = NULL;
	n->session = NULL;
	ev_timer_start(n->all->ev, &n->retry, RETRY_MS, on_retry, n);
}

static void
report(struct swarm *w)
{
	unsigned resumed = 0, elsewhere = 0;

	for (unsigned i = 0; i < w->n; i++) {
		resumed += w->nodes[i].resumed;
		elsewhere += w->nodes[i].elsewhere;
	}
	printf("DONE %" PRId64 " %u %u\n", clock_mono_ms() - w->begin_ms, resumed, elsewhere);
	fflush(stdout);
}

static void
on_up(struct session *s)
{
	struct node *n = (struct node *) (void *) ((char *) s->peer - offsetof(struct node, server));

	landed(n);
	if (!n->up && ++n->all->nup == n->all->n)
		report(n->all);
	n->up = true;
	go_on(n->all);
}

static void
on_welcome(struct node *n, const struct control_welcome *w)
{
	const struct control keepalive = { .type = CONTROL_KEEPALIVE };
	struct session *s = n->session;
	struct session_conf conf;

	if (hello_answered(w, &n->all->conf, &n->server, &conf) < 0 ||
	    session_start(s, &conf, n->conn) < 0) {
		fail(n);
		return;
	}
	n->resumed = tls_resumed(conn_tls(n->conn));
	n->conn = NULL;
	n->session = NULL;
	peer_use(&n->server, s);
	n->elsewhere = n->addr.family != 0 && !ip_equal(&n->addr, &w->address.addr);
	n->addr = w->address.addr;
	uplink_take(&n->all->workers, s, &n->all->server_addr, PORT);
	conn_send(s->conn, &keepalive);
}

static void
on_control(void *owner, const struct control *msg)
{
	struct node *n = owner;

	if (msg->type == CONTROL_WELCOME) {
		on_welcome(n, &msg->welcome);
		return;
	}
	if (msg->type == CONTROL_REFUSE)
		fprintf(stderr, "swarm: refused: %s\n", msg->refuse.reason);
	fail(n);
}

static void
on_ready(void *owner)
{
	struct node *n = owner;
	struct control msg = { .type = CONTROL_HELLO };

	if (session_new(&n->all->sessions, SERVER_WORKERS, &n->session) < 0) {
		fail(n);
		return;
	}
	hello_make(&msg.hello, &n->all->conf, &n->identity, n->session);
	conn_send(n->conn, &msg);
}

static void
on_closed(void *owner, const char *why)
{
	(void) why;
	fail(owner);
}

static void
on_packet(void *owner, const uint8_t *pkt, size_t len)
{
	(void) owner, (void) pkt, (void) len;	/* conn lets none through before conn_trust */
}

static const struct conn_ops conn_ops = {
	.ready = on_ready,
	.control = on_control,
	.packet = on_packet,
	.closed = on_closed,
};

static int
connect_from(const struct swarm *w, uint64_t number)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(w->source + (uint32_t) (number % w->sources)) };
	struct sockaddr_storage to;
	socklen_t len = ip_to_sockaddr(&w->server_addr, PORT, &to);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *) &from, sizeof(from)) < 0 ||
	    (connect(fd, (struct sockaddr *) &to, len) < 0 && errno != EINPROGRESS)) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

static void
begin(struct node *n)
{
	struct err e = { 0 };
	int fd = connect_from(n->all, n->number);

	n->waits = true;
	n->all->flying++;
	if (fd < 0 || conn_new(&n->conns, n->identity.tls, fd, n->all->server, &conn_ops, n, &n->conn,
	    &e) < 0)
		fail(n);
}

/* As many as may be under way. */
static void
go_on(struct swarm *w)
{
	for (; w->next < w->n && w->flying < w->flight; w->next++) {
		struct node *n = &w->nodes[w->next];

		if (!n->up && !n->waits && n->retry.slot == 0)
			begin(n);
	}
}

/* --- what happens to sessions ------------------------------------------------------------------- */

static void
end_session(struct session *s)
{
	struct node *n = (struct node *) (void *) ((char *) s->peer - offsetof(struct node, server));

	session_free(s);
	fail(n);
}

static void
on_dead(struct session *s, const char *why)
{
	fprintf(stderr, "swarm: a session has died: %s\n", why);
	end_session(s);
}

static void
on_goodbye(struct session *s, const char *reason)
{
	fprintf(stderr, "swarm: goodbye: %s\n", reason);
	end_session(s);
}

static void
on_control_lost(struct session *s)
{
	on_dead(s, "its connection is closed");
}

static void
on_other(struct session *s)
{
	(void) s;
}

static void
on_empty(void *role, struct peer *peer)
{
	(void) role, (void) peer;
}

static const struct session_ops session_ops = {
	.up = on_up,
	.dead = on_dead,
	.goodbye = on_goodbye,
	.control_lost = on_control_lost,
	.worn = on_other,
	.mtu = on_other,
	.empty = on_empty,
};

/* --- commands ------------------------------------------------------------------------------------ */

static void
cut(struct swarm *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		struct node *n = &w->nodes[i];

		session_free(n->server.current);
		n->up = false;
	}
	w->nup = 0;
}

static void
on_input(void *arg, uint32_t events)
{
	struct swarm *w = arg;
	char line[16];
	ssize_t len = read(STDIN_FILENO, line, sizeof(line) - 1);

	(void) events;
	if (len <= 0) {
		ev_stop(w->ev, 0);
		return;
	}
	w->begin_ms = clock_mono_ms();
	if (line[0] == 'c')
		cut(w);
	w->next = 0;
	go_on(w);
}

/* --- the nodes ----------------------------------------------------------------------------------- */

static char *
read_text(const char *path)
{
	char *text = calloc(1, TEXT_MAX);
	FILE *f = fopen(path, "r");

	if (text == NULL || f == NULL || fread(text, 1, TEXT_MAX - 1, f) == 0)
		die(path, NULL);
	fclose(f);
	return text;
}

static void
make_identity(struct node *n, const struct pki_ca *ca, const char *ca_pem)
{
	struct pki_wish wish = { .common_name = "swarm", .name.kind = PKI_NODE,
		.not_after = clock_utc_s() + LIFE_S };
	struct tlsctx_conf conf = { .ca_pem = ca_pem, .alpn = TUNNELD_ALPN };
	char *key = NULL, *csr = NULL, *cert = NULL;
	struct err e = { 0 };

	ipam_id(n->number, wish.name.id);
	if (pki_key_new(&key, &e) < 0 || pki_csr_new(key, "swarm", &csr, &e) < 0 ||
	    pki_issue(ca, csr, strlen(csr), &wish, &cert, &e) < 0)
		die("a certificate", &e);
	conf.cert_pem = cert;
	conf.key_pem = key;
	if (tlsctx_new(&conf, &n->identity.tls, &e) < 0)
		die("TLS", &e);
	if ((n->identity.token = calloc(1, IPAM_TOKEN_LEN + 1)) == NULL)
		die("memory", NULL);
	ipam_token(n->number, n->identity.token);
	n->identity.net_token = (char *) "";
	secret_free(key);
	free(csr);
	free(cert);
}

static void
make_nodes(struct swarm *w, uint64_t first, const char *ca_path, const char *key_path)
{
	char *ca_pem = read_text(ca_path), *key_pem = read_text(key_path);
	struct pki_ca *ca;
	struct err e = { 0 };

	if (pki_ca_load(ca_pem, key_pem, &ca, &e) < 0)
		die(ca_path, &e);
	if ((w->nodes = calloc(w->n, sizeof(*w->nodes))) == NULL)
		die("memory", NULL);
	for (unsigned i = 0; i < w->n; i++) {
		struct node *n = &w->nodes[i];

		n->all = w;
		n->number = first + i;
		conn_env_init(&n->conns, w->ev);
		n->conns.flush = workers_wake;
		n->conns.flush_arg = &w->workers;
		LIST_INIT(&n->server.sessions);
		strcpy(n->server.id, "server");
		n->server.any_source = true;
		make_identity(n, ca, ca_pem);
	}
	w->workers.env.uplink = &w->nodes[0].server.outlet;	/* so that it is a node's */
	pki_ca_free(ca);
	free(ca_pem);
	secret_free(key_pem);
}

static void
open_path(struct swarm *w)
{
	struct ip_addr any = { .family = AF_INET };
	struct err e = { 0 };
	int tun[2], udp;

	if (udp_open(&any, 0, 1, &udp, &e) < 0)
		die("UDP", &e);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, tun) < 0 ||
	    workers_init(&w->workers, w->ev, &(struct workers_parts){ .n = 1, .tuns = tun,
	    .udp = &udp, .nudp = 1, .offload = CONF_OFFLOAD_BATCH, .in_loop = true }) < 0)
		die("the data path", NULL);
	w->device = tun[1];
	session_env_init(&w->sessions, w->ev, &w->workers, &session_ops, w);
}

int
main(int argc, char **argv)
{
	static struct swarm w;	/* too large for a stack */
	struct ip_addr source;
	struct err e = { 0 };

	if (argc != 9 || ip_parse(argv[1], &w.server_addr) < 0 || ip_parse(argv[6], &source) < 0) {
		fprintf(stderr, "usage: swarm SERVER CA_CERT CA_KEY FIRST COUNT SOURCE SOURCES FLIGHT\n");
		return 64;
	}
	signal(SIGPIPE, SIG_IGN);
	log_open("swarm", &(struct log_conf){ .level = LOG_LV_ERR, .target = "stderr" }, &e);
	w.server = argv[1];
	w.n = (unsigned) atoi(argv[5]);
	w.source = (uint32_t) source.b[0] << 24 | (uint32_t) source.b[1] << 16 |
	    (uint32_t) source.b[2] << 8 | source.b[3];
	w.sources = (unsigned) atoi(argv[7]);
	w.flight = (unsigned) atoi(argv[8]);
	if (w.n == 0 || w.sources == 0 || ev_new(&w.ev) < 0)
		die("start", NULL);
	open_path(&w);
	make_nodes(&w, (uint64_t) atoll(argv[4]), argv[2], argv[3]);
	fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	if (ev_io_add(w.ev, &w.input, STDIN_FILENO, EPOLLIN, on_input, &w) < 0)
		die("standard input", NULL);
	puts("READY");
	fflush(stdout);
	return ev_run(w.ev);
}
