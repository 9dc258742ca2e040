/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "daemons/tunneld/udp_rx.h"
#include "daemons/tunneld/udp_tx.h"
#include "tests/unit/dice.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/netns.h"

#define MANY 200
#define LEN_MAX 9000

/* A sender and two receivers on the loopback, in each pair of modes. */
struct rig {
	struct stats stats;
	struct udp from, to;
	struct udp_end ends[2];
	struct udp_tx tx;
	struct udp_rx rx;
};

static struct rig rig;	/* too large for a stack */

static const struct {
	enum conf_offload tx, rx;
	const char *addr;
} modes[] = {
	{ CONF_OFFLOAD_AUTO, CONF_OFFLOAD_AUTO, "127.0.0.1" },
	{ CONF_OFFLOAD_AUTO, CONF_OFFLOAD_AUTO, "::1" },
	{ CONF_OFFLOAD_AUTO, CONF_OFFLOAD_BATCH, "127.0.0.1" },
	{ CONF_OFFLOAD_AUTO, CONF_OFFLOAD_OFF, "127.0.0.1" },
	{ CONF_OFFLOAD_BATCH, CONF_OFFLOAD_AUTO, "127.0.0.1" },
	{ CONF_OFFLOAD_BATCH, CONF_OFFLOAD_BATCH, "::1" },
	{ CONF_OFFLOAD_OFF, CONF_OFFLOAD_AUTO, "127.0.0.1" },
	{ CONF_OFFLOAD_OFF, CONF_OFFLOAD_OFF, "::1" },
};

static void
rig_init(int mode)
{
	struct ip_addr addr = netns_addr(modes[mode].addr);
	struct err e = { 0 };

	ck_assert_int_eq(udp_open(&addr, 0, 1, &rig.from.fds[rig.from.n++], &e), 0);
	udp_tx_init(&rig.tx, &rig.from, modes[mode].tx, &rig.stats);
	udp_rx_init(&rig.rx, modes[mode].rx);
	for (unsigned i = 0; i < 2; i++) {
		struct udp_end *end = &rig.ends[i];

		ck_assert_int_eq(udp_open(&addr, 0, 1, &rig.to.fds[rig.to.n++], &e), 0);
		end->peer_len = sizeof(end->peer);
		getsockname(rig.to.fds[i], (struct sockaddr *) &end->peer, &end->peer_len);
		end->local = addr;
		udp_rx_add(&rig.rx, &rig.to, i);
	}
}

static void
rig_fini(void)
{
	close(rig.from.fds[0]);
	close(rig.to.fds[0]);
	close(rig.to.fds[1]);
}

/* Each datagram says its number, its length and whom it is for. */
static void
put(unsigned number, unsigned whom, size_t len)
{
	uint8_t *room = udp_tx_room(&rig.tx, &rig.ends[whom], len);

	memset(room, (int) (number * 7), len);
	memcpy(room, &number, sizeof(number));
	memcpy(room + sizeof(number), &len, sizeof(len));
	udp_tx_put(&rig.tx, len);
}

/* Receives until there is nothing; all must come in order. Returns how many. */
static unsigned
receive(unsigned whom, const unsigned *numbers, unsigned n)
{
	struct pollfd p = { .fd = rig.to.fds[whom], .events = POLLIN };
	unsigned got = 0;
	int rc;

	while (got < n) {
		ck_assert_msg(poll(&p, 1, 5000) == 1, "%u of %u came", got, n);
		rc = udp_rx_recv(&rig.rx, &rig.to, whom);
		ck_assert_int_eq(rc, 0);
		for (unsigned i = 0; i < rig.rx.n; i++) {
			const struct udp_packet *d = &rig.rx.packets[i];
			unsigned number;
			size_t len;

			memcpy(&number, d->bytes, sizeof(number));
			memcpy(&len, d->bytes + sizeof(number), sizeof(len));
			ck_assert_uint_eq(number, numbers[got++]);
			ck_assert_uint_eq(d->len, len);
			ck_assert_uint_eq(d->bytes[len - 1], (uint8_t) (number * 7));
			ck_assert_uint_eq(ip_port((const struct sockaddr *) &d->from->peer) != 0, 1);
			ck_assert(ip_equal(&d->from->local, &rig.ends[whom].local));
		}
	}
	ck_assert_int_eq(udp_rx_recv(&rig.rx, &rig.to, whom), -EAGAIN);
	return got;
}

START_TEST(all_arrive_as_they_were)
{
	static const size_t lens[] = { 100, 100, 100, 1400, 1400, 60, 2000, LEN_MAX };
	struct dice d = dice_new(5 + (uint64_t) _i);
	unsigned numbers[2][MANY], n[2] = { 0, 0 };

	rig_init(_i);
	for (unsigned round = 0; round < 20; round++) {
		size_t len = lens[dice_below(&d, 8)];

		n[0] = n[1] = 0;
		for (unsigned i = 0; i < MANY; i++) {
			unsigned whom = dice_below(&d, 20) == 0;

			if (dice_below(&d, 10) == 0)
				len = lens[dice_below(&d, 8)];
			put(i, whom, len);
			numbers[whom][n[whom]++] = i;
		}
		udp_tx_flush(&rig.tx);
		ck_assert_uint_eq(receive(0, numbers[0], n[0]), n[0]);
		ck_assert_uint_eq(receive(1, numbers[1], n[1]), n[1]);
	}
	ck_assert_uint_eq(rig.stats.count[VERDICT_UDP_SEND_FAILED], 0);
	rig_fini();
}
END_TEST

/* Larger than the path's MTU: the kernel does not cut them, but each one may be fragmented. */
START_TEST(what_cannot_be_segmented_goes_alone)
{
	unsigned numbers[10];

	KIT_SKIP_UNLESS(netns_enter(), NETNS_WHY);
	netns_do("ip link set lo mtu 1280 up");
	rig_init(0);
	for (unsigned i = 0; i < 10; i++) {
		put(i, 0, 1400);
		numbers[i] = i;
	}
	ck_assert_uint_eq(udp_tx_refused(&rig.tx), 0);
	udp_tx_flush(&rig.tx);
	ck_assert_uint_eq(udp_tx_refused(&rig.tx), UDP_TOO_LONG);
	ck_assert_uint_eq(udp_tx_refused(&rig.tx), 0);
	ck_assert_uint_eq(receive(0, numbers, 10), 10);
	ck_assert_uint_eq(rig.stats.count[VERDICT_UDP_SEND_FAILED], 0);
	rig_fini();
}
END_TEST

START_TEST(a_way_that_is_missing_is_told)
{
	struct sockaddr_in *to = (struct sockaddr_in *) &rig.ends[0].peer;

	KIT_SKIP_UNLESS(netns_enter(), NETNS_WHY);
	netns_do("ip link set lo up");
	rig_init(0);
	put(0, 0, 100);
	udp_tx_flush(&rig.tx);
	ck_assert_uint_eq(udp_tx_refused(&rig.tx), 0);
	to->sin_addr.s_addr = htonl(0xc0000209);	/* 192.0.2.9 */
	put(1, 0, 100);
	put(2, 0, 100);
	udp_tx_flush(&rig.tx);
	ck_assert_uint_eq(udp_tx_refused(&rig.tx), UDP_NO_WAY);
	rig_fini();
}
END_TEST

START_TEST(what_is_not_sent_is_counted)
{
	rig_init(_i);
	rig.tx.segment = false;
	close(rig.from.fds[0]);
	for (unsigned i = 0; i < 10; i++)
		put(i, 0, 100);
	udp_tx_flush(&rig.tx);
	udp_tx_flush(&rig.tx);
	ck_assert_uint_eq(rig.stats.count[VERDICT_UDP_SEND_FAILED], 10);
	close(rig.to.fds[0]);
	close(rig.to.fds[1]);
}
END_TEST

/* Loopback has an MTU of 65536 until it is given another. */
START_TEST(a_whole_one_goes_at_once_or_not_at_all)
{
	static uint8_t dgram[60000];
	bool v6 = strchr(modes[_i].addr, ':') != NULL;

	KIT_SKIP_UNLESS(netns_enter(), NETNS_WHY);
	netns_do("ip link set lo up");
	rig_init(_i);
	memset(dgram, 1, sizeof(dgram));
	put(0, 0, 100);
	ck_assert_int_eq(udp_tx_whole(&rig.tx, &rig.ends[0], dgram, 1400), 0);
	ck_assert_uint_eq(rig.tx.n, 0);	/* what waited has gone before it */
	ck_assert_int_eq(udp_rx_recv(&rig.rx, &rig.to, 0), 0);
	ck_assert_int_eq(udp_tx_whole(&rig.tx, &rig.ends[0], dgram, sizeof(dgram)), 0);
	netns_do("ip link set lo mtu 1500");
	ck_assert_int_eq(udp_tx_whole(&rig.tx, &rig.ends[0], dgram, v6 ? 1452 : 1472), 0);
	ck_assert_int_eq(udp_tx_whole(&rig.tx, &rig.ends[0], dgram, v6 ? 1453 : 1473), -EMSGSIZE);
	/* The next ones may be fragmented again. */
	put(1, 0, 4000);
	udp_tx_flush(&rig.tx);
	ck_assert_uint_eq(rig.stats.count[VERDICT_UDP_SEND_FAILED], 0);
	rig_fini();
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("udp_batch");

	tcase_set_timeout(tc, 20);
	KIT_ROWS(tc, all_arrive_as_they_were, modes);
	tcase_add_test(tc, what_cannot_be_segmented_goes_alone);
	tcase_add_test(tc, a_way_that_is_missing_is_told);
	KIT_ROWS(tc, what_is_not_sent_is_counted, modes);
	KIT_ROWS(tc, a_whole_one_goes_at_once_or_not_at_all, modes);
	return kit_run("tunneld/udp_batch", tc);
}
