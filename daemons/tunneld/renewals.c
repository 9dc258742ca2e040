/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/renewals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/pki.h"
#include "common/reason.h"

struct entry {
	struct renewal renewal;
	struct renewals *all;
	bool granted;		/* else ipamd is being asked, and its answer comes here */
	int64_t begun_ms;
	TAILQ_ENTRY(entry) link;
};

struct renewals {
	struct renewals_parts p;
	TAILQ_HEAD(, entry) list;	/* the oldest first */
	size_t n;
	renewals_taken *taker;	/* who waits; NULL: nobody */
	void *taker_arg;
	struct ev_timer wait;
};

static void
drop(struct entry *e)
{
	TAILQ_REMOVE(&e->all->list, e, link);
	e->all->n--;
	free(e->renewal.csr);
	free(e);
}

/* --- who takes them --------------------------------------------------------------------------- */

/* Its grant would end on the way. Those that ipamd is asked for end with its answer. */
static void
forget_old(struct renewals *r)
{
	int64_t before = clock_mono_ms() - RENEWALS_LIFE_MS;
	struct entry *e, *next;

	for (e = TAILQ_FIRST(&r->list); e != NULL && e->begun_ms < before; e = next) {
		next = TAILQ_NEXT(e, link);
		if (e->granted)
			drop(e);
	}
}

/* To who waits; with none where nothing is there. */
static void
hand_out(struct renewals *r)
{
	const struct renewal *list[RENEWALS_MAX];
	renewals_taken *taker = r->taker;
	struct entry *e, *next;
	size_t n = 0;

	r->taker = NULL;
	ev_timer_stop(r->p.ev, &r->wait);
	forget_old(r);
	TAILQ_FOREACH(e, &r->list, link) {
		if (e->granted)
			list[n++] = &e->renewal;
	}
	taker(r->taker_arg, list, n);
	for (e = TAILQ_FIRST(&r->list); e != NULL; e = next) {
		next = TAILQ_NEXT(e, link);
		if (e->granted)
			drop(e);
	}
}

static bool
has_granted(const struct renewals *r)
{
	const struct entry *e;

	TAILQ_FOREACH(e, &r->list, link) {
		if (e->granted)
			return true;
	}
	return false;
}

static void
on_wait(void *arg)
{
	hand_out(arg);
}

void
renewals_take(struct renewals *r, int64_t wait_ms, renewals_taken *fn, void *arg)
{
	if (r->taker != NULL)
		hand_out(r);	/* it has given up, or died */
	r->taker = fn;
	r->taker_arg = arg;
	if (has_granted(r) || ev_timer_start(r->p.ev, &r->wait, wait_ms, on_wait, r) < 0)
		hand_out(r);
}

/* --- who asks --------------------------------------------------------------------------------- */

static void
refuse(struct renewals *r, const struct renewal *ask, int reason, const char *detail)
{
	log_info("renewal_refused", "node=%s pki=%s reason=%s error=%s", ask->node_id,
	    ask->grpc ? "grpc" : "vpn", reason_name(reason), LOG_Q(detail));
	r->p.refused(r->p.arg, ask, reason, detail);
}

static void
on_granted(void *arg, int rc, const uint8_t *grant, const char *detail)
{
	struct entry *e = arg;
	struct renewals *r = e->all;

	if (rc < 0) {
		refuse(r, &e->renewal, -rc, detail);
		drop(e);
		return;
	}
	memcpy(e->renewal.grant, grant, sizeof(e->renewal.grant));
	e->granted = true;
	if (r->taker != NULL)
		hand_out(r);
}

static bool
is_under_way(const struct renewals *r, const struct renewal *ask)
{
	const struct entry *e;

	TAILQ_FOREACH(e, &r->list, link) {
		if (e->renewal.grpc == ask->grpc && strcmp(e->renewal.node_id, ask->node_id) == 0)
			return true;
	}
	return false;
}

static struct entry *
add(struct renewals *r, const struct renewal *ask)
{
	struct entry *e = calloc(1, sizeof(*e));
	char *csr = strdup(ask->csr);

	if (e == NULL || csr == NULL) {
		free(e);
		free(csr);
		return NULL;
	}
	e->renewal = *ask;
	e->renewal.csr = csr;
	e->all = r;
	e->begun_ms = clock_mono_ms();
	TAILQ_INSERT_TAIL(&r->list, e, link);
	r->n++;
	return e;
}

void
renewals_ask(struct renewals *r, const struct renewal *ask)
{
	uint8_t spki[PKI_SPKI_LEN];
	struct entry *e;
	struct err err;
	int rc;

	forget_old(r);
	if (r->n >= RENEWALS_MAX || is_under_way(r, ask)) {
		refuse(r, ask, REASON_OVERLOADED, reason_text(REASON_OVERLOADED));
	} else if (pki_csr_check(ask->csr, strlen(ask->csr), spki, &err) < 0) {
		refuse(r, ask, REASON_CSR_INVALID, err.text);
	} else if ((e = add(r, ask)) == NULL) {
		refuse(r, ask, REASON_OVERLOADED, "out of memory");
	} else if ((rc = ipam_renew(r->p.ipam, ask->node_id, ask->grpc, spki, on_granted, e)) < 0) {
		refuse(r, ask, (int) reason_of(rc, REASON_IPAM_DOWN),
		    reason_text(REASON_IPAM_DOWN));
		drop(e);
	}
}

/* --- life ------------------------------------------------------------------------------------- */

int
renewals_new(const struct renewals_parts *parts, struct renewals **out)
{
	struct renewals *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return -ENOMEM;
	r->p = *parts;
	TAILQ_INIT(&r->list);
	*out = r;
	return 0;
}

void
renewals_free(struct renewals *r)
{
	struct entry *e;

	if (r == NULL)
		return;
	ev_timer_stop(r->p.ev, &r->wait);
	while ((e = TAILQ_FIRST(&r->list)) != NULL)
		drop(e);
	free(r);
}
