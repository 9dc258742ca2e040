/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network that is bad on purpose, a datagram at a time (a packet filter sees a whole batch as one):
 *
 *     lossy PORT SERVER SERVER_PORT LOSS DUPLICATES DELAY_MS JITTER_MS SEED
 *
 * Passes UDP from PORT to the server and back, in both directions alike: of a hundred datagrams LOSS
 * are lost and DUPLICATES come twice; each takes DELAY_MS and up to JITTER_MS more, so that they
 * overtake each other. When its standard input ends it prints "PASSED LOST BYTES" and ends.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/dice.h"

#define LEN_MAX 9000
#define QUEUE_MAX 65536		/* on their way at a time; more are lost, as anywhere */
#define BUFFER (16 << 20)
#define ROUND 64

struct item {
	int64_t due_us;
	uint64_t number;	/* in order of arrival: first come, first served */
	bool up;		/* to the server */
	size_t len;
	uint8_t *bytes;
};

static struct {
	int front, back;
	struct sockaddr_in node;
	unsigned loss, duplicates, delay_us, jitter_us;
	struct dice dice;
	struct item heap[QUEUE_MAX];	/* the next one due is the first */
	size_t n;
	uint64_t number, passed, lost, bytes;
} r;

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t) t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- what is on its way ------------------------------------------------------------------------ */

static bool
before(const struct item *a, const struct item *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->number < b->number;
}

static void
swap(size_t a, size_t b)
{
	struct item t = r.heap[a];

	r.heap[a] = r.heap[b];
	r.heap[b] = t;
}

static void
push(const struct item *item)
{
	size_t i = r.n++;

	r.heap[i] = *item;
	for (; i > 0 && before(&r.heap[i], &r.heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(i, (i - 1) / 2);
}

static struct item
pop(void)
{
	struct item first = r.heap[0];
	size_t i = 0, least = 0;

	r.heap[0] = r.heap[--r.n];
	do {
		i = least;
		for (size_t k = 2 * i + 1; k <= 2 * i + 2 && k < r.n; k++) {
			if (before(&r.heap[k], &r.heap[least]))
				least = k;
		}
		if (least != i)
			swap(i, least);
	} while (least != i);
	return first;
}

/* --- in and out -------------------------------------------------------------------------------- */

static void
queue(bool up, const uint8_t *bytes, size_t len)
{
	struct item item = { .up = up, .len = len, .number = r.number++,
		.due_us = now_us() + r.delay_us };

	if (r.jitter_us > 0)
		item.due_us += dice_below(&r.dice, r.jitter_us);
	if (r.n == QUEUE_MAX || (item.bytes = malloc(len + 1)) == NULL) {
		r.lost++;
		return;
	}
	memcpy(item.bytes, bytes, len);
	push(&item);
}

static void
receive(int fd, bool up)
{
	uint8_t buf[LEN_MAX];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t n;

	for (unsigned i = 0; i < ROUND; i++, from_len = sizeof(from)) {
		n = recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *) &from, &from_len);
		if (n < 0)
			return;
		if (up)
			r.node = from;
		if (dice_below(&r.dice, 100) < r.loss) {
			r.lost++;
			continue;
		}
		queue(up, buf, (size_t) n);
		if (dice_below(&r.dice, 100) < r.duplicates)
			queue(up, buf, (size_t) n);
	}
}

static void
deliver(void)
{
	int64_t now = now_us();

	while (r.n > 0 && r.heap[0].due_us <= now) {
		struct item item = pop();

		if (item.up)
			send(r.back, item.bytes, item.len, 0);
		else
			sendto(r.front, item.bytes, item.len, 0, (struct sockaddr *) &r.node,
			    sizeof(r.node));
		r.passed++;
		r.bytes += item.len;
		free(item.bytes);
	}
}

static int
open_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = BUFFER;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return fd;
}

static void
run(void)
{
	struct pollfd fds[] = { { .fd = r.front, .events = POLLIN }, { .fd = r.back, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN } };

	for (;;) {
		int64_t wait_us = r.n == 0 ? 1000000 : r.heap[0].due_us - now_us();
		struct timespec t = { .tv_nsec = 0 };

		if (wait_us > 0)
			t = (struct timespec){ wait_us / 1000000, wait_us % 1000000 * 1000 };
		ppoll(fds, 3, &t, NULL);
		if ((fds[0].revents & POLLIN) != 0)
			receive(r.front, true);
		if ((fds[1].revents & POLLIN) != 0)
			receive(r.back, false);
		if (fds[2].revents != 0)
			return;
		deliver();
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_in here = { .sin_family = AF_INET }, server = { .sin_family = AF_INET };

	if (argc != 9 || inet_pton(AF_INET, argv[2], &server.sin_addr) != 1) {
		fprintf(stderr, "usage: lossy PORT SERVER SERVER_PORT LOSS DUPLICATES DELAY_MS JITTER_MS "
		    "SEED\n");
		return 64;
	}
	here.sin_port = htons((uint16_t) atoi(argv[1]));
	server.sin_port = htons((uint16_t) atoi(argv[3]));
	r.loss = (unsigned) atoi(argv[4]);
	r.duplicates = (unsigned) atoi(argv[5]);
	r.delay_us = (unsigned) atoi(argv[6]) * 1000;
	r.jitter_us = (unsigned) atoi(argv[7]) * 1000;
	r.dice = dice_new(strtoull(argv[8], NULL, 10));
	r.front = open_socket();
	r.back = open_socket();
	if (bind(r.front, (struct sockaddr *) &here, sizeof(here)) < 0 ||
	    connect(r.back, (struct sockaddr *) &server, sizeof(server)) < 0) {
		perror("lossy");
		return 1;
	}
	run();
	printf("%lu %lu %lu\n", r.passed, r.lost, r.bytes);
	return 0;
}
