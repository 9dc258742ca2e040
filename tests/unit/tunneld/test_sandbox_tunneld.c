/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/sandbox_tunneld.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "tests/unit/attempt.h"
#include "tests/unit/kit.h"

/* Each process of tunneld as it is once it has started, and what it then can and cannot do. */

static char dir[KIT_PATH_MAX], certs[KIT_PATH_MAX + 4];

/* A server or a node whose files are all in the test's directory. */
static struct tunneld
daemon_of(bool server)
{
	struct tunneld d = { .server = server };
	struct err e = { 0 };

	snprintf(dir, sizeof(dir), "%s", kit_dir());
	d.daemon.conf_path = kit_write("conf.yml", "", 0644);
	d.sc.vpn_cert_dir = dir;
	snprintf(certs, sizeof(certs), "%s/vpn", dir);
	mkdir(certs, 0755);	/* the same one each time */
	d.cc.vpn_cert_dir = d.cc.grpc_cert_dir = certs;
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
	KIT_MUST(attempt_netlink_socket() == 0);
	KIT_MUST(REFUSED(socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER) < 0 ? -errno : 0));
	KIT_MUST(attempt_read("/etc/hosts") == 0);
	KIT_MUST(REFUSED(attempt_kill_parent()));
#ifndef LV_SANITIZE
	KIT_MUST(REFUSED(attempt_fork()));
	KIT_MUST(REFUSED(attempt_read(d.daemon.conf_path)));
	KIT_MUST(REFUSED(attempt_read("/etc/shadow")));
	KIT_MUST(REFUSED(attempt_read("/usr/bin/env")));
	KIT_MUST(REFUSED(attempt_read("/proc/self/status")));
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

/* An /etc of the test's own, which this process sees only. */
static bool
enter_place(void)
{
	char etc[KIT_PATH_MAX];

	mkdir(kit_path("etc", etc), 0755);
	kit_write("etc/resolv.conf", "nameserver 192.0.2.1\n", 0644);
	return unshare(CLONE_NEWNS) == 0 && mount("none", "/", "", MS_REC | MS_PRIVATE, NULL) == 0 &&
	    mount(etc, "/etc", "", MS_BIND, NULL) == 0;
}

/* Does, once it is told by a byte, what programs do that manage these files, and says so. */
static bool
begin_manager(int fd)
{
	char byte, fresh[KIT_PATH_MAX];
	pid_t pid = fork();

	if (pid != 0)
		return pid > 0;
	if (read(fd, &byte, 1) != 1)
		_exit(1);
	kit_write("etc/fresh", "nameserver 192.0.2.2\n", 0644);
	kit_write("etc/gai.conf", "", 0644);
	if (rename(kit_path("etc/fresh", fresh), KIT_PATH("etc/resolv.conf")) < 0)
		_exit(1);
	_exit(write(fd, &byte, 1) == 1 ? 0 : 1);
}

static int
renaming_engine(void *arg)
{
	struct tunneld d = daemon_of(false);
	char byte = 0;
	int ends[2];

	(void) arg;
	KIT_MUST(enter_place() && socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
	KIT_MUST(begin_manager(ends[0]) && enter_engine(&d) == 0);
	KIT_MUST(attempt_read("/etc/resolv.conf") == 0 && attempt_read("/etc/gai.conf") == -ENOENT);
	KIT_MUST(write(ends[1], &byte, 1) == 1 && read(ends[1], &byte, 1) == 1);
	KIT_MUST(attempt_read("/etc/resolv.conf") == 0 && attempt_read("/etc/gai.conf") == 0);
	return 0;
}

START_TEST(a_file_of_the_name_service_may_be_replaced)
{
	KIT_SKIP_UNLESS(priv_is_root(), "not root");
	ck_assert_int_eq(kit_child(renaming_engine, NULL), 0);
}
END_TEST

/* --- the monitor ------------------------------------------------------------------------------ */

#ifndef LV_SANITIZE
/* Can it put a new certificate beside the old one? */
static bool
may_renew(const struct tunneld *d)
{
	char pem[KIT_PATH_MAX + 16];

	snprintf(pem, sizeof(pem), "%s/new.pem",
	    d->server ? d->sc.vpn_cert_dir : d->cc.vpn_cert_dir);
	return attempt_write(pem) == 0;
}
#endif

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
	KIT_MUST(may_renew(&d) == !d.server);
#endif
	return 0;
}

/* A node whose token stands in client.yml, started in the root directory as -d does it. */
static int
monitor_without_files(void *arg)
{
	struct tunneld d = daemon_of(false);
	struct priv_user root = { 0, 0 };
	struct err e = { 0 };

	(void) arg;
	d.cc.token_file = (char *) "";
	if (chdir("/") < 0 || priv_drop(&root, (uint64_t) 1 << CAP_NET_ADMIN, &e) < 0 ||
	    sandbox_enter_monitor(&d, &e) < 0)
		return said(&e);
#ifndef LV_SANITIZE
	KIT_MUST(REFUSED(attempt_read("/etc/passwd")));
#endif
	return 0;
}

START_TEST(a_token_file_that_is_not_there_opens_nothing)
{
	KIT_SKIP_UNLESS(priv_is_root(), "not root");
	ck_assert_int_eq(kit_child(monitor_without_files, NULL), 0);
}
END_TEST

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
	TCase *tc;

	if (!kit_has_seccomp())
		return kit_skip(KIT_NO_SECCOMP);
	tc = tcase_create("sandbox_tunneld");
	tcase_add_test(tc, the_servers_engine_opens_no_file_and_no_socket);
	tcase_add_test(tc, a_nodes_engine_reads_what_name_resolution_needs);
	tcase_add_test(tc, a_file_of_the_name_service_may_be_replaced);
	tcase_add_test(tc, a_token_file_that_is_not_there_opens_nothing);
	tcase_add_loop_test(tc, the_monitor_reads_its_own_files_and_opens_no_socket, 0, 2);
	tcase_add_loop_test(tc, the_spawner_forks, 0, 2);
	return kit_run("sandbox_tunneld", tc);
}
