/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/conf_server.h"
#include "common/daemon.h"
#include "common/log.h"
#include "common/places.h"
#include "common/priv.h"
#include "common/reason.h"
#include "common/usage.h"
#include "config.h"
#include "daemons/ipamd/batch.h"
#include "daemons/ipamd/errand.h"
#include "daemons/ipamd/feed.h"
#include "daemons/ipamd/granter.h"
#include "daemons/ipamd/ledger.h"
#include "daemons/ipamd/patience.h"
#include "daemons/ipamd/sandbox_ipamd.h"
#include "daemons/ipamd/service.h"
#include "daemons/ipamd/store_sqlite.h"
#include "daemons/ipamd/sweep.h"

/* The address authority: who may come in, and which address each node has. */

struct ipamd {
	struct daemon daemon;
	struct conf_server conf;
	struct places places;
	struct priv_user user, tunneld, ctld;
	struct ev *ev;
	struct granter granter;
	struct ledger ledger;
	struct batch batch;
	struct sweeper sweeper;
	struct patience patience;
	struct feed feed;
	struct service *service;
	struct usage usage;
	struct upkeep upkeep;
};

/* Steps of the start return -1 to go on, or the exit status. */
#define GO_ON (-1)

static int
read_conf(struct ipamd *d)
{
	struct conf_report report = { 0 };
	int rc = conf_load(d->daemon.conf_path, &conf_server_schema, &d->conf, &report);

	conf_report_print(&report, stderr);
	conf_report_free(&report);
	if (rc < 0)
		return DAEMON_CONFIG;
	if (!d->daemon.check_only)
		return GO_ON;
	printf("%s: ok\n", d->daemon.conf_path);
	return DAEMON_OK;
}

/* An errand belongs to whoever asked for it: its words go to the terminal, not into the log. */
static int
detach(struct ipamd *d)
{
	struct log_conf log = conf_server_log(&d->conf);

	return d->daemon.errand != NULL ? GO_ON : daemon_begin(&d->daemon, &log);
}

static int
make_places(struct ipamd *d)
{
	const char *run = d->conf.run_dir, *state = d->conf.state_dir;
	struct err e;
	int rc;

	if ((rc = places_init(&d->places, run, state, &e)) < 0 ||
	    (rc = places_make(&d->places, run, state, &e)) < 0 ||
	    (rc = priv_user(LV_USER_IPAMD, &d->user, &e)) < 0 ||
	    (rc = priv_user(LV_USER_TUNNELD, &d->tunneld, &e)) < 0 ||
	    (rc = priv_user(LV_USER_CTLD, &d->ctld, &e)) < 0)
		return daemon_fail(&d->daemon, daemon_status(rc), &e);
	return GO_ON;
}

static int
confine(void *arg)
{
	struct ipamd *d = arg;
	char conf[PATH_MAX];
	struct err e;

	usage_open(&d->usage);
	tzset();	/* update_time is local time, and /etc/localtime is out of reach soon */
	snprintf(conf, sizeof(conf), "%s", d->daemon.conf_path);
	if (priv_drop(&d->user, 0, &e) < 0 ||
	    sandbox_ipamd(&d->places, dirname(conf), d->daemon.sandbox, &e) < 0)
		return daemon_fail(&d->daemon, DAEMON_OS, &e);
	return GO_ON;
}

/* --- running ---------------------------------------------------------------------------------- */

static void
on_stop(void *arg, int signo)
{
	struct ipamd *d = arg;

	log_notice("stopping", "signal=%d", signo);
	ev_stop(d->ev, DAEMON_OK);
}

static void
on_reload(void *arg, int signo)
{
	struct ipamd *d = arg;
	struct err e;

	(void) signo;
	verbosity_reload(&d->upkeep.verbosity, d->daemon.conf_path, &e);	/* it has said why not */
}

static int
watch_signals(struct ipamd *d, struct err *e)
{
	int rc;

	if ((rc = ev_new(&d->ev)) < 0 ||
	    (rc = ev_signal(d->ev, SIGTERM, on_stop, d)) < 0 ||
	    (rc = ev_signal(d->ev, SIGINT, on_stop, d)) < 0 ||
	    (rc = ev_signal(d->ev, SIGHUP, on_reload, d)) < 0)
		return err_set(e, rc, "cannot make the event loop: %s", strerror(-rc));
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

static int
open_feed(struct ipamd *d, struct err *e)
{
	const struct ipc_peer peers[] = { { d->tunneld.uid, 0 }, { d->ctld.uid, 0 } };
	const struct ipc_publisher_conf conf = {
		.path = d->places.ipamd_events,
		.peers = peers,
		.npeers = sizeof(peers) / sizeof(peers[0]),
	};
	int rc = feed_start(&d->feed, d->ev, &conf, &d->ledger, FEED_BEAT_MS, e);

	d->batch.committed = feed_committed;
	d->batch.arg = &d->feed;
	return rc;
}

/* A database that cannot be read: with what to do about it. */
static int
open_ledger(struct ipamd *d, struct err *e)
{
	struct err why = { 0 };
	struct store *store;
	int rc;

	if ((rc = store_sqlite_open(d->places.ipamd_db, &store, &why)) == 0 &&
	    (rc = ledger_open(&d->ledger, &d->conf, store, clock_utc_s(), &why)) == 0)
		rc = store_sqlite_checkpoint_beside(store, &why);
	if (rc == -EUCLEAN || rc == -REASON_STORE_FAILED)
		return err_set(e, rc, "%.300s; ipamd --check says what is wrong with it, "
		    "ipamd --restore puts a backup in its place", why.text);
	*e = why;
	return rc;
}

static int
open_things(struct ipamd *d, struct err *e)
{
	struct service_conf service = {
		.path = d->places.ipamd_rpc,
		.tunneld = d->tunneld.uid,
		.ctld = d->ctld.uid,
		.ledger = &d->ledger,
		.batch = &d->batch,
		.granter = &d->granter,
		.usage = &d->usage,
		.upkeep = &d->upkeep,
	};
	int rc;

	if ((rc = watch_signals(d, e)) < 0 ||
	    (rc = granter_open(&d->granter, d->places.grant_key, d->places.grant_pub, e)) < 0 ||
	    (rc = open_ledger(d, e)) < 0)
		return rc;
	d->upkeep.conf_path = d->daemon.conf_path;
	verbosity_init(&d->upkeep.verbosity, d->ev, conf_server_log(&d->conf).level);
	if ((rc = hotcopy_new(d->ev, d->places.ipamd_db, &d->upkeep.hotcopy, e)) < 0)
		return rc;
	batch_init(&d->batch, d->ev, &d->ledger);
	if ((rc = open_feed(d, e)) < 0)
		return rc;
	if ((rc = sweeper_start(&d->sweeper, d->ev, &d->batch, &d->ledger,
	    d->conf.sweep_interval_ms)) < 0 ||
	    (rc = patience_start(&d->patience, d->ev, &d->batch, &d->ledger,
	    PATIENCE_LOOK_MS)) < 0)
		return err_set(e, rc, "cannot start the timers: %s", strerror(-rc));
	return service_new(d->ev, &service, &d->service, e);
}

static void
close_things(struct ipamd *d)
{
	service_free(d->service);
	hotcopy_free(d->upkeep.hotcopy);
	verbosity_fini(&d->upkeep.verbosity);
	patience_stop(&d->patience);
	sweeper_stop(&d->sweeper);
	batch_fini(&d->batch);
	feed_stop(&d->feed);
	ledger_close(&d->ledger);
	granter_close(&d->granter);
	ev_free(d->ev);
}

static void
say_started(struct ipamd *d)
{
	struct network *net = NULL;

	log_notice("started", "version=%s", PACKAGE_VERSION);
	while ((net = ledger_network_next(&d->ledger, net)) != NULL)
		log_notice("network", "network=%s address=%s addresses=%" PRIu64 " taken=%" PRIu64,
		    net->row.name, PREFIX_TEXT(&net->row.prefix), pool_size(net->pool),
		    pool_used(net->pool));
}

static void
say_stopped(const struct ipamd *d, int status)
{
	struct ipc_stats s = service_stats(d->service);

	log_notice("stopped", "status=%d requests=%" PRIu64 " malformed=%" PRIu64 " strangers=%"
	    PRIu64, status, s.requests, s.malformed, s.strangers);
}

static int
run(struct ipamd *d)
{
	struct err e;
	int status, rc;

	if ((rc = open_things(d, &e)) < 0) {
		status = daemon_fail(&d->daemon, daemon_status(rc), &e);
	} else {
		say_started(d);
		daemon_ready(&d->daemon);
		rc = ev_run(d->ev);
		daemon_stopping(&d->daemon);
		status = rc < 0 ? DAEMON_FAILED : rc;
		say_stopped(d, status);
	}
	close_things(d);
	return status;
}

static int
run_errand(struct ipamd *d)
{
	const struct errand errand = {
		.daemon = &d->daemon,
		.conf = &d->conf,
		.db_path = d->places.ipamd_db,
		.confine = confine,
		.arg = d,
	};

	return d->daemon.errand != NULL ? errand_run(&errand) : GO_ON;
}

int
main(int argc, char **argv)
{
	static const struct daemon_program program = { "ipamd", CONF_SERVER_PATH, errands, NULL };
	struct ipamd d = { .usage = USAGE_NONE };
	int status;

	if ((status = daemon_options(&d.daemon, &program, argc, argv)) >= 0)
		return status;
	if ((status = read_conf(&d)) == GO_ON &&
	    (status = detach(&d)) == GO_ON &&
	    (status = make_places(&d)) == GO_ON &&
	    (status = run_errand(&d)) == GO_ON &&
	    (status = confine(&d)) == GO_ON)
		status = run(&d);
	usage_close(&d.usage);
	conf_free(&conf_server_schema, &d.conf);
	return status;
}
