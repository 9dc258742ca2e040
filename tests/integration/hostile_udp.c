/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams of every bad kind for a server's UDP port:
 *
 *     hostile_udp SERVER PORT CAPTURE COUNT PER_SECOND SEED
 *
 * CAPTURE (pcap(5), of Ethernet) holds datagrams of a node's session: they are sent again as they
 * are, with a bit flipped, cut short, and with nothing of them but the SPI; others are random. Prints
 * "COUNT ANSWERS": how many were sent, and how many datagrams came back.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "tests/unit/dice.h"

#define BATCH 64
#define REAL_MAX 256
#define LEN_MAX 1500
#define PCAP_HEAD 24
#define PCAP_EACH 16
#define ETHERNET 14
#define IP_UDP (20 + 8)

struct dgram {
	uint8_t bytes[LEN_MAX];
	size_t len;
};

static struct dgram real[REAL_MAX], out[BATCH];
static unsigned nreal;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static void
read_capture(const char *path)
{
	uint8_t head[PCAP_HEAD], frame[4096];
	FILE *f = fopen(path, "r");
	uint32_t len;

	if (f == NULL || fread(head, sizeof(head), 1, f) != 1)
		die(path);
	while (nreal < REAL_MAX && fread(head, PCAP_EACH, 1, f) == 1) {
		memcpy(&len, head + 8, sizeof(len));
		if (len > sizeof(frame) || fread(frame, len, 1, f) != 1)
			break;
		if (len <= ETHERNET + IP_UDP || len - ETHERNET - IP_UDP > LEN_MAX)
			continue;
		real[nreal].len = len - ETHERNET - IP_UDP;
		memcpy(real[nreal].bytes, frame + ETHERNET + IP_UDP, real[nreal].len);
		nreal++;
	}
	fclose(f);
	if (nreal == 0) {
		fprintf(stderr, "%s: no datagrams\n", path);
		exit(1);
	}
}

/* --- the kinds --------------------------------------------------------------------------------- */

static void
replayed(struct dice *d, struct dgram *g)
{
	(void) d, (void) g;
}

static void
flipped(struct dice *d, struct dgram *g)
{
	g->bytes[dice_below(d, (unsigned) g->len)] ^= (uint8_t) (1u << dice_below(d, 8));
}

static void
truncated(struct dice *d, struct dgram *g)
{
	g->len = dice_below(d, (unsigned) g->len);
}

static void
known_spi(struct dice *d, struct dgram *g)
{
	g->len = 4 + dice_below(d, LEN_MAX - 4);
	dice_fill(d, g->bytes + 4, g->len - 4);
}

static void
random_bytes(struct dice *d, struct dgram *g)
{
	g->len = dice_below(d, LEN_MAX);
	dice_fill(d, g->bytes, g->len);
}

static void (*const kinds[])(struct dice *d, struct dgram *g) = { replayed, flipped, truncated,
	known_spi, random_bytes };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* --- sending ----------------------------------------------------------------------------------- */

static void
send_batch(int fd, unsigned n)
{
	struct mmsghdr msgs[BATCH] = { 0 };
	struct iovec iov[BATCH];
	unsigned done = 0;

	for (unsigned i = 0; i < n; i++) {
		iov[i] = (struct iovec){ out[i].bytes, out[i].len };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	while (done < n) {
		int rc = sendmmsg(fd, msgs + done, n - done, 0);

		if (rc < 0)
			die("sendmmsg");
		done += (unsigned) rc;
	}
}

static void
wait_until(struct timespec *t, long ns)
{
	t->tv_nsec += ns;
	t->tv_sec += t->tv_nsec / 1000000000;
	t->tv_nsec %= 1000000000;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, t, NULL);
}

static unsigned
answers(int fd)
{
	uint8_t byte;
	unsigned n = 0;

	while (recv(fd, &byte, 1, MSG_DONTWAIT) >= 0)
		n++;
	return n;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	unsigned long count, sent = 0;
	unsigned came = 0;
	struct timespec t;
	struct dice d;
	long gap_ns;

	if (argc != 7 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: hostile_udp SERVER PORT CAPTURE COUNT PER_SECOND SEED\n");
		return 64;
	}
	to.sin_port = htons((uint16_t) atoi(argv[2]));
	read_capture(argv[3]);
	count = strtoul(argv[4], NULL, 10);
	gap_ns = BATCH * (1000000000l / atol(argv[5]));
	d = dice_new(strtoull(argv[6], NULL, 10));
	if (connect(fd, (struct sockaddr *) &to, sizeof(to)) < 0)
		die("connect");
	clock_gettime(CLOCK_MONOTONIC, &t);
	while (sent < count) {
		unsigned n = count - sent < BATCH ? (unsigned) (count - sent) : BATCH;

		for (unsigned i = 0; i < n; i++) {
			out[i] = real[dice_below(&d, nreal)];
			kinds[dice_below(&d, KINDS)](&d, &out[i]);
		}
		send_batch(fd, n);
		sent += n;
		came += answers(fd);
		wait_until(&t, gap_ns);
	}
	wait_until(&t, 500000000);	/* an answer may be on its way */
	printf("%lu %u\n", sent, came + answers(fd));
	return 0;
}
