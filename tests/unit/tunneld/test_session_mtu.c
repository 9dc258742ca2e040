/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/session_mtu.h"

#include <check.h>

#include "tests/unit/kit.h"
#include "tests/unit/tunneld/certs.h"
#include "tests/unit/tunneld/ends.h"

#define TOP 1438

static struct ends e;	/* too large for a stack; each test is a process */

/* A search may take longer than what others wait for. */
static void
until_found(unsigned times)
{
	for (unsigned i = 0; i < 100 && (e.node.mtus < times || e.server.mtus == 0); i++)
		loop_for(e.ev, 100);
	ck_assert_uint_eq(e.node.mtus, times);
	ck_assert_uint_eq(e.server.mtus, 1);
}

static void
begin(size_t longest)
{
	ends_init(&e, &(struct ends_conf){ .mtu_top = TOP });
	e.relay.longest = longest;
	ck_assert_uint_eq(session_mtu(e.node.session, false), 1400);
	until_found(1);
}

/* The outer length, and what passes in it: ESP adds 32 bytes and pads to 4. */
static const struct {
	size_t longest;
	unsigned fit;
} paths[] = { { 0, TOP }, { 1472, TOP }, { 1471, TOP - 4 }, { 1300, 1266 } };

START_TEST(both_ends_find_it)
{
	begin(paths[_i].longest);
	ck_assert_uint_eq(session_mtu(e.node.session, false), paths[_i].fit);
	ck_assert_uint_eq(session_mtu(e.server.session, false), paths[_i].fit);
	ck_assert_uint_eq(e.node.mtus, 1);
	ends_fini(&e);
}
END_TEST

/* These may be fragmented by who has them: that is as good as arriving inside of TLS. */
START_TEST(what_does_not_fit_goes_inside_of_tls)
{
	begin(1300);
	e.relay.ups = 0;
	ends_send(&e, &e.node, 1400);
	LOOP_UNTIL(e.ev, e.server.got == 1);
	ck_assert_uint_eq(e.relay.ups, 0);
	ends_send(&e, &e.node, 1266);
	LOOP_UNTIL(e.ev, e.server.got == 2);
	ck_assert_uint_ge(e.relay.ups, 1);
	ck_assert_uint_eq(ends_count(&e.node, VERDICT_INNER_TOO_BIG), 0);
	ends_fini(&e);
}
END_TEST

START_TEST(a_narrower_path_loses_no_more_than_it_must)
{
	begin(0);
	loop_for(e.ev, MTU_DOUBT_US / 1000);
	e.relay.longest = 1300;
	ends_send(&e, &e.node, 1400);	/* this one is lost, and its silence noticed */
	LOOP_UNTIL(e.ev, e.node.session->carrier->udp_max < 1400);
	ends_pass(&e, &e.node);
	ends_send(&e, &e.node, 1400);
	LOOP_UNTIL(e.ev, e.server.got == 2);
	until_found(2);
	ck_assert_uint_eq(session_mtu(e.node.session, false), 1266);
	ends_fini(&e);
}
END_TEST

START_TEST(a_fixed_one_is_not_searched)
{
	ends_init(&e, NULL);
	ends_reach_udp(&e);
	loop_for(e.ev, 100);
	ck_assert_uint_eq(e.node.mtus + e.server.mtus, 0);
	ck_assert_uint_eq(session_mtu(e.node.session, false), 1400);
	ends_fini(&e);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("session_mtu");

	tcase_add_unchecked_fixture(tc, certs_setup, certs_teardown);
	tcase_set_timeout(tc, 20);
	KIT_ROWS(tc, both_ends_find_it, paths);
	tcase_add_test(tc, what_does_not_fit_goes_inside_of_tls);
	tcase_add_test(tc, a_narrower_path_loses_no_more_than_it_must);
	tcase_add_test(tc, a_fixed_one_is_not_searched);
	return kit_run("tunneld/session_mtu", tc);
}
