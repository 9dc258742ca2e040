/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/sandbox_ctld.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/priv.h"
#include "config.h"
#include "tests/unit/attempt.h"
#include "tests/unit/kit.h"

/* ctld's two processes as they are once they have started, and what they then can and cannot do. */

static void
make_dir(const char *path)
{
	if (mkdir(path, 0755) < 0)
		ck_assert_int_eq(errno, EEXIST);	/* the other process's test was first */
}

/* DIR/pki with the signer's own CA key, DIR/admin, DIR/conf: made by root, before the child. */
static void
make_places(void)
{
	struct priv_user signer;
	const char *key;

	ck_assert_int_eq(priv_user(LV_USER_SIGNER, &signer, NULL), 0);
	make_dir(KIT_PATH("pki"));
	make_dir(KIT_PATH("admin"));
	make_dir(KIT_PATH("conf"));
	key = kit_write("pki/ca-key.pem", "secret", 0400);
	ck_assert_int_eq(chown(key, signer.uid, signer.gid), 0);
	kit_write("conf/server.yml", "", 0644);
}

static int
become(const char *name)
{
	struct priv_user user;
	struct err e = { 0 };

	if (priv_user(name, &user, &e) == 0 && priv_drop(&user, 0, &e) == 0)
		return 0;
	fprintf(stderr, "%s\n", e.text);
	return 1;
}

static int
front(void *arg)
{
	struct err e = { 0 };

	(void) arg;
	KIT_MUST(become(LV_USER_CTLD) == 0);
	KIT_MUST(sandbox_front(KIT_PATH("admin"), KIT_PATH("conf"), KIT_PATH("pki"),
	    SANDBOX_ERRNO, &e) == 0);
	KIT_MUST(attempt_forbidden() == 0);
	KIT_MUST(REFUSED(attempt_inet_socket()));
	KIT_MUST(attempt_unix_socket() == 0);
	KIT_MUST(REFUSED(attempt_netlink_socket()));
	KIT_MUST(REFUSED(attempt_kill_parent()));
	KIT_MUST(REFUSED(attempt_read(KIT_PATH("pki/ca-key.pem"))));
	KIT_MUST(attempt_read(KIT_PATH("conf/server.yml")) == 0);
#ifndef LV_SANITIZE
	KIT_MUST(REFUSED(attempt_fork()));
	KIT_MUST(REFUSED(attempt_write(KIT_PATH("conf/server.yml"))));
	KIT_MUST(REFUSED(attempt_write(KIT_PATH("admin/file"))));
#endif
	return 0;
}

static int
signer(void *arg)
{
	struct err e = { 0 };

	(void) arg;
	KIT_MUST(become(LV_USER_SIGNER) == 0);
	KIT_MUST(sandbox_signer(KIT_PATH("pki"), KIT_PATH("pki"), KIT_PATH("pki"), SANDBOX_ERRNO,
	    &e) == 0);
	KIT_MUST(attempt_forbidden() == 0);
	KIT_MUST(REFUSED(attempt_inet_socket()));
	KIT_MUST(REFUSED(attempt_unix_socket()));
	KIT_MUST(REFUSED(attempt_netlink_socket()));
	KIT_MUST(REFUSED(attempt_kill_parent()));
	KIT_MUST(attempt_read(KIT_PATH("pki/ca-key.pem")) == 0);
#ifndef LV_SANITIZE
	KIT_MUST(REFUSED(attempt_fork()));
	KIT_MUST(REFUSED(attempt_write(KIT_PATH("pki/ca-key.pem"))));
	KIT_MUST(REFUSED(attempt_read(KIT_PATH("conf/server.yml"))));
#endif
	return 0;
}

static const struct {
	int (*fn)(void *arg);
} processes[] = { { front }, { signer } };

START_TEST(front_and_signer_have_what_they_need_and_no_more)
{
	struct priv_user user;

	KIT_SKIP_UNLESS(priv_is_root() && priv_user(LV_USER_CTLD, &user, NULL) == 0 &&
	    priv_user(LV_USER_SIGNER, &user, NULL) == 0, "not root, or the users are missing");
	make_places();
	ck_assert_int_eq(kit_child(processes[_i].fn, NULL), 0);
}
END_TEST

int
main(void)
{
	TCase *tc;

	if (!kit_has_seccomp())
		return kit_skip(KIT_NO_SECCOMP);
	tc = tcase_create("sandbox_ctld");
	KIT_ROWS(tc, front_and_signer_have_what_they_need_and_no_more, processes);
	return kit_run("sandbox_ctld", tc);
}
