/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/offload_join.h"

#include <check.h>
#include <string.h>

#include "daemons/tunneld/offload_split.h"
#include "tests/unit/dice.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/packets.h"

#define MANY 64
#define ROOM 2048

/* Packets before, and what came out after it was cut again. */
struct bag {
	uint8_t bytes[MANY * 2][ROOM];
	size_t len[MANY * 2];
	unsigned n;
};

static struct bag in, given, out;
static unsigned writes;		/* that the device saw */
static struct offload_join join;

static void
on_write(void *arg, const struct iovec *iov, unsigned n, unsigned packets)
{
	static uint8_t whole[OFFLOAD_HEAD + PACKET_MAX], room[PACKET_MAX];
	struct offload_split s;
	size_t len = 0;

	(void) arg;
	for (unsigned i = 0; i < n; i++) {
		ck_assert_uint_le(len + iov[i].iov_len, sizeof(whole));
		memcpy(whole + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	ck_assert(offload_split_init(&s, whole, len));
	ck_assert_uint_eq(s.parts, packets);
	writes++;
	for (size_t i = 0; i < s.parts; i++) {
		uint8_t *part = offload_split_part(&s, i, room, &out.len[out.n]);

		ck_assert_uint_le(out.len[out.n], ROOM);
		memcpy(out.bytes[out.n], part, out.len[out.n]);
		out.n++;
	}
}

static void
begin(void)
{
	in.n = out.n = writes = 0;
	offload_join_init(&join, true, on_write, NULL);
}

static void
put(const struct packet *p)
{
	in.len[in.n] = packet_make(p, in.bytes[in.n]);
	memcpy(given.bytes[in.n], in.bytes[in.n], in.len[in.n]);
	offload_join_put(&join, given.bytes[in.n], in.len[in.n]);
	in.n++;
}

/* Whose packet it is: version, protocol, source port. */
static uint32_t
flow_of(const uint8_t *pkt)
{
	size_t l4 = pkt[0] >> 4 == 6 ? 40 : 20;

	return (uint32_t) pkt[0] >> 4 << 24 | (uint32_t) (l4 == 40 ? pkt[6] : pkt[9]) << 16 |
	    offload_get16(pkt + l4);
}

/* Each flow has the same packets in the same order. */
static void
check_flows(void)
{
	bool taken[MANY * 2] = { false };

	ck_assert_uint_eq(out.n, in.n);
	for (unsigned i = 0; i < in.n; i++) {
		unsigned k = 0;

		while (k < out.n && (taken[k] || flow_of(out.bytes[k]) != flow_of(in.bytes[i])))
			k++;
		ck_assert_uint_lt(k, out.n);
		ck_assert_msg(packet_same(in.bytes[i], in.len[i], out.bytes[k], out.len[k]),
		    "packet %u of %u is another one", i, in.n);
		taken[k] = true;
	}
}

/* --- what two packets must have in common ------------------------------------------------------ */

/* The second of two packets in a row is changed; joined: still one write. */
static void same(struct packet *p) { (void) p; }
static void later(struct packet *p) { p->seq++; }
static void earlier(struct packet *p) { p->seq -= 1000; }
static void other_ack(struct packet *p) { p->ack++; }
static void other_window(struct packet *p) { p->window++; }
static void other_tos(struct packet *p) { p->tos = 2; }
static void other_ttl(struct packet *p) { p->ttl--; }
static void other_id(struct packet *p) { p->id += 9; }
static void other_port(struct packet *p) { p->port++; }
static void no_options(struct packet *p) { p->options = 0; }
static void longer(struct packet *p) { p->payload++; }
static void shorter(struct packet *p) { p->payload -= 300; }
static void empty(struct packet *p) { p->payload = 0; }
static void wrong_sum(struct packet *p) { p->bad_sum = true; }
static void with_push(struct packet *p) { p->flags |= 0x08; }
static void with_fin(struct packet *p) { p->flags |= 0x01; }
static void with_syn(struct packet *p) { p->flags = 0x02; }
static void with_rst(struct packet *p) { p->flags = 0x14; }
static void with_urg(struct packet *p) { p->flags |= 0x20; }
static void with_ece(struct packet *p) { p->flags |= 0x40; }
static void with_cwr(struct packet *p) { p->flags |= 0x80; }

static const struct pair {
	void (*change)(struct packet *p);
	bool tcp, udp;	/* joined, as TCP and as UDP */
	bool udp_too;	/* makes a difference there */
} pairs[] = {
	{ same, true, true, true },
	{ later, false, false, false },
	{ earlier, false, false, false },
	{ other_ack, false, false, false },
	{ other_window, false, false, false },
	{ other_tos, false, false, true },
	{ other_ttl, false, false, true },
	{ other_port, false, false, true },
	{ no_options, false, false, false },
	{ longer, false, false, true },
	{ shorter, true, true, true },
	{ empty, false, false, true },
	{ wrong_sum, false, false, true },
	{ with_push, true, false, false },
	{ with_fin, false, false, false },
	{ with_syn, false, false, false },
	{ with_rst, false, false, false },
	{ with_urg, false, false, false },
	{ with_ece, false, false, false },
	{ with_cwr, false, false, false },
};

static void
check_pair(const struct pair *pair, bool v6, bool udp)
{
	struct packet p = packet_usual(1000);

	p.v6 = v6;
	p.udp = udp;
	begin();
	put(&p);
	p.seq += 1000;
	p.id++;
	pair->change(&p);
	put(&p);
	offload_join_flush(&join);
	check_flows();
	ck_assert_uint_eq(writes, (udp ? pair->udp : pair->tcp) ? 1 : 2);
}

START_TEST(what_differs_is_not_joined)
{
	check_pair(&pairs[_i], false, false);
	check_pair(&pairs[_i], true, false);
	if (!pairs[_i].udp_too)
		return;
	check_pair(&pairs[_i], false, true);
	check_pair(&pairs[_i], true, true);
}
END_TEST

/* Only where packets may be fragmented does their identification mean something. */
START_TEST(identification_counts_without_df)
{
	struct packet p = packet_usual(1000);

	for (int df = 0; df <= 1; df++) {
		begin();
		p.df = df == 1;
		put(&p);
		p.seq += 1000;
		other_id(&p);
		put(&p);
		offload_join_flush(&join);
		check_flows();
		ck_assert_uint_eq(writes, df == 1 ? 1 : 2);
	}
}
END_TEST

START_TEST(a_push_or_a_short_one_ends_the_whole)
{
	struct packet p = packet_usual(1000);

	begin();
	for (int i = 0; i < 9; i++) {
		p.payload = i == 5 ? 600 : 1000;
		p.flags = i == 2 ? 0x18 : 0x10;
		put(&p);
		p.seq += (uint32_t) p.payload;
	}
	offload_join_flush(&join);
	check_flows();
	ck_assert_uint_eq(writes, 3);
}
END_TEST

START_TEST(a_device_without_udp_gets_datagrams_alone)
{
	struct packet p = packet_usual(100);

	begin();
	join.udp = false;
	p.udp = true;
	for (int i = 0; i < 4; i++)
		put(&p);
	ck_assert_uint_eq(writes, 4);
	check_flows();
}
END_TEST

/* --- by chance -------------------------------------------------------------------------------- */

static void
change_something(struct dice *d, struct packet *p)
{
	void (*change)(struct packet *) = pairs[dice_below(d, sizeof(pairs) / sizeof(pairs[0]))].change;

	change(p);
	if (p->payload > 1400)
		p->payload = 1400;
}

/* Up to ten flows, more than are joined at a time, with everything that happens to them. */
static void
put_by_chance(struct dice *d)
{
	struct packet flows[10];
	unsigned nflows = 1 + (unsigned) dice_below(d, 10), n = 2 + (unsigned) dice_below(d, MANY - 2);

	for (unsigned i = 0; i < nflows; i++) {
		flows[i] = packet_usual(1 + dice_below(d, 1400));
		flows[i].v6 = dice_below(d, 2) == 0;
		flows[i].udp = dice_below(d, 3) == 0;
		flows[i].df = dice_below(d, 2) == 0;
		flows[i].port = (uint16_t) (1000 + 100 * i);
	}
	for (unsigned i = 0; i < n; i++) {
		struct packet *flow = &flows[dice_below(d, nflows)], p = *flow;

		p.fill = (uint8_t) dice_roll(d);
		if (dice_below(d, 6) == 0)
			change_something(d, &p);
		p.port = flow->port;
		put(&p);
		flow->seq += (uint32_t) p.payload;
		flow->id++;
		if (dice_below(d, 20) == 0)
			offload_join_flush(&join);
	}
}

START_TEST(whatever_comes_is_the_same_afterwards)
{
	struct dice d = dice_new(1234);

	for (int round = 0; round < 2000; round++) {
		begin();
		put_by_chance(&d);
		offload_join_flush(&join);
		check_flows();
	}
}
END_TEST

/* Rubbish that says that it is IP, and what nothing is known about: goes as it is, in its place. */
START_TEST(unknown_packets_go_alone)
{
	struct dice d = dice_new(99);

	for (int round = 0; round < 5000; round++) {
		size_t len = 20 + dice_below(&d, 100);

		begin();
		for (size_t i = 0; i < len; i++)
			in.bytes[0][i] = (uint8_t) dice_roll(&d);
		in.bytes[0][0] = dice_below(&d, 2) == 0 ? 0x45 : 0x60;
		memcpy(given.bytes[0], in.bytes[0], len);
		offload_join_put(&join, given.bytes[0], len);
		offload_join_flush(&join);
		ck_assert_uint_eq(out.n, 1);
		ck_assert_uint_eq(out.len[0], len);
		ck_assert_mem_eq(out.bytes[0], in.bytes[0], len);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("offload_join");

	KIT_ROWS(tc, what_differs_is_not_joined, pairs);
	tcase_add_test(tc, identification_counts_without_df);
	tcase_add_test(tc, a_push_or_a_short_one_ends_the_whole);
	tcase_add_test(tc, a_device_without_udp_gets_datagrams_alone);
	tcase_add_test(tc, whatever_comes_is_the_same_afterwards);
	tcase_add_test(tc, unknown_packets_go_alone);
	return kit_run("tunneld/offload_join", tc);
}
