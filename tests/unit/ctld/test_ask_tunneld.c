/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/ask_tunneld.h"

#include <check.h>
#include <string.h>

#include "ipc/tunneld.pb-c.h"
#include "tests/unit/kit.h"

#define LONG "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* What the row in the middle, of three, is like, and whether it can be shown. */
static const struct {
	const char *version;
	bool shown;
} versions[] = {
	{ "0.1.0", true },
	{ "", true },
	{ "\xc3\xbc", true },
	{ "0.1.0\xc3", false },
	{ LONG, false },
};

START_TEST(a_bad_session_does_not_hide_others)
{
	Litevpn__Tunneld__Reply reply = LITEVPN__TUNNELD__REPLY__INIT;
	Litevpn__Tunneld__Sessions list = LITEVPN__TUNNELD__SESSIONS__INIT;
	Litevpn__Tunneld__Session rows[3], *pointers[3];
	const char *const ids[] = { "n-3", "n-2", "n-1" };
	struct tunneld_sessions out;
	struct err e;

	for (unsigned i = 0; i < 3; i++) {
		litevpn__tunneld__session__init(&rows[i]);
		rows[i].node_id = (char *) ids[i];
		pointers[i] = &rows[i];
	}
	rows[1].version = (char *) versions[_i].version;
	list.n_sessions = 3;
	list.sessions = pointers;
	reply.body_case = LITEVPN__TUNNELD__REPLY__BODY_SESSIONS;
	reply.sessions = &list;
	ck_assert_int_eq(tunneld_decode_sessions(&reply.base, &out, &e), 0);
	ck_assert_uint_eq(out.n, versions[_i].shown ? 3 : 2);
	ck_assert_ptr_nonnull(tunneld_session_of(&out, "n-1"));
	ck_assert_int_eq(tunneld_session_of(&out, "n-2") != NULL, versions[_i].shown);
	ck_assert_ptr_nonnull(tunneld_session_of(&out, "n-3"));
	tunneld_sessions_fini(&out);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ask_tunneld");

	KIT_ROWS(tc, a_bad_session_does_not_hide_others, versions);
	return kit_run("ctld/ask_tunneld", tc);
}
