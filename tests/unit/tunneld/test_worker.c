/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/workers.h"

#include <check.h>

#include "tests/unit/kit.h"
#include "tests/unit/tunneld/loop.h"
#include "tests/unit/tunneld/netns.h"

/* A data path on a real device. */
struct rig {
	struct ev *ev;
	struct workers workers;
	unsigned losses;
};

static void
on_lost(void *arg)
{
	struct rig *r = arg;

	r->losses++;
}

static bool
rig_open(struct rig *r)
{
	int tun;

	*r = (struct rig){ .losses = 0 };
	if (!netns_enter())
		return false;
	tun = netns_device("tun0");
	netns_do("ip link set tun0 up && ip addr add 10.1.1.3/24 dev tun0");
	ck_assert_int_eq(ev_new(&r->ev), 0);
	ck_assert_int_eq(workers_init(&r->workers, r->ev, &(struct workers_parts){ .n = 1,
	    .tuns = &tun, .offload = CONF_OFFLOAD_OFF, .in_loop = true }), 0);
	r->workers.lost = on_lost;
	r->workers.lost_arg = r;
	return true;
}

static void
rig_close(struct rig *r)
{
	workers_fini(&r->workers);
	ev_free(r->ev);
}

static uint64_t
packets(const struct rig *r)
{
	struct stats all;
	uint64_t n = 0;

	workers_stats(&r->workers, &all);
	for (int v = 0; v < VERDICT_COUNT; v++)
		n += all.count[v];
	return n;
}

START_TEST(a_device_that_is_deleted_is_lost_once)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_open(&r), NETNS_WHY);
	loop_for(r.ev, 50);
	ck_assert_uint_eq(r.losses, 0);
	netns_do("ip link del tun0");
	LOOP_UNTIL(r.ev, r.losses == 1);
	ck_assert(!workers_get(&r.workers, 0)->tun_io.active);	/* or the loop would never sleep again */
	loop_for(r.ev, 50);
	ck_assert_uint_eq(r.losses, 1);
	rig_close(&r);
}
END_TEST

START_TEST(nobody_has_to_hear_of_it)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_open(&r), NETNS_WHY);
	r.workers.lost = NULL;
	netns_do("ip link del tun0");
	LOOP_UNTIL(r.ev, !workers_get(&r.workers, 0)->tun_io.active);
	rig_close(&r);
}
END_TEST

START_TEST(one_that_is_down_is_not_lost)
{
	struct rig r;
	uint64_t before;

	KIT_SKIP_UNLESS(rig_open(&r), NETNS_WHY);
	netns_do("ip link set tun0 down");
	loop_for(r.ev, 50);
	ck_assert_uint_eq(r.losses, 0);
	netns_do("ip link set tun0 up");
	loop_for(r.ev, 20);
	before = packets(&r);
	netns_do("ping -c 1 -W 0.01 10.1.1.1 >/dev/null; true");
	LOOP_UNTIL(r.ev, packets(&r) > before);
	ck_assert_uint_eq(r.losses, 0);
	rig_close(&r);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("worker");

	tcase_add_test(tc, a_device_that_is_deleted_is_lost_once);
	tcase_add_test(tc, nobody_has_to_hear_of_it);
	tcase_add_test(tc, one_that_is_down_is_not_lost);
	return kit_run("tunneld/worker", tc);
}
