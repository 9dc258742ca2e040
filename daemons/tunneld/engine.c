/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/engine.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/chan.h"
#include "common/ev.h"
#include "common/log.h"
#include "common/reason.h"
#include "common/usage.h"
#include "daemons/tunneld/client.h"
#include "daemons/tunneld/ctl.h"
#include "daemons/tunneld/identity.h"
#include "daemons/tunneld/monitor_msg.h"
#include "daemons/tunneld/renew.h"
#include "daemons/tunneld/sandbox_tunneld.h"
#include "daemons/tunneld/server.h"
#include "daemons/tunneld/workers.h"

#define INIT_MS 10000		/* for the monitor's first message */
#define GOODBYE_MS 500		/* for the last messages to leave */

struct engine {
	struct tunneld *d;
	struct ev *ev;
	int monitor;
	struct ev_io monitor_io;
	struct ev_timer stop_timer;
	struct conn_env conns;
	struct workers workers;
	bool workers_up;
	struct idfiles files;	/* their names, for error texts */
	struct identity identity;
	struct server *server;
	struct ctl *ctl;
	struct client *client;
	struct renew *renew, *renew_grpc;	/* with the client: of its two certificates */
	struct usage usage;	/* server */
	struct verbosity verbosity;
	struct err refused;	/* the last identity that came, if it was; rc 0: it was not */
	struct chan_msg msg;	/* the one that is being handled */
};

/* --- towards the monitor ------------------------------------------------------------------------ */

static void
tell(struct engine *g, enum monitor_msg type, const void *body, size_t len)
{
	int rc = chan_send(g->monitor, type, body, len, NULL, 0);

	if (rc < 0 && rc != -EPIPE)	/* it is ending: on_monitor sees that too */
		log_err("monitor_deaf", "message=%d error=%s", (int) type, err_name(rc));
}

static void
configure(void *arg, const struct monitor_configure *want)
{
	tell(arg, MONITOR_CONFIGURE, want, sizeof(*want));
}

static void
on_tun_lost(void *arg)
{
	tell(arg, MONITOR_DEVICE_LOST, NULL, 0);
}

static void
ask_way(void *arg, const struct ip_addr *server)
{
	struct monitor_way way = { *server };

	tell(arg, MONITOR_WAY, &way, sizeof(way));
}

static void
on_connected(void *arg, const uint8_t *ca_hash)
{
	struct engine *g = arg;

	renew_connected(g->renew, ca_hash);
	renew_connected(g->renew_grpc, NULL);
}

static void
on_cert(void *arg, const struct control_cert *cert)
{
	struct engine *g = arg;

	renew_answer(cert->grpc ? g->renew_grpc : g->renew, cert);
}

static bool
ask_cert(void *arg, bool grpc, const char *csr)
{
	struct engine *g = arg;

	return client_ask_cert(g->client, grpc, csr);
}

static void
store_cert(void *arg, const struct control_cert *cert)
{
	struct monitor_put_cert put = {
		.grpc = cert->grpc,
		.cert_len = (uint32_t) strlen(cert->certificate),
		.ca_len = (uint32_t) strlen(cert->ca),
	};

	memcpy(put.cert, cert->certificate, put.cert_len);	/* control.c has checked the lengths */
	memcpy(put.ca, cert->ca, put.ca_len);
	tell(arg, MONITOR_PUT_CERT, &put, sizeof(put));
}

/* --- what the monitor says ----------------------------------------------------------------------- */

static const char *
conf_token(const struct engine *g)
{
	return g->d->server ? "" : g->d->cc.token;
}

/* A renewed identity serves connections to come; a bad one changes nothing. */
static void
on_files(struct engine *g)
{
	struct monitor_files files;
	struct identity id;
	struct err e = { 0 };

	memcpy(&files, g->msg.body, sizeof(files));
	if ((unsigned) __builtin_popcount(files.mask) != g->msg.nfds)
		return;
	if (identity_load(&g->files, conf_token(g), files.mask, g->msg.fds, &id, &e) < 0) {
		log_err("identity_refused", "error=%s", LOG_Q(e.text));
		g->refused = e;
		return;
	}
	g->refused.rc = 0;
	identity_free(&g->identity);
	g->identity = id;
	log_notice("identity_renewed", "role=%s", g->d->server ? "server" : "node");
	if (g->client != NULL) {
		renew_changed(g->renew);
		renew_changed(g->renew_grpc);
	}
}

static void
on_log_level(struct engine *g)
{
	struct monitor_level level;

	memcpy(&level, g->msg.body, sizeof(level));
	verbosity_configure(&g->verbosity, (enum log_level) level.level);
}

/* What the monitor reads again comes before this, in order. */
static void
on_reloaded(struct engine *g)
{
	struct monitor_done done;
	struct err e = { 0 };

	memcpy(&done, g->msg.body, sizeof(done));
	if (done.rc < 0)
		err_set(&e, -REASON_CONFIG_INVALID, "%.*s", (int) sizeof(done.text), done.text);
	else if (g->refused.rc < 0)
		err_set(&e, -REASON_CONFIG_INVALID, "%s", g->refused.text);
	if (g->ctl != NULL)
		ctl_reloaded(g->ctl, &e);
}

/* --- what ctld wants ------------------------------------------------------------------------------ */

static void
ask_reload(void *arg)
{
	tell(arg, MONITOR_RELOAD, NULL, 0);
}

static void
on_verbosity(void *arg, enum log_level now)
{
	struct monitor_level level = { (uint32_t) now };

	tell(arg, MONITOR_WANT_LEVEL, &level, sizeof(level));
}

static void
on_stop_timer(void *arg)
{
	struct engine *g = arg;

	ev_stop(g->ev, DAEMON_OK);
}

static void
on_stop(struct engine *g)
{
	if (g->server != NULL)
		server_stop(g->server);
	if (g->client != NULL)
		client_stop(g->client);
	ev_timer_start(g->ev, &g->stop_timer, GOODBYE_MS, on_stop_timer, g);
}

static void
on_configured(struct engine *g)
{
	struct monitor_configured answer;

	memcpy(&answer, g->msg.body, sizeof(answer));
	answer.done.text[sizeof(answer.done.text) - 1] = '\0';
	if (g->client != NULL)
		client_configured(g->client, &answer);
}

static void
on_way_done(struct engine *g)
{
	struct monitor_way_done way;

	memcpy(&way, g->msg.body, sizeof(way));
	way.done.text[sizeof(way.done.text) - 1] = '\0';
	if (g->client != NULL)
		client_way(g->client, &way);
}

static void
on_moved(struct engine *g)
{
	if (g->client != NULL)
		client_moved(g->client);
}

static void
on_cert_put(struct engine *g)
{
	struct monitor_cert_put put;

	memcpy(&put, g->msg.body, sizeof(put));
	put.done.text[sizeof(put.done.text) - 1] = '\0';
	if (g->client != NULL)
		renew_stored(put.grpc ? g->renew_grpc : g->renew, put.done.rc, put.done.text);
}

static const struct {
	uint32_t type;
	size_t size;
	void (*fn)(struct engine *g);
} messages[] = {
	{ MONITOR_FILES, sizeof(struct monitor_files), on_files },
	{ MONITOR_LOG_LEVEL, sizeof(struct monitor_level), on_log_level },
	{ MONITOR_STOP, 0, on_stop },
	{ MONITOR_CONFIGURED, sizeof(struct monitor_configured), on_configured },
	{ MONITOR_WAY_DONE, sizeof(struct monitor_way_done), on_way_done },
	{ MONITOR_MOVED, 0, on_moved },
	{ MONITOR_CERT_PUT, sizeof(struct monitor_cert_put), on_cert_put },
	{ MONITOR_RELOADED, sizeof(struct monitor_done), on_reloaded },
};

static void
on_monitor(void *arg, uint32_t events)
{
	struct engine *g = arg;
	int rc = chan_recv(g->monitor, &g->msg);

	(void) events;
	if (rc == -EAGAIN)
		return;
	if (rc != 1) {
		ev_stop(g->ev, DAEMON_FAILED);	/* without a monitor there is nothing to do */
		return;
	}
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		if (messages[i].type == g->msg.type && messages[i].size == g->msg.len)
			messages[i].fn(g);
	}
	chan_msg_close(&g->msg);
}

/* --- the start ----------------------------------------------------------------------------------- */

static int
make_workers(struct engine *g, const struct monitor_init *init, const int *tuns, const int *udp,
    struct err *e)
{
	struct workers_parts parts = { .n = init->nworkers, .tuns = tuns, .features = init->tun,
		.udp = udp, .nudp = init->nudp, .offload = tunneld_offload(g->d) };
	char text[WORKER_TEXT_MAX];
	int rc = workers_init(&g->workers, g->ev, &parts);

	g->workers_up = true;
	if (rc < 0)
		return err_set(e, rc, "data path: %s", strerror(-rc));
	g->workers.lost = on_tun_lost;
	g->workers.lost_arg = g;
	g->conns.flush = workers_wake;
	g->conns.flush_arg = &g->workers;
	log_info("data_path", "offload=%s", LOG_Q(workers_describe(&g->workers, text)));
	return 0;
}

static int
begin_server(struct engine *g, const struct server_parts *parts, const int *tcp, unsigned ntcp,
    struct err *e)
{
	struct ctl_conf conf = { .path = g->d->places.tunneld_control, .ctld = g->d->ctld.uid,
		.usage = &g->usage, .verbosity = &g->verbosity, .reload = ask_reload, .arg = g };
	int rc = server_new(parts, tcp, ntcp, &g->server, e);

	g->conns.tls.gate.per_second = (unsigned) g->d->sc.handshake_rate;

	return rc < 0 ? rc : ctl_new(g->ev, &conf, g->server, &g->ctl, e);
}

static int
begin_node(struct engine *g, const struct client_parts *parts, struct err *e)
{
	struct renew_parts renew = { g->ev, false, &g->identity, ask_cert, store_cert, g };
	int rc = client_new(parts, &g->client, e);

	if (rc < 0)
		return rc;
	if ((rc = renew_new(&renew, &g->renew)) == 0) {
		renew.grpc = true;
		rc = renew_new(&renew, &g->renew_grpc);
	}
	if (rc < 0)
		return err_set(e, rc, "out of memory");
	return rc;
}

static int
begin_role(struct engine *g, const struct monitor_init *init, const int *tcp, struct err *e)
{
	struct server_parts parts = { .d = g->d, .ev = g->ev, .conns = &g->conns,
		.workers = &g->workers, .identity = &g->identity, .mtu = init->mtu };
	struct client_parts node = { .conf = &g->d->cc, .ev = g->ev, .conns = &g->conns,
		.workers = &g->workers, .identity = &g->identity, .configure = configure,
		.ask_way = ask_way, .connected = on_connected, .cert = on_cert, .arg = g };

	return g->d->server ? begin_server(g, &parts, tcp, init->ntcp, e)
			    : begin_node(g, &node, e);
}

static bool
fits(const struct chan_msg *m, const struct monitor_init *init)
{
	unsigned nfiles = (unsigned) __builtin_popcount(init->files.mask);

	return init->nworkers > 0 && init->nworkers <= WORKERS_MAX &&
	    init->ntcp <= UDP_SOCKETS_MAX && init->nudp <= UDP_SOCKETS_MAX &&
	    m->nfds == init->nworkers * (1 + init->nudp) + init->ntcp + nfiles;
}

/* Takes the descriptors of MONITOR_INIT apart: TUN, TCP, UDP, files. */
static int
take_init(struct engine *g, struct err *e)
{
	struct chan_msg *m = &g->msg;
	struct monitor_init init;
	unsigned nfiles;
	int rc, *tcp, *udp, *files;

	if (m->type != MONITOR_INIT || m->len != sizeof(init))
		return err_set(e, -EBADMSG, "the monitor says something else than INIT");
	memcpy(&init, m->body, sizeof(init));
	nfiles = (unsigned) __builtin_popcount(init.files.mask);
	if (!fits(m, &init))
		return err_set(e, -EBADMSG, "the monitor hands over %u descriptors", m->nfds);
	tcp = m->fds + init.nworkers;
	udp = tcp + init.ntcp;
	files = udp + init.nworkers * init.nudp;
	rc = identity_load(&g->files, conf_token(g), init.files.mask, files, &g->identity, e);
	for (unsigned i = 0; i < nfiles; i++)
		close(files[i]);
	if (rc < 0)
		return rc;
	if ((rc = make_workers(g, &init, m->fds, udp, e)) < 0 ||
	    (rc = begin_role(g, &init, tcp, e)) < 0)
		return rc;
	/* Last: from here on the tables that they read are there. */
	rc = workers_start(&g->workers);
	return rc < 0 ? err_set(e, rc, "threads: %s", strerror(-rc)) : 0;
}

static int
wait_init(struct engine *g, struct err *e)
{
	int rc = chan_wait(g->monitor, INIT_MS);

	if (rc == 0)
		rc = chan_recv(g->monitor, &g->msg) == 1 ? 0 : -ECONNRESET;
	return rc < 0 ? err_set(e, rc, "the monitor does not answer") : 0;
}

static int
start(struct engine *g, struct err *e)
{
	int rc;

	/* No openssl.cnf: it could load code, and this process cannot open files. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	if (g->d->server)
		usage_open(&g->usage);
	if ((rc = sandbox_enter_engine(g->d, e)) < 0)
		return rc;
	if ((rc = ev_new(&g->ev)) < 0)
		return err_set(e, rc, "event loop: %s", strerror(-rc));
	verbosity_init(&g->verbosity, g->ev,
	    (enum log_level) (g->d->server ? g->d->sc.log_level : g->d->cc.log_level));
	if (g->d->server) {
		g->verbosity.changed = on_verbosity;
		g->verbosity.arg = g;
	}
	conn_env_init(&g->conns, g->ev);
	if ((rc = wait_init(g, e)) < 0 || (rc = take_init(g, e)) < 0)
		return rc;
	if ((rc = ev_io_add(g->ev, &g->monitor_io, g->monitor, EPOLLIN, on_monitor, g)) < 0)
		return err_set(e, rc, "epoll: %s", strerror(-rc));
	return 0;
}

static void
fail(struct engine *g, int rc, const struct err *e)
{
	struct monitor_done done = { .rc = daemon_status(rc) };

	memcpy(done.text, e->text, sizeof(done.text));
	tell(g, MONITOR_FAILED, &done, sizeof(done));
}

static void
engine_free(struct engine *g)
{
	ctl_free(g->ctl);
	server_free(g->server);
	renew_free(g->renew);
	renew_free(g->renew_grpc);
	client_free(g->client);
	if (g->workers_up)
		workers_fini(&g->workers);
	if (g->ev != NULL) {
		ev_timer_stop(g->ev, &g->stop_timer);
		verbosity_fini(&g->verbosity);
		ev_io_del(g->ev, &g->monitor_io);
		conn_env_fini(&g->conns);
		ev_free(g->ev);
	}
	identity_free(&g->identity);
	usage_close(&g->usage);
	close(g->monitor);
	free(g);
}

int
engine_run(struct tunneld *d, int monitor, pid_t parent)
{
	struct engine *g = calloc(1, sizeof(*g));
	struct err e = { 0 };
	int rc;

	log_rename("tunneld");
	if (g == NULL || !priv_die_with_parent(parent)) {
		free(g);
		return DAEMON_OS;
	}
	g->d = d;
	g->monitor = monitor;
	g->usage = (struct usage) USAGE_NONE;
	idfiles_init(&g->files, d);
	if ((rc = start(g, &e)) < 0) {
		fail(g, rc, &e);
		rc = ENGINE_TOLD;
	} else {
		tell(g, MONITOR_READY, NULL, 0);
		rc = ev_run(g->ev);
	}
	engine_free(g);
	return rc;
}
