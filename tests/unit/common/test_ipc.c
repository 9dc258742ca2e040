/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/ipc_bundle.h"
#include "ipc/signer.pb-c.h"
#include "tests/unit/common/ipcrig.h"
#include "tests/unit/kit.h"

/* Requests between two ends of good will, and the death of either. */

#define LONG_MS 60000	/* a test that waits so long has failed */

START_TEST(a_request_is_answered)
{
	struct rig r;

	rig_init(&r);
	rig_serve(&r);
	rig_connect(&r);
	ck_assert_int_eq(rig_ask_and_wait(&r, RIG_ANSWER, 10, LONG_MS), 0);
	ck_assert_uint_eq(r.number, RIG_ANSWER + 1);
	ck_assert_uint_eq(r.peer, RIG_PEER_ID);
	ck_assert_uint_eq(r.csr_len, 10);
	ck_assert_uint_eq(r.handled, 1);
	ck_assert_uint_eq(r.ups, 1);
	ck_assert_uint_eq(ipc_server_stats(r.server).requests, 1);
	ck_assert_uint_eq(ipc_server_stats(r.server).malformed, 0);
	rig_fini(&r);
}
END_TEST

START_TEST(the_listener_may_come_later)
{
	struct rig r;

	rig_init(&r);
	rig_connect(&r);
	ck_assert(!ipc_client_is_up(r.client));
	ck_assert_int_eq(rig_ask(&r, RIG_ANSWER, 0, LONG_MS), 0);
	rig_serve(&r);
	rig_wait(&r, rig_is_up);
	ck_assert_int_eq(rig_ask_and_wait(&r, RIG_ANSWER, 0, LONG_MS), 0);
	ck_assert_uint_eq(r.done, 2);
	rig_fini(&r);
}
END_TEST

START_TEST(a_deadline_ends_the_wait)
{
	bool listener = _i == 1;
	int64_t began = clock_mono_ms();
	struct rig r;

	rig_init(&r);
	if (listener)
		rig_serve(&r);
	rig_connect(&r);
	ck_assert_int_eq(rig_ask_and_wait(&r, RIG_KEEP, 0, 100), -ETIMEDOUT);
	ck_assert_int_ge(clock_mono_ms() - began, 100);
	ck_assert_uint_eq(r.nkept, listener ? 1 : 0);
	if (listener) {
		/* The answer comes too late and must not be taken for the next one's. */
		rig_answer_kept(&r);
		ck_assert_int_eq(rig_ask_and_wait(&r, RIG_ANSWER, 0, LONG_MS), 0);
		ck_assert_uint_eq(r.number, RIG_ANSWER + 1);
	}
	rig_fini(&r);
}
END_TEST

static bool
one_is_kept(struct rig *r)
{
	return r->nkept > 0;
}

START_TEST(an_answer_may_come_later)
{
	struct rig r;

	rig_init(&r);
	rig_serve(&r);
	rig_connect(&r);
	ck_assert_int_eq(rig_ask(&r, RIG_KEEP, 0, LONG_MS), 0);
	rig_wait(&r, one_is_kept);
	/* Others are served meanwhile. */
	ck_assert_int_eq(rig_ask(&r, RIG_ANSWER, 0, LONG_MS), 0);
	rig_answer_kept(&r);
	ck_assert_int_eq(rig_ask_and_wait(&r, RIG_ANSWER, 0, LONG_MS), 0);
	ck_assert_uint_eq(r.done, 3);
	rig_fini(&r);
}
END_TEST

START_TEST(what_is_asked_together_travels_together)
{
	struct rig r;

	rig_init(&r);
	rig_serve(&r);
	rig_connect(&r);
	rig_wait(&r, rig_is_up);
	for (unsigned i = 0; i < IPC_BUNDLE_MAX; i++)
		ck_assert_int_eq(rig_ask(&r, RIG_ANSWER, i, LONG_MS), 0);
	rig_wait(&r, rig_is_idle);
	ck_assert_uint_eq(r.done, IPC_BUNDLE_MAX);
	ck_assert_uint_eq(r.handled, 1);
	/* A late answer keeps back those that were asked with it. */
	ck_assert_int_eq(rig_ask(&r, RIG_KEEP, 0, LONG_MS), 0);
	ck_assert_int_eq(rig_ask(&r, RIG_ANSWER, 0, LONG_MS), 0);
	rig_wait(&r, one_is_kept);
	ck_assert_uint_eq(r.done, IPC_BUNDLE_MAX);
	rig_answer_kept(&r);
	rig_wait(&r, rig_is_idle);
	ck_assert_int_eq(r.rc, 0);
	rig_fini(&r);
}
END_TEST

static bool
one_is_done(struct rig *r)
{
	return r->done == 1;
}

START_TEST(who_has_another_deadline_travels_alone)
{
	struct rig r;

	rig_init(&r);
	rig_serve(&r);
	rig_connect(&r);
	ck_assert_int_eq(rig_ask(&r, RIG_KEEP, 0, 300), 0);
	ck_assert_int_eq(rig_ask(&r, RIG_ANSWER, 0, LONG_MS), 0);
	rig_wait(&r, one_is_done);
	ck_assert_int_eq(r.rc, 0);
	rig_wait(&r, rig_is_idle);
	ck_assert_int_eq(r.rc, -ETIMEDOUT);
	rig_fini(&r);
}
END_TEST

START_TEST(what_is_too_much_for_one_message_goes_in_several)
{
	struct rig r;

	rig_init(&r);
	rig_serve(&r);
	rig_connect(&r);
	for (unsigned i = 0; i < IPC_BUNDLE_MAX + 1; i++)
		ck_assert_int_eq(rig_ask(&r, RIG_ANSWER, IPC_MESSAGE_MAX / 3, LONG_MS), 0);
	rig_wait(&r, rig_is_idle);
	ck_assert_int_eq(r.rc, 0);
	ck_assert_uint_eq(ipc_server_stats(r.server).requests, IPC_BUNDLE_MAX + 1);
	rig_fini(&r);
}
END_TEST

/* A listener in a process of its own. */
static pid_t
fork_listener(void)
{
	pid_t pid = fork();
	struct rig r;

	if (pid != 0)
		return pid;
	alarm(10);
	rig_init(&r);
	rig_serve(&r);
	_exit(ev_run(r.ev));
}

START_TEST(a_dead_listener_is_known_at_once)
{
	pid_t pid = fork_listener();
	int64_t began;
	struct rig r;
	int status;

	rig_init(&r);
	rig_connect(&r);
	rig_wait(&r, rig_is_up);
	began = clock_mono_ms();
	ck_assert_int_eq(rig_ask_and_wait(&r, RIG_DIE, 0, LONG_MS), -ECONNRESET);
	ck_assert_int_lt(clock_mono_ms() - began, 1000);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(WTERMSIG(status), SIGKILL);
	rig_wait(&r, rig_is_down);

	/* The next one replaces the socket that the dead one has left. */
	ck_assert_int_eq(access(r.path, F_OK), 0);
	r.ups = 0;
	rig_serve(&r);
	rig_wait(&r, rig_is_up);
	ck_assert_int_eq(rig_ask_and_wait(&r, RIG_ANSWER, 0, LONG_MS), 0);
	rig_fini(&r);
}
END_TEST

START_TEST(a_listener_may_go_and_come)
{
	struct rig r;

	rig_init(&r);
	rig_connect(&r);
	for (unsigned round = 1; round <= 3; round++) {
		rig_serve(&r);
		rig_wait(&r, rig_is_up);
		ck_assert_uint_eq(r.ups, 1);
		ck_assert_int_eq(rig_ask_and_wait(&r, RIG_ANSWER, 0, LONG_MS), 0);
		ck_assert_int_eq(rig_ask(&r, RIG_KEEP, 0, LONG_MS), 0);
		rig_wait(&r, one_is_kept);
		ipc_server_free(r.server);	/* with a call that was not answered */
		r.server = NULL;
		r.nkept = 0;
		rig_wait(&r, rig_is_down);
		r.ups = 0;
	}
	ck_assert_uint_eq(r.done, 6);
	ck_assert_int_eq(r.rc, -ECONNRESET);
	rig_fini(&r);
}
END_TEST

static bool
all_are_kept(struct rig *r)
{
	return r->nkept == IPC_CALLS_MAX;
}

START_TEST(calls_under_way_have_a_limit)
{
	struct rig r;

	rig_init(&r);
	rig_serve(&r);
	rig_connect(&r);
	for (unsigned i = 0; i < IPC_CALLS_MAX; i++)
		ck_assert_int_eq(rig_ask(&r, RIG_KEEP, 0, LONG_MS), 0);
	ck_assert_int_eq(rig_ask(&r, RIG_ANSWER, 0, LONG_MS), -ENOBUFS);
	rig_wait(&r, all_are_kept);
	ck_assert_int_eq(rig_ask(&r, RIG_ANSWER, 0, LONG_MS), -ENOBUFS);
	rig_answer_kept(&r);
	rig_wait(&r, rig_is_idle);
	ck_assert_uint_eq(r.done, IPC_CALLS_MAX);
	ck_assert_int_eq(rig_ask_and_wait(&r, RIG_ANSWER, 0, LONG_MS), 0);
	rig_fini(&r);
}
END_TEST

START_TEST(a_client_may_end_with_calls_under_way)
{
	struct rig r;

	rig_init(&r);
	rig_serve(&r);
	rig_connect(&r);
	for (unsigned i = 0; i < 10; i++)
		ck_assert_int_eq(rig_ask(&r, RIG_KEEP, 1000, LONG_MS), 0);
	rig_wait(&r, one_is_kept);
	ipc_client_free(r.client);
	r.client = NULL;
	rig_answer_kept(&r);	/* to nobody */
	rig_connect(&r);
	ck_assert_int_eq(rig_ask_and_wait(&r, RIG_ANSWER, 0, LONG_MS), 0);
	ck_assert_uint_eq(r.done, 1);
	rig_fini(&r);
}
END_TEST

START_TEST(a_client_may_end_before_it_has_sent)
{
	struct rig r;

	rig_init(&r);
	rig_connect(&r);	/* nobody listens */
	for (unsigned i = 0; i < 10; i++)
		ck_assert_int_eq(rig_ask(&r, RIG_ANSWER, 1000, LONG_MS), 0);
	ipc_client_free(r.client);
	r.client = NULL;
	ck_assert_uint_eq(r.done, 0);
	rig_fini(&r);
}
END_TEST

/* --- a client without a loop: its completions run on a thread of nng -------------------------- */

#define ASKS 500
#define TOGETHER 24	/* under way at once: more than go in the two messages that may be */

struct blocking {
	struct rig *rig;
	struct ipc_client *client;
	sem_t up, done;
	int rc;
	atomic_uint answered;
	atomic_bool finished;
};

static void
on_blocking_up(void *arg)
{
	struct blocking *b = arg;

	sem_post(&b->up);
}

static void
on_blocking_done(void *arg, int rc, const ProtobufCMessage *reply)
{
	struct blocking *b = arg;

	b->rc = rc;
	if (reply != NULL)
		atomic_fetch_add(&b->answered, 1);
	sem_post(&b->done);
}

static void *
ask_without_loop(void *arg)
{
	struct blocking *b = arg;
	Litevpn__Signer__SignRequest req = LITEVPN__SIGNER__SIGN_REQUEST__INIT;

	sem_wait(&b->up);
	req.number = RIG_ANSWER;
	for (unsigned i = 0; i < ASKS + TOGETHER; i++) {
		/* Times that differ a little keep nobody from going along, those that differ much do. */
		int64_t timeout_ms = i % 7 == 0 ? LONG_MS / 2 : LONG_MS - i % 3;

		if (i < ASKS && ipc_ask(b->client, &req.base, timeout_ms, on_blocking_done, b) < 0)
			break;
		ipc_client_flush(b->client);
		if (i < TOGETHER)
			continue;
		sem_wait(&b->done);
		ipc_client_flush(b->client);
	}
	atomic_store(&b->finished, true);
	return NULL;
}

static struct blocking blocking;

static bool
blocking_is_finished(struct rig *r)
{
	(void) r;
	return atomic_load(&blocking.finished);
}

START_TEST(a_client_needs_no_loop)
{
	struct ipc_client_conf conf = {
		.uid = geteuid(),
		.request = &litevpn__signer__sign_request__descriptor,
		.reply = &litevpn__signer__sign_reply__descriptor,
		.up = on_blocking_up,
		.arg = &blocking,
	};
	pthread_t thread;
	struct rig r;

	rig_init(&r);
	rig_serve(&r);
	sem_init(&blocking.up, 0, 0);
	sem_init(&blocking.done, 0, 0);
	conf.path = r.path;
	ck_assert_int_eq(ipc_client_new(NULL, &conf, &blocking.client, NULL), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, ask_without_loop, &blocking), 0);
	rig_wait(&r, blocking_is_finished);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(atomic_load(&blocking.answered), ASKS);
	ck_assert_uint_eq(ipc_server_stats(r.server).requests, ASKS);
	ipc_client_free(blocking.client);
	rig_fini(&r);
}
END_TEST

/* --- the socket's path ------------------------------------------------------------------------ */

static int
listen_at(const char *path, struct err *e)
{
	struct ipc_peer peer = { .uid = geteuid() };
	struct ipc_server_conf conf = {
		.path = path,
		.request = &litevpn__signer__sign_request__descriptor,
		.reply = &litevpn__signer__sign_reply__descriptor,
		.peers = &peer,
		.npeers = 1,
	};
	struct ipc_server *s = NULL;
	struct ev *ev;
	int rc;

	ck_assert_int_eq(ev_new(&ev), 0);
	rc = ipc_server_new(ev, &conf, &s, e);
	ipc_server_free(s);
	ev_free(ev);
	return rc;
}

START_TEST(a_bad_place_is_refused)
{
	char longer[200], *text;
	struct stat st;
	const char *file;
	struct rig r;
	struct err e;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[0] = '/';
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(listen_at(longer, &e), -ENAMETOOLONG);

	file = kit_write("precious", "data", 0600);
	ck_assert_int_eq(listen_at(file, &e), -EEXIST);
	ck_assert_ptr_nonnull(strstr(e.text, "not a socket"));
	text = kit_read(file);
	ck_assert_str_eq(text, "data");
	free(text);

	ck_assert_int_lt(listen_at("/nonexistent/rpc.sock", &e), 0);

	rig_init(&r);
	rig_serve(&r);
	ck_assert_int_eq(listen_at(r.path, &e), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(e.text, "does the daemon run already?"));
	ck_assert_int_eq(lstat(r.path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0660);
	rig_connect(&r);
	ck_assert_int_eq(rig_ask_and_wait(&r, RIG_ANSWER, 0, LONG_MS), 0); /* it still serves */
	rig_fini(&r);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ipc");

	tcase_add_test(tc, a_request_is_answered);
	tcase_add_test(tc, the_listener_may_come_later);
	tcase_add_loop_test(tc, a_deadline_ends_the_wait, 0, 2);
	tcase_add_test(tc, an_answer_may_come_later);
	tcase_add_test(tc, what_is_asked_together_travels_together);
	tcase_add_test(tc, who_has_another_deadline_travels_alone);
	tcase_add_test(tc, what_is_too_much_for_one_message_goes_in_several);
	tcase_add_test(tc, a_dead_listener_is_known_at_once);
	tcase_add_test(tc, a_listener_may_go_and_come);
	tcase_add_test(tc, calls_under_way_have_a_limit);
	tcase_add_test(tc, a_client_may_end_with_calls_under_way);
	tcase_add_test(tc, a_client_may_end_before_it_has_sent);
	tcase_add_test(tc, a_client_needs_no_loop);
	tcase_add_test(tc, a_bad_place_is_refused);
	return kit_run("common/ipc", tc);
}
