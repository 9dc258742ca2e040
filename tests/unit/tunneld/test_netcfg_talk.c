/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/netcfg_talk.h"

#include <check.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/unit/kit.h"
#include "tests/unit/tunneld/netns.h"

#define MANY 600	/* addresses: a dump of several parts, which others can come in between */

struct rig {
	struct netcfg *net, *other;	/* other: somebody else's socket */
	int fd;
	unsigned ifindex;
};

static bool
rig_init(struct rig *r)
{
	struct err e = { 0 };

	if (!netns_enter())
		return false;
	r->fd = netns_device("tun0");
	ck_assert_int_eq(netcfg_open(&r->net, &e), 0);
	ck_assert_int_eq(netcfg_open(&r->other, &e), 0);
	ck_assert_int_eq(netcfg_index(r->net, "tun0", &r->ifindex), 0);
	ck_assert_int_eq(netcfg_link_up(r->net, r->ifindex, 1400), 0);
	return true;
}

static void
rig_fini(struct rig *r)
{
	netcfg_close(r->net);
	netcfg_close(r->other);
	close(r->fd);
}

/* The conversation is in order: the next request gets its own answer. */
static void
check_next(struct rig *r)
{
	unsigned ifindex = 0;

	ck_assert_int_eq(netcfg_index(r->net, "tun0", &ifindex), 0);
	ck_assert_uint_eq(ifindex, r->ifindex);
	ck_assert_int_eq(netcfg_index(r->net, "nowhere0", &ifindex), -ENODEV);
}

/* --- a dump that is disturbed ----------------------------------------------------------------- */

struct counter {
	struct rig *r;
	unsigned disturb;	/* so many dumps */
	unsigned dumps, seen;	/* seen: in this dump */
	int error;		/* the first message of a dump is answered by this */
};

static void
forget(void *arg)
{
	struct counter *c = arg;

	c->dumps++;
	c->seen = 0;
}

/* tun0 gets another address. */
static void
change_table(struct counter *c)
{
	struct ip_prefix p = { netns_addr("10.99.0.1"), 24 };

	p.addr.b[3] = (uint8_t) c->dumps;
	ck_assert_int_eq(netcfg_set_address(c->r->other, c->r->ifindex, &p), 0);
}

static int
count(const struct nlmsghdr *nlh, void *arg)
{
	struct counter *c = arg;

	ck_assert_int_eq(nlh->nlmsg_type, RTM_NEWADDR);
	if (c->seen++ == 0 && c->error != 0) {
		errno = c->error;
		return MNL_CB_ERROR;
	}
	if (c->seen == 1 && c->dumps <= c->disturb)
		change_table(c);
	return MNL_CB_OK;
}

static void
add_many(void)
{
	char command[200];

	snprintf(command, sizeof(command), "for i in $(seq %d); do "
	    "echo addr add 127.1.$((i / 250)).$((i %% 250))/32 dev lo; done | ip -batch -", MANY);
	netns_do(command);
}

START_TEST(a_disturbed_dump_begins_anew)
{
	struct rig r;
	struct counter c = { .r = &r, .disturb = 3 };

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	add_many();
	ck_assert_int_eq(netcfg_dump(r.net, RTM_GETADDR, AF_INET, forget, count, &c), 0);
	ck_assert_uint_eq(c.dumps, 4);
	ck_assert_uint_eq(c.seen, MANY + 1);
	check_next(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(but_not_for_ever)
{
	struct rig r;
	struct counter c = { .r = &r, .disturb = UINT32_MAX };

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	add_many();
	ck_assert_int_eq(netcfg_dump(r.net, RTM_GETADDR, AF_INET, forget, count, &c), -EINTR);
	ck_assert_uint_le(c.dumps, 100);
	check_next(&r);
	rig_fini(&r);
}
END_TEST

/* The rest of its answer is still to come when the next request is made. */
START_TEST(a_dump_that_is_given_up_disturbs_nobody)
{
	struct rig r;
	struct counter c = { .r = &r, .error = E2BIG };

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	add_many();
	ck_assert_int_eq(netcfg_dump(r.net, RTM_GETADDR, AF_INET, forget, count, &c), -E2BIG);
	check_next(&r);
	ck_assert_int_eq(netcfg_dump(r.net, RTM_GETADDR, AF_INET, forget, count, &c), -E2BIG);
	c.error = 0;	/* and a second dump is not refused as long as the first is not done */
	ck_assert_int_eq(netcfg_dump(r.net, RTM_GETADDR, AF_INET, forget, count, &c), 0);
	ck_assert_uint_eq(c.seen, MANY);
	rig_fini(&r);
}
END_TEST

/* --- answers at the wrong time ---------------------------------------------------------------- */

/* Sets the device up: a request that is only answered when that is asked for by NLM_F_ACK. */
static struct nlmsghdr *
quiet_request(struct rig *r, uint16_t flags)
{
	struct ifinfomsg ifi = { .ifi_index = (int) r->ifindex, .ifi_change = IFF_UP,
		.ifi_flags = IFF_UP };

	return netcfg_begin(r->net, RTM_NEWLINK, flags, &ifi, sizeof(ifi));
}

START_TEST(an_answer_that_nobody_read_is_not_the_next_ones)
{
	struct nlmsghdr *nlh;
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	for (unsigned i = 0; i < 5; i++) {
		nlh = quiet_request(&r, NLM_F_ACK);
		ck_assert_int_gt(mnl_socket_sendto(r.net->sock, nlh, nlh->nlmsg_len), 0);
	}
	check_next(&r);
	rig_fini(&r);
}
END_TEST

static struct rig *interrupted;
static _Alignas(struct nlmsghdr) char late[256];	/* the request that brings the answer */

static void
on_alarm(int signo)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *) late;

	(void) signo;
	(void) !mnl_socket_sendto(interrupted->net->sock, nlh, nlh->nlmsg_len);
}

/* The signal comes while the answer is waited for, and its handler has it sent. */
START_TEST(a_signal_is_no_answer)
{
	struct sigaction sa = { .sa_handler = on_alarm };	/* no SA_RESTART */
	struct itimerval soon = { .it_value = { .tv_usec = 50000 } };
	struct nlmsghdr *nlh;
	struct rig r;

	KIT_SKIP_UNLESS(rig_init(&r), NETNS_WHY);
	nlh = quiet_request(&r, 0);
	ck_assert_uint_lt(nlh->nlmsg_len, sizeof(late));
	memcpy(late, nlh, nlh->nlmsg_len);
	((struct nlmsghdr *) late)->nlmsg_flags |= NLM_F_ACK;
	interrupted = &r;
	ck_assert_int_eq(sigaction(SIGALRM, &sa, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
	ck_assert_int_eq(netcfg_talk(r.net, nlh, NULL, NULL), 0);
	check_next(&r);
	rig_fini(&r);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("netcfg_talk");

	tcase_add_test(tc, a_disturbed_dump_begins_anew);
	tcase_add_test(tc, but_not_for_ever);
	tcase_add_test(tc, a_dump_that_is_given_up_disturbs_nobody);
	tcase_add_test(tc, an_answer_that_nobody_read_is_not_the_next_ones);
	tcase_add_test(tc, a_signal_is_no_answer);
	return kit_run("tunneld/netcfg_talk", tc);
}
