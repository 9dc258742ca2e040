/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/tunneld.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/chan.h"
#include "config.h"
#include "daemons/tunneld/join.h"
#include "daemons/tunneld/monitor.h"
#include "daemons/tunneld/spawner.h"

#define DESCRIPTORS_OWN 128	/* those that are no node's: device, ports, channels, nng's */

/*
 * The role follows from the file's name: client.yml makes a node, everything else a server. Anyone
 * who calls the file otherwise says so with a word.
 */
static const struct daemon_role roles[] = {
	{ "server", CONF_SERVER_PATH },
	{ "node", CONF_CLIENT_PATH },
	{ 0 },
};

static const struct daemon_program program = { "tunneld", CONF_SERVER_PATH, NULL, roles };

static bool
is_client_file(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash == NULL ? path : slash + 1, "client.yml") == 0;
}

/* Reads the configuration; -1 to go on, else the exit status. */
static int
read_conf(struct tunneld *d)
{
	struct conf_report report = { 0 };
	int rc = d->server
	    ? conf_load(d->daemon.conf_path, &conf_server_schema, &d->sc, &report)
	    : conf_load(d->daemon.conf_path, &conf_client_schema, &d->cc, &report);

	if (rc < 0) {
		conf_report_print(&report, stderr);
		conf_report_free(&report);
		return DAEMON_CONFIG;
	}
	if (d->daemon.check_only) {
		printf("%s: ok\n", d->daemon.conf_path);
		return DAEMON_OK;
	}
	d->state_dir = d->server ? d->sc.state_dir : d->cc.state_dir;
	d->run_dir = d->server ? d->sc.run_dir : d->cc.run_dir;
	d->device = d->server ? d->sc.device : d->cc.device;
	return -1;
}

/* Users and directories. -1 to go on. */
static int
prepare(struct tunneld *d)
{
	struct err e = { 0 };
	int rc;

	if (!priv_is_root()) {
		err_set(&e, -EPERM, "must be started as root: it makes a network device, and drops "
		    "all other rights by itself");
		return (int) daemon_fail(&d->daemon, DAEMON_NOPERM, &e);
	}
	if ((rc = priv_user(LV_USER_TUNNELD, &d->user, &e)) < 0 ||
	    (d->server && ((rc = priv_user(LV_USER_IPAMD, &d->ipamd, &e)) < 0 ||
	    (rc = priv_user(LV_USER_CTLD, &d->ctld, &e)) < 0)) ||
	    (rc = places_init(&d->places, d->run_dir, d->state_dir, &e)) < 0 ||
	    (rc = d->server ? places_make(&d->places, d->run_dir, d->state_dir, &e)
	    : places_make_node(&d->places, d->run_dir, d->state_dir, &e)) < 0)
		return (int) daemon_fail(&d->daemon, daemon_status(rc), &e);
	return -1;
}

/* An engine has a connection per node. */
static void
raise_descriptors(const struct tunneld *d)
{
	if (d->server)
		daemon_raise_descriptors((unsigned) d->sc.max_clients + JOIN_STRANGERS_MAX +
		    DESCRIPTORS_OWN);
}

/* Three processes from here on: this one is the monitor. */
static int
run(struct tunneld *d)
{
	struct monitor *m = NULL;
	struct err e = { 0 };
	int ends[2], status, rc;
	pid_t self = getpid(), pid;

	raise_descriptors(d);
	if ((rc = chan_pair(ends)) < 0 || (pid = fork()) < 0) {
		err_set(&e, -errno, "cannot make a process: %s", strerror(errno));
		return (int) daemon_fail(&d->daemon, DAEMON_OS, &e);
	}
	if (pid == 0) {
		close(ends[0]);
		daemon_forked(&d->daemon);
		return spawner_run(d, ends[1], self);
	}
	close(ends[1]);
	if ((status = monitor_open(d, &m)) >= 0) {
		close(ends[0]);
		return status;
	}
	return monitor_run(m, ends[0]);
}

int
main(int argc, char **argv)
{
	static struct tunneld d;
	struct log_conf log;
	int status;

	if ((status = daemon_options(&d.daemon, &program, argc, argv)) >= 0)
		return status;
	d.server = d.daemon.role == NULL ? !is_client_file(d.daemon.conf_path)
					 : d.daemon.role == &roles[0];
	if ((status = read_conf(&d)) >= 0)
		return status;
	log = d.server ? conf_server_log(&d.sc) : conf_client_log(&d.cc);
	if ((status = daemon_begin(&d.daemon, &log)) < 0 && (status = prepare(&d)) < 0)
		status = run(&d);
	conf_free(d.server ? &conf_server_schema : &conf_client_schema,
	    d.server ? (void *) &d.sc : (void *) &d.cc);
	return status;
}
