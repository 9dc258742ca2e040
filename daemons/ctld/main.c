/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/priv.h"
#include "common/tlsctx.h"
#include "config.h"
#include "daemons/ctld/counts.h"
#include "daemons/ctld/ctld.h"
#include "daemons/ctld/descriptors.h"
#include "daemons/ctld/doors.h"
#include "daemons/ctld/listen.h"
#include "daemons/ctld/method.h"
#include "daemons/ctld/reload.h"
#include "daemons/ctld/sandbox_ctld.h"
#include "daemons/ctld/signer_process.h"

/*
 * The control API. Two processes: the front, which this file starts, talks gRPC and holds no CA
 * key; the signer (signer_process.c) holds the CA keys and talks to the front only.
 *
 * Threads of the front: the loop (signals, the admin socket, the signer's channel), the queue's
 * thread (grpc.c: every call), those of gRPC and of nng. Between the first two: call_resume one
 * way, the signer client's inbox and `stopped` the other way.
 */

#define DESCRIPTORS_OWN 128	/* those that are no caller's: sockets, pipes, gRPC's and nng's */
#define TRIM_MS 5000	/* after somebody has come */
#define CANCEL_MS 3000	/* a stopping ctld lets calls end by themselves for so long */
#define GIVE_UP_MS 5000	/* and is gone after this, whatever hangs */

struct front {
	struct ctld ctld;
	struct priv_user user, signer, ipamd, tunneld;
	struct listening listening;	/* until it is the doors' */
	int metrics_fd;		/* listens, until it is the scrape's; -1: none */
	bool has_admin;		/* its socket is there, to be removed at the end */
	bool stopping;
	struct ev_timer trim;
	bool trims;		/* it runs */
	bool came;		/* somebody, since it was started */
};

/* Steps of the start return -1 to go on, or the exit status. */
#define GO_ON (-1)

static int
read_conf(struct front *f)
{
	struct daemon *d = &f->ctld.daemon;
	struct conf_report report = { 0 };
	int rc = conf_load(d->conf_path, &conf_server_schema, &f->ctld.conf, &report);

	conf_report_print(&report, stderr);
	conf_report_free(&report);
	if (rc < 0)
		return DAEMON_CONFIG;
	if (!d->check_only)
		return GO_ON;
	printf("%s: ok\n", d->conf_path);
	return DAEMON_OK;
}

static int
detach(struct front *f)
{
	struct log_conf log = conf_server_log(&f->ctld.conf);
	int status = daemon_begin(&f->ctld.daemon, &log);

	/* No variable may steer gRPC, OpenSSL or the resolver from here on. */
	clearenv();
	return status;
}

static int
make_places(struct front *f)
{
	struct ctld *ctld = &f->ctld;
	const char *run = ctld->conf.run_dir, *state = ctld->conf.state_dir;
	struct err e;
	int rc;

	if ((rc = places_init(&ctld->places, run, state, &e)) < 0 ||
	    (rc = places_make(&ctld->places, run, state, &e)) < 0 ||
	    (rc = priv_user(LV_USER_CTLD, &f->user, &e)) < 0 ||
	    (rc = priv_user(LV_USER_SIGNER, &f->signer, &e)) < 0 ||
	    (rc = priv_user(LV_USER_IPAMD, &f->ipamd, &e)) < 0 ||
	    (rc = priv_user(LV_USER_TUNNELD, &f->tunneld, &e)) < 0)
		return daemon_fail(&ctld->daemon, daemon_status(rc), &e);
	return GO_ON;
}

/* Before anything secret is read. An ordinary user has no second one to be the signer. */
static int
fork_signer(struct front *f)
{
	struct ctld *ctld = &f->ctld;
	const struct signer_conf conf = {
		.grpc_dir = ctld->conf.grpc_cert_dir,
		.vpn_dir = ctld->conf.vpn_cert_dir,
		.grant_dir = ctld->places.ipamd_state,
		.grant_pub = ctld->places.grant_pub,
		.user = f->signer,
		.ipamd = f->ipamd.uid,
	};
	struct err e;

	if (!priv_is_root())
		return GO_ON;
	if (signer_fork(&ctld->daemon, &conf, &ctld->signer_fd, &ctld->signer_pid, &e) < 0)
		return daemon_fail(&ctld->daemon, DAEMON_OS, &e);
	return GO_ON;
}

/* --- the server's certificate ----------------------------------------------------------------- */

/* Still as root: the key may be readable to nobody else. */
static int
open_identity(struct front *f)
{
	struct err e;
	int rc = identity_new(f->ctld.conf.grpc_cert_dir, &f->ctld.identity, &e);

	if (rc < 0)
		return daemon_fail(&f->ctld.daemon, daemon_status(rc), &e);
	return GO_ON;
}

static void
on_renewed(void *arg)
{
	struct front *f = arg;
	const struct identity_pems *p = identity_pems(f->ctld.identity);

	if (grpc_renew(f->ctld.grpc, p->ca, p->cert, p->key) < 0)
		log_err("certificates_not_used", "error=%s", err_name(-ENOMEM));
}

/* --- becoming small --------------------------------------------------------------------------- */

/* Still as root, who may have low ports. */
static int
open_ports(struct front *f)
{
	const struct conf_server *conf = &f->ctld.conf;
	const struct conf_endpoint *metrics = &conf->metrics_listen;
	struct err e;
	int rc;

	if ((rc = listen_tcp(&f->listening, LISTENER_CONTROL, &conf->listen,
	    (uint16_t) conf->grpc_port, &e)) < 0 ||
	    (rc = listen_tcp(&f->listening, LISTENER_BOOTSTRAP, &conf->listen,
	    (uint16_t) conf->bootstrap_port, &e)) < 0 ||
	    (metrics->addr.family != 0 && (rc = listen_address(&metrics->addr, metrics->port,
	    &f->metrics_fd, &e)) < 0))
		return daemon_fail(&f->ctld.daemon, daemon_status(rc), &e);
	return GO_ON;
}

static int
open_admin(struct front *f, struct err *e)
{
	int rc = listen_unix(&f->listening, LISTENER_ADMIN, f->ctld.places.ctld_admin, e);

	f->has_admin = rc == 0;
	return rc;
}

static int
confine(struct front *f)
{
	struct ctld *ctld = &f->ctld;
	char dir[PATH_MAX];
	struct err e;
	int rc;

	daemon_raise_descriptors(LISTENERS * DOORS_TOTAL_MAX + DESCRIPTORS_OWN);
	snprintf(dir, sizeof(dir), "%s", ctld->daemon.conf_path);
	usage_open(&ctld->usage);
	if ((rc = priv_drop(&f->user, 0, &e)) < 0 || (rc = open_admin(f, &e)) < 0 ||
	    (rc = tlsctx_require_tls13(&e)) < 0 ||
	    (rc = sandbox_front(ctld->places.admin_run, dirname(dir), ctld->conf.grpc_cert_dir,
	    ctld->daemon.sandbox, &e)) < 0)
		return daemon_fail(&ctld->daemon, daemon_status(rc), &e);
	return GO_ON;
}

/* --- stopping --------------------------------------------------------------------------------- */

static void
give_up(void *arg)
{
	struct front *f = arg;

	log_warn("stop_hangs", "after_ms=%d", GIVE_UP_MS);
	_exit(f->ctld.result);
}

static void
cancel_calls(void *arg)
{
	struct front *f = arg;

	log_notice("calls_cancelled", "after_ms=%d", CANCEL_MS);
	grpc_cancel(f->ctld.grpc);
	ev_timer_start(f->ctld.ev, &f->ctld.grace, GIVE_UP_MS - CANCEL_MS, give_up, f);
}

/* Nobody comes in any more; a ctld that is started now finds its ports free. */
static void
close_doors(struct front *f)
{
	doors_free(f->ctld.doors);
	f->ctld.doors = NULL;
	if (f->has_admin)
		unlink(f->ctld.places.ctld_admin);
	f->has_admin = false;
}

static void
begin_stop(struct front *f, int result)
{
	struct ctld *ctld = &f->ctld;

	if (f->stopping)
		return;
	f->stopping = true;
	ctld->result = result;
	daemon_stopping(&ctld->daemon);
	close_doors(f);
	ev_timer_start(ctld->ev, &ctld->grace, CANCEL_MS, cancel_calls, f);
	grpc_stop(ctld->grpc);
}

/* On the queue's thread: what calls that came together ask goes out together. */
static void
on_settled(struct ctld *ctld)
{
	backend_flush(ctld->backend);
}

/* On the queue's thread: the last things before no call is left, and that none is. */
static void
on_stopping(struct ctld *ctld)
{
	health_stop(&ctld->health);
	watches_stop(ctld->watches);
}

static void
on_stopped(struct ctld *ctld)
{
	ev_wake(&ctld->stopped);
}

static void
on_stopped_wake(void *arg, uint32_t events)
{
	struct front *f = arg;

	(void) events;
	ev_stop(f->ctld.ev, f->ctld.result);
}

static void
on_signer_gone(void *arg)
{
	begin_stop(arg, DAEMON_FAILED);
}

static void
on_stop_signal(void *arg, int signo)
{
	log_notice("stopping", "signal=%d", signo);
	begin_stop(arg, DAEMON_OK);
}

static void
on_reload(void *arg, int signo)
{
	struct front *f = arg;
	struct err e;

	(void) signo;
	ctld_reload(&f->ctld, &e);	/* it has said why not */
}

/* --- running ---------------------------------------------------------------------------------- */

/* Before the first thread: signals are blocked in all that begin later. */
static int
make_loop(struct front *f, struct err *e)
{
	struct ctld *ctld = &f->ctld;
	int rc;

	if ((rc = ev_new(&ctld->ev)) < 0 ||
	    (rc = ev_waker_init(ctld->ev, &ctld->stopped, on_stopped_wake, f)) < 0 ||
	    (rc = ev_signal(ctld->ev, SIGTERM, on_stop_signal, f)) < 0 ||
	    (rc = ev_signal(ctld->ev, SIGINT, on_stop_signal, f)) < 0 ||
	    (rc = ev_signal(ctld->ev, SIGHUP, on_reload, f)) < 0)
		return err_set(e, rc, "cannot make the event loop: %s", strerror(-rc));
	verbosity_init(&ctld->verbosity, ctld->ev, conf_server_log(&ctld->conf).level);
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

static void
on_scrape(void *arg, struct metrics *to)
{
	counts_show(arg, to);
}

static int
open_metrics(struct front *f, const uid_t *uids, struct err *e)
{
	struct ctld *ctld = &f->ctld;
	const struct scrape_conf conf = {
		.fd = f->metrics_fd,
		.places = &ctld->places,
		.uids = uids,
		.per_node = ctld->conf.metrics_per_node,
		.own = on_scrape,
		.arg = ctld,
	};

	f->metrics_fd = -1;
	return conf.fd < 0 ? 0 : scrape_new(ctld->ev, &conf, &ctld->scrape, e);
}

static int
open_partners(struct front *f, struct err *e)
{
	struct ctld *ctld = &f->ctld;
	const uid_t uids[BACKEND_PEERS] = {
		[BACKEND_IPAMD] = f->ipamd.uid,
		[BACKEND_TUNNELD] = f->tunneld.uid,
	};
	const struct signer_client_conf signer = {
		.fd = ctld->signer_fd,
		.none_because = "ctld was not started as root",
		.gone = on_signer_gone,
		.arg = f,
	};
	int rc;

	if ((rc = signer_client_new(ctld->ev, &signer, &ctld->signer, e)) < 0 ||
	    (rc = renewals_new(ctld->ev, ctld->places.tunneld_control, f->tunneld.uid,
	    ctld->signer, &ctld->renewals, e)) < 0)
		return rc;
	if ((rc = backend_new(&ctld->places, uids, &ctld->backend, e)) < 0 ||
	    (rc = open_metrics(f, uids, e)) < 0 || (rc = chores_new(ctld->ev, &ctld->chores, e)) < 0 ||
	    (rc = news_new(ctld->ev, &ctld->places, f->ipamd.uid, &ctld->news, e)) < 0)
		return rc;
	if ((rc = watches_new(ctld->news, &ctld->watches)) < 0)
		return err_set(e, rc, "out of memory");
	return 0;
}

/*
 * What connections leave behind lies between what lives on, in the arenas of all threads, and would
 * stay ours: 46 MB after 10,000 of them, 20 MB when it is given back. Once more when somebody came
 * meanwhile, who may not have gone yet.
 */
static void
on_trim(void *arg)
{
	struct front *f = arg;

	malloc_trim(0);
	f->trims = f->came && ev_timer_start(f->ctld.ev, &f->trim, TRIM_MS, on_trim, f) == 0;
	f->came = false;
}

static void
on_connected(void *arg, enum listener from, int fd)
{
	struct front *f = arg;

	f->came = f->trims;
	if (!f->trims)
		f->trims = ev_timer_start(f->ctld.ev, &f->trim, TRIM_MS, on_trim, f) == 0;
	grpc_adopt(f->ctld.grpc, from, fd);
}

static int
open_api(struct front *f, struct err *e)
{
	struct ctld *ctld = &f->ctld;
	const struct identity_pems *pems = identity_pems(ctld->identity);
	const struct calls_conf calls = { ctld, method_find, on_settled, on_stopping, on_stopped };
	struct grpc_conf grpc = {
		.ca_pem = pems->ca,
		.cert_pem = pems->cert,
		.key_pem = pems->key,
	};
	int rc;

	health_init(&ctld->health);
	if ((rc = reflect_new(descriptors_bytes(), descriptors_len(), &ctld->reflect, e)) < 0)
		return rc;
	if ((rc = calls_new(&calls, &ctld->calls)) < 0)
		return err_set(e, rc, "out of memory");
	grpc.events = calls_events(ctld->calls);
	if ((rc = grpc_new(&grpc, &ctld->grpc, e)) < 0 ||
	    (rc = method_add_all(ctld->grpc, e)) < 0 ||
	    (rc = identity_start(ctld->identity, ctld->ev, on_renewed, f, e)) < 0 ||
	    (rc = grpc_start(ctld->grpc, e)) < 0)
		return rc;
	return doors_new(ctld->ev, &f->listening, on_connected, f, &ctld->doors, e);
}

static void
close_things(struct front *f)
{
	struct ctld *ctld = &f->ctld;

	close_doors(f);
	listen_close(&f->listening);
	scrape_free(ctld->scrape);
	grpc_free(ctld->grpc);
	calls_free(ctld->calls);
	watches_free(ctld->watches);
	chores_free(ctld->chores);
	verbosity_fini(&ctld->verbosity);
	news_free(ctld->news);
	backend_free(ctld->backend);
	renewals_free(ctld->renewals);
	signer_client_free(ctld->signer);
	reflect_free(ctld->reflect);
	identity_free(ctld->identity);
	ctld->identity = NULL;
	if (ctld->ev != NULL) {
		ev_timer_stop(ctld->ev, &ctld->grace);
		ev_timer_stop(ctld->ev, &f->trim);
		ev_waker_fini(ctld->ev, &ctld->stopped);
	}
	ev_free(ctld->ev);
}

static int
run(struct front *f)
{
	struct ctld *ctld = &f->ctld;
	struct err e;
	int status, rc;

	ctld->started_s = clock_utc_s();
	if ((rc = make_loop(f, &e)) < 0 || (rc = open_partners(f, &e)) < 0 ||
	    (rc = open_api(f, &e)) < 0) {
		status = daemon_fail(&ctld->daemon, daemon_status(rc), &e);
	} else {
		log_notice("started", "version=%s grpc_port=%" PRId64 " bootstrap_port=%" PRId64
		    " signer=%s", PACKAGE_VERSION, ctld->conf.grpc_port, ctld->conf.bootstrap_port,
		    signer_client_trouble(ctld->signer) == NULL ? "yes" : "no");
		daemon_ready(&ctld->daemon);
		rc = ev_run(ctld->ev);
		status = rc < 0 ? DAEMON_FAILED : rc;
		log_notice("stopped", "status=%d", status);
	}
	close_things(f);
	return status;
}

/* The signer ends when its channel does. */
static void
end_signer(struct front *f)
{
	if (f->ctld.signer_fd < 0)
		return;
	close(f->ctld.signer_fd);
	waitpid(f->ctld.signer_pid, NULL, 0);
}

int
main(int argc, char **argv)
{
	static const struct daemon_program program = { "ctld", CONF_SERVER_PATH, NULL, NULL };
	static struct front f = { .ctld = { .signer_fd = -1, .usage = USAGE_NONE },
	    .metrics_fd = -1 };
	int status;

	if ((status = daemon_options(&f.ctld.daemon, &program, argc, argv)) >= 0)
		return status;
	if ((status = read_conf(&f)) == GO_ON &&
	    (status = detach(&f)) == GO_ON &&
	    (status = make_places(&f)) == GO_ON &&
	    (status = fork_signer(&f)) == GO_ON &&
	    (status = open_identity(&f)) == GO_ON &&
	    (status = open_ports(&f)) == GO_ON &&
	    (status = confine(&f)) == GO_ON)
		status = run(&f);
	end_signer(&f);
	usage_close(&f.ctld.usage);
	conf_free(&conf_server_schema, &f.ctld.conf);
	return status;
}
