/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemons/ipamd/store_inside.h"

/*
 * What is the same for every store, and the way from an intent to its implementation; those of
 * nodes stand in store_node.c.
 */

/* --- failure and what is due ------------------------------------------------------------------ */

int
store_note(struct store *st, enum store_due due, int rc)
{
	if (rc == -REASON_STORE_FAILED)
		st->doomed = true;
	else if (rc >= 0 && due > st->due)
		st->due = due;
	st->changed |= rc >= 0 && due != STORE_NOTHING && !st->guarded;
	return rc;
}

const char *
store_failure(const struct store *st)
{
	return st->failure;
}

bool
store_broken(const struct store *st)
{
	return st->broken;
}

enum store_due
store_due(const struct store *st)
{
	return st->doomed ? STORE_NOW : st->due;
}

void
store_close(struct store *st)
{
	if (st != NULL)
		st->ops->close(st);
}

/* --- transactions ----------------------------------------------------------------------------- */

int
store_request(struct store *st)
{
	st->guarded = false;
	st->changed = false;
	if (st->doomed)
		return -REASON_STORE_FAILED;
	return store_note(st, STORE_NOTHING, st->ops->request(st));
}

int
store_guard(struct store *st)
{
	int rc;

	if (st->doomed || st->guarded)
		return st->doomed ? -REASON_STORE_FAILED : 0;
	rc = store_note(st, STORE_NOTHING, st->ops->guard(st));
	st->guarded = rc == 0;
	return rc;
}

/* The end of the request: what was not guarded stands, or dooms the others with it. */
static int
end_request(struct store *st, int (*end)(struct store *st))
{
	bool guarded = st->guarded;

	st->guarded = false;
	if (st->doomed)
		return -REASON_STORE_FAILED;
	return guarded ? store_note(st, STORE_NOTHING, end(st)) : 0;
}

int
store_accept(struct store *st)
{
	return end_request(st, st->ops->accept);
}

int
store_refuse(struct store *st)
{
	if (st->changed && !st->doomed) {
		snprintf(st->failure, sizeof(st->failure), "a request was refused after a change "
		    "that cannot be undone");
		return store_note(st, STORE_NOTHING, -REASON_STORE_FAILED);
	}
	return end_request(st, st->ops->refuse);
}

int
store_commit(struct store *st)
{
	int rc = st->doomed ? -REASON_STORE_FAILED : st->ops->commit(st);

	if (rc < 0 && st->ops->rollback(st) < 0)
		st->broken = true;
	st->doomed = false;
	st->guarded = false;
	st->due = STORE_NOTHING;
	return rc;
}

/* --- the order of use ------------------------------------------------------------------------- */

void
store_stamp(int64_t now_s, char out[STORE_STAMP_MAX])
{
	time_t t = (time_t) now_s;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL || strftime(out, STORE_STAMP_MAX, "%F %T", &tm) == 0)
		out[0] = '\0';
}

struct store_use
store_use_next(struct store *st, int64_t now_s)
{
	struct store_use use = { .seq = ++st->seq, .now_s = now_s };

	if (now_s != st->newest_s) {
		store_stamp(now_s, use.stamp);
		if (strcmp(use.stamp, st->newest) > 0)
			memcpy(st->newest, use.stamp, sizeof(st->newest));
		st->newest_s = now_s;
	}
	memcpy(use.stamp, st->newest, sizeof(use.stamp));
	return use;
}

/* --- networks --------------------------------------------------------------------------------- */

int
store_network_list(struct store *st, struct store_network *out, size_t max)
{
	return READ(st, network_list, out, max);
}

int
store_network_add(struct store *st, struct store_network *n)
{
	return WRITE(st, STORE_NOW, network_add, n);
}

int
store_network_change(struct store *st, const struct store_network *n)
{
	return WRITE(st, STORE_NOW, network_change, n);
}

int
store_network_delete(struct store *st, int64_t id)
{
	return WRITE(st, STORE_NOW, network_delete, id);
}

int
store_network_clear(struct store *st, int64_t id, uint64_t epoch, int64_t now_s)
{
	struct store_use use = store_use_next(st, now_s);
	int rc = WRITE(st, STORE_NOW, network_clear, id, epoch, &use);

	if (rc > 0)
		st->seq += rc;
	return rc;
}

/* --- addresses -------------------------------------------------------------------------------- */

int
store_bindings(struct store *st, int64_t net, int64_t after, struct store_binding *out, size_t max)
{
	return READ(st, bindings, net, after, out, max);
}

int
store_counts(struct store *st, int64_t net, struct store_counts *out)
{
	return READ(st, counts, net, out);
}

/* --- bootstrap tokens ------------------------------------------------------------------------- */

int
store_token_add(struct store *st, struct store_token *t)
{
	return WRITE(st, STORE_NOW, token_add, t);
}

int
store_token_by_hash(struct store *st, const uint8_t hash[SECRET_HASH_LEN], struct store_token *out)
{
	return READ(st, token_by_hash, hash, out);
}

int
store_token_by_label(struct store *st, const char *label, struct store_token *out)
{
	return READ(st, token_by_label, label, out);
}

int
store_token_list(struct store *st, int64_t net, int64_t after, struct store_token *out, size_t max)
{
	return READ(st, token_list, net, after, out, max);
}

int
store_token_use(struct store *st, int64_t row)
{
	return WRITE(st, STORE_NOW, token_use, row);
}

int
store_token_delete(struct store *st, int64_t row)
{
	return WRITE(st, STORE_NOW, token_delete, row);
}

int
store_token_count(struct store *st, uint64_t *out)
{
	return READ(st, token_count, out);
}

int
store_tokens_expired(struct store *st, int64_t now_s, struct store_token *out, size_t max)
{
	return READ(st, tokens_expired, now_s, out, max);
}

/* --- kept addresses --------------------------------------------------------------------------- */

int
store_hold_add(struct store *st, struct store_hold *h)
{
	return WRITE(st, STORE_NOW, hold_add, h);
}

int
store_hold_delete(struct store *st, int64_t row)
{
	return WRITE(st, STORE_NOW, hold_delete, row);
}

int
store_hold_by_addr(struct store *st, int64_t net, const struct ip_addr *addr,
    struct store_hold *out)
{
	struct store_hold like = { .net = net, .addr = *addr };

	return READ(st, hold_find, HOLD_BY_ADDR, &like, out);
}

int
store_hold_by_name(struct store *st, int64_t net, const char *name, struct store_hold *out)
{
	struct store_hold like = { .net = net };

	if ((size_t) snprintf(like.name, sizeof(like.name), "%s", name) >= sizeof(like.name))
		return -ENOENT;
	return READ(st, hold_find, HOLD_BY_NAME, &like, out);
}

int
store_hold_by_token(struct store *st, int64_t token, struct store_hold *out)
{
	struct store_hold like = { .token = token };

	return READ(st, hold_find, HOLD_BY_TOKEN, &like, out);
}

int
store_hold_list(struct store *st, int64_t net, int64_t after, struct store_hold *out, size_t max)
{
	return READ(st, hold_list, net, after, out, max);
}

int
store_holds_expired(struct store *st, int64_t now_s, struct store_hold *out, size_t max)
{
	return READ(st, holds_expired, now_s, out, max);
}

int
store_hold_counts(struct store *st, int64_t net, uint64_t out[HOLD_REST + 1])
{
	return READ(st, hold_counts, net, out);
}

/* --- answers and forgetting ------------------------------------------------------------------- */

int
store_reply_add(struct store *st, const struct store_reply *r)
{
	return WRITE(st, STORE_NOW, reply_add, r);
}

int
store_reply_by_digest(struct store *st, const uint8_t digest[SECRET_HASH_LEN],
    struct store_reply *out)
{
	return READ(st, reply_by_digest, digest, out);
}

int
store_forget(struct store *st, enum store_log which, int64_t before_s, uint64_t keep, size_t max)
{
	return WRITE(st, STORE_SOON, forget, which, before_s, keep, max);
}

/* --- events ----------------------------------------------------------------------------------- */

int
store_event_add(struct store *st, struct store_event *e)
{
	return WRITE(st, STORE_SOON, event_add, e);
}

int
store_event_list(struct store *st, uint64_t after, struct store_event *out, size_t max)
{
	return READ(st, event_list, after, out, max);
}

int
store_event_span(struct store *st, struct store_event_span *out)
{
	return READ(st, event_span, out);
}

int
store_event_trim(struct store *st, uint64_t before)
{
	return WRITE(st, STORE_SOON, event_trim, before);
}

/* --- counters --------------------------------------------------------------------------------- */

int
store_boot(struct store *st, uint32_t *boot_out)
{
	return WRITE(st, STORE_NOW, boot, (uint32_t) (st->highest_epoch >> 32), boot_out);
}
