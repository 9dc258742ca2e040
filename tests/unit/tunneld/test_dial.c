/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/dial.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/certs.h"
#include "tests/unit/tunneld/loop.h"
#include "tests/unit/tunneld/netns.h"

/*
 * A network with nothing but a loopback device, and a name service of the test's own: CERTS_HOST
 * has the addresses 127.0.0.1 and 127.0.0.2, at none, one or both of which a server listens.
 */
#define PORT 6441
#define NAMES "127.0.0.1 " CERTS_HOST "\n127.0.0.2 " CERTS_HOST "\n"
#define ASKS_MAX 8

struct door {	/* where a server listens */
	int fd;
	struct ev_io io;
};

struct rig {
	struct ev *ev;
	struct conn_env conns;
	struct identity identity;
	struct dial *dial;
	struct door doors[2];
	SSL_CTX *server;
	bool slams;			/* the server closes at once */
	bool mute;			/* or says nothing */
	int silent;			/* that it says nothing to */
	struct conn *served[ASKS_MAX], *reached;
	unsigned nserved;
	struct ip_addr asked[ASKS_MAX];
	unsigned asks, readies, failures;
	char why[100];
};

/* --- a place where names are what the test says ----------------------------------------------- */

static void
set_names(const char *names)
{
	kit_write("hosts", names, 0644);
}

/* False where it is not permitted. What is mounted is seen by this process only. */
static bool
enter_place(void)
{
	char path[KIT_PATH_MAX];

	if (!netns_enter() || unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", "", MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	netns_do("ip link set lo up");
	set_names(NAMES);
	ck_assert_int_eq(mount(kit_path("hosts", path), "/etc/hosts", "", MS_BIND, NULL), 0);
	kit_write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:3 attempts:1\n", 0644);
	ck_assert_int_eq(mount(kit_path("resolv.conf", path), "/etc/resolv.conf", "", MS_BIND,
	    NULL), 0);
	return true;
}

/* A name server that never says anything. Without it there is none, which is known at once. */
static int
open_deaf_name_server(void)
{
	struct ip_addr addr = netns_addr("127.0.0.1");
	struct sockaddr_storage ss;
	socklen_t len = ip_to_sockaddr(&addr, 53, &ss);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *) &ss, len), 0);
	return fd;
}

/* --- the server ------------------------------------------------------------------------------- */

static void
on_served(void *owner, const char *why)
{
	(void) owner, (void) why;	/* freed by rig_fini */
}

static const struct conn_ops server_ops = { .closed = on_served };

static void
on_door(void *arg, uint32_t events)
{
	struct rig *r = arg;
	struct err e;
	int fd;

	(void) events;
	for (int i = 0; i < 2; i++) {
		if (r->doors[i].fd < 0)
			continue;
		fd = accept4(r->doors[i].fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0 && r->slams)
			close(fd);
		else if (fd >= 0 && r->mute)
			r->silent = fd;
		else if (fd >= 0)
			ck_assert_int_eq(conn_new(&r->conns, r->server, fd, NULL, &server_ops,
			    r, &r->served[r->nserved++], &e), 0);
	}
}

static void
open_door(struct rig *r, const struct ip_addr *addr)
{
	struct door *d = &r->doors[addr->b[3] - 1];
	struct sockaddr_storage ss;
	socklen_t len = ip_to_sockaddr(addr, PORT, &ss);

	d->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(d->fd, (struct sockaddr *) &ss, len), 0);
	ck_assert_int_eq(listen(d->fd, 5), 0);
	ck_assert_int_eq(ev_io_add(r->ev, &d->io, d->fd, EPOLLIN, on_door, r), 0);
}

static void
open_both(struct rig *r)
{
	struct ip_addr one = netns_addr("127.0.0.1"), two = netns_addr("127.0.0.2");

	open_door(r, &one);
	open_door(r, &two);
}

/* --- what the dial says ----------------------------------------------------------------------- */

static void
on_ask(void *arg, const struct ip_addr *server)
{
	struct rig *r = arg;

	ck_assert_uint_lt(r->asks, ASKS_MAX);
	r->asked[r->asks++] = *server;
}

static void
on_ready(void *owner, struct conn *conn)
{
	struct rig *r = owner;

	conn_give(conn, &server_ops, r);
	r->reached = conn;
	r->readies++;
}

static void
on_failed(void *owner, const char *why)
{
	struct rig *r = owner;

	snprintf(r->why, sizeof(r->why), "%s", why);
	r->failures++;
}

static bool
rig_setup(struct rig *r)
{
	struct dial_parts parts = { .conns = &r->conns, .identity = &r->identity, .port = PORT,
		.ask_way = on_ask, .arg = r, .ready = on_ready, .failed = on_failed, .owner = r };

	*r = (struct rig){ .doors = { { .fd = -1 }, { .fd = -1 } } };
	log_set_level(LOG_LV_ERR);
	if (!enter_place())
		return false;
	ck_assert_int_eq(ev_new(&r->ev), 0);
	conn_env_init(&r->conns, r->ev);
	r->identity.tls = certs()->node;
	r->server = certs()->server;
	parts.ev = r->ev;
	ck_assert_int_eq(dial_new(&parts, &r->dial), 0);
	return true;
}

static void
rig_close(struct rig *r)
{
	dial_free(r->dial);
	conn_free(r->reached);
	for (unsigned i = 0; i < r->nserved; i++)
		conn_free(r->served[i]);
	for (int i = 0; i < 2; i++) {
		if (r->doors[i].fd < 0)
			continue;
		ev_io_del(r->ev, &r->doors[i].io);
		close(r->doors[i].fd);
	}
	conn_env_fini(&r->conns);
	ev_free(r->ev);
}

/* The monitor's answer to the question that came last. */
static void
answer(struct rig *r, int rc)
{
	struct monitor_way_done way = { .server = r->asked[r->asks - 1], .done = { .rc = rc } };

	dial_way(r->dial, &way);
}

static void
wait_ask(struct rig *r, unsigned n)
{
	LOOP_UNTIL(r->ev, r->asks == n);
}

/* Reaches the server by name, as a client has done that loses it later. */
static void
reach_once(struct rig *r)
{
	open_both(r);
	dial_begin(r->dial, CERTS_HOST);
	wait_ask(r, 1);
	answer(r, 0);
	LOOP_UNTIL(r->ev, r->readies == 1);
	conn_free(r->reached);
	r->reached = NULL;
}

/* --- the way ---------------------------------------------------------------------------------- */

START_TEST(the_way_is_asked_for_first)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_setup(&r), NETNS_WHY);
	open_both(&r);
	dial_begin(r.dial, CERTS_HOST);
	wait_ask(&r, 1);
	loop_for(r.ev, 50);
	ck_assert_uint_eq(r.nserved, 0);
	answer(&r, 0);
	LOOP_UNTIL(r.ev, r.readies == 1);
	ck_assert(ip_equal(dial_addr(r.dial), &r.asked[0]));
	ck_assert_uint_eq(r.asks, 1);
	ck_assert_uint_eq(r.failures, 0);
	rig_close(&r);
}
END_TEST

START_TEST(it_is_tried_without_a_way_as_well)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_setup(&r), NETNS_WHY);
	open_both(&r);
	dial_begin(r.dial, CERTS_HOST);
	wait_ask(&r, 1);
	answer(&r, -ENETUNREACH);
	LOOP_UNTIL(r.ev, r.readies == 1);
	rig_close(&r);
}
END_TEST

START_TEST(each_address_has_its_own)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_setup(&r), NETNS_WHY);
	dial_begin(r.dial, CERTS_HOST);
	wait_ask(&r, 1);
	answer(&r, 0);		/* nobody listens there */
	wait_ask(&r, 2);
	ck_assert(!ip_equal(&r.asked[0], &r.asked[1]));
	open_door(&r, &r.asked[1]);
	answer(&r, 0);
	LOOP_UNTIL(r.ev, r.readies == 1);
	ck_assert(ip_equal(dial_addr(r.dial), &r.asked[1]));
	rig_close(&r);
}
END_TEST

START_TEST(only_the_answer_that_is_waited_for_counts)
{
	struct rig r;
	struct monitor_way_done other = { .server = netns_addr("127.0.0.77") };

	KIT_SKIP_UNLESS(rig_setup(&r), NETNS_WHY);
	open_both(&r);
	dial_way(r.dial, &other);
	dial_begin(r.dial, CERTS_HOST);
	wait_ask(&r, 1);
	dial_way(r.dial, &other);
	loop_for(r.ev, 50);
	ck_assert_uint_eq(r.nserved, 0);
	answer(&r, 0);
	answer(&r, 0);		/* a second time: to an earlier question of the same */
	LOOP_UNTIL(r.ev, r.readies == 1);
	answer(&r, 0);
	loop_for(r.ev, 50);
	ck_assert_uint_eq(r.nserved, 1);
	rig_close(&r);
}
END_TEST

/* --- failure ---------------------------------------------------------------------------------- */

static const struct {
	bool listens;	/* and closes at once */
	const char *why;
} refusals[] = { { false, "Connection refused" }, { true, "closed" } };

START_TEST(no_address_will_do)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_setup(&r), NETNS_WHY);
	if (refusals[_i].listens)
		open_both(&r);
	r.slams = true;
	dial_begin(r.dial, CERTS_HOST);
	for (unsigned i = 1; i <= 2; i++) {
		wait_ask(&r, i);
		ck_assert_uint_eq(r.failures, 0);
		answer(&r, 0);
	}
	LOOP_UNTIL(r.ev, r.failures == 1);
	ck_assert_msg(strstr(r.why, refusals[_i].why) != NULL, "%s", r.why);
	loop_for(r.ev, 50);
	ck_assert_uint_eq(r.failures, 1);
	ck_assert_uint_eq(r.asks, 2);
	ck_assert_uint_eq(r.readies, 0);
	rig_close(&r);
}
END_TEST

START_TEST(a_server_of_another_name_is_none)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_setup(&r), NETNS_WHY);
	open_both(&r);
	dial_begin(r.dial, "127.0.0.1");
	wait_ask(&r, 1);
	answer(&r, 0);
	LOOP_UNTIL(r.ev, r.failures == 1);
	ck_assert_uint_eq(r.readies, 0);
	rig_close(&r);
}
END_TEST

START_TEST(a_server_of_another_protocol_is_none)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_setup(&r), NETNS_WHY);
	open_both(&r);
	r.server = certs()->mute_server;
	dial_begin(r.dial, CERTS_HOST);
	for (unsigned i = 1; i <= 2; i++) {
		wait_ask(&r, i);
		answer(&r, 0);
	}
	LOOP_UNTIL(r.ev, r.failures == 1);
	ck_assert_str_eq(r.why, "the server does not speak " TUNNELD_ALPN);
	ck_assert_uint_eq(r.readies, 0);
	rig_close(&r);
}
END_TEST

START_TEST(after_the_end_there_is_silence)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_setup(&r), NETNS_WHY);
	open_both(&r);
	dial_begin(r.dial, CERTS_HOST);		/* during the look-up */
	dial_end(r.dial);
	loop_for(r.ev, 100);
	ck_assert_uint_eq(r.asks, 0);
	dial_begin(r.dial, CERTS_HOST);		/* while the monitor is asked */
	wait_ask(&r, 1);
	dial_end(r.dial);
	answer(&r, 0);
	dial_begin(r.dial, CERTS_HOST);		/* in the handshake */
	wait_ask(&r, 2);
	answer(&r, 0);
	while (r.nserved == 0)
		loop_round(r.ev);
	dial_end(r.dial);
	dial_end(r.dial);
	loop_for(r.ev, 100);
	ck_assert_uint_eq(r.readies + r.failures, 0);
	ck_assert_uint_eq(r.nserved, 1);
	rig_close(&r);
}
END_TEST

/* Nothing comes back from the first address, of the monitor or of the server. */
START_TEST(a_black_hole_has_a_share_of_the_time)
{
	int64_t begin = clock_mono_ms();
	struct rig r;

	KIT_SKIP_UNLESS(rig_setup(&r), NETNS_WHY);
	open_both(&r);
	r.mute = true;
	dial_begin(r.dial, CERTS_HOST);
	wait_ask(&r, 1);
	if (_i == 1)
		answer(&r, 0);
	loop_for(r.ev, 1000);
	ck_assert_uint_eq(r.asks, 1);
	wait_ask(&r, 2);
	ck_assert_int_lt(clock_mono_ms() - begin, 4000);
	ck_assert(!ip_equal(&r.asked[0], &r.asked[1]));
	r.mute = false;
	answer(&r, 0);
	LOOP_UNTIL(r.ev, r.readies == 1);
	loop_for(r.ev, 100);
	ck_assert_uint_eq(r.failures, 0);
	if (_i == 1)
		close(r.silent);
	rig_close(&r);
}
END_TEST

/* --- names ------------------------------------------------------------------------------------ */

START_TEST(a_name_that_nobody_knows_fails)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_setup(&r), NETNS_WHY);
	set_names("");
	dial_begin(r.dial, CERTS_HOST);
	LOOP_UNTIL(r.ev, r.failures == 1);
	ck_assert_str_ne(r.why, "");
	ck_assert_uint_eq(r.asks, 0);
	rig_close(&r);
}
END_TEST

/* Its answer must not be taken for the addresses of the server that comes next. */
START_TEST(a_look_up_that_was_given_up_answers_nobody)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_setup(&r), NETNS_WHY);
	dial_begin(r.dial, CERTS_HOST);
	dial_begin(r.dial, "127.0.0.9");
	ck_assert_uint_eq(r.asks, 1);
	loop_for(r.ev, 200);
	ck_assert_uint_eq(r.asks, 1);
	answer(&r, 0);
	LOOP_UNTIL(r.ev, r.failures == 1);
	ck_assert_uint_eq(r.asks, 1);
	rig_close(&r);
}
END_TEST

/* The name service may be what the tunnel is needed for. */
START_TEST(a_server_that_was_reached_is_found_again)
{
	struct rig r;
	int deaf = -1;

	KIT_SKIP_UNLESS(rig_setup(&r), NETNS_WHY);
	reach_once(&r);
	set_names("");
	if (_i == 1)
		deaf = open_deaf_name_server();
	dial_begin(r.dial, CERTS_HOST);
	wait_ask(&r, 2);
	ck_assert(ip_equal(&r.asked[0], &r.asked[1]));
	answer(&r, 0);
	LOOP_UNTIL(r.ev, r.readies == 2);
	rig_close(&r);
	if (_i == 1)
		close(deaf);
}
END_TEST

/* The name service hangs: neither another server nor the end waits for it. */
START_TEST(a_hanging_look_up_is_in_nobodys_way)
{
	int64_t begin = clock_mono_ms();
	struct rig r;
	int deaf;

	KIT_SKIP_UNLESS(rig_setup(&r), NETNS_WHY);
	deaf = open_deaf_name_server();
	dial_begin(r.dial, "nowhere.test");
	loop_for(r.ev, 100);
	dial_begin(r.dial, CERTS_HOST);
	wait_ask(&r, 1);
	rig_close(&r);
	ck_assert_int_lt(clock_mono_ms() - begin, 2000);
	close(deaf);
}
END_TEST

/* But one that is only slow is not begun anew with each attempt. */
START_TEST(a_slow_look_up_serves_the_next_attempt)
{
	int64_t begin = clock_mono_ms();
	struct rig r;
	int deaf;

	KIT_SKIP_UNLESS(rig_setup(&r), NETNS_WHY);
	deaf = open_deaf_name_server();
	dial_begin(r.dial, "nowhere.test");
	loop_for(r.ev, 2000);
	dial_begin(r.dial, "nowhere.test");
	LOOP_UNTIL(r.ev, r.failures == 1);	/* after 3 s, and not after 5 */
	ck_assert_int_lt(clock_mono_ms() - begin, 4500);
	rig_close(&r);
	close(deaf);
}
END_TEST

START_TEST(but_it_may_have_moved)
{
	struct rig r;

	KIT_SKIP_UNLESS(rig_setup(&r), NETNS_WHY);
	reach_once(&r);
	set_names("127.0.0.9 " CERTS_HOST "\n");
	dial_begin(r.dial, CERTS_HOST);
	wait_ask(&r, 2);
	ck_assert_str_eq(IP_TEXT(&r.asked[1]), "127.0.0.9");
	rig_close(&r);
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
