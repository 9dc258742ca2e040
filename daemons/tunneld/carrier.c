/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/carrier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "daemons/tunneld/atom.h"
#include "daemons/tunneld/mtu.h"

#define LINE 64			/* of the cache */
#define REFUSALS_US 1000000	/* between two that are told */
#define ECHOES_PER_SECOND 10
#define ECHO_BITS 8		/* of carrier.echoes: how many */
#define UNPROVEN_FACTOR 3	/* as in RFC 9000, 8.1: no amplification towards a forged source */

/* --- sending ---------------------------------------------------------------------------------- */

unsigned
carrier_mtu(const struct carrier *c, bool ipv6)
{
	return mtu_of(atom_get(&c->mtu), ipv6);
}

bool
carrier_is_keyed(const struct carrier *c, unsigned worker)
{
	return worker < c->nkeyed;
}

/* May that many bytes go there now? */
static bool
afford(struct carrier_end *end, int64_t len)
{
	if (atom_get(&end->proven))
		return true;
	if (__atomic_sub_fetch(&end->credit, len, __ATOMIC_RELAXED) >= 0)
		return true;
	__atomic_add_fetch(&end->credit, len, __ATOMIC_RELAXED);
	return false;
}

/* Notes when the first packet since the last answer left. True: the control thread has to know. */
static bool
begin_wait(struct carrier *c, struct carrier_lane *lane, int64_t now_us)
{
	if (lane->waiting_us <= atom_get(&c->rx_us)) {
		atom_set(&lane->waiting_us, now_us + 1);	/* after what came in this round */
		atom_fence();	/* against carrier_waits_since: `armed` was cleared before */
	}
	return !atom_get(&c->armed);
}

enum verdict
carrier_seal(struct carrier *c, unsigned worker, struct udp_tx *tx, uint8_t *pkt, size_t len,
    enum esp_next next, int64_t now_us, unsigned *news_out)
{
	struct carrier_lane *lane = &c->lanes[worker];
	struct carrier_end *end = atom_take(&c->end);
	size_t esp_len = esp_sealed_len(len);
	enum verdict v;

	*news_out = 0;
	if (end == NULL)
		return VERDICT_PATH_DOWN;
	if (!afford(end, (int64_t) esp_len))
		return VERDICT_ENDPOINT_UNPROVEN;
	v = esp_seal(&lane->tx, pkt, len, next, udp_tx_room(tx, &end->udp, esp_len));
	if (v != VERDICT_OK)
		return v;
	udp_tx_put(tx, esp_len);
	if (esp_tx_worn(&lane->tx))
		atom_set(&c->worn, true);
	if (next != ESP_NEXT_NONE && begin_wait(c, lane, now_us))
		*news_out = CARRIER_WAITING;
	return VERDICT_OK;
}

int
carrier_ask(struct carrier *c, unsigned worker, struct udp_tx *tx, const uint8_t *text,
    size_t text_len, size_t len)
{
	uint8_t inner[MTU_MOST + ESP_TRAILER] = { 0 }, out[MTU_MOST + ESP_HEAD + ESP_TAIL];
	struct carrier_end *end = atom_take(&c->end);

	if (end == NULL || len > MTU_MOST || text_len > len)
		return 0;
	memcpy(inner, text, text_len);
	if (esp_seal(&c->lanes[worker].tx, inner, len, ESP_NEXT_NONE, out) != VERDICT_OK)
		return 0;
	return udp_tx_whole(tx, &end->udp, out, esp_sealed_len(len));
}

/* --- receiving -------------------------------------------------------------------------------- */

/* Only the newest packet moves the end: an old one, replayed from elsewhere, does not. */
static bool
has_moved(const struct carrier_sa *sa, const struct udp_end *from, uint64_t seq, size_t len,
    int64_t now_us)
{
	struct carrier_end *end = atom_take(&sa->carrier->end);

	if (end != NULL && udp_end_equal(&end->udp, from)) {
		if (!atom_get(&end->proven))
			__atomic_add_fetch(&end->credit, UNPROVEN_FACTOR * (int64_t) len,
			    __ATOMIC_RELAXED);
		return false;
	}
	return seq == sa->rx.replay.top && sa->told_us != now_us;
}

enum verdict
carrier_open(struct carrier_sa *sa, uint8_t *pkt, size_t len, const struct udp_end *from,
    int64_t now_us, struct carrier_opened *out)
{
	struct carrier *c = sa->carrier;
	uint64_t seq;
	enum verdict v;

	if (atom_take(&sa->rx.aead) == NULL)
		return VERDICT_ESP_SPI_UNKNOWN;
	v = esp_open(&sa->rx, pkt, len, &out->inner, &out->len, &out->next, &seq);
	if (v != VERDICT_OK)
		return v;
	out->news = 0;
	if (atom_get(&c->rx_us) < now_us)
		atom_set(&c->rx_us, now_us);
	if (esp_rx_worn(&sa->rx))
		atom_set(&c->worn, true);
	if (!atom_get(&c->heard))
		out->news |= CARRIER_HEARD;
	if (c->roams && has_moved(sa, from, seq, len, now_us))
		out->news |= CARRIER_MOVED;
	return VERDICT_OK;
}

void
carrier_tell(struct carrier_sa *sa, struct carrier *c, unsigned news, bool told, int64_t now_us)
{
	if ((news & CARRIER_HEARD) != 0)
		atom_set(&c->heard, told);
	if ((news & CARRIER_WAITING) != 0)
		atom_set(&c->armed, told);
	if ((news & CARRIER_MOVED) != 0)
		sa->told_us = now_us;
	if ((news & CARRIER_REFUSED) != 0)
		atom_set(&c->refused_us, now_us);
}

bool
carrier_minds_refusal(const struct carrier *c, int64_t now_us)
{
	return atom_get(&c->on_udp) && now_us - atom_get(&c->refused_us) >= REFUSALS_US;
}

bool
carrier_may_echo(struct carrier *c, int64_t now_us)
{
	uint64_t now_ms = (uint64_t) now_us / 1000, old = atom_get(&c->echoes), next;

	do {
		next = now_ms - (old >> ECHO_BITS) >= 1000 ? now_ms << ECHO_BITS | 1 : old + 1;
		if ((next & ((1 << ECHO_BITS) - 1)) > ECHOES_PER_SECOND)
			return false;
	} while (!__atomic_compare_exchange_n(&c->echoes, &old, next, true, __ATOMIC_RELAXED,
	    __ATOMIC_RELAXED));
	return true;
}

struct carrier_sa *
carrier_sa_of(struct esp_rx *rx)
{
	return (struct carrier_sa *) (void *) ((char *) rx - offsetof(struct carrier_sa, rx));
}

/* --- what the control thread reads -------------------------------------------------------------- */

int64_t
carrier_waits_since(const struct carrier *c)
{
	int64_t rx_us, first = 0;

	atom_fence();
	rx_us = atom_get(&c->rx_us);
	for (unsigned i = 0; i < c->nkeyed; i++) {
		int64_t us = atom_get(&c->lanes[i].waiting_us);

		if (us > rx_us && (first == 0 || us < first))
			first = us;
	}
	return first;
}

void
carrier_add_traffic(const struct carrier *c, struct traffic *sum)
{
	for (unsigned i = 0; i < c->nsas; i++) {
		sum->rx_packets += atom_get(&c->sas[i].packets);
		sum->rx_bytes += atom_get(&c->sas[i].bytes);
	}
	for (unsigned i = 0; i < c->nlanes; i++) {
		sum->tx_packets += atom_get(&c->lanes[i].packets);
		sum->tx_bytes += atom_get(&c->lanes[i].bytes);
	}
}

/* --- life ------------------------------------------------------------------------------------- */

static void *
zeroed(size_t n, size_t size)
{
	void *p = aligned_alloc(LINE, n * size);

	if (p != NULL)
		memset(p, 0, n * size);
	return p;
}

static void
carrier_free(struct carrier *c)
{
	for (unsigned i = 0; c->sas != NULL && i < c->nsas; i++)
		aead_free(c->sas[i].rx.aead);
	for (unsigned i = 0; c->lanes != NULL && i < c->nlanes; i++)
		aead_free(c->lanes[i].tx.aead);
	free(c->sas);
	free(c->lanes);
	free(c->end);
	free(c);
}

static void
bury_carrier(struct grace_item *item)
{
	carrier_free((struct carrier *) (void *) ((char *) item - offsetof(struct carrier, grace)));
}

static int
add_sas(struct carrier *c, struct sa_table *table, unsigned first)
{
	uint32_t random;
	int rc;

	for (unsigned i = 0; i < c->nsas; i++) {
		c->sas[i].carrier = c;
		secret_random(&random, sizeof(random));
		rc = sa_add(table, &c->sas[i].rx, (first + i) % c->nlanes, random);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
carrier_new(struct sa_table *table, unsigned nlanes, unsigned nsas, unsigned first,
    struct carrier **out)
{
	struct carrier *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL)
		return -ENOMEM;
	c->nlanes = nlanes;
	c->nsas = nsas;
	c->lanes = zeroed(nlanes, sizeof(*c->lanes));
	c->sas = zeroed(nsas, sizeof(*c->sas));
	rc = c->lanes == NULL || c->sas == NULL ? -ENOMEM : add_sas(c, table, first);
	if (rc < 0) {
		carrier_bury(c, table, table->grave);
		return rc;
	}
	*out = c;
	return 0;
}

void
carrier_bury(struct carrier *c, struct sa_table *table, struct grave *grave)
{
	if (c == NULL)
		return;
	for (unsigned i = 0; c->sas != NULL && i < c->nsas; i++)
		sa_remove(table, &c->sas[i].rx);
	grave_put(grave, &c->grace, bury_carrier);
}

static void
bury_end(struct grace_item *item)
{
	free((char *) item - offsetof(struct carrier_end, grace));
}

int
carrier_set_end(struct carrier *c, const struct udp_end *udp, bool proven, int64_t credit,
    struct grave *grave)
{
	struct carrier_end *old = c->end, *end = calloc(1, sizeof(*end));

	if (end == NULL)
		return -ENOMEM;
	end->udp = *udp;
	end->proven = proven;
	end->credit = credit;
	atom_publish(&c->end, end);
	if (old != NULL)
		grave_put(grave, &old->grace, bury_end);
	return 0;
}
