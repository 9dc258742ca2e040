/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/monitor.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/chan.h"
#include "common/dirwatch.h"
#include "common/ev.h"
#include "common/log.h"
#include "common/reason.h"
#include "daemons/tunneld/device.h"
#include "daemons/tunneld/hostcfg.h"
#include "daemons/tunneld/idfiles.h"
#include "daemons/tunneld/journal.h"
#include "daemons/tunneld/monitor_msg.h"
#include "daemons/tunneld/netcfg.h"
#include "daemons/tunneld/netcfg_watch.h"
#include "daemons/tunneld/reread.h"
#include "daemons/tunneld/sandbox_tunneld.h"
#include "daemons/tunneld/sockets.h"

#define MOVED_MS 100	/* changes come together: the engine is told once */
#define STOP_MS 5000	/* for the engine's goodbyes; then the channels are closed */

struct monitor {
	struct tunneld *d;
	struct ev *ev;
	struct netcfg *net;
	struct device device;
	struct sockets sockets;
	int watch;			/* of the host's addresses and routes (node); -1: none */
	struct ev_io watch_io;
	struct ev_timer moved_timer;
	struct journal journal;
	struct hostcfg host;
	struct idfiles files;
	struct dirwatch files_watch;	/* of a server; a node's are replaced by us */
	int spawner, engine;		/* channels; -1: none */
	struct ev_io spawner_io, engine_io;
	struct ev_timer stop_timer;
	bool ready, stopping;
	enum daemon_exit status;	/* when stopping */
	struct chan_msg msg;		/* the one that is being handled */
};

/* --- what is opened while we still may -------------------------------------------------------- */

/* After a crash. */
static int
recover(struct monitor *m, struct err *e)
{
	if (m->journal.nroutes > 0)
		log_notice("recovered", "routes=%u", m->journal.nroutes);
	journal_undo_routes(&m->journal, m->net);
	return device_recover(&m->device, e);
}

static int
open_parts(struct monitor *m, struct err *e)
{
	char path[PATH_MAX];
	int fds[TUNNELD_FILES], n, rc;
	uint32_t mask;

	snprintf(path, sizeof(path), "%s/%s.journal", m->d->places.tunneld_state,
	    m->d->server ? "server" : "client");
	idfiles_init(&m->files, m->d);
	/* A file that is not there shall be known now, and not by the engine. */
	if ((n = idfiles_open(&m->files, fds, &mask, e)) < 0)
		return n;
	idfiles_close(fds, n);
	if (m->d->server)
		dirwatch_init(&m->files_watch, m->d->sc.vpn_cert_dir);
	if ((rc = netcfg_open(&m->net, e)) < 0)
		return rc;
	m->device = (struct device){ .d = m->d, .net = m->net, .journal = &m->journal };
	if ((rc = journal_open(path, &m->journal, e)) < 0 || (rc = recover(m, e)) < 0 ||
	    (rc = sockets_open(&m->sockets, m->d, e)) < 0 || (rc = device_open(&m->device, e)) < 0)
		return rc;
	sockets_keep(&m->sockets, m->device.nqueues);
	if (!m->d->server && (rc = m->watch = netcfg_watch(e)) < 0)
		return rc;
	m->host = (struct hostcfg){ .net = m->net, .journal = &m->journal, .conf = &m->d->cc,
		.ifindex = m->device.ifindex };
	return 0;
}

static void
monitor_free(struct monitor *m)
{
	dirwatch_fini(&m->files_watch);
	sockets_close(&m->sockets);
	device_close(&m->device);
	if (m->watch >= 0)
		close(m->watch);
	journal_close(&m->journal);
	netcfg_close(m->net);
	free(m);
}

int
monitor_open(struct tunneld *d, struct monitor **out)
{
	struct monitor *m = calloc(1, sizeof(*m));
	struct err e = { 0 };
	int rc;

	if (m == NULL) {
		err_set(&e, -ENOMEM, "out of memory");
		return (int) daemon_fail(&d->daemon, DAEMON_OS, &e);
	}
	m->d = d;
	m->watch = m->files_watch.fd = m->spawner = m->engine = m->journal.fd = -1;
	if ((rc = open_parts(m, &e)) < 0) {
		device_forget(&m->device);
		monitor_free(m);
		return (int) daemon_fail(&d->daemon, daemon_status(rc), &e);
	}
	*out = m;
	return -1;
}

/* --- the engine ------------------------------------------------------------------------------- */

static void
drop_engine(struct monitor *m)
{
	if (m->engine < 0)
		return;
	ev_io_del(m->ev, &m->engine_io);
	close(m->engine);
	m->engine = -1;
}

static void
on_stop_timeout(void *arg)
{
	struct monitor *m = arg;

	log_warn("stop_forced", "after_ms=%d", STOP_MS);
	ev_stop(m->ev, m->status);
}

/* The engine says its goodbyes; when it and the spawner have ended, so do we. */
static void
begin_stop(struct monitor *m, enum daemon_exit status)
{
	m->stopping = true;
	m->status = status;
	daemon_stopping(&m->d->daemon);
	ev_timer_start(m->ev, &m->stop_timer, STOP_MS, on_stop_timeout, m);
	if (m->engine >= 0)
		chan_send(m->engine, MONITOR_STOP, NULL, 0, NULL, 0);
}

static int
send_init(struct monitor *m, struct err *e)
{
	const struct device *dev = &m->device;
	struct monitor_init init = { .nworkers = dev->nqueues, .ntcp = m->sockets.ntcp,
		.nudp = m->sockets.nudp, .tun = dev->features, .mtu = dev->mtu };
	int fds[CHAN_FDS_MAX], nfiles, rc;
	unsigned n = 0;

	for (unsigned i = 0; i < dev->nqueues; i++)
		fds[n++] = dev->queues[i];
	n += sockets_list(&m->sockets, fds + n);
	if ((nfiles = idfiles_open(&m->files, fds + n, &init.files.mask, e)) < 0)
		return nfiles;
	rc = chan_send(m->engine, MONITOR_INIT, &init, sizeof(init), fds, n + (unsigned) nfiles);
	idfiles_close(fds + n, nfiles);
	return rc < 0 ? err_set(e, rc, "the engine does not listen") : 0;
}

/* The answer to a request that has ended so; e->text is empty where it went well. */
static struct monitor_done
done(int rc, const struct err *e)
{
	struct monitor_done d = { .rc = rc };

	snprintf(d.text, sizeof(d.text), "%.*s", (int) sizeof(d.text) - 1, e->text);
	return d;
}

static void
on_configure(struct monitor *m)
{
	struct monitor_configure want;
	struct monitor_configured answer = { 0 };
	struct err e = { 0 };

	memcpy(&want, m->msg.body, sizeof(want));
	answer.number = want.number;
	answer.done = done(hostcfg_apply(&m->host, &want, &e), &e);
	if (answer.done.rc < 0)
		log_err("configure_failed", "error=%s", LOG_Q(e.text));
	chan_send(m->engine, MONITOR_CONFIGURED, &answer, sizeof(answer), NULL, 0);
}

static void
on_way(struct monitor *m)
{
	struct monitor_way want;
	struct monitor_way_done answer = { 0 };
	struct err e = { 0 };

	memcpy(&want, m->msg.body, sizeof(want));
	answer.server = want.server;
	answer.done = done(hostcfg_way(&m->host, &want.server, &e), &e);
	chan_send(m->engine, MONITOR_WAY_DONE, &answer, sizeof(answer), NULL, 0);
}

/* Hands the engine the files as they are now, and a log level before them, or NULL. */
static int
send_files(struct monitor *m, const struct monitor_level *level, struct err *e)
{
	struct monitor_files files;
	int fds[TUNNELD_FILES], n;

	if ((n = idfiles_open(&m->files, fds, &files.mask, e)) < 0)
		return n;
	if (m->engine >= 0 && level != NULL)
		chan_send(m->engine, MONITOR_LOG_LEVEL, level, sizeof(*level), NULL, 0);
	if (m->engine >= 0)
		chan_send(m->engine, MONITOR_FILES, &files, sizeof(files), fds, (unsigned) n);
	idfiles_close(fds, n);
	return 0;
}

/* The CAs first: whichever of the two is new, the server is known by them, and knows the other. */
static void
on_put_cert(struct monitor *m)
{
	struct monitor_put_cert put;
	struct monitor_cert_put answer = { 0 };
	enum tunneld_file ca, cert;
	struct err e = { 0 };
	int rc;

	memcpy(&put, m->msg.body, sizeof(put));
	ca = put.grpc ? TUNNELD_GRPC_CA : TUNNELD_CA;
	cert = put.grpc ? TUNNELD_GRPC_CERT : TUNNELD_CERT;
	if ((rc = idfiles_put(&m->files, ca, put.ca, put.ca_len, &e)) == 0 &&
	    (rc = idfiles_put(&m->files, cert, put.cert, put.cert_len, &e)) == 0)
		rc = send_files(m, NULL, &e);
	if (rc < 0)
		log_err("certificate_not_stored", "error=%s", LOG_Q(e.text));
	else
		log_notice("certificate_stored", "file=%s", LOG_Q(m->files.paths[cert]));
	answer.grpc = put.grpc;
	answer.done = done(rc, &e);
	chan_send(m->engine, MONITOR_CERT_PUT, &answer, sizeof(answer), NULL, 0);
}

static void
on_ready(struct monitor *m)
{
	if (m->ready)
		return;		/* a later engine: nobody waits any more */
	m->ready = true;
	log_notice("started", "role=%s device=%s", m->d->server ? "server" : "node", m->d->device);
	daemon_ready(&m->d->daemon);
}

/* At the first start this ends us; later the spawner tries again. */
static void
on_failed(struct monitor *m)
{
	struct monitor_done done;
	struct err e = { 0 };

	memcpy(&done, m->msg.body, sizeof(done));
	err_set(&e, -EINVAL, "%.*s", (int) sizeof(done.text), done.text);
	if (m->ready)
		log_err("engine_failed", "error=%s", LOG_Q(e.text));
	else
		ev_stop(m->ev, (int) daemon_fail(&m->d->daemon, (enum daemon_exit) done.rc, &e));
}

/* Whether it is true is asked here. Somebody has deleted it: init makes all anew. */
static void
on_device_lost(struct monitor *m)
{
	char name[16];

	if (netcfg_name(m->net, m->device.ifindex, name) != -ENODEV) {
		log_err("engine_refused", "request=%u device=%s", m->msg.type, m->d->device);
		drop_engine(m);
		return;
	}
	log_err("device_lost", "device=%s", m->d->device);
	if (!m->stopping)
		begin_stop(m, DAEMON_FAILED);
}

/* --- reading again ----------------------------------------------------------------------------- */

/* The log level at once, the identity for connections to come. A bad file changes nothing. */
static int
reload(struct monitor *m, struct err *e)
{
	struct monitor_level level;
	enum log_level now;
	int rc;

	if ((rc = reread_level(m->d, &now, e)) < 0)
		return rc;
	level.level = (uint32_t) now;
	if (send_files(m, &level, e) < 0) {
		log_err("reload_failed", "error=%s", LOG_Q(e->text));
		return err_set(e, -REASON_CONFIG_INVALID, "%s", e->text);
	}
	log_set_level(now);
	log_notice("reloaded", "file=%s", m->d->daemon.conf_path);
	return 0;
}

/* Certificate, key or CAs were replaced. The engine says what it has made of them. */
static void
on_files_changed(void *arg)
{
	struct err e;

	if (send_files(arg, NULL, &e) < 0)
		log_err("reload_failed", "error=%s", LOG_Q(e.text));
}

static void
on_reload(struct monitor *m)
{
	struct err e = { 0 };
	struct monitor_done answer = done(reload(m, &e), &e);

	chan_send(m->engine, MONITOR_RELOADED, &answer, sizeof(answer), NULL, 0);
}

static void
on_want_level(struct monitor *m)
{
	struct monitor_level want;

	memcpy(&want, m->msg.body, sizeof(want));
	if (want.level <= LOG_LV_DEBUG)
		log_set_level((enum log_level) want.level);
}

/* All that an engine may ask; what is not here, or has another size, ends the channel. */
static const struct {
	uint32_t type;
	size_t size;
	enum { NODE = 1, SERVER = 2, BOTH = NODE | SERVER } of;	/* whose engine */
	void (*fn)(struct monitor *m);
} requests[] = {
	{ MONITOR_READY, 0, BOTH, on_ready },
	{ MONITOR_FAILED, sizeof(struct monitor_done), BOTH, on_failed },
	{ MONITOR_DEVICE_LOST, 0, BOTH, on_device_lost },
	{ MONITOR_CONFIGURE, sizeof(struct monitor_configure), NODE, on_configure },
	{ MONITOR_WAY, sizeof(struct monitor_way), NODE, on_way },
	{ MONITOR_PUT_CERT, sizeof(struct monitor_put_cert), NODE, on_put_cert },
	{ MONITOR_RELOAD, 0, SERVER, on_reload },
	{ MONITOR_WANT_LEVEL, sizeof(struct monitor_level), SERVER, on_want_level },
};

static void
on_engine(void *arg, uint32_t events)
{
	struct monitor *m = arg;
	int rc = chan_recv(m->engine, &m->msg);

	(void) events;
	if (rc == -EAGAIN)
		return;
	if (rc == 1) {
		chan_msg_close(&m->msg);	/* no request carries descriptors */
		for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
			if (requests[i].type == m->msg.type && requests[i].size == m->msg.len &&
			    (requests[i].of & (m->d->server ? SERVER : NODE)) != 0) {
				requests[i].fn(m);
				return;
			}
		}
		log_err("engine_refused", "request=%u length=%zu", m->msg.type, m->msg.len);
	}
	drop_engine(m);
	if (!m->ready)
		ev_stop(m->ev, DAEMON_FAILED);	/* it has crashed before it was there */
}

/* --- the spawner ------------------------------------------------------------------------------ */

static void
on_spawner(void *arg, uint32_t events)
{
	struct monitor *m = arg;
	struct err e = { 0 };
	int rc = chan_recv(m->spawner, &m->msg);

	(void) events;
	if (rc == -EAGAIN)
		return;
	if (rc != 1 || m->msg.type != MONITOR_ENGINE || m->msg.nfds != 1) {
		/* It ends when the engine has ended in good order, or when it cannot go on. */
		ev_stop(m->ev, m->stopping ? m->status : DAEMON_FAILED);
		return;
	}
	drop_engine(m);
	m->engine = m->msg.fds[0];
	rc = ev_io_add(m->ev, &m->engine_io, m->engine, EPOLLIN, on_engine, m);
	/* An engine that has failed before it was spoken to has said why: on_engine reads it. */
	if (rc == 0 && ((rc = send_init(m, &e)) == 0 || rc == -EPIPE))
		return;
	drop_engine(m);
	if (m->ready)
		log_err("engine_init_failed", "error=%s", LOG_Q(e.text));
	else
		ev_stop(m->ev, (int) daemon_fail(&m->d->daemon, daemon_status(rc), &e));
}

/* --- the host's network ------------------------------------------------------------------------ */

static void
on_moved(void *arg)
{
	struct monitor *m = arg;

	if (m->engine >= 0)
		chan_send(m->engine, MONITOR_MOVED, NULL, 0, NULL, 0);
}

static void
on_watch(void *arg, uint32_t events)
{
	struct monitor *m = arg;

	(void) events;
	if (netcfg_watch_drain(m->watch) && m->moved_timer.slot == 0)
		ev_timer_start(m->ev, &m->moved_timer, MOVED_MS, on_moved, m);
}

/* --- signals ---------------------------------------------------------------------------------- */

static void
on_stop(void *arg, int signo)
{
	struct monitor *m = arg;

	if (m->stopping)
		return;
	log_notice("stopping", "signal=%d", signo);
	begin_stop(m, DAEMON_OK);
}

static void
on_reload_signal(void *arg, int signo)
{
	struct err e;

	(void) signo;
	reload(arg, &e);	/* it has said why not */
}

/* --- the whole -------------------------------------------------------------------------------- */

static int
enter(struct monitor *m, struct err *e)
{
	struct priv_user root = { 0, 0 };
	int rc;

	if ((rc = priv_drop(&root, (uint64_t) 1 << CAP_NET_ADMIN, e)) < 0 ||
	    (rc = sandbox_enter_monitor(m->d, e)) < 0 || (rc = ev_new(&m->ev)) < 0 ||
	    (rc = ev_signal(m->ev, SIGTERM, on_stop, m)) < 0 ||
	    (rc = ev_signal(m->ev, SIGINT, on_stop, m)) < 0 ||
	    (rc = ev_signal(m->ev, SIGHUP, on_reload_signal, m)) < 0 ||
	    (rc = ev_io_add(m->ev, &m->spawner_io, m->spawner, EPOLLIN, on_spawner, m)) < 0 ||
	    (rc = dirwatch_start(&m->files_watch, m->ev, on_files_changed, m)) < 0 ||
	    (m->watch >= 0 &&
	    (rc = ev_io_add(m->ev, &m->watch_io, m->watch, EPOLLIN, on_watch, m)) < 0))
		return rc;
	return 0;
}

/* Nothing that we have made stays on the host after an orderly end. */
static void
leave(struct monitor *m)
{
	if (!m->d->server)
		hostcfg_undo(&m->host);
	device_delete(&m->device);
}

int
monitor_run(struct monitor *m, int spawner)
{
	struct err e = { 0 };
	int status;

	m->spawner = spawner;
	if ((status = enter(m, &e)) < 0) {
		if (e.text[0] == '\0')
			err_set(&e, status, "monitor: %s", strerror(-status));
		status = (int) daemon_fail(&m->d->daemon, DAEMON_OS, &e);
	} else {
		status = ev_run(m->ev);
		leave(m);
		if (m->ready || m->stopping)	/* what never began has said why */
			log_notice("stopped", "status=%d", status);
	}
	if (m->ev != NULL) {
		drop_engine(m);
		ev_io_del(m->ev, &m->spawner_io);
		ev_io_del(m->ev, &m->watch_io);
		dirwatch_fini(&m->files_watch);
		ev_timer_stop(m->ev, &m->moved_timer);
		ev_timer_stop(m->ev, &m->stop_timer);
		ev_free(m->ev);
	}
	close(m->spawner);
	monitor_free(m);
	return status;
}
