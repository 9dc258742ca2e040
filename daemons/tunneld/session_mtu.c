/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/session_mtu.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/secret.h"
#include "daemons/tunneld/icmp_big.h"

/* While it is searched anew after what had passed has failed, long packets are safe inside of TLS. */
static size_t
longest_whole(const struct mtu *m)
{
	if (m->fit == 0)
		return SIZE_MAX;
	return m->state == MTU_SEARCH && m->failed <= m->fit ? m->passed : m->fit;
}

/* What the one before it has found is likely to hold. */
void
session_mtu_begin(struct session *s, unsigned top)
{
	const struct session *before = s->peer->current;
	int64_t now = clock_mono_us();

	mtu_init(&s->mtu, top, now);
	if (before != NULL)
		mtu_inherit(&s->mtu, &before->mtu, now);
	s->udp_max = longest_whole(&s->mtu);
}

unsigned
session_mtu(const struct session *s, bool ipv6)
{
	return mtu_of(s->mtu.fit == 0 ? s->mtu_begin : s->mtu.fit, ipv6);
}

static void
note_change(struct session *s)
{
	log_info("path_mtu", "node=%s epoch=%llu mtu=%u", s->peer->id,
	    (unsigned long long) s->epoch, s->mtu.fit);
	s->env->ops->mtu(s);
}

/* 0, or -EMSGSIZE: longer than our own link takes. What else fails is as lost as on the way. */
static int
ask(struct session *s, unsigned len)
{
	uint8_t inner[MTU_MOST + ESP_TRAILER] = { 0 }, out[MTU_MOST + ESP_HEAD + ESP_TAIL];
	size_t esp_len = esp_sealed_len(len);

	session_put_echo(inner, s->mtu.nonce);
	if (esp_seal(&s->tx, inner, len, ESP_NEXT_NONE, out) != VERDICT_OK)
		return 0;
	return udp_tx_whole(s->env->tx, &s->end, out, esp_len);
}

void
session_mtu_tick(struct session *s)
{
	int64_t now = clock_mono_us();
	uint64_t nonce;
	unsigned len;
	bool changed;

	s->mtu.in_use |= s->tx_bytes != s->mtu_bytes;
	s->mtu_bytes = s->tx_bytes;
	s->mtu.patience_us = 2 * s->probe.rtt_us;
	secret_random(&nonce, sizeof(nonce));
	changed = mtu_tick(&s->mtu, nonce | 1, now, &len);
	while (len != 0 && ask(s, len) == -EMSGSIZE)
		changed |= mtu_refused(&s->mtu, now, &len);
	s->udp_max = longest_whole(&s->mtu);
	if (changed)
		note_change(s);
}

void
session_mtu_answered(struct session *s, uint64_t nonce)
{
	bool changed = mtu_answered(&s->mtu, nonce, clock_mono_us());

	s->udp_max = longest_whole(&s->mtu);
	if (changed)
		note_change(s);
}

int64_t
session_mtu_due(const struct session *s)
{
	/* A new place: it must have proven itself before it is sent long packets. */
	return session_on_udp(s) && s->end_proven ? mtu_due(&s->mtu) : INT64_MAX;
}

bool
session_mtu_refuses(const struct session *s, const uint8_t *pkt, size_t len)
{
	return icmp_big_may_refuse(pkt, len) && len > session_mtu(s, pkt[0] >> 4 == 6);
}
