/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/esp.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"
#include "tests/unit/kit.h"

#define SPI 0xc0ffee01u
#define INNER_MAX 1500
#define W ((uint64_t) REPLAY_WINDOW)
#define HIGH ((uint64_t) 1 << 32)

static const uint8_t key[AEAD_KEY_LEN] = "a key of thirty-two bytes, or so";
static const uint8_t salt[AEAD_SALT_LEN] = { 1, 2, 3, 4 };

static const enum aead_alg ciphers[] = { AEAD_AES_256_GCM, AEAD_CHACHA20_POLY1305 };

/* A sender, its receiver, and the packet between them with the room that it needs. */
struct lane {
	struct esp_tx tx;
	struct esp_rx rx;
	uint8_t buf[ESP_HEAD + INNER_MAX + ESP_TAIL];
	size_t len;	/* of the ESP packet in buf */
};

static void
lane_init(struct lane *l, enum aead_alg alg)
{
	*l = (struct lane){ .tx = { .spi = SPI }, .rx = { .spi = SPI } };
	l->tx.aead = aead_new(alg, true, key, salt);
	l->rx.aead = aead_new(alg, false, key, salt);
}

static void
lane_fini(struct lane *l)
{
	aead_free(l->tx.aead);
	aead_free(l->rx.aead);
}

/* The inner packets. */
static void
put_pattern(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t) (i * 7 + 3);
}

static enum verdict
seal(struct lane *l, size_t len, enum esp_next next)
{
	enum verdict v;

	put_pattern(l->buf + ESP_HEAD, len);
	v = esp_seal(&l->tx, l->buf + ESP_HEAD, len, next, l->buf);
	if (v == VERDICT_OK)
		l->len = esp_sealed_len(len);
	return v;
}

/* What an opened packet gave. */
struct opened {
	uint8_t *inner, next;
	size_t len;
	uint64_t seq;
};

/* Opens a copy of the first `len` bytes: in a block of just that size, so that ASan watches. */
static enum verdict
open_copy(struct lane *l, size_t len, struct opened *o)
{
	uint8_t *block = malloc(len + 1), *copy = block + 1;	/* malloc(0) may be NULL */
	uint8_t same[INNER_MAX];
	enum verdict v;

	memcpy(copy, l->buf, len);
	v = esp_open(&l->rx, copy, len, &o->inner, &o->len, &o->next, &o->seq);
	if (v == VERDICT_OK) {
		ck_assert_ptr_eq(o->inner, copy + ESP_HEAD);
		put_pattern(same, o->len);
		ck_assert_mem_eq(o->inner, same, o->len);
	}
	free(block);
	return v;
}

static enum verdict
open_whole(struct lane *l)
{
	struct opened o;

	return open_copy(l, l->len, &o);
}

/* --- what goes in comes out ------------------------------------------------------------------- */

START_TEST(every_length_comes_through)
{
	static const enum esp_next nexts[] = { ESP_NEXT_IPV4, ESP_NEXT_IPV6, ESP_NEXT_NONE };
	struct opened o = { 0 };
	struct lane l;

	lane_init(&l, ciphers[_i]);
	for (size_t len = 0; len <= INNER_MAX; len++) {
		enum esp_next next = nexts[len % 3];

		ck_assert_int_eq(seal(&l, len, next), VERDICT_OK);
		ck_assert_uint_eq(l.len % 4, 0);
		ck_assert_uint_ge(l.len, ESP_HEAD + len + 2 + AEAD_TAG_LEN);
		ck_assert_uint_le(l.len, ESP_HEAD + len + ESP_TAIL);
		ck_assert_uint_eq(esp_spi(l.buf, l.len), SPI);
		ck_assert_int_eq(open_copy(&l, l.len, &o), VERDICT_OK);
		ck_assert_uint_eq(o.len, len);
		ck_assert_uint_eq(o.next, next);
		ck_assert_uint_eq(o.seq, len + 1);
	}
	lane_fini(&l);
}
END_TEST

/* RFC 4303, 2 and RFC 4106, 3: the head as it travels. */
START_TEST(the_head_is_spi_sequence_and_iv)
{
	struct lane l;
	struct wire w;

	lane_init(&l, ciphers[_i]);
	l.tx.seq = 0x1234567fe;
	ck_assert_int_eq(seal(&l, 100, ESP_NEXT_IPV4), VERDICT_OK);
	w = wire_reader(l.buf, l.len);
	ck_assert_uint_eq(wire_get_u32(&w), SPI);
	ck_assert_uint_eq(wire_get_u32(&w), 0x234567ff);
	ck_assert_uint_eq(wire_get_u64(&w), 0x1234567ff);
	lane_fini(&l);
}
END_TEST

/* --- what is not authentic -------------------------------------------------------------------- */

START_TEST(each_flipped_bit_is_refused_and_forgotten)
{
	struct lane l;
	struct replay before;

	lane_init(&l, ciphers[_i]);
	l.tx.seq = 70000;	/* with a window that is in use */
	replay_accept(&l.rx.replay, 69990);
	ck_assert_int_eq(seal(&l, 61, ESP_NEXT_IPV4), VERDICT_OK);
	before = l.rx.replay;
	for (size_t bit = 0; bit < l.len * 8; bit++) {
		l.buf[bit / 8] ^= (uint8_t) (1 << bit % 8);
		ck_assert_int_ne(open_whole(&l), VERDICT_OK);
		/* Only what is authentic may move the window. */
		ck_assert_mem_eq(&l.rx.replay, &before, sizeof(before));
		l.buf[bit / 8] ^= (uint8_t) (1 << bit % 8);
	}
	ck_assert_int_eq(open_whole(&l), VERDICT_OK);
	lane_fini(&l);
}
END_TEST

START_TEST(each_truncation_is_refused)
{
	struct opened o;
	struct lane l;

	lane_init(&l, ciphers[_i]);
	ck_assert_int_eq(seal(&l, 80, ESP_NEXT_IPV4), VERDICT_OK);
	for (size_t len = 0; len < l.len; len++) {
		enum verdict v = open_copy(&l, len, &o);

		ck_assert_int_eq(v, len < ESP_MIN ? VERDICT_ESP_SHORT : VERDICT_ESP_AUTH_FAILED);
		ck_assert_uint_eq(esp_spi(l.buf, len), len < ESP_MIN ? 0 : SPI);
	}
	l.buf[l.len] = 0;	/* and a byte too many */
	ck_assert_int_eq(open_copy(&l, l.len + 1, &o), VERDICT_ESP_AUTH_FAILED);
	ck_assert_int_eq(open_whole(&l), VERDICT_OK);
	lane_fini(&l);
}
END_TEST

START_TEST(a_packet_counts_once)
{
	struct lane l;

	lane_init(&l, ciphers[_i]);
	ck_assert_int_eq(seal(&l, 80, ESP_NEXT_IPV4), VERDICT_OK);
	ck_assert_int_eq(open_whole(&l), VERDICT_OK);
	ck_assert_int_eq(open_whole(&l), VERDICT_ESP_REPLAYED);
	l.buf[l.len - 1] ^= 1;	/* a number that was seen is not even deciphered */
	ck_assert_int_eq(open_whole(&l), VERDICT_ESP_REPLAYED);
	lane_fini(&l);
}
END_TEST

/* --- trailers that are authentic and wrong ---------------------------------------------------- */

#define INNER 3, 10, 17, 24	/* as put_pattern has them */

static const struct {
	uint8_t text[16], len;	/* inner packet, padding, pad length, next header */
	enum verdict verdict;
	size_t inner;		/* what is left */
} trailers[] = {
	{ { INNER, 0, 4 }, 6, VERDICT_OK, 4 },
	{ { INNER, 1, 1, 4 }, 7, VERDICT_OK, 4 },
	{ { INNER, 1, 2, 3, 4, 5, 6, 7, 7, 59 }, 13, VERDICT_OK, 4 },
	{ { INNER, 1, 2, 2, 0 }, 8, VERDICT_OK, 4 },
	{ { 0, 59 }, 2, VERDICT_ESP_SHORT, 0 },			/* no room for four bytes */
	{ { 1, 2, 2, 59 }, 4, VERDICT_OK, 0 },			/* nothing but padding */
	{ { 1, 2, 3, 59 }, 4, VERDICT_ESP_TRAILER_BAD, 0 },	/* more padding than there is */
	{ { 2, 3, 3, 59 }, 4, VERDICT_ESP_TRAILER_BAD, 0 },	/* the IV before it ends in a 1 */
	{ { INNER, 5, 4 }, 6, VERDICT_ESP_TRAILER_BAD, 0 },
	{ { INNER, 255, 4 }, 6, VERDICT_ESP_TRAILER_BAD, 0 },
	{ { INNER, 0, 1, 4 }, 7, VERDICT_ESP_TRAILER_BAD, 0 },	/* padding begins with 1 */
	{ { INNER, 1, 3, 2, 4 }, 8, VERDICT_ESP_TRAILER_BAD, 0 },
	{ { INNER, 2, 1, 2, 4 }, 8, VERDICT_ESP_TRAILER_BAD, 0 },
	{ { INNER, 0, 0, 2, 4 }, 8, VERDICT_ESP_TRAILER_BAD, 0 },
	{ { INNER, 1, 2, 3, 4 }, 8, VERDICT_ESP_TRAILER_BAD, 0 },	/* longer than it is */
};

/* As esp_seal does it, with number 1, but for what is in it. */
static void
seal_text(struct lane *l, const uint8_t *text, size_t len)
{
	struct wire head = wire_writer(l->buf, ESP_HEAD);
	uint8_t aad[12], *inner = l->buf + ESP_HEAD;
	struct wire a = wire_writer(aad, sizeof(aad));

	wire_put_u32(&head, SPI);
	wire_put_u32(&head, 1);
	wire_put_u64(&head, 1);
	wire_put_u32(&a, SPI);
	wire_put_u64(&a, 1);
	memcpy(inner, text, len);
	aead_seal(l->tx.aead, l->buf + 8, aad, sizeof(aad), inner, len, inner,
	    inner + len);
	l->len = ESP_HEAD + len + AEAD_TAG_LEN;
}

START_TEST(the_trailer_is_checked)
{
	struct opened o = { 0 };
	struct lane l;

	lane_init(&l, AEAD_AES_256_GCM);
	seal_text(&l, trailers[_i].text, trailers[_i].len);
	ck_assert_int_eq(open_copy(&l, l.len, &o), trailers[_i].verdict);
	ck_assert_uint_eq(o.len, trailers[_i].inner);
	/* It was authentic: its number is used up. */
	if (trailers[_i].verdict != VERDICT_ESP_SHORT)
		ck_assert_int_eq(open_whole(&l), VERDICT_ESP_REPLAYED);
	lane_fini(&l);
}
END_TEST

/* --- extended sequence numbers ---------------------------------------------------------------- */

/*
 * RFC 4303, appendix A2, in other words: the smallest number from the window's lower edge on that
 * ends in `low`. Below zero there is none.
 */
static __int128
naive_seq(uint64_t top, uint32_t low)
{
	__int128 edge = (__int128) top - (__int128) W + 1;
	__int128 seq = ((__int128) (top / HIGH) - 2) * HIGH + low;	/* below the edge */

	while (seq < edge)
		seq += HIGH;
	return seq;
}

/* What becomes of packet `seq` where `top` is the only number seen. */
static enum verdict
expected(uint64_t top, uint64_t seq)
{
	__int128 guess = naive_seq(top, (uint32_t) seq);

	if (guess <= 0 || guess == (__int128) top)
		return VERDICT_ESP_REPLAYED;
	return guess == (__int128) seq ? VERDICT_OK : VERDICT_ESP_AUTH_FAILED;
}

static void
check_seq(struct lane *l, uint64_t top, uint64_t seq)
{
	enum verdict v;

	l->rx.replay = (struct replay){ 0 };
	if (top > 0)
		replay_accept(&l->rx.replay, top);
	l->tx.seq = seq - 1;
	ck_assert_int_eq(seal(l, 20, ESP_NEXT_IPV4), VERDICT_OK);
	v = open_whole(l);
	ck_assert_msg(v == expected(top, seq), "top %llx, packet %llx: %s, not %s",
	    (unsigned long long) top, (unsigned long long) seq, verdict_name(v),
	    verdict_name(expected(top, seq)));
}

/* Around these, a little more and less. */
static const uint64_t places[] = { 0, W, HIGH / 2, HIGH - W, HIGH, HIGH + W, 2 * HIGH - W, 2 * HIGH,
	2 * HIGH + W, 3 * HIGH, 200 * HIGH, 200 * HIGH + W };

START_TEST(the_high_half_is_inferred)
{
	static const uint64_t apart[] = { 0, 1, 2, 63, 64, 65, W - 1, W, W + 1, HIGH / 2,
		HIGH - W - 1, HIGH - W, HIGH - W + 1, HIGH - 1, HIGH };
	struct lane l;

	lane_init(&l, AEAD_AES_256_GCM);
	for (uint64_t top = places[_i] < 3 ? 0 : places[_i] - 3; top <= places[_i] + 3; top++) {
		for (size_t i = 0; i < sizeof(apart) / sizeof(apart[0]); i++) {
			check_seq(&l, top, top + apart[i] + (top + apart[i] == 0));
			if (top > apart[i])
				check_seq(&l, top, top - apart[i]);
		}
	}
	lane_fini(&l);
}
END_TEST

START_TEST(a_stream_goes_over_the_edge)
{
	struct opened o = { 0 };
	struct lane l;

	lane_init(&l, ciphers[_i]);
	l.tx.seq = HIGH - 100;
	l.rx.replay.top = HIGH - 100;
	for (unsigned i = 1; i <= 200; i++) {
		ck_assert_int_eq(seal(&l, 40, ESP_NEXT_IPV4), VERDICT_OK);
		if (i % 7 == 0)
			continue;	/* lost */
		ck_assert_int_eq(open_copy(&l, l.len, &o), VERDICT_OK);
		ck_assert_uint_eq(o.seq, HIGH - 100 + i);
	}
	lane_fini(&l);
}
END_TEST

/* --- a key's life ----------------------------------------------------------------------------- */

#define LIFE_LEN 100	/* with padding and trailer 104 bytes: */
#define LIFE_BLOCKS 7

static const struct {
	uint64_t seq, blocks;
	enum verdict verdict;
} lives[] = {
	{ 0, 0, VERDICT_OK },
	{ ESP_PACKETS_MAX - 1, 0, VERDICT_OK },
	{ ESP_PACKETS_MAX, 0, VERDICT_ESP_SEQUENCE_OVER },
	{ 0, ESP_BLOCKS_MAX - LIFE_BLOCKS, VERDICT_OK },
	{ 0, ESP_BLOCKS_MAX - LIFE_BLOCKS + 1, VERDICT_ESP_SEQUENCE_OVER },
	{ 0, ESP_BLOCKS_MAX, VERDICT_ESP_SEQUENCE_OVER },
	{ UINT64_MAX, UINT64_MAX, VERDICT_ESP_SEQUENCE_OVER },
};

START_TEST(a_key_is_used_up)
{
	struct lane l;

	lane_init(&l, AEAD_AES_256_GCM);
	l.tx.seq = lives[_i].seq;
	l.tx.blocks = lives[_i].blocks;
	ck_assert_int_eq(seal(&l, LIFE_LEN, ESP_NEXT_IPV4), lives[_i].verdict);
	if (lives[_i].verdict == VERDICT_OK) {
		ck_assert_uint_eq(l.tx.seq, lives[_i].seq + 1);
		ck_assert_uint_eq(l.tx.blocks, lives[_i].blocks + LIFE_BLOCKS);
	} else {
		ck_assert_uint_eq(l.tx.seq, lives[_i].seq);
		ck_assert_uint_eq(l.tx.blocks, lives[_i].blocks);
		ck_assert_uint_eq(l.len, 0);
	}
	lane_fini(&l);
}
END_TEST

/* Half of it, in either direction, by packets or by blocks. */
static const struct {
	uint64_t sent, sent_blocks, top, opened_blocks;
	bool worn;
} wears[] = {
	{ 0, 0, 0, 0, false },
	{ ESP_PACKETS_MAX / 2 - 1, ESP_BLOCKS_MAX / 2 - 1, ESP_PACKETS_MAX / 2 - 1,
	    ESP_BLOCKS_MAX / 2 - 1, false },
	{ ESP_PACKETS_MAX / 2, 0, 0, 0, true },
	{ 0, ESP_BLOCKS_MAX / 2, 0, 0, true },
	{ 0, 0, ESP_PACKETS_MAX / 2, 0, true },
	{ 0, 0, 0, ESP_BLOCKS_MAX / 2, true },
};

static bool
worn(const struct esp_tx *tx, const struct esp_rx *rx)
{
	return esp_tx_worn(tx) || esp_rx_worn(rx);
}

START_TEST(a_key_is_worn_at_half)
{
	struct esp_tx tx = { .seq = wears[_i].sent, .blocks = wears[_i].sent_blocks };
	struct esp_rx rx = { .replay = { .top = wears[_i].top },
		.blocks = wears[_i].opened_blocks };

	ck_assert_int_eq(worn(&tx, &rx), wears[_i].worn);
}
END_TEST

/* Enciphered are the packet, its padding to 4 bytes and the two bytes behind. */
static const struct {
	size_t len;
	uint64_t blocks;
} sizes[] = { { 0, 1 }, { 1, 1 }, { 14, 1 }, { 15, 2 }, { 30, 2 }, { 31, 3 }, { 1400, 88 } };

START_TEST(a_part_of_a_block_counts_whole)
{
	struct lane l;

	lane_init(&l, ciphers[0]);
	ck_assert_int_eq(seal(&l, sizes[_i].len, ESP_NEXT_IPV4), VERDICT_OK);
	ck_assert_uint_eq(l.tx.blocks, sizes[_i].blocks);
	ck_assert_int_eq(open_whole(&l), VERDICT_OK);
	ck_assert_uint_eq(l.rx.blocks, sizes[_i].blocks);
	lane_fini(&l);
}
END_TEST

/* The packet that crosses the border is the one that wears the key, at both ends. */
START_TEST(a_packet_wears_the_key)
{
	struct esp_tx fresh_tx = { 0 };
	struct esp_rx fresh_rx = { 0 };
	struct lane l;

	lane_init(&l, ciphers[_i]);
	l.tx.blocks = l.rx.blocks = ESP_BLOCKS_MAX / 2 - LIFE_BLOCKS;
	ck_assert(!worn(&l.tx, &l.rx));
	ck_assert_int_eq(seal(&l, LIFE_LEN, ESP_NEXT_IPV4), VERDICT_OK);
	ck_assert(worn(&l.tx, &fresh_rx));
	ck_assert(!worn(&fresh_tx, &l.rx));
	ck_assert_int_eq(open_whole(&l), VERDICT_OK);
	ck_assert(worn(&fresh_tx, &l.rx));
	lane_fini(&l);
}
END_TEST

START_TEST(only_what_is_authentic_wears)
{
	struct lane l;

	lane_init(&l, ciphers[_i]);
	ck_assert_int_eq(seal(&l, 1000, ESP_NEXT_IPV4), VERDICT_OK);
	l.buf[l.len - 1] ^= 1;
	ck_assert_int_eq(open_whole(&l), VERDICT_ESP_AUTH_FAILED);
	ck_assert_uint_eq(l.rx.blocks, 0);
	lane_fini(&l);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("esp");

	KIT_ROWS(tc, every_length_comes_through, ciphers);
	KIT_ROWS(tc, the_head_is_spi_sequence_and_iv, ciphers);
	KIT_ROWS(tc, each_flipped_bit_is_refused_and_forgotten, ciphers);
	KIT_ROWS(tc, each_truncation_is_refused, ciphers);
	KIT_ROWS(tc, a_packet_counts_once, ciphers);
	KIT_ROWS(tc, the_trailer_is_checked, trailers);
	KIT_ROWS(tc, the_high_half_is_inferred, places);
	KIT_ROWS(tc, a_stream_goes_over_the_edge, ciphers);
	KIT_ROWS(tc, a_key_is_used_up, lives);
	KIT_ROWS(tc, a_key_is_worn_at_half, wears);
	KIT_ROWS(tc, a_part_of_a_block_counts_whole, sizes);
	KIT_ROWS(tc, a_packet_wears_the_key, ciphers);
	KIT_ROWS(tc, only_what_is_authentic_wears, ciphers);
	return kit_run("tunneld/esp", tc);
}
