/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/sandbox_tunneld.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "config.h"
#include "tests/unit/attempt.h"
#include "tests/unit/kit.h"

/* Each process of tunneld as it is once it has started, and what it then can and cannot do. */

static char dir[KIT_PATH_MAX];

/* A server or a node whose files are all in the test's directory. */
static struct tunneld
daemon_of(bool server)
{
	struct tunneld d = { .server = server };
	struct err e = { 0 };

	snprintf(dir, sizeof(dir), "%s", kit_dir());
	d.daemon.conf_path = kit_write("conf.yml", "", 0644);
	d.sc.vpn_cert_dir = d.cc.vpn_cert_dir = dir;
	d.cc.token_file = (char *) d.daemon.conf_path;
	d.cc.net_token_file = (char *) "";
	if (priv_user(LV_USER_TUNNELD, &d.user, &e) < 0)
		d.user = (struct priv_user){ 65534, 65534 };
	places_init(&d.places, dir, dir, &e);
	return d;
}

static int
said(const struct err *e)
{
	fprintf(stderr, "%s\n", e->text);
	return 1;
}

/* --- the engine ------------------------------------------------------------------------------- */

static int
enter_engine(const struct tunneld *d)
{
	struct err e = { 0 };

	if (priv_drop(&d->user, 0, &e) < 0 || sandbox_enter_engine(d, &e) < 0)
		return said(&e);
	return 0;
}

static int
server_engine(void *arg)
{
	struct tunneld d = daemon_of(true);
	int tun = *(int *) arg;

	KIT_MUST(enter_engine(&d) == 0);
	KIT_MUST(attempt_forbidden() == 0);
	KIT_MUST(REFUSED(attempt_inet_socket()));
	KIT_MUST(REFUSED(attempt_netlink_socket()));
	KIT_MUST(REFUSED(attempt_kill_parent()));
	KIT_MUST(attempt_unix_socket() == 0);
	/* With an ioctl a TUN descriptor could be changed even without rights. */
	KIT_MUST(ioctl(tun, TUNSETPERSIST, 1UL) < 0 && REFUSED(-errno));
#ifndef LV_SANITIZE
	KIT_MUST(REFUSED(attempt_fork()));
	KIT_MUST(REFUSED(attempt_read(d.daemon.conf_path)));
	KIT_MUST(REFUSED(attempt_read("/etc/passwd")));
	KIT_MUST(REFUSED(attempt_read("/proc/self/status")));
	KIT_MUST(REFUSED(attempt_read("/dev/null")));
	KIT_MUST(REFUSED(attempt_tun()));
#endif
	return 0;
}

START_TEST(the_servers_engine_opens_no_file_and_no_socket)
{
	int tun;

	KIT_SKIP_UNLESS(priv_is_root(), "not root");
	tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	KIT_SKIP_UNLESS(tun >= 0, "no /dev/net/tun");
	ck_assert_int_eq(kit_child(server_engine, &tun), 0);
	close(tun);
}
END_TEST

static int
node_engine(void *arg)
{
	struct tunneld d = daemon_of(false);

	(void) arg;
	KIT_MUST(enter_engine(&d) == 0);
	KIT_MUST(attempt_forbidden() == 0);
	KIT_MUST(attempt_inet_socket() == 0);
	KIT_MUST(attempt_read("/etc/hosts") == 0);
	KIT_MUST(REFUSED(attempt_kill_parent()));
#ifndef LV_SANITIZE
	KIT_MUST(REFUSED(attempt_fork()));
	KIT_MUST(REFUSED(attempt_read(d.daemon.conf_path)));
	KIT_MUST(REFUSED(attempt_read("/etc/passwd")));
	KIT_MUST(REFUSED(attempt_tun()));
#endif
	return 0;
}

START_TEST(a_nodes_engine_reads_what_name_resolution_needs)
{
	KIT_SKIP_UNLESS(priv_is_root(), "not root");
	ck_assert_int_eq(kit_child(node_engine, NULL), 0);
}
END_TEST

/* --- the monitor ------------------------------------------------------------------------------ */

static int
monitor(void *arg)
{
	struct tunneld d = daemon_of(*(bool *) arg);
	struct priv_user root = { 0, 0 };
	struct err e = { 0 };

	if (priv_drop(&root, (uint64_t) 1 << CAP_NET_ADMIN, &e) < 0 ||
	    sandbox_enter_monitor(&d, &e) < 0)
		return said(&e);
	KIT_MUST(attempt_forbidden() == 0);
	KIT_MUST(REFUSED(attempt_inet_socket()));
	KIT_MUST(REFUSED(attempt_unix_socket()));
	KIT_MUST(REFUSED(attempt_netlink_socket()));
	KIT_MUST(REFUSED(attempt_kill_parent()));
	KIT_MUST(attempt_read(d.daemon.conf_path) == 0);
#ifndef LV_SANITIZE
	KIT_MUST(REFUSED(attempt_fork()));
	KIT_MUST(REFUSED(attempt_read("/etc/passwd")));
	KIT_MUST(REFUSED(attempt_write(d.daemon.conf_path)));
#endif
	return 0;
}

START_TEST(the_monitor_reads_its_own_files_and_opens_no_socket)
{
	bool server = _i == 1;

	KIT_SKIP_UNLESS(priv_is_root(), "not root");
	ck_assert_int_eq(kit_child(monitor, &server), 0);
}
END_TEST

/* --- the spawner ------------------------------------------------------------------------------ */

static int
spawner(void *arg)
{
	struct tunneld d = daemon_of(*(bool *) arg);
	struct err e = { 0 };

	if (priv_drop(&d.user, 0, &e) < 0 || sandbox_enter_spawner(&d, &e) < 0)
		return said(&e);
	KIT_MUST(attempt_forbidden() == 0);
	KIT_MUST(attempt_fork() == 0);
	KIT_MUST(REFUSED(attempt_tun()));
	return 0;
}

START_TEST(the_spawner_forks)
{
	bool server = _i == 1;

	KIT_SKIP_UNLESS(priv_is_root(), "not root");
	ck_assert_int_eq(kit_child(spawner, &server), 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("sandbox_tunneld");

	tcase_add_test(tc, the_servers_engine_opens_no_file_and_no_socket);
	tcase_add_test(tc, a_nodes_engine_reads_what_name_resolution_needs);
	tcase_add_loop_test(tc, the_monitor_reads_its_own_files_and_opens_no_socket, 0, 2);
	tcase_add_loop_test(tc, the_spawner_forks, 0, 2);
	return kit_run("sandbox_tunneld", tc);
}
