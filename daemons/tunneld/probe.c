/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/probe.h"

void
probe_init(struct probe *p, int64_t now_us, int64_t keepalive_us)
{
	*p = (struct probe){
		.active_us = now_us,
		.due_us = now_us,
		.interval_us = PROBE_FAST_US,
		.keepalive_us = keepalive_us,
	};
}

/* How long an answer may take before it counts as missing. */
static int64_t
patience(const struct probe *p)
{
	return 2 * p->rtt_us > PROBE_FAST_US ? 2 * p->rtt_us : PROBE_FAST_US;
}

bool
probe_sent(struct probe *p, int64_t now_us)
{
	if (!p->on_udp || p->waiting_us != 0)
		return false;
	p->waiting_us = now_us;
	return true;
}

void
probe_received(struct probe *p, int64_t now_us)
{
	p->active_us = now_us;
	p->waiting_us = 0;
	if (p->on_udp)
		p->unanswered = 0;
}

static void
smooth_rtt(struct probe *p, int64_t sample_us)
{
	p->rtt_us = p->rtt_us == 0 ? sample_us : p->rtt_us + (sample_us - p->rtt_us) / 8;
}

bool
probe_answered(struct probe *p, uint64_t nonce, int64_t now_us)
{
	if (nonce == 0 || nonce != p->nonce)
		return false;	/* an older question's: says nothing about now */
	p->nonce = 0;
	p->unanswered = 0;
	smooth_rtt(p, now_us - p->asked_us);
	probe_received(p, now_us);
	if (p->on_udp)
		return false;
	p->answered++;
	if (p->fell_back && p->answered < PROBE_TRIES) {
		p->due_us = now_us;
		p->interval_us = PROBE_FAST_US;
		return false;
	}
	p->on_udp = true;
	p->fell_back = true;
	return true;
}

int64_t
probe_due(const struct probe *p)
{
	int64_t due;

	if (!p->on_udp)
		return p->due_us;
	due = p->active_us + p->keepalive_us;
	if (p->waiting_us != 0 && p->waiting_us + patience(p) < due)
		due = p->waiting_us + patience(p);
	/* A question is out: the next step is when its answer is late. */
	if (p->nonce != 0 && p->asked_us > p->active_us && p->asked_us + patience(p) > due)
		due = p->asked_us + patience(p);
	return due;
}

static void
fall_back(struct probe *p, int64_t now_us)
{
	p->on_udp = false;
	p->answered = 0;
	p->waiting_us = 0;
	p->interval_us = PROBE_FAST_US;
	p->due_us = now_us + p->interval_us;
}

bool
probe_tick(struct probe *p, uint64_t nonce, int64_t now_us, bool *ask_out)
{
	*ask_out = false;
	if (now_us < probe_due(p))
		return false;
	/* On UDP whatever came since is as good as an answer. */
	if (p->nonce != 0 && (!p->on_udp || p->asked_us > p->active_us) &&
	    p->unanswered < PROBE_TRIES)
		p->unanswered++;
	if (p->on_udp && p->unanswered >= PROBE_TRIES) {
		p->nonce = 0;
		p->unanswered = 0;
		fall_back(p, now_us);
		return true;
	}
	if (!p->on_udp) {
		if (p->unanswered > 0)
			p->answered = 0;
		/* Three quick questions, then more and more slowly. */
		if (p->unanswered >= PROBE_TRIES && p->interval_us < PROBE_SLOW_US)
			p->interval_us *= 2;
		if (p->interval_us > PROBE_SLOW_US)
			p->interval_us = PROBE_SLOW_US;
		p->due_us = now_us + p->interval_us;
	}
	p->nonce = nonce;
	p->asked_us = now_us;
	*ask_out = true;
	return false;
}

void
probe_moved(struct probe *p, int64_t now_us)
{
	p->nonce = 0;
	p->unanswered = 0;
	p->due_us = now_us;
	p->interval_us = PROBE_FAST_US;
	if (p->on_udp)
		p->active_us = now_us - p->keepalive_us;
}
