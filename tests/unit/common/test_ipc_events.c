/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc_events.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "ipc/signer.pb-c.h"
#include "tests/unit/kit.h"

/* Publisher and subscriber on one loop, with a message of the signer's: its number counts. */

#define WAIT_MS 20000
#define BEAT_MS 20
#define NOBODY 65534

struct radio {
	struct ev *ev;
	const char *path;
	struct ipc_publisher *pub;
	struct ipc_subscriber *sub;
	uint64_t sent;
	unsigned ups, heard, gaps;
	uint64_t last;		/* number of the last message heard */
	bool backwards;
};

static void
on_event(void *arg, const ProtobufCMessage *msg)
{
	struct radio *r = arg;
	uint64_t number = ((const Litevpn__Signer__SignReply *) msg)->number;

	r->backwards |= number <= r->last;
	r->gaps += number != r->last + 1;
	r->last = number;
	r->heard++;
}

static void
on_up(void *arg)
{
	struct radio *r = arg;

	r->ups++;
}

static void
radio_init(struct radio *r)
{
	static char path[KIT_PATH_MAX];

	*r = (struct radio){ .path = kit_path("events.sock", path) };
	unlink(path);
	ck_assert_int_eq(ev_new(&r->ev), 0);
}

static void
radio_fini(struct radio *r)
{
	ipc_subscriber_free(r->sub);
	ipc_publisher_free(r->pub);
	ev_free(r->ev);
}

static void
publish_for(struct radio *r, uid_t uid)
{
	struct ipc_peer peer = { uid, 1 };
	struct ipc_publisher_conf conf = { .path = r->path, .peers = &peer, .npeers = 1 };
	struct err e = { .text = "" };

	ck_assert_msg(ipc_publisher_new(r->ev, &conf, &r->pub, &e) == 0, "%s", e.text);
}

static void
subscribe_to(struct radio *r, uid_t uid)
{
	struct ipc_subscriber_conf conf = {
		.path = r->path,
		.uid = uid,
		.type = &litevpn__signer__sign_reply__descriptor,
		.event = on_event,
		.up = on_up,
		.arg = r,
	};
	struct err e = { .text = "" };

	ck_assert_msg(ipc_subscriber_new(r->ev, &conf, &r->sub, &e) == 0, "%s", e.text);
}

static int
say(struct radio *r, size_t padding)
{
	Litevpn__Signer__SignReply msg = LITEVPN__SIGNER__SIGN_REPLY__INIT;
	char *text = calloc(1, padding + 1);
	int rc;

	memset(text, 'x', padding);
	msg.number = r->sent + 1;
	msg.certificate = text;
	if ((rc = ipc_publish(r->pub, &msg.base)) == 0)
		r->sent++;
	free(text);
	return rc;
}

struct wait {
	struct radio *r;
	bool (*holds)(struct radio *r);
	bool speak;		/* a message at each look: the first ones may be missed */
	int64_t deadline_ms;
	struct ev_timer timer;
};

static void
look(void *arg)
{
	struct wait *w = arg;

	if (w->holds(w->r) || clock_mono_ms() > w->deadline_ms) {
		ev_stop(w->r->ev, 0);
		return;
	}
	if (w->speak)
		ck_assert_int_eq(say(w->r, 0), 0);
	ev_timer_start(w->r->ev, &w->timer, BEAT_MS, look, w);
}

static void
wait_for(struct radio *r, bool (*holds)(struct radio *r), bool speak)
{
	struct wait w = { .r = r, .holds = holds, .speak = speak,
		.deadline_ms = clock_mono_ms() + WAIT_MS };

	ev_timer_start(r->ev, &w.timer, 0, look, &w);
	ck_assert_int_eq(ev_run(r->ev), 0);
	ck_assert(holds(r));
}

static bool
is_up(struct radio *r)
{
	return r->ups > 0;
}

static bool
has_heard(struct radio *r)
{
	return r->heard > 0;
}

static bool
has_heard_all(struct radio *r)
{
	return r->last == r->sent;
}

/* --- tests ------------------------------------------------------------------------------------ */

START_TEST(messages_come_in_order)
{
	struct radio r;

	radio_init(&r);
	publish_for(&r, geteuid());
	subscribe_to(&r, geteuid());
	wait_for(&r, has_heard, true);
	wait_for(&r, has_heard_all, false);
	r.gaps = 0;
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < IPC_EVENTS_QUEUE / 2; i++)
			ck_assert_int_eq(say(&r, 100), 0);
		wait_for(&r, has_heard_all, false);
	}
	ck_assert_uint_eq(r.gaps, 0);
	ck_assert(!r.backwards);
	ck_assert_uint_eq(r.ups, 1);
	ck_assert_uint_eq(ipc_publisher_stats(r.pub).requests, r.sent);
	ck_assert_uint_eq(ipc_subscriber_stats(r.sub).requests, r.heard);
	radio_fini(&r);
}
END_TEST

START_TEST(nobody_needs_to_listen)
{
	struct radio r;

	radio_init(&r);
	publish_for(&r, geteuid());
	for (unsigned i = 0; i < 3 * IPC_EVENTS_QUEUE; i++)
		ck_assert_int_eq(say(&r, 1000), 0);
	radio_fini(&r);
}
END_TEST

/* Who does not keep up misses messages, in order all the same; nobody waits for it. */
START_TEST(a_slow_subscriber_sees_a_gap)
{
	struct radio r;

	radio_init(&r);
	publish_for(&r, geteuid());
	subscribe_to(&r, geteuid());
	wait_for(&r, has_heard, true);
	wait_for(&r, has_heard_all, false);
	r.gaps = 0;
	for (unsigned i = 0; i < 20 * IPC_EVENTS_QUEUE; i++)	/* the loop does not run meanwhile */
		ck_assert_int_eq(say(&r, 20000), 0);
	r.heard = 0;
	wait_for(&r, has_heard, false);
	wait_for(&r, has_heard_all, true);
	ck_assert_uint_gt(r.gaps, 0);
	ck_assert(!r.backwards);
	radio_fini(&r);
}
END_TEST

START_TEST(a_publisher_may_go_and_come)
{
	struct radio r;

	radio_init(&r);
	subscribe_to(&r, geteuid());
	for (unsigned i = 1; i <= 3; i++) {
		publish_for(&r, geteuid());
		r.ups = r.heard = 0;
		wait_for(&r, is_up, false);
		wait_for(&r, has_heard, true);
		ipc_publisher_free(r.pub);
		r.pub = NULL;
	}
	radio_fini(&r);
}
END_TEST

START_TEST(messages_have_a_largest_size)
{
	struct radio r;

	radio_init(&r);
	publish_for(&r, geteuid());
	ck_assert_int_eq(say(&r, IPC_MESSAGE_MAX), -EMSGSIZE);
	ck_assert_uint_eq(ipc_publisher_stats(r.pub).requests, 0);
	radio_fini(&r);
}
END_TEST

/* Bytes where a number stands in the message that is expected. */
static void
say_malformed(struct radio *r)
{
	Litevpn__Signer__SignRequest msg = LITEVPN__SIGNER__SIGN_REQUEST__INIT;
	uint8_t junk[] = { 1, 2, 3 };

	msg.grant = (ProtobufCBinaryData){ sizeof(junk), junk };
	ck_assert_int_eq(ipc_publish(r->pub, &msg.base), 0);
}

static bool
is_up_again(struct radio *r)
{
	return r->ups > 1;
}

START_TEST(a_malformed_message_closes_its_pipe)
{
	struct radio r;

	radio_init(&r);
	publish_for(&r, geteuid());
	subscribe_to(&r, geteuid());
	wait_for(&r, has_heard, true);
	say_malformed(&r);
	wait_for(&r, is_up_again, false);
	ck_assert_uint_eq(ipc_subscriber_stats(r.sub).malformed, 1);
	r.heard = 0;
	wait_for(&r, has_heard, true);
	radio_fini(&r);
}
END_TEST

/* --- strangers -------------------------------------------------------------------------------- */

static void
on_over(void *arg, uint32_t events)
{
	struct radio *r = arg;

	(void) events;
	ev_stop(r->ev, 0);
}

/* Listens until `over` is closed; 1: it has heard something. */
static int
listen_as_nobody(int over, const char *path)
{
	struct radio r = { .path = path };
	struct ev_io io = { 0 };

	alarm(WAIT_MS / 1000);
	if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0 || ev_new(&r.ev) < 0 ||
	    ev_io_add(r.ev, &io, over, EPOLLIN, on_over, &r) < 0)
		return 2;
	subscribe_to(&r, 0);
	ev_run(r.ev);
	return r.heard > 0;
}

static bool
publisher_saw_stranger(struct radio *r)
{
	return ipc_publisher_stats(r->pub).strangers > 0;
}

START_TEST(a_stranger_hears_nothing)
{
	int over[2], status;
	struct radio r;
	pid_t pid;

	KIT_SKIP_UNLESS(geteuid() == 0, "becoming another user needs root");
	radio_init(&r);
	ck_assert_int_eq(pipe(over), 0);
	if ((pid = fork()) == 0) {
		close(over[1]);
		_exit(listen_as_nobody(over[0], r.path));
	}
	publish_for(&r, geteuid());
	ck_assert_int_eq(chmod(r.path, 0666), 0);	/* the file's mode would be the first guard */
	wait_for(&r, publisher_saw_stranger, true);
	ck_assert_int_eq(say(&r, 0), 0);
	close(over[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	radio_fini(&r);
}
END_TEST

static bool
subscriber_saw_stranger(struct radio *r)
{
	return ipc_subscriber_stats(r->sub).strangers > 0;
}

START_TEST(a_publisher_of_another_user_is_not_heard)
{
	struct radio r;

	radio_init(&r);
	publish_for(&r, geteuid());
	subscribe_to(&r, NOBODY);
	wait_for(&r, subscriber_saw_stranger, true);
	ck_assert_uint_eq(r.ups, 0);
	ck_assert_uint_eq(r.heard, 0);
	radio_fini(&r);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ipc_events");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, messages_come_in_order);
	tcase_add_test(tc, nobody_needs_to_listen);
	tcase_add_test(tc, a_slow_subscriber_sees_a_gap);
	tcase_add_test(tc, a_publisher_may_go_and_come);
	tcase_add_test(tc, messages_have_a_largest_size);
	tcase_add_test(tc, a_malformed_message_closes_its_pipe);
	tcase_add_test(tc, a_stranger_hears_nothing);
	tcase_add_test(tc, a_publisher_of_another_user_is_not_heard);
	return kit_run("common/ipc_events", tc);
}
