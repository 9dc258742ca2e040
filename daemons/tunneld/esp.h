/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_ESP_H
#define TUNNELD_ESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemons/tunneld/aead.h"
#include "daemons/tunneld/replay.h"
#include "daemons/tunneld/stats.h"

/*
 * ESP packets (RFC 4303) with an AEAD of 8-byte IV and 16-byte ICV (RFC 4106, RFC 7634), tunnel
 * mode, extended sequence numbers. Opened in place, sealed from one place to another. Pure but for the cipher contexts.
 *
 *     SPI 4 | sequence, low half 4 | IV 8 | inner packet, padding, pad length 1, next header 1 | ICV 16
 *
 * The IV is the 64-bit sequence number: unique for the key by construction. The additional data
 * are SPI, high half, low half (RFC 4106, 5). The high half does not travel; the receiver infers it
 * (RFC 4303, appendix A2).
 */
#define ESP_HEAD 16			/* SPI, sequence, IV: room needed before the inner packet */
#define ESP_TRAILER (3 + 2)		/* padding, pad length, next header: at most */
#define ESP_TAIL (ESP_TRAILER + AEAD_TAG_LEN)	/* at most, behind it */
#define ESP_MIN (ESP_HEAD + 4 + AEAD_TAG_LEN)

enum esp_next { ESP_NEXT_IPV4 = 4, ESP_NEXT_IPV6 = 41, ESP_NEXT_NONE = 59 };

/* A key's life: 2^34 AES blocks or 2^40 packets, whichever comes first. A rekey is due at half. */
#define ESP_PACKETS_MAX ((uint64_t) 1 << 40)
#define ESP_BLOCKS_MAX ((uint64_t) 1 << 34)
#define ESP_BLOCK 16	/* bytes: a part of one counts whole, small packets wear a key more */

struct esp_tx {
	uint32_t spi;		/* the receiver's choice */
	uint64_t seq;		/* of the last packet; only rises */
	uint64_t blocks;	/* sealed with this key */
	struct aead *aead;	/* owned */
};

struct esp_rx {
	uint32_t spi;
	struct replay replay;
	uint64_t blocks;	/* opened with this key */
	struct aead *aead;	/* owned */
};

/* How long the ESP packet around an inner packet of that length is. */
size_t esp_sealed_len(size_t len);

/*
 * Writes the inner packet as an ESP packet of esp_sealed_len(len) bytes to `out`: another place,
 * or inner - ESP_HEAD. The ESP_TRAILER bytes behind the inner packet are overwritten.
 * VERDICT_OK or VERDICT_ESP_SEQUENCE_OVER.
 */
enum verdict esp_seal(struct esp_tx *tx, uint8_t *inner, size_t len, enum esp_next next,
    uint8_t *out);

/* Has this direction used half of its key's life? */
bool esp_tx_worn(const struct esp_tx *tx);
bool esp_rx_worn(const struct esp_rx *rx);

/* The SPI of a datagram; 0 (which no SA has) when it is too short to be ESP. */
uint32_t esp_spi(const uint8_t *pkt, size_t len);

/*
 * Authenticates, checks for replay and decrypts in place. On VERDICT_OK *inner_out points into pkt,
 * with ESP_TRAILER bytes behind it that may be overwritten, and *seq_out is the packet's number.
 */
enum verdict esp_open(struct esp_rx *rx, uint8_t *pkt, size_t len, uint8_t **inner_out,
    size_t *len_out, uint8_t *next_out, uint64_t *seq_out);

#endif
