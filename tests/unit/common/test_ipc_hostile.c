/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "common/ipc_bundle.h"
#include "ipc/signer.pb-c.h"
#include "tests/unit/common/ipcrig.h"
#include "tests/unit/kit.h"

/* Peers of ill will, or of none: in each case the server lives, and serves the next one. */

#if defined(__SANITIZE_ADDRESS__)
const char *__lsan_default_suppressions(void) __attribute__((visibility("default")));

/* nng forgets a listener that is closed while connections wait in it, which who_hangs_up tests. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libnng.so\n";
}
#endif

#define LONG_MS 60000
#define RAW_MS 4500	/* longer than a server stays deaf */
#define NOBODY 65534

/* --- a peer that speaks nng, and then anything ------------------------------------------------ */

struct raw {
	const char *path;
	const uint8_t *bytes;
	size_t len;
	int rv;		/* of nng: what came of it */
	atomic_bool finished;
	sem_t over;
};

/* Sends the bytes as a request and waits for the answer; on a thread, for the loop must run. */
static void *
send_raw(void *arg)
{
	struct raw *w = arg;
	char url[KIT_PATH_MAX + 8];
	nng_socket sock;
	void *reply;
	size_t n;

	snprintf(url, sizeof(url), "ipc://%s", w->path);
	nng_req0_open(&sock);
	nng_socket_set_ms(sock, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
	nng_socket_set_ms(sock, NNG_OPT_SENDTIMEO, RAW_MS);
	nng_socket_set_ms(sock, NNG_OPT_RECVTIMEO, RAW_MS);
	nng_socket_set_size(sock, NNG_OPT_RECVMAXSZ, 0);
	if ((w->rv = nng_dial(sock, url, NULL, 0)) == 0 &&
	    (w->rv = nng_send(sock, (void *) w->bytes, w->len, 0)) == 0 &&
	    (w->rv = nng_recv(sock, &reply, &n, NNG_FLAG_ALLOC)) == 0)
		nng_free(reply, n);
	nng_close(sock);
	atomic_store(&w->finished, true);
	return NULL;
}

static struct raw raw;

static bool
raw_is_finished(struct rig *r)
{
	(void) r;
	return atomic_load(&raw.finished);
}

/* What came of it, as nng's number: 0 when it was answered. */
static int
send_bytes(struct rig *r, const uint8_t *bytes, size_t len)
{
	pthread_t thread;

	raw.path = r->path;
	raw.bytes = bytes;
	raw.len = len;
	atomic_store(&raw.finished, false);
	ck_assert_int_eq(pthread_create(&thread, NULL, send_raw, &raw), 0);
	rig_wait(r, raw_is_finished);
	pthread_join(thread, NULL);
	return raw.rv;
}

/*
 * A peer that was thrown out redials; when it is closed meanwhile nng's listener may become deaf
 * (see ipc_server.c): the server notices, drops its pipes and listens anew.
 */
static void
must_still_serve(struct rig *r)
{
	while (rig_ask_and_wait(r, RIG_ANSWER, 0, LONG_MS) == -ECONNRESET)
		;
	ck_assert_int_eq(r->rc, 0);
	ck_assert_uint_eq(r->number, RIG_ANSWER + 1);
}

/* An item with number 0: what stands before its bytes. */
#define HEAD(len)	0, 0, 0, 0, 0, 0, 0, len
#define HEAD_LEN	8

static const struct {
	size_t len;
	uint8_t bytes[24];
} malformed[] = {
	/* A field of a length that goes past the end; a wire type that does not exist; not UTF-8. */
	{ HEAD_LEN + 1, { HEAD(1), 0xff } },
	{ HEAD_LEN + 1, { HEAD(1), 0x08 } },
	{ HEAD_LEN + 3, { HEAD(3), 0x12, 0x7f, 0x00 } },
	{ HEAD_LEN + 2, { HEAD(2), 0x0f, 0x01 } },
	{ HEAD_LEN + 8, { HEAD(8), 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } },
	/* No item; half a head; an item of a length that goes past the end, by one and by far. */
	{ 0, { 0 } },
	{ HEAD_LEN - 1, { HEAD(0) } },
	{ HEAD_LEN + 1, { HEAD(2), 0x08 } },
	{ HEAD_LEN + 2, { 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x08, 0x01 } },
	/* The second of two is malformed. */
	{ 2 * HEAD_LEN + 1, { 0, 0, 0, 1, 0, 0, 0, 0, HEAD(1), 0xff } },
};

START_TEST(a_malformed_message_closes_its_pipe)
{
	struct rig r;

	rig_init(&r);
	rig_serve(&r);
	rig_connect(&r);
	rig_wait(&r, rig_is_up);
	ck_assert_int_eq(send_bytes(&r, malformed[_i].bytes, malformed[_i].len), NNG_ECONNRESET);
	ck_assert_uint_eq(ipc_server_stats(r.server).malformed, 1);
	ck_assert_uint_eq(ipc_server_stats(r.server).requests, 0);
	must_still_serve(&r);
	ck_assert_uint_eq(r.ups, 1);	/* the good peer's pipe was not touched */
	rig_fini(&r);
}
END_TEST

/* Each truncation and each flipped bit of a good message: answered or thrown out, never more. */
START_TEST(no_message_ends_the_server)
{
	Litevpn__Signer__SignRequest req = LITEVPN__SIGNER__SIGN_REQUEST__INIT;
	uint8_t csr[] = { 1, 2, 3 }, whole[40] = { HEAD(0) }, bytes[40];
	size_t len;
	struct rig r;

	req.number = 100;
	req.grant.data = csr;
	req.grant.len = sizeof(csr);
	req.csr = req.grant;
	whole[HEAD_LEN - 1] = (uint8_t) litevpn__signer__sign_request__pack(&req, whole + HEAD_LEN);
	len = HEAD_LEN + whole[HEAD_LEN - 1];
	rig_init(&r);
	rig_serve(&r);
	rig_connect(&r);
	for (size_t i = 0; i < len * 9; i++) {
		size_t n = i < len ? i : len;
		int rv;

		memcpy(bytes, whole, len);
		if (i >= len)
			bytes[(i - len) / 8] ^= (uint8_t) (1 << (i - len) % 8);
		rv = send_bytes(&r, bytes, n);
		ck_assert_msg(rv == 0 || rv == NNG_ECONNRESET, "%zu: %s", i, nng_strerror(rv));
	}
	must_still_serve(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(a_bundle_has_a_largest_size)
{
	static uint8_t bytes[(IPC_BUNDLE_MAX + 1) * HEAD_LEN];	/* empty items, number 0 */
	struct rig r;

	rig_init(&r);
	rig_serve(&r);
	rig_connect(&r);
	ck_assert_int_eq(send_bytes(&r, bytes, sizeof(bytes) - HEAD_LEN), 0);
	ck_assert_uint_eq(ipc_server_stats(r.server).requests, IPC_BUNDLE_MAX);
	ck_assert_int_eq(send_bytes(&r, bytes, sizeof(bytes)), NNG_ECONNRESET);
	ck_assert_uint_eq(ipc_server_stats(r.server).requests, IPC_BUNDLE_MAX);
	must_still_serve(&r);
	rig_fini(&r);
}
END_TEST

/* --- sizes ------------------------------------------------------------------------------------ */

/* number, and the tag and length of csr: what a request has around its csr. */
#define AROUND 6

START_TEST(messages_have_a_largest_size)
{
	uint8_t *large = calloc(1, 2 * IPC_MESSAGE_MAX);
	struct rig r;

	rig_init(&r);
	rig_serve(&r);
	rig_connect(&r);
	ck_assert_int_eq(rig_ask_and_wait(&r, RIG_ANSWER, IPC_MESSAGE_MAX - AROUND, LONG_MS), 0);
	ck_assert_uint_eq(r.csr_len, IPC_MESSAGE_MAX - AROUND);
	ck_assert_int_eq(rig_ask(&r, RIG_ANSWER, IPC_MESSAGE_MAX - AROUND + 1, LONG_MS), -EMSGSIZE);
	ck_assert_int_ne(send_bytes(&r, large, 2 * IPC_MESSAGE_MAX), 0);
	must_still_serve(&r);
	ck_assert_uint_eq(r.ups, 1);
	free(large);
	rig_fini(&r);
}
END_TEST

START_TEST(a_reply_that_is_too_large_ends_the_pipe)
{
	struct rig r;

	rig_init(&r);
	rig_serve(&r);
	rig_connect(&r);
	ck_assert_int_eq(rig_ask_and_wait(&r, RIG_ANSWER_TOO_LARGE, 0, LONG_MS), -ECONNRESET);
	must_still_serve(&r);
	rig_fini(&r);
}
END_TEST

/* --- a listener that answers with anything ---------------------------------------------------- */

static void *
answer_raw(void *arg)
{
	struct raw *w = arg;
	char url[KIT_PATH_MAX + 8];
	nng_socket sock;
	void *request;
	size_t n;

	snprintf(url, sizeof(url), "ipc://%s", w->path);
	nng_rep0_open(&sock);
	w->rv = nng_listen(sock, url, NULL, 0);
	if (w->rv == 0 && (w->rv = nng_recv(sock, &request, &n, NNG_FLAG_ALLOC)) == 0) {
		nng_free(request, n);
		w->rv = nng_send(sock, (void *) w->bytes, w->len, 0);
		sem_wait(&w->over);	/* the pipe must live until the answer was read */
	}
	nng_close(sock);
	return NULL;
}

START_TEST(a_malformed_reply_is_an_error)
{
	pthread_t thread;
	struct rig r;

	rig_init(&r);
	raw.path = r.path;
	raw.bytes = malformed[_i].bytes;
	raw.len = malformed[_i].len;
	sem_init(&raw.over, 0, 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, answer_raw, &raw), 0);
	rig_connect(&r);
	ck_assert_int_eq(rig_ask_and_wait(&r, RIG_ANSWER, 0, LONG_MS), -EBADMSG);
	sem_post(&raw.over);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(ipc_client_stats(r.client).malformed, 1);
	rig_fini(&r);
}
END_TEST

/* --- strangers -------------------------------------------------------------------------------- */

/* In a child that was forked before nng began: waits for the word, becomes nobody, tries. */
static int
try_as_nobody(int go, const char *path)
{
	Litevpn__Signer__SignRequest req = LITEVPN__SIGNER__SIGN_REQUEST__INIT;
	uint8_t bytes[16];
	struct raw w = { .path = path, .bytes = bytes };
	char byte;

	req.number = RIG_ANSWER;
	w.len = litevpn__signer__sign_request__pack(&req, bytes);
	if (read(go, &byte, 1) != 1 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
		return 2;
	send_raw(&w);
	return w.rv == 0 ? 1 : 0;
}

static bool
stranger_was_seen(struct rig *r)
{
	return ipc_server_stats(r->server).strangers > 0;
}

START_TEST(a_stranger_is_not_heard)
{
	int go[2], status;
	struct rig r;
	pid_t pid;

	KIT_SKIP_UNLESS(geteuid() == 0, "becoming another user needs root");
	rig_init(&r);
	ck_assert_int_eq(pipe(go), 0);
	if ((pid = fork()) == 0)
		_exit(try_as_nobody(go[0], r.path));
	rig_serve(&r);
	ck_assert_int_eq(chmod(r.path, 0666), 0); /* the file's mode would be the first guard */
	ck_assert_int_eq(write(go[1], "", 1), 1);
	rig_wait(&r, stranger_was_seen);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(ipc_server_stats(r.server).requests, 0);
	ck_assert_uint_eq(ipc_server_stats(r.server).malformed, 0);
	rig_connect(&r);
	must_still_serve(&r);
	rig_fini(&r);
}
END_TEST

static bool
client_saw_stranger(struct rig *r)
{
	return ipc_client_stats(r->client).strangers > 0;
}

START_TEST(a_listener_of_another_user_is_not_asked)
{
	struct rig r;

	rig_init(&r);
	rig_serve(&r);
	rig_connect_to(&r, NOBODY);
	ck_assert_int_eq(rig_ask(&r, RIG_ANSWER, 0, 300), 0);
	rig_wait(&r, client_saw_stranger);
	rig_wait(&r, rig_is_idle);
	ck_assert_int_eq(r.rc, -ETIMEDOUT);
	ck_assert_uint_eq(r.ups, 0);
	ck_assert(!ipc_client_is_up(r.client));
	ck_assert_uint_eq(ipc_server_stats(r.server).requests, 0);
	rig_fini(&r);
}
END_TEST

/* --- peers that do not even speak nng --------------------------------------------------------- */

/* Connects, sends that much of these bytes, hangs up. */
static void
knock(const char *path, const char *bytes, size_t len)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(sun.sun_path, path, strlen(path) + 1);
	ck_assert_int_eq(connect(fd, (struct sockaddr *) &sun, sizeof(sun)), 0);
	if (len > 0)
		ck_assert_int_eq(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t) len);
	close(fd);
}

static const struct {
	size_t len;
	const char *bytes;
} knocks[] = {
	{ 0, "" },
	{ 16, "GET / HTTP/1.0\r\n" },
	{ 17, "\0SP\0\0\x30\0\0\1\xff\xff\xff\xff\xff\xff\xff\xff" },	/* a message of 2^64 */
};

START_TEST(who_hangs_up_does_no_harm)
{
	struct rig r;

	rig_init(&r);
	rig_serve(&r);
	for (unsigned i = 0; i < 20; i++)
		knock(r.path, knocks[_i].bytes, knocks[_i].len);
	rig_connect(&r);
	must_still_serve(&r);
	rig_fini(&r);
}
END_TEST

/* --- a socket that goes away ------------------------------------------------------------------ */

START_TEST(a_removed_socket_comes_back)
{
	struct rig r;

	rig_init(&r);
	rig_serve(&r);
	ck_assert_int_eq(unlink(r.path), 0);
	rig_connect(&r);
	must_still_serve(&r);
	rig_fini(&r);
}
END_TEST

static bool
log_tells_of_failure(struct rig *r)
{
	char *log = kit_read(KIT_PATH("log"));
	bool yes = strstr(log, "ipc_listen_failed") != NULL;

	(void) r;
	free(log);
	return yes;
}

/* What stands in the way is not replaced, and a try that has failed is not the last one. */
START_TEST(a_blocked_socket_comes_back)
{
	char log[KIT_PATH_MAX];
	struct log_conf conf = { .level = LOG_LV_WARN, .target = kit_path("log", log) };
	struct stat st;
	struct rig r;

	ck_assert_int_eq(log_open("test", &conf, NULL), 0);
	rig_init(&r);
	rig_serve(&r);
	ck_assert_int_eq(unlink(r.path), 0);
	ck_assert_int_eq(mkdir(r.path, 0700), 0);
	rig_wait(&r, log_tells_of_failure);
	ck_assert(stat(r.path, &st) == 0 && S_ISDIR(st.st_mode));
	ck_assert_int_eq(rmdir(r.path), 0);
	rig_connect(&r);
	must_still_serve(&r);
	rig_fini(&r);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ipc_hostile");

	tcase_set_timeout(tc, 20);
	KIT_ROWS(tc, a_malformed_message_closes_its_pipe, malformed);
	tcase_add_test(tc, no_message_ends_the_server);
	tcase_add_test(tc, a_bundle_has_a_largest_size);
	tcase_add_test(tc, messages_have_a_largest_size);
	tcase_add_test(tc, a_reply_that_is_too_large_ends_the_pipe);
	KIT_ROWS(tc, a_malformed_reply_is_an_error, malformed);
	tcase_add_test(tc, a_stranger_is_not_heard);
	tcase_add_test(tc, a_listener_of_another_user_is_not_asked);
	KIT_ROWS(tc, who_hangs_up_does_no_harm, knocks);
	tcase_add_test(tc, a_removed_socket_comes_back);
	tcase_add_test(tc, a_blocked_socket_comes_back);
	return kit_run("common/ipc_hostile", tc);
}
