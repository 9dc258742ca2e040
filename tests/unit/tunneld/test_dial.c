/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/dial.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/kit.h"
#include "tests/unit/tunneld/certs.h"
#include "tests/unit/tunneld/dialrig.h"
#include "tests/unit/tunneld/loop.h"
#include "tests/unit/tunneld/netns.h"

/* --- the way ---------------------------------------------------------------------------------- */

START_TEST(the_way_is_asked_for_first)
{
	struct dialrig r;

	KIT_SKIP_UNLESS(dialrig_setup(&r), NETNS_WHY);
	dialrig_open_both(&r);
	dial_begin(r.dial, dialrig_host);
	dialrig_wait_ask(&r, 1);
	loop_for(r.ev, 50);
	ck_assert_uint_eq(r.nserved, 0);
	dialrig_answer(&r, 0);
	LOOP_UNTIL(r.ev, r.readies == 1);
	ck_assert(ip_equal(dial_addr(r.dial), &r.asked[0]));
	ck_assert_uint_eq(r.asks, 1);
	ck_assert_uint_eq(r.failures, 0);
	dialrig_close(&r);
}
END_TEST

START_TEST(it_is_tried_without_a_way_as_well)
{
	struct dialrig r;

	KIT_SKIP_UNLESS(dialrig_setup(&r), NETNS_WHY);
	dialrig_open_both(&r);
	dial_begin(r.dial, dialrig_host);
	dialrig_wait_ask(&r, 1);
	dialrig_answer(&r, -ENETUNREACH);
	LOOP_UNTIL(r.ev, r.readies == 1);
	dialrig_close(&r);
}
END_TEST

START_TEST(each_address_has_its_own)
{
	struct dialrig r;

	KIT_SKIP_UNLESS(dialrig_setup(&r), NETNS_WHY);
	dial_begin(r.dial, dialrig_host);
	dialrig_wait_ask(&r, 1);
	dialrig_answer(&r, 0);		/* nobody listens there */
	dialrig_wait_ask(&r, 2);
	ck_assert(!ip_equal(&r.asked[0], &r.asked[1]));
	dialrig_open(&r, &r.asked[1]);
	dialrig_answer(&r, 0);
	LOOP_UNTIL(r.ev, r.readies == 1);
	ck_assert(ip_equal(dial_addr(r.dial), &r.asked[1]));
	dialrig_close(&r);
}
END_TEST

START_TEST(only_the_answer_that_is_waited_for_counts)
{
	struct dialrig r;
	struct monitor_way_done other = { .server = netns_addr("127.0.0.77") };

	KIT_SKIP_UNLESS(dialrig_setup(&r), NETNS_WHY);
	dialrig_open_both(&r);
	dial_way(r.dial, &other);
	dial_begin(r.dial, dialrig_host);
	dialrig_wait_ask(&r, 1);
	dial_way(r.dial, &other);
	loop_for(r.ev, 50);
	ck_assert_uint_eq(r.nserved, 0);
	dialrig_answer(&r, 0);
	dialrig_answer(&r, 0);		/* a second time: to an earlier question of the same */
	LOOP_UNTIL(r.ev, r.readies == 1);
	dialrig_answer(&r, 0);
	loop_for(r.ev, 50);
	ck_assert_uint_eq(r.nserved, 1);
	dialrig_close(&r);
}
END_TEST

/* --- failure ---------------------------------------------------------------------------------- */

static const struct {
	bool listens;	/* and closes at once */
	const char *why;
} refusals[] = { { false, "Connection refused" }, { true, "closed" } };

START_TEST(no_address_will_do)
{
	struct dialrig r;

	KIT_SKIP_UNLESS(dialrig_setup(&r), NETNS_WHY);
	if (refusals[_i].listens)
		dialrig_open_both(&r);
	r.slams = true;
	dial_begin(r.dial, dialrig_host);
	for (unsigned i = 1; i <= 2; i++) {
		dialrig_wait_ask(&r, i);
		ck_assert_uint_eq(r.failures, 0);
		dialrig_answer(&r, 0);
	}
	LOOP_UNTIL(r.ev, r.failures == 1);
	ck_assert_msg(strstr(r.why, refusals[_i].why) != NULL, "%s", r.why);
	loop_for(r.ev, 50);
	ck_assert_uint_eq(r.failures, 1);
	ck_assert_uint_eq(r.asks, 2);
	ck_assert_uint_eq(r.readies, 0);
	dialrig_close(&r);
}
END_TEST

START_TEST(a_server_of_another_name_is_none)
{
	struct dialrig r;

	KIT_SKIP_UNLESS(dialrig_setup(&r), NETNS_WHY);
	dialrig_open_both(&r);
	dial_begin(r.dial, "127.0.0.1");
	dialrig_wait_ask(&r, 1);
	dialrig_answer(&r, 0);
	LOOP_UNTIL(r.ev, r.failures == 1);
	ck_assert_uint_eq(r.readies, 0);
	dialrig_close(&r);
}
END_TEST

START_TEST(a_server_of_another_protocol_is_none)
{
	struct dialrig r;

	KIT_SKIP_UNLESS(dialrig_setup(&r), NETNS_WHY);
	dialrig_open_both(&r);
	r.server = certs()->mute_server;
	dial_begin(r.dial, dialrig_host);
	for (unsigned i = 1; i <= 2; i++) {
		dialrig_wait_ask(&r, i);
		dialrig_answer(&r, 0);
	}
	LOOP_UNTIL(r.ev, r.failures == 1);
	ck_assert_str_eq(r.why, "the server does not speak " TUNNELD_ALPN);
	ck_assert_uint_eq(r.readies, 0);
	dialrig_close(&r);
}
END_TEST

START_TEST(after_the_end_there_is_silence)
{
	struct dialrig r;

	KIT_SKIP_UNLESS(dialrig_setup(&r), NETNS_WHY);
	dialrig_open_both(&r);
	dial_begin(r.dial, dialrig_host);		/* during the look-up */
	dial_end(r.dial);
	loop_for(r.ev, 100);
	ck_assert_uint_eq(r.asks, 0);
	dial_begin(r.dial, dialrig_host);		/* while the monitor is asked */
	dialrig_wait_ask(&r, 1);
	dial_end(r.dial);
	dialrig_answer(&r, 0);
	dial_begin(r.dial, dialrig_host);		/* in the handshake */
	dialrig_wait_ask(&r, 2);
	dialrig_answer(&r, 0);
	while (r.nserved == 0)
		loop_round(r.ev);
	dial_end(r.dial);
	dial_end(r.dial);
	loop_for(r.ev, 100);
	ck_assert_uint_eq(r.readies + r.failures, 0);
	ck_assert_uint_eq(r.nserved, 1);
	dialrig_close(&r);
}
END_TEST

/* Nothing comes back from the first address, of the monitor or of the server. */
START_TEST(a_black_hole_has_a_share_of_the_time)
{
	int64_t begin = clock_mono_ms();
	struct dialrig r;

	KIT_SKIP_UNLESS(dialrig_setup(&r), NETNS_WHY);
	dialrig_open_both(&r);
	r.mute = true;
	dial_begin(r.dial, dialrig_host);
	dialrig_wait_ask(&r, 1);
	if (_i == 1)
		dialrig_answer(&r, 0);
	loop_for(r.ev, 1000);
	ck_assert_uint_eq(r.asks, 1);
	dialrig_wait_ask(&r, 2);
	ck_assert_int_lt(clock_mono_ms() - begin, 4000);
	ck_assert(!ip_equal(&r.asked[0], &r.asked[1]));
	r.mute = false;
	dialrig_answer(&r, 0);
	LOOP_UNTIL(r.ev, r.readies == 1);
	loop_for(r.ev, 100);
	ck_assert_uint_eq(r.failures, 0);
	if (_i == 1)
		close(r.silent);
	dialrig_close(&r);
}
END_TEST

/* --- names ------------------------------------------------------------------------------------ */

START_TEST(a_name_that_nobody_knows_fails)
{
	struct dialrig r;

	KIT_SKIP_UNLESS(dialrig_setup(&r), NETNS_WHY);
	dialrig_names("");
	dial_begin(r.dial, dialrig_host);
	LOOP_UNTIL(r.ev, r.failures == 1);
	ck_assert_str_ne(r.why, "");
	ck_assert_uint_eq(r.asks, 0);
	dialrig_close(&r);
}
END_TEST

/* Its answer must not be taken for the addresses of the server that comes next. */
START_TEST(a_look_up_that_was_given_up_answers_nobody)
{
	struct dialrig r;

	KIT_SKIP_UNLESS(dialrig_setup(&r), NETNS_WHY);
	dial_begin(r.dial, dialrig_host);
	dial_begin(r.dial, "127.0.0.9");
	ck_assert_uint_eq(r.asks, 1);
	loop_for(r.ev, 200);
	ck_assert_uint_eq(r.asks, 1);
	dialrig_answer(&r, 0);
	LOOP_UNTIL(r.ev, r.failures == 1);
	ck_assert_uint_eq(r.asks, 1);
	dialrig_close(&r);
}
END_TEST

/* The name service may be what the tunnel is needed for. */
START_TEST(a_server_that_was_reached_is_found_again)
{
	struct dialrig r;
	int deaf = -1;

	KIT_SKIP_UNLESS(dialrig_setup(&r), NETNS_WHY);
	dialrig_reach_once(&r);
	dialrig_names("");
	if (_i == 1)
		deaf = dialrig_deaf_name_server();
	dial_begin(r.dial, dialrig_host);
	dialrig_wait_ask(&r, 2);
	ck_assert(ip_equal(&r.asked[0], &r.asked[1]));
	dialrig_answer(&r, 0);
	LOOP_UNTIL(r.ev, r.readies == 2);
	dialrig_close(&r);
	if (_i == 1)
		close(deaf);
}
END_TEST

/* The name service hangs: neither another server nor the end waits for it. */
START_TEST(a_hanging_look_up_is_in_nobodys_way)
{
	int64_t begin = clock_mono_ms();
	struct dialrig r;
	int deaf;

	KIT_SKIP_UNLESS(dialrig_setup(&r), NETNS_WHY);
	deaf = dialrig_deaf_name_server();
	dial_begin(r.dial, "nowhere.test");
	loop_for(r.ev, 100);
	dial_begin(r.dial, dialrig_host);
	dialrig_wait_ask(&r, 1);
	dialrig_close(&r);
	ck_assert_int_lt(clock_mono_ms() - begin, 2000);
	close(deaf);
}
END_TEST

/* But one that is only slow is not begun anew with each attempt. */
START_TEST(a_slow_look_up_serves_the_next_attempt)
{
	int64_t begin = clock_mono_ms();
	struct dialrig r;
	int deaf;

	KIT_SKIP_UNLESS(dialrig_setup(&r), NETNS_WHY);
	deaf = dialrig_deaf_name_server();
	dial_begin(r.dial, "nowhere.test");
	loop_for(r.ev, 2000);
	dial_begin(r.dial, "nowhere.test");
	LOOP_UNTIL(r.ev, r.failures == 1);	/* after 3 s, and not after 5 */
	ck_assert_int_lt(clock_mono_ms() - begin, 4500);
	dialrig_close(&r);
	close(deaf);
}
END_TEST

START_TEST(but_it_may_have_moved)
{
	struct dialrig r;

	KIT_SKIP_UNLESS(dialrig_setup(&r), NETNS_WHY);
	dialrig_reach_once(&r);
	dialrig_names("127.0.0.9 " CERTS_HOST "\n");
	dial_begin(r.dial, dialrig_host);
	dialrig_wait_ask(&r, 2);
	ck_assert_str_eq(IP_TEXT(&r.asked[1]), "127.0.0.9");
	dialrig_close(&r);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("dial");

	tcase_add_unchecked_fixture(tc, certs_setup, certs_teardown);
	tcase_set_timeout(tc, 20);	/* a name server that is deaf */
	tcase_add_test(tc, the_way_is_asked_for_first);
	tcase_add_test(tc, it_is_tried_without_a_way_as_well);
	tcase_add_test(tc, each_address_has_its_own);
	tcase_add_test(tc, only_the_answer_that_is_waited_for_counts);
	KIT_ROWS(tc, no_address_will_do, refusals);
	tcase_add_loop_test(tc, a_black_hole_has_a_share_of_the_time, 0, 2);
	tcase_add_test(tc, a_server_of_another_name_is_none);
	tcase_add_test(tc, a_server_of_another_protocol_is_none);
	tcase_add_test(tc, after_the_end_there_is_silence);
	tcase_add_test(tc, a_name_that_nobody_knows_fails);
	tcase_add_test(tc, a_look_up_that_was_given_up_answers_nobody);
	tcase_add_loop_test(tc, a_server_that_was_reached_is_found_again, 0, 2);
	tcase_add_test(tc, a_hanging_look_up_is_in_nobodys_way);
	tcase_add_test(tc, a_slow_look_up_serves_the_next_attempt);
	tcase_add_test(tc, but_it_may_have_moved);
	return kit_run("tunneld/dial", tc);
}
