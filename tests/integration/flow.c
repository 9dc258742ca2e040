/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A steady stream of numbered datagrams from one end of a path to the other:
 *
 *     flow take PORT                        says "ready", takes one stream and says what came of it
 *     flow give ADDRESS PORT RATE SIZE [hop]   RATE datagrams a second, until it gets SIGTERM
 *
 * `take` ends when the other end has said how many there were, and prints
 *
 *     SENT CAME LOST TWICE LATE GAP_MS DROPPED
 *
 * LATE: behind one with a higher number. GAP_MS: the longest time in which nothing came. DROPPED: by
 * the socket itself, which was full. Datagrams leave and come in batches (UDP_SEGMENT, UDP_GRO), for
 * it is not this program that is measured. With `hop` the giver goes to the next processor each
 * HOP_NS.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/udp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NUMBERS_MAX (1u << 28)	/* a bit each */
#define BATCH_MAX 40		/* what the kernel cuts in one send, and fits in one packet */
#define BATCH_BYTES 60000
#define BATCHES_PER_SECOND 2000
#define SIZE_MAX_BYTES 8000
#define BUFFER (16 << 20)
#define HOP_NS 50000000
#define SETTLE_NS 300000000	/* what is under way still arrives */
#define ENDS 5			/* times that the end is told */

struct message {
	uint64_t number;	/* from 0 */
	uint64_t total;		/* 0 while there are more */
};

static volatile sig_atomic_t stopped;

static void
on_term(int sig)
{
	(void) sig;
	stopped = 1;
}

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

/* --- the taker -------------------------------------------------------------------------------- */

struct taken {
	uint8_t *seen;		/* a bit per number */
	uint64_t came, twice, late, highest, total;
	int64_t last_ns, gap_ns;
};

static void
take_one(struct taken *t, const uint8_t *bytes)
{
	struct message m;

	memcpy(&m, bytes, sizeof(m));
	if (m.total != 0) {
		t->total = m.total;
		return;
	}
	if (m.number >= NUMBERS_MAX)
		return;
	if ((t->seen[m.number / 8] >> (m.number % 8) & 1) != 0) {
		t->twice++;
		return;
	}
	t->seen[m.number / 8] |= (uint8_t) (1u << (m.number % 8));
	t->came++;
	if (m.number < t->highest)
		t->late++;
	else
		t->highest = m.number;
}

/* Some that came together, each of the size that the kernel says, but for the last one. */
static void
take_batch(struct taken *t, const struct msghdr *mh, const uint8_t *bytes, size_t len)
{
	int64_t now = now_ns();
	int size = (int) len;

	for (struct cmsghdr *cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR((void *) mh, cm)) {
		if (cm->cmsg_level == IPPROTO_UDP && cm->cmsg_type == UDP_GRO)
			memcpy(&size, CMSG_DATA(cm), sizeof(size));
	}
	for (size_t at = 0; at + sizeof(struct message) <= len; at += (size_t) size)
		take_one(t, bytes + at);
	if (t->total == 0 && t->last_ns != 0 && now - t->last_ns > t->gap_ns)
		t->gap_ns = now - t->last_ns;
	t->last_ns = now;
}

static uint32_t
dropped(int fd)
{
	uint32_t mem[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(mem);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, mem, &len) < 0)
		die("SO_MEMINFO");
	return mem[SK_MEMINFO_DROPS];
}

static void
take(const char *port)
{
	struct timeval patience = { .tv_sec = 1 };
	static uint8_t bytes[1 << 16];
	char control[CMSG_SPACE(sizeof(int))];
	int fd = open_socket("0.0.0.0", port, true), on = 1;
	struct taken t = { .seen = calloc(1, NUMBERS_MAX / 8) };

	if (t.seen == NULL || setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)) < 0)
		die("UDP_GRO");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct iovec iov = { bytes, sizeof(bytes) };
		struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			.msg_controllen = sizeof(control) };
		ssize_t n = recvmsg(fd, &mh, 0);

		if (n >= 0)
			take_batch(&t, &mh, bytes, (size_t) n);
		else if (t.total != 0)
			break;
	}
	printf("%llu %llu %llu %llu %llu %lld %u\n", (unsigned long long) t.total,
	    (unsigned long long) t.came, (unsigned long long) (t.total - t.came),
	    (unsigned long long) t.twice, (unsigned long long) t.late,
	    (long long) (t.gap_ns / 1000000), dropped(fd));
	free(t.seen);
}

/* --- the giver -------------------------------------------------------------------------------- */

static void
hop(int64_t begin_ns)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t) ((now_ns() - begin_ns) / HOP_NS % cpus), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* One system call for `n` datagrams of `size`, numbered from `number`. A full queue is waited for. */
static void
give_batch(int fd, uint64_t number, unsigned n, size_t size)
{
	static uint8_t bytes[BATCH_BYTES];

	for (unsigned i = 0; i < n; i++)
		memcpy(bytes + i * size, &(struct message){ number + i, 0 }, sizeof(struct message));
	while (send(fd, bytes, n * size, 0) < 0) {
		if (errno != ENOBUFS && errno != EAGAIN)
			return;		/* there is no way just now: lost, as any other */
		wait_until(now_ns() + 100000);
	}
}

static void
give_end(int fd, uint64_t total)
{
	for (unsigned i = 0; i < ENDS; i++) {
		wait_until(now_ns() + SETTLE_NS);
		send(fd, &(struct message){ 0, total }, sizeof(struct message), 0);
	}
}

static void
give(const char *addr, const char *port, double rate, size_t size, bool hops)
{
	int fd = open_socket(addr, port, false), segment = (int) size;
	unsigned n = (unsigned) (rate / BATCHES_PER_SECOND);
	int64_t begin = now_ns();
	uint64_t number = 0;

	if (n > BATCH_BYTES / size)
		n = (unsigned) (BATCH_BYTES / size);
	n = n < 1 ? 1 : n > BATCH_MAX ? BATCH_MAX : n;
	if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) < 0)
		die("UDP_SEGMENT");
	for (; !stopped && number + n < NUMBERS_MAX; number += n) {
		if (hops)
			hop(begin);
		give_batch(fd, number, n, size);
		wait_until(begin + (int64_t) ((double) (number + n) * 1e9 / rate));
	}
	give_end(fd, number);
}

int
main(int argc, char **argv)
{
	size_t size = argc >= 6 ? (size_t) atoi(argv[5]) : 0;

	signal(SIGTERM, on_term);
	if (argc == 3 && strcmp(argv[1], "take") == 0) {
		take(argv[2]);
	} else if ((argc == 6 || argc == 7) && strcmp(argv[1], "give") == 0 &&
	    size >= sizeof(struct message) && size <= SIZE_MAX_BYTES && atof(argv[4]) > 0) {
		give(argv[2], argv[3], atof(argv[4]), size, argc == 7);
	} else {
		fprintf(stderr, "usage: flow take PORT | give ADDRESS PORT RATE SIZE [hop]\n");
		return 64;
	}
	return 0;
}
