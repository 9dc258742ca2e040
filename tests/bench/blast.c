/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many datagrams per second a path carries:
 *
 *     blast sink PORT                       counts what comes, until it is killed
 *     blast find ADDRESS PORT SIZE LOSS%    the highest rate that loses no more than that
 *
 * `find` sends short bursts of steady rates, each with a number of its own, and asks the sink after
 * each how many of it have come: first as fast as it can, then it halves the interval. It prints
 * "RATE RECEIVED LOSS%" of the best burst. Datagrams go and come many per system call; offloads of
 * the socket itself are not used, for it is the path that is measured.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 32
#define SIZE_MAX_BYTES 9000
#define BURST_NS 400000000
#define SETTLE_NS 100000000	/* what is under way still arrives */
#define STEPS 7
#define BUFFER (16 << 20)

enum kind { DATA = 1, ASK = 2, ANSWER = 3 };

struct message {
	uint32_t kind, burst;
	uint64_t count;
};

struct batch {
	uint8_t bytes[BATCH][SIZE_MAX_BYTES];
	struct iovec iov[BATCH];
	struct mmsghdr msgs[BATCH];
};

static struct batch batch;

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
wait_until(int64_t ns)
{
	struct timespec ts = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static int
open_socket(const char *addr, const char *port, bool bound)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = BUFFER;

	sin.sin_port = htons((uint16_t) atoi(port));
	if (fd < 0 || inet_pton(AF_INET, addr, &sin.sin_addr) != 1)
		die(addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (bound ? bind(fd, (struct sockaddr *) &sin, sizeof(sin)) < 0
		  : connect(fd, (struct sockaddr *) &sin, sizeof(sin)) < 0)
		die(addr);
	return fd;
}

static void
prepare(size_t size)
{
	for (unsigned i = 0; i < BATCH; i++) {
		batch.iov[i] = (struct iovec){ batch.bytes[i], size };
		batch.msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &batch.iov[i], .msg_iovlen = 1 };
	}
}

/* --- the sink --------------------------------------------------------------------------------- */

static void
sink(const char *port)
{
	int fd = open_socket("0.0.0.0", port, true);
	struct sockaddr_in from[BATCH];
	uint32_t burst = 0;
	uint64_t count = 0;

	prepare(SIZE_MAX_BYTES);
	for (;;) {
		int n;

		for (unsigned i = 0; i < BATCH; i++) {
			batch.msgs[i].msg_hdr.msg_name = &from[i];
			batch.msgs[i].msg_hdr.msg_namelen = sizeof(from[i]);
		}
		if ((n = recvmmsg(fd, batch.msgs, BATCH, MSG_WAITFORONE, NULL)) < 0)
			die("recvmmsg");
		for (int i = 0; i < n; i++) {
			struct message m;

			memcpy(&m, batch.bytes[i], sizeof(m));
			if (m.burst != burst)
				count = 0;
			burst = m.burst;
			if (m.kind == DATA)
				count++;
			else if (m.kind == ASK)
				sendto(fd, &(struct message){ ANSWER, burst, count }, sizeof(m), 0,
				    (struct sockaddr *) &from[i], sizeof(from[i]));
		}
	}
}

/* --- the blaster ------------------------------------------------------------------------------ */

/* Sends for BURST_NS at `rate` per second (0: without a pause). Returns how many were sent. */
static uint64_t
send_burst(int fd, uint32_t number, double rate)
{
	struct message m = { DATA, number, 0 };
	int64_t begin = now_ns();
	uint64_t sent = 0;

	for (unsigned i = 0; i < BATCH; i++)
		memcpy(batch.bytes[i], &m, sizeof(m));
	while (now_ns() - begin < BURST_NS) {
		int n = sendmmsg(fd, batch.msgs, BATCH, 0);

		if (n > 0)
			sent += (uint64_t) n;
		if (rate > 0)
			wait_until(begin + (int64_t) ((double) sent * 1e9 / rate));
	}
	return sent;
}

/* How many of this burst the sink has got. */
static uint64_t
ask(int fd, uint32_t number)
{
	struct timeval patience = { .tv_usec = 200000 };
	struct message m;

	wait_until(now_ns() + SETTLE_NS);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	for (unsigned tries = 0; tries < 20; tries++) {
		send(fd, &(struct message){ ASK, number, 0 }, sizeof(m), 0);
		while (recv(fd, &m, sizeof(m), 0) == (ssize_t) sizeof(m)) {
			if (m.kind == ANSWER && m.burst == number)
				return m.count;
		}
	}
	fprintf(stderr, "the sink does not answer\n");
	exit(1);
}

static void
find(const char *addr, const char *port, size_t size, double loss_max)
{
	int fd = open_socket(addr, port, false);
	uint32_t number = (uint32_t) now_ns() | 1;
	double low = 0, high, best[3] = { 0, 0, 100 };
	uint64_t sent, got;

	prepare(size);
	sent = send_burst(fd, number, 0);
	got = ask(fd, number);
	/* What a flood leaves is not the limit of a steady stream, which may be better. */
	high = 1.5 * (double) got * 1e9 / BURST_NS;
	for (unsigned step = 0; step < STEPS; step++) {
		double rate = step == 0 ? high / 1.5 : (low + high) / 2, loss;

		sent = send_burst(fd, ++number, rate);
		got = ask(fd, number);
		loss = sent == 0 ? 100 : 100.0 - 100.0 * (double) got / (double) sent;
		if (loss > loss_max) {
			high = rate;
			continue;
		}
		low = rate;
		/* Above what the sender itself can do, a higher rate may bring less. */
		if ((double) got * 1e9 / BURST_NS < best[1])
			continue;
		best[0] = (double) sent * 1e9 / BURST_NS;
		best[1] = (double) got * 1e9 / BURST_NS;
		best[2] = loss;
	}
	printf("%.0f %.0f %.2f\n", best[0], best[1], best[2]);
}

int
main(int argc, char **argv)
{
	size_t size = argc == 6 ? (size_t) atoi(argv[4]) : 0;

	if (argc == 3 && strcmp(argv[1], "sink") == 0) {
		sink(argv[2]);
	} else if (argc == 6 && strcmp(argv[1], "find") == 0 && size >= sizeof(struct message) &&
	    size <= SIZE_MAX_BYTES) {
		find(argv[2], argv[3], size, atof(argv[5]));
	} else {
		fprintf(stderr, "usage: blast sink PORT | find ADDRESS PORT SIZE LOSS%%\n");
		return 64;
	}
	return 0;
}
