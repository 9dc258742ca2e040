/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/esp.h"

#include "common/wire.h"

#define AAD_LEN 12

static void
make_aad(uint32_t spi, uint64_t seq, uint8_t aad[AAD_LEN])
{
	struct wire w = wire_writer(aad, AAD_LEN);

	wire_put_u32(&w, spi);
	wire_put_u64(&w, seq);
}

/* How much of its key's life a packet of `len` enciphered bytes takes. */
static uint64_t
blocks_of(size_t len)
{
	return (len + ESP_BLOCK - 1) / ESP_BLOCK;
}

/* RFC 4303, 2.4: the trailer ends on 4 bytes. */
static size_t
padding(size_t len)
{
	return -(len + 2) % 4;
}

size_t
esp_sealed_len(size_t len)
{
	return ESP_HEAD + len + padding(len) + 2 + AEAD_TAG_LEN;
}

static size_t
append_trailer(uint8_t *inner, size_t len, enum esp_next next)
{
	size_t pad = padding(len);

	for (size_t i = 0; i < pad; i++)
		inner[len + i] = (uint8_t) (i + 1);
	inner[len + pad] = (uint8_t) pad;
	inner[len + pad + 1] = (uint8_t) next;
	return len + pad + 2;
}

enum verdict
esp_seal(struct esp_tx *tx, uint8_t *inner, size_t len, enum esp_next next, uint8_t *out)
{
	struct wire w = wire_writer(out, ESP_HEAD);
	uint8_t *text = out + ESP_HEAD, aad[AAD_LEN];
	uint64_t blocks = blocks_of(len + padding(len) + 2);

	if (tx->seq >= ESP_PACKETS_MAX || tx->blocks > ESP_BLOCKS_MAX - blocks)
		return VERDICT_ESP_SEQUENCE_OVER;
	tx->seq++;
	tx->blocks += blocks;
	wire_put_u32(&w, tx->spi);
	wire_put_u32(&w, (uint32_t) tx->seq);
	wire_put_u64(&w, tx->seq);
	len = append_trailer(inner, len, next);
	make_aad(tx->spi, tx->seq, aad);
	if (aead_seal(tx->aead, text - AEAD_IV_LEN, aad, sizeof(aad), inner, len, text,
	    text + len) < 0)
		return VERDICT_ESP_SEQUENCE_OVER;
	return VERDICT_OK;
}

bool
esp_tx_worn(const struct esp_tx *tx)
{
	return tx->seq >= ESP_PACKETS_MAX / 2 || tx->blocks >= ESP_BLOCKS_MAX / 2;
}

bool
esp_rx_worn(const struct esp_rx *rx)
{
	return rx->replay.top >= ESP_PACKETS_MAX / 2 || rx->blocks >= ESP_BLOCKS_MAX / 2;
}

uint32_t
esp_spi(const uint8_t *pkt, size_t len)
{
	struct wire w = wire_reader(pkt, len);

	return len < ESP_MIN ? 0 : wire_get_u32(&w);
}

/* RFC 4303, appendix A2: the 64-bit number that ends in `low` and is nearest to the window. */
static uint64_t
infer_seq(uint64_t top, uint32_t low)
{
	uint64_t high = top >> 32;
	uint32_t top_low = (uint32_t) top;

	if (top_low >= REPLAY_WINDOW - 1) {
		/* The window lies in one subspace: a low half below it is of the next one. */
		if (low < top_low - (REPLAY_WINDOW - 1))
			high++;
	} else if (low >= top_low - (uint32_t) (REPLAY_WINDOW - 1)) {
		/* It spans two, and low is in the part of the previous one. */
		if (high == 0)
			return 0;	/* before the first packet: replay_fresh refuses it */
		high--;
	}
	return high << 32 | low;
}

/* The padding is 1, 2, 3, ... and the pad length tells how much (RFC 4303, 2.4). */
static enum verdict
strip_trailer(const uint8_t *inner, size_t *len, uint8_t *next)
{
	size_t pad = inner[*len - 2];

	*next = inner[*len - 1];
	*len -= 2;
	if (pad > *len)
		return VERDICT_ESP_TRAILER_BAD;
	*len -= pad;
	for (size_t i = 0; i < pad; i++) {
		if (inner[*len + i] != i + 1)
			return VERDICT_ESP_TRAILER_BAD;
	}
	return VERDICT_OK;
}

enum verdict
esp_open(struct esp_rx *rx, uint8_t *pkt, size_t len, uint8_t **inner_out, size_t *len_out,
    uint8_t *next_out, uint64_t *seq_out)
{
	struct wire w = wire_reader(pkt, len);
	uint8_t aad[AAD_LEN], next;
	uint8_t *inner = pkt + ESP_HEAD;
	size_t inner_len;
	uint64_t seq;
	enum verdict v;

	if (len < ESP_MIN || wire_get_u32(&w) != rx->spi)
		return VERDICT_ESP_SHORT;
	seq = infer_seq(rx->replay.top, wire_get_u32(&w));
	if (!replay_fresh(&rx->replay, seq))
		return VERDICT_ESP_REPLAYED;
	inner_len = len - ESP_HEAD - AEAD_TAG_LEN;
	make_aad(rx->spi, seq, aad);
	if (aead_open(rx->aead, pkt + 8, aad, sizeof(aad), inner, inner_len, inner + inner_len) < 0)
		return VERDICT_ESP_AUTH_FAILED;
	replay_accept(&rx->replay, seq);
	rx->blocks += blocks_of(inner_len);
	if ((v = strip_trailer(inner, &inner_len, &next)) != VERDICT_OK)
		return v;
	*inner_out = inner;
	*len_out = inner_len;
	*next_out = next;
	*seq_out = seq;
	return VERDICT_OK;
}
