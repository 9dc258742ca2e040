/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/carrier_key.h"

#include <errno.h>
#include <string.h>

#include "common/secret.h"
#include "common/wire.h"
#include "daemons/tunneld/atom.h"

#define EXPORTER_LABEL "EXPORTER-litevpn-esp"
#define EXPORTER_LEN (AEAD_KEY_LEN + AEAD_SALT_LEN)

enum direction { NODE_TO_SERVER = 0, SERVER_TO_NODE = 1 };

static struct aead *
derive(const struct carrier_keying *k, enum direction direction, uint32_t spi, bool seal)
{
	uint8_t context[6], out[EXPORTER_LEN];
	struct wire w = wire_writer(context, sizeof(context));
	struct aead *a = NULL;

	wire_put_u8(&w, (uint8_t) direction);
	wire_put_u8(&w, (uint8_t) k->cipher);
	wire_put_u32(&w, spi);
	if (tls_export(k->tls, EXPORTER_LABEL, context, sizeof(context), out, sizeof(out)) == 0)
		a = aead_new(k->cipher, seal, out, out + AEAD_KEY_LEN);
	secret_wipe(out, sizeof(out));
	return a;
}

/* Does the peer's worker whom this SPI names send to the one of ours that the lane is of? */
static bool
answers(const struct carrier *c, unsigned lane, uint32_t spi)
{
	unsigned peer = sa_worker(spi);

	return peer < c->nsas && sa_worker(c->sas[peer].rx.spi) == lane;
}

void
carrier_pair(const struct carrier *c, uint32_t *spis, unsigned n)
{
	/* An SPI suits one lane at most: what a swap takes away from a lane did not suit it. */
	for (unsigned lane = 0; lane < n; lane++) {
		for (unsigned i = 0; i < n; i++) {
			uint32_t spi = spis[i];

			if (!answers(c, lane, spi))
				continue;
			if (!answers(c, lane, spis[lane])) {
				spis[i] = spis[lane];
				spis[lane] = spi;
			}
			break;
		}
	}
}

static int
key_lanes(struct carrier *c, const struct carrier_keying *k)
{
	enum direction out = k->server ? SERVER_TO_NODE : NODE_TO_SERVER;
	unsigned n = k->npeer_spis < c->nlanes ? k->npeer_spis : c->nlanes;
	uint32_t spis[SA_WORKERS];

	memcpy(spis, k->peer_spis, n * sizeof(spis[0]));
	if (k->server)	/* one end only: both would undo it */
		carrier_pair(c, spis, n);
	for (unsigned i = 0; i < n; i++) {
		struct esp_tx *tx = &c->lanes[i].tx;

		tx->spi = spis[i];
		if ((tx->aead = derive(k, out, tx->spi, true)) == NULL)
			return -EIO;
	}
	c->nkeyed = n;
	return 0;
}

static int
key_sas(struct carrier *c, const struct carrier_keying *k)
{
	enum direction in = k->server ? NODE_TO_SERVER : SERVER_TO_NODE;
	unsigned n = k->peer_workers < c->nsas ? k->peer_workers : c->nsas;

	for (unsigned i = 0; i < n; i++) {
		struct esp_rx *rx = &c->sas[i].rx;
		struct aead *a = derive(k, in, rx->spi, false);

		if (a == NULL)
			return -EIO;
		atom_publish(&rx->aead, a);
	}
	return 0;
}

int
carrier_key(struct carrier *c, const struct carrier_keying *k)
{
	int rc = key_lanes(c, k);

	return rc < 0 ? rc : key_sas(c, k);
}
