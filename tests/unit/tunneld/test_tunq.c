/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/tunq.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/kit.h"
#include "tests/unit/tunneld/netns.h"
#include "tests/unit/tunneld/packets.h"

/*
 * The kernel as the witness: it forwards from one device to the other,
 *
 *     ours (with offloads) 10.0.1.1  ---  kernel  ---  10.0.2.1 plain (without)
 *
 * so that what is joined on the left comes out cut by the kernel on the right, and the other way
 * round.
 */
struct rig {
	struct stats stats;
	struct tunq ours;
	int plain;
};

static struct rig rig;

static bool
rig_init(void)
{
	struct tun_features none, f;
	struct err e = { 0 };
	unsigned one = 1;
	int fd, rc;

	if (!netns_enter())
		return false;
	rc = tun_open("ours", 0, true, &one, &fd, &f, &e);
	ck_assert_msg(rc == 0, "%s", e.text);
	rc = tun_open("plain", 0, false, &one, &rig.plain, &none, &e);
	ck_assert_msg(rc == 0, "%s", e.text);
	ck_assert(!none.vnet && !none.tso && !none.uso);
	netns_do("sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.all.forwarding=1"
	    " net.ipv4.ip_forward=1 net.ipv6.conf.ours.accept_ra=0");
	netns_do("ip addr add 10.0.1.1/24 dev ours && ip addr add 10.0.2.1/24 dev plain"
	    " && ip link set ours mtu 1500 up && ip link set plain mtu 1500 up"
	    " && ip -6 addr add 2020::1/16 dev ours nodad && ip -6 addr add 3030::1/16 dev plain nodad");
	tunq_init(&rig.ours, fd, &f, &rig.stats);
	return f.tso;
}

/* The next packet of ours that comes out of the plain device. */
static size_t
read_plain(uint8_t *buf, size_t size)
{
	struct pollfd p = { .fd = rig.plain, .events = POLLIN };

	for (;;) {
		ssize_t n;

		ck_assert_msg(poll(&p, 1, 5000) == 1, "nothing comes");
		n = read(rig.plain, buf, size);
		ck_assert_int_gt(n, 0);
		if (buf[0] >> 4 == 4 ? buf[9] != 1 : buf[6] == 6 || buf[6] == 17)
			return (size_t) n;	/* and not the kernel's own chatter */
	}
}

static const struct kind {
	bool v6, udp;
	size_t payload, last;
	unsigned packets;
} kinds[] = {
	{ false, false, 1000, 1000, 20 },
	{ true, false, 1000, 321, 20 },
	{ false, true, 1000, 1000, 20 },
	{ true, true, 100, 7, 60 },
	{ false, false, 1348, 1, 40 },
};

static struct packet
packet_of(const struct kind *k, unsigned i)
{
	struct packet p = packet_usual(i + 1 < k->packets ? k->payload : k->last);

	p.v6 = k->v6;
	p.udp = k->udp;
	p.seq = 100 + (uint32_t) (i * k->payload);
	p.id = (uint16_t) (7 + i);
	p.fill = (uint8_t) i;
	p.flags = i + 1 < k->packets ? 0x10 : 0x18;
	return p;
}

START_TEST(the_kernel_cuts_what_was_joined)
{
	static uint8_t bufs[64][2048], out[65536], expected[2048];
	const struct kind *k = &kinds[_i];

	KIT_SKIP_UNLESS(rig_init(), NETNS_WHY);
	if (k->udp && !rig.ours.features.uso)
		return;
	for (unsigned i = 0; i < k->packets; i++) {
		struct packet p = packet_of(k, i);

		tunq_write(&rig.ours, bufs[i], packet_make(&p, bufs[i]));
	}
	tunq_flush(&rig.ours);
	ck_assert_uint_eq(rig.stats.count[VERDICT_TUN_WRITE_FAILED], 0);
	for (unsigned i = 0; i < k->packets; i++) {
		struct packet p = packet_of(k, i);
		size_t len = read_plain(out, sizeof(out));

		p.ttl--;	/* it was forwarded */
		ck_assert_uint_eq(packet_make(&p, expected), len);
		ck_assert_msg(packet_same(expected, len, out, len), "packet %u", i);
	}
	tunq_fini(&rig.ours);
}
END_TEST

/* Backwards: single packets in, whatever the kernel joins of them out; cut, they are the same. */
START_TEST(what_the_kernel_hands_out_is_cut_to_what_came)
{
	static uint8_t buf[2048], expected[2048];
	const struct kind *k = &kinds[_i];
	unsigned got = 0;

	KIT_SKIP_UNLESS(rig_init(), NETNS_WHY);
	netns_do("ip route add 10.0.2.2/32 dev ours && ip -6 route add"
	    " 3030:3030:3030:3030:3030:3030:3030:3030/128 dev ours");
	netns_do("ip route add 10.0.1.2/32 dev plain && ip -6 route add"
	    " 2020:2020:2020:2020:2020:2020:2020:2020/128 dev plain");
	for (unsigned i = 0; i < k->packets; i++) {
		struct packet p = packet_of(k, i);
		size_t len = packet_make(&p, buf);

		ck_assert_int_eq(write(rig.plain, buf, len), (ssize_t) len);
	}
	while (got < k->packets) {
		struct pollfd p = { .fd = rig.ours.fd, .events = POLLIN };
		struct offload_split s;

		ck_assert_msg(poll(&p, 1, 5000) == 1, "only %u came", got);
		ck_assert_int_eq(tunq_read(&rig.ours, &s), 0);
		if (s.pkt[0] >> 4 == 6 && s.pkt[6] != 6 && s.pkt[6] != 17)
			continue;	/* the kernel's own chatter */
		for (size_t i = 0; i < s.parts; i++) {
			struct packet want = packet_of(k, got++);
			size_t len, made;
			uint8_t *pkt = tunq_part(&rig.ours, &s, i, &len);

			want.ttl--;
			made = packet_make(&want, expected);
			ck_assert_msg(packet_same(expected, made, pkt, len), "packet %u", got - 1);
		}
	}
	tunq_fini(&rig.ours);
}
END_TEST

START_TEST(a_device_without_offloads_passes_packets_alone)
{
	struct tun_features none = { .vnet = false };
	struct packet p = packet_usual(500);
	struct offload_split s;
	uint8_t buf[1000], out[1000];
	size_t len = packet_make(&p, buf), n;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	tunq_init(&rig.ours, fds[0], &none, &rig.stats);
	ck_assert_int_eq(tunq_read(&rig.ours, &s), -EAGAIN);
	tunq_write(&rig.ours, buf, len);
	ck_assert_int_eq(read(fds[1], out, sizeof(out)), (ssize_t) len);
	ck_assert_mem_eq(out, buf, len);
	ck_assert_int_eq(write(fds[1], buf, len), (ssize_t) len);
	ck_assert_int_eq(tunq_read(&rig.ours, &s), 0);
	ck_assert_uint_eq(s.parts, 1);
	ck_assert_mem_eq(tunq_part(&rig.ours, &s, 0, &n), buf, len);
	ck_assert_uint_eq(n, len);
	close(fds[1]);
	tunq_write(&rig.ours, buf, len);
	ck_assert_uint_eq(rig.stats.count[VERDICT_TUN_WRITE_FAILED], 1);
	tunq_fini(&rig.ours);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("tunq");

	tcase_set_timeout(tc, 20);
	KIT_ROWS(tc, the_kernel_cuts_what_was_joined, kinds);
	KIT_ROWS(tc, what_the_kernel_hands_out_is_cut_to_what_came, kinds);
	tcase_add_test(tc, a_device_without_offloads_passes_packets_alone);
	return kit_run("tunneld/tunq", tc);
}
