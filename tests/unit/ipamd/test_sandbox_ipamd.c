/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/sandbox_ipamd.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "common/priv.h"
#include "config.h"
#include "tests/unit/attempt.h"
#include "tests/unit/kit.h"

/* ipamd as it is once it has started, and what it then can and cannot do. */

static int
ipamd(void *arg)
{
	const char *conf = kit_write("server.yml", "", 0644);
	char conf_dir[KIT_PATH_MAX];
	struct priv_user user;
	struct places places;
	struct err e = { 0 };

	(void) arg;
	snprintf(conf_dir, sizeof(conf_dir), "%s", kit_dir());
	KIT_MUST(places_init(&places, KIT_PATH("run"), KIT_PATH("state"), &e) == 0);
	KIT_MUST(places_make(&places, KIT_PATH("run"), KIT_PATH("state"), &e) == 0);
	KIT_MUST(priv_user(LV_USER_IPAMD, &user, &e) == 0);
	KIT_MUST(priv_drop(&user, 0, &e) == 0);
	if (sandbox_ipamd(&places, conf_dir, SANDBOX_ERRNO, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	KIT_MUST(attempt_forbidden() == 0);
	KIT_MUST(REFUSED(attempt_inet_socket()));
	KIT_MUST(REFUSED(attempt_netlink_socket()));
	KIT_MUST(REFUSED(attempt_kill_parent()));
	KIT_MUST(attempt_unix_socket() == 0);
	KIT_MUST(attempt_write(places.ipamd_db) == 0);
	KIT_MUST(attempt_read(conf) == 0);
#ifndef LV_SANITIZE
	KIT_MUST(REFUSED(attempt_fork()));
	KIT_MUST(REFUSED(attempt_write(conf)));
	KIT_MUST(REFUSED(attempt_write(places.tunneld_control)));
	KIT_MUST(REFUSED(attempt_read("/etc/passwd")));
#endif
	return 0;
}

START_TEST(it_has_its_state_and_no_network)
{
	struct priv_user user;

	KIT_SKIP_UNLESS(priv_is_root() && priv_user(LV_USER_IPAMD, &user, NULL) == 0,
	    "not root, or the users are missing");
	ck_assert_int_eq(kit_child(ipamd, NULL), 0);
}
END_TEST

int
main(void)
{
	TCase *tc;

	if (!kit_has_seccomp())
		return kit_skip(KIT_NO_SECCOMP);
	tc = tcase_create("sandbox_ipamd");
	tcase_add_test(tc, it_has_its_state_and_no_network);
	return kit_run("sandbox_ipamd", tc);
}
