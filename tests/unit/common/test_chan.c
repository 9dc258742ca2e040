/* SPDX-License-Identifier: Apache-2.0 */
#include "common/chan.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/unit/kit.h"

static int ends[2];
static struct chan_msg msg;	/* 64 KiB: not for a stack */

static void
open_pair(void)
{
	ck_assert_int_eq(chan_pair(ends), 0);
	memset(&msg, 0, sizeof(msg));
}

static void
close_pair(void)
{
	close(ends[0]);
	close(ends[1]);
}

/* How many descriptors this process holds. */
static unsigned
count_fds(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 200; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static const size_t lengths[] = { 0, 1, 4096, CHAN_BODY_MAX };

START_TEST(a_message_arrives_whole)
{
	size_t len = lengths[_i];
	uint8_t *body = malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		body[i] = (uint8_t) (i * 7);
	ck_assert_int_eq(chan_send(ends[0], 0xdeadbeef, body, len, NULL, 0), 0);
	ck_assert_int_eq(chan_wait(ends[1], 1000), 0);
	ck_assert_int_eq(chan_recv(ends[1], &msg), 1);
	ck_assert_uint_eq(msg.type, 0xdeadbeef);
	ck_assert_uint_eq(msg.len, len);
	ck_assert_mem_eq(msg.body, body, len);
	ck_assert_uint_eq(msg.nfds, 0);
	free(body);
}
END_TEST

START_TEST(messages_keep_their_order_and_their_borders)
{
	ck_assert_int_eq(chan_send(ends[0], 1, "ab", 2, NULL, 0), 0);
	ck_assert_int_eq(chan_send(ends[0], 2, "cde", 3, NULL, 0), 0);
	ck_assert_int_eq(chan_recv(ends[1], &msg), 1);
	ck_assert_uint_eq(msg.type, 1);
	ck_assert_uint_eq(msg.len, 2);
	ck_assert_int_eq(chan_recv(ends[1], &msg), 1);
	ck_assert_uint_eq(msg.type, 2);
	ck_assert_mem_eq(msg.body, "cde", 3);
	ck_assert_int_eq(chan_recv(ends[1], &msg), -EAGAIN);
}
END_TEST

START_TEST(descriptors_travel)
{
	int fds[CHAN_FDS_MAX];
	unsigned before;

	for (unsigned i = 0; i < CHAN_FDS_MAX; i++)
		ck_assert_int_ge(fds[i] = dup(STDERR_FILENO), 0);
	before = count_fds();
	ck_assert_int_eq(chan_send(ends[0], 1, "x", 1, fds, CHAN_FDS_MAX), 0);
	ck_assert_int_eq(chan_recv(ends[1], &msg), 1);
	ck_assert_uint_eq(msg.nfds, CHAN_FDS_MAX);
	ck_assert_uint_eq(count_fds(), before + CHAN_FDS_MAX);
	for (unsigned i = 0; i < CHAN_FDS_MAX; i++)
		ck_assert_int_eq(fcntl(msg.fds[i], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	chan_msg_close(&msg);
	ck_assert_uint_eq(msg.nfds, 0);
	ck_assert_uint_eq(count_fds(), before);
}
END_TEST

START_TEST(what_is_too_large_is_not_sent)
{
	int fds[CHAN_FDS_MAX + 1] = { 0 };

	ck_assert_int_eq(chan_send(ends[0], 1, msg.body, CHAN_BODY_MAX + 1, NULL, 0), -EMSGSIZE);
	ck_assert_int_eq(chan_send(ends[0], 1, "x", 1, fds, CHAN_FDS_MAX + 1), -EMSGSIZE);
	ck_assert_int_eq(chan_recv(ends[1], &msg), -EAGAIN);
}
END_TEST

START_TEST(a_full_channel_says_so)
{
	int rc;

	do
		rc = chan_send(ends[0], 1, msg.body, CHAN_BODY_MAX, NULL, 0);
	while (rc == 0);
	ck_assert_int_eq(rc, -EAGAIN);
	ck_assert_int_eq(chan_recv(ends[1], &msg), 1);
	ck_assert_int_eq(chan_send(ends[0], 1, msg.body, CHAN_BODY_MAX, NULL, 0), 0);
}
END_TEST

START_TEST(the_end_of_the_peer_is_seen)
{
	ck_assert_int_eq(chan_send(ends[0], 7, "x", 1, NULL, 0), 0);
	close(ends[0]);
	ends[0] = -1;
	ck_assert_int_eq(chan_recv(ends[1], &msg), 1);	/* what was sent before arrives */
	ck_assert_uint_eq(msg.type, 7);
	ck_assert_int_eq(chan_wait(ends[1], 1000), 0);
	ck_assert_int_eq(chan_recv(ends[1], &msg), 0);
	ck_assert_int_eq(chan_send(ends[1], 1, "x", 1, NULL, 0), -EPIPE);	/* and no SIGPIPE */
}
END_TEST

START_TEST(a_peer_that_leaves_unread_mail_is_gone_too)
{
	ck_assert_int_eq(chan_send(ends[1], 7, "x", 1, NULL, 0), 0);
	close(ends[0]);
	ends[0] = -1;
	ck_assert_int_eq(chan_recv(ends[1], &msg), 0);
}
END_TEST

START_TEST(waiting_has_an_end)
{
	int64_t began = clock_mono_ms();

	ck_assert_int_eq(chan_wait(ends[1], 20), -ETIMEDOUT);
	ck_assert_int_ge(clock_mono_ms() - began, 20);
}
END_TEST

/* Messages that chan_send does not make: what another process might send. */
static void
send_raw(size_t len, unsigned nfds)
{
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int) * 2 * CHAN_FDS_MAX)];
	} control = { 0 };
	static uint8_t bytes[CHAN_BODY_MAX + 64];
	struct iovec iov = { bytes, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cm;

	if (nfds > 0) {
		mh.msg_control = control.buf;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		for (unsigned i = 0; i < nfds; i++)
			memcpy(CMSG_DATA(cm) + i * sizeof(int), &(int){ STDERR_FILENO },
			    sizeof(int));
	}
	ck_assert_int_eq(sendmsg(ends[0], &mh, 0), (ssize_t) len);
}

static const struct {
	size_t len;
	unsigned nfds;
	int rc;
} raws[] = {
	{ 4, 0, 1 },			/* a type without a body */
	{ 3, 0, -EBADMSG },
	{ 1, 2, -EBADMSG },
	{ 0, 3, -EBADMSG },		/* no bytes, but descriptors */
	{ CHAN_BODY_MAX + 5, 0, -EBADMSG },
	{ CHAN_BODY_MAX + 5, 4, -EBADMSG },
	{ 4, CHAN_FDS_MAX + 1, -EBADMSG },
	{ 4, 2 * CHAN_FDS_MAX, -EBADMSG },
};

START_TEST(what_is_no_message_leaves_nothing_behind)
{
	unsigned before = count_fds();

	send_raw(raws[_i].len, raws[_i].nfds);
	ck_assert_int_eq(chan_recv(ends[1], &msg), raws[_i].rc);
	ck_assert_uint_eq(count_fds(), before);
	ck_assert_uint_eq(msg.nfds, 0);
	/* The channel lives on. */
	ck_assert_int_eq(chan_send(ends[0], 9, "x", 1, NULL, 0), 0);
	ck_assert_int_eq(chan_recv(ends[1], &msg), 1);
	ck_assert_uint_eq(msg.type, 9);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("chan");

	tcase_add_checked_fixture(tc, open_pair, close_pair);
	KIT_ROWS(tc, a_message_arrives_whole, lengths);
	tcase_add_test(tc, messages_keep_their_order_and_their_borders);
	tcase_add_test(tc, descriptors_travel);
	tcase_add_test(tc, what_is_too_large_is_not_sent);
	tcase_add_test(tc, a_full_channel_says_so);
	tcase_add_test(tc, the_end_of_the_peer_is_seen);
	tcase_add_test(tc, a_peer_that_leaves_unread_mail_is_gone_too);
	tcase_add_test(tc, waiting_has_an_end);
	KIT_ROWS(tc, what_is_no_message_leaves_nothing_behind, raws);
	return kit_run("common/chan", tc);
}
