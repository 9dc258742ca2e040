/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/session_mtu.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/secret.h"
#include "daemons/tunneld/atom.h"
#include "daemons/tunneld/session_path.h"

/* While it is searched anew after what had passed has failed, long packets are safe inside of TLS. */
static size_t
longest_whole(const struct mtu *m)
{
	if (m->fit == 0)
		return SIZE_MAX;
	return m->state == MTU_SEARCH && m->failed <= m->fit ? m->passed : m->fit;
}

/* For the workers. */
static void
publish(struct session *s)
{
	atom_set(&s->carrier->mtu, s->mtu.fit == 0 ? s->mtu_begin : s->mtu.fit);
	atom_set(&s->carrier->udp_max, longest_whole(&s->mtu));
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
	publish(s);
}

unsigned
session_mtu(const struct session *s, bool ipv6)
{
	return carrier_mtu(s->carrier, ipv6);
}

static void
note_change(struct session *s)
{
	log_info("path_mtu", "node=%s epoch=%llu mtu=%u", s->peer->id,
	    (unsigned long long) s->epoch, s->mtu.fit);
	s->env->ops->mtu(s);
}

void
session_mtu_tick(struct session *s)
{
	struct traffic sent = { 0 };
	uint64_t nonce;
	unsigned len;
	bool changed;

	carrier_add_traffic(s->carrier, &sent);
	s->mtu.in_use |= sent.tx_bytes != s->mtu_bytes;
	s->mtu_bytes = sent.tx_bytes;
	s->mtu.patience_us = 2 * s->probe.rtt_us;
	secret_random(&nonce, sizeof(nonce));
	changed = mtu_tick(&s->mtu, nonce | 1, clock_mono_us(), &len);
	if (len != 0)
		session_path_ask(s, s->mtu.nonce, len, true);
	publish(s);
	if (changed)
		note_change(s);
}

void
session_mtu_refused(struct session *s, uint64_t nonce)
{
	unsigned len;
	bool changed;

	if (nonce != s->mtu.nonce)
		return;		/* of an older question */
	changed = mtu_refused(&s->mtu, clock_mono_us(), &len);
	if (len != 0)
		session_path_ask(s, nonce, len, true);
	publish(s);
	if (changed)
		note_change(s);
}

void
session_mtu_answered(struct session *s, uint64_t nonce)
{
	bool changed = mtu_answered(&s->mtu, nonce, clock_mono_us());

	publish(s);
	if (changed)
		note_change(s);
}

int64_t
session_mtu_due(const struct session *s)
{
	/* A new place: it must have proven itself before it is sent long packets. */
	return session_path_on_udp(s) && s->carrier->end->proven ? mtu_due(&s->mtu) : INT64_MAX;
}
