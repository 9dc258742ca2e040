/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/monitor.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/chan.h"
#include "config.h"
#include "daemons/tunneld/monitor_msg.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/netns.h"

/*
 * A whole monitor in a child process, in a network namespace and a sandbox of its own. The test is
 * the spawner, and an engine that has been taken over: it says what it wants.
 */

#define LIMIT_S 10
#define WAIT_MS 5000

static struct chan_msg msg;

/* --- the monitor ------------------------------------------------------------------------------ */

static const char *
write_conf(bool server)
{
	static const char *const files[] = { "ca.pem", "server.pem", "server-key.pem", "client.pem",
		"client-key.pem", "token" };
	const char *dir = kit_dir();
	char text[1024];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		kit_write(files[i], "opened, and read by nobody here\n", 0600);
	snprintf(text, sizeof(text), "vpnCertDir: %s\nstateDir: %s/state\nrunDir: %s/run\n%s%s%s", dir,
	    dir, dir, server ? "" : "serverAddr: 192.0.2.1\ntokenFile: ", server ? "" : dir,
	    server ? "" : "/token\n");
	return kit_write(server ? "server.yml" : "client.yml", text, 0600);
}

static int
monitor(bool server, int spawner)
{
	static struct tunneld d;
	struct conf_report report;
	struct monitor *m = NULL;
	struct err e = { 0 };

	d = (struct tunneld){ .server = server, .daemon = { .name = "tunneld", .ready_fd = -1,
	    .notify_fd = -1, .conf_path = write_conf(server) } };
	KIT_MUST(netns_enter());
	KIT_MUST(conf_load(d.daemon.conf_path, server ? &conf_server_schema : &conf_client_schema,
	    server ? (void *) &d.sc : (void *) &d.cc, &report) == 0);
	d.state_dir = server ? d.sc.state_dir : d.cc.state_dir;
	d.run_dir = server ? d.sc.run_dir : d.cc.run_dir;
	d.device = server ? d.sc.device : d.cc.device;
	KIT_MUST(priv_user(LV_USER_TUNNELD, &d.user, &e) == 0);
	KIT_MUST(places_init(&d.places, d.run_dir, d.state_dir, &e) == 0);
	KIT_MUST((server ? places_make : places_make_node)(&d.places, d.run_dir, d.state_dir, &e) ==
	    0);
	KIT_MUST(monitor_open(&d, &m) == -1);
	return monitor_run(m, spawner);
}

struct rig {
	pid_t pid;
	int spawner;
};

static void
start(struct rig *r, bool server)
{
	int ends[2];

	ck_assert_int_eq(chan_pair(ends), 0);
	r->pid = fork();
	ck_assert_int_ge(r->pid, 0);
	if (r->pid == 0) {
		close(ends[0]);
		alarm((unsigned) (LIMIT_S * kit_slow()));
		_exit(monitor(server, ends[1]));
	}
	close(ends[1]);
	r->spawner = ends[0];
}

/* The spawner leaves: the monitor ends by itself, as it does when nothing can be forked. */
static void
stop(struct rig *r)
{
	int status;

	close(r->spawner);
	ck_assert_int_eq(waitpid(r->pid, &status, 0), r->pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == DAEMON_FAILED, "%d", status);
}

/* What comes next: its type, or 0 when the channel is closed. Descriptors are not kept. */
static uint32_t
next(int engine)
{
	ck_assert_int_eq(chan_wait(engine, WAIT_MS * kit_slow()), 0);
	if (chan_recv(engine, &msg) != 1)
		return 0;
	chan_msg_close(&msg);
	return msg.type;
}

/* A new engine, which has got what it needs and is ready. */
static int
engine(struct rig *r)
{
	int ends[2];

	ck_assert_int_eq(chan_pair(ends), 0);
	ck_assert_int_eq(chan_send(r->spawner, MONITOR_ENGINE, NULL, 0, &ends[1], 1), 0);
	close(ends[1]);
	ck_assert_uint_eq(next(ends[0]), MONITOR_INIT);
	ck_assert_int_eq(chan_send(ends[0], MONITOR_READY, NULL, 0, NULL, 0), 0);
	return ends[0];
}

/* --- what an engine may say ------------------------------------------------------------------- */

static const struct {
	bool server;
	uint32_t type;
	size_t len;
	uint32_t answer;	/* 0: its channel is closed */
} sayings[] = {
	{ false, MONITOR_CONFIGURE, sizeof(struct monitor_configure), MONITOR_CONFIGURED },
	{ false, MONITOR_WAY, sizeof(struct monitor_way), MONITOR_WAY_DONE },
	{ true, MONITOR_RELOAD, 0, MONITOR_LOG_LEVEL },	/* then the files, then the answer */
	/* another size */
	{ false, MONITOR_CONFIGURE, sizeof(struct monitor_configure) - 1, 0 },
	{ false, MONITOR_CONFIGURE, sizeof(struct monitor_configure) + 1, 0 },
	{ false, MONITOR_CONFIGURE, 0, 0 },
	{ false, MONITOR_WAY, sizeof(struct monitor_way) - 1, 0 },
	{ false, MONITOR_WAY, CHAN_BODY_MAX, 0 },
	{ true, MONITOR_READY, 1, 0 },
	{ true, MONITOR_FAILED, 4, 0 },
	{ true, MONITOR_DEVICE_LOST, 1, 0 },
	{ true, MONITOR_RELOAD, 1, 0 },
	{ true, MONITOR_WANT_LEVEL, 0, 0 },
	/* a server's requests at a node, and the other way round */
	{ false, MONITOR_RELOAD, 0, 0 },
	{ false, MONITOR_WANT_LEVEL, sizeof(struct monitor_level), 0 },
	{ true, MONITOR_CONFIGURE, sizeof(struct monitor_configure), 0 },
	{ true, MONITOR_WAY, sizeof(struct monitor_way), 0 },
	/* what others say, or nobody */
	{ true, MONITOR_ENGINE, 0, 0 },
	{ true, MONITOR_INIT, sizeof(struct monitor_init), 0 },
	{ false, MONITOR_STOP, 0, 0 },
	{ false, MONITOR_CONFIGURED, sizeof(struct monitor_configured), 0 },
	{ false, 0, 0, 0 },
	{ true, UINT32_MAX, 0, 0 },
	/* a lie: the device is there */
	{ true, MONITOR_DEVICE_LOST, 0, 0 },
};

START_TEST(an_engine_asks_for_what_is_listed_and_no_more)
{
	static uint8_t body[CHAN_BODY_MAX];
	struct rig r;
	int taken, later;

	KIT_SKIP_UNLESS(priv_is_root() && access("/dev/net/tun", R_OK | W_OK) == 0, NETNS_WHY);
	start(&r, sayings[_i].server);
	taken = engine(&r);
	ck_assert_int_eq(chan_send(taken, sayings[_i].type, body, sayings[_i].len, NULL, 0), 0);
	ck_assert_uint_eq(next(taken), sayings[_i].answer);
	close(taken);
	/* It is there for the next engine, whatever the last one said. */
	later = engine(&r);
	close(later);
	stop(&r);
}
END_TEST

int
main(void)
{
	TCase *tc;

	if (!kit_has_seccomp())
		return kit_skip(KIT_NO_SECCOMP);
	tc = tcase_create("monitor");
	tcase_set_timeout(tc, 2 * LIMIT_S);
	KIT_ROWS(tc, an_engine_asks_for_what_is_listed_and_no_more, sayings);
	return kit_run("monitor", tc);
}
