/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/reason.h"
#include "daemons/ipamd/store_ops.h"

/* What is the same for every store, and the way from an intent to its implementation. */

/* --- failure and what is due ------------------------------------------------------------------ */

static int
note(struct store *st, enum store_due due, int rc)
{
	if (rc == -REASON_STORE_FAILED)
		st->doomed = true;
	else if (rc >= 0 && due > st->due)
		st->due = due;
	st->changed |= rc >= 0 && due != STORE_NOTHING && !st->guarded;
	return rc;
}

/* Calls an operation of the store: one that reads, or one whose change is due then. */
#define WRITE(st, due, op, ...)                                                                    \
	((st)->doomed ? -REASON_STORE_FAILED : note((st), (due), (st)->ops->op((st), __VA_ARGS__)))
#define READ(st, op, ...) WRITE(st, STORE_NOTHING, op, __VA_ARGS__)

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
	return st->doomed ? -REASON_STORE_FAILED : note(st, STORE_NOTHING, st->ops->request(st));
}

int
store_guard(struct store *st)
{
	int rc;

	if (st->doomed || st->guarded)
		return st->doomed ? -REASON_STORE_FAILED : 0;
	rc = note(st, STORE_NOTHING, st->ops->guard(st));
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
	return guarded ? note(st, STORE_NOTHING, end(st)) : 0;
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
		return note(st, STORE_NOTHING, -REASON_STORE_FAILED);
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

/* The clock may have been set back, and local time repeats in autumn: the newest stamp stays. */
static struct store_use
next_use(struct store *st, int64_t now_s)
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
	struct store_use use = next_use(st, now_s);
	int rc = WRITE(st, STORE_NOW, network_clear, id, epoch, &use);

	if (rc > 0)
		st->seq += rc;
	return rc;
}

/* --- nodes ------------------------------------------------------------------------------------ */

int
store_node_by_token(struct store *st, const char *token, struct store_node *out)
{
	struct store_node like;

	if ((size_t) snprintf(like.token, sizeof(like.token), "%s", token) >= sizeof(like.token))
		return -ENOENT;
	return READ(st, node_find, BY_TOKEN, &like, out);
}

int
store_node_by_id(struct store *st, const char *id, struct store_node *out)
{
	struct store_node like;

	if ((size_t) snprintf(like.id, sizeof(like.id), "%s", id) >= sizeof(like.id))
		return -ENOENT;
	return READ(st, node_find, BY_ID, &like, out);
}

int
store_node_by_addr(struct store *st, int64_t net, const struct ip_addr *addr,
    struct store_node *out)
{
	struct store_node like = { .net = net, .addr = *addr };

	return READ(st, node_find, BY_ADDR, &like, out);
}

int
store_node_by_keys(struct store *st, const struct store_node *like, struct store_node *out)
{
	return READ(st, node_find, BY_KEYS, like, out);
}

int
store_node_keys(struct store *st, struct store_node *n)
{
	return READ(st, node_keys, n);
}

int
store_node_list(struct store *st, int64_t net, int64_t after, struct store_node *nodes, size_t max)
{
	return READ(st, node_list, net, after, nodes, max);
}

int
store_node_victims(struct store *st, int64_t net, struct store_node *nodes, size_t max)
{
	return READ(st, node_victims, net, nodes, max);
}

int
store_nodes_expired(struct store *st, int64_t created_before_s, struct store_node *nodes,
    size_t max)
{
	return READ(st, nodes_expired, created_before_s, nodes, max);
}

int
store_node_add(struct store *st, struct store_node *n, int64_t now_s)
{
	struct store_use use = next_use(st, now_s);
	int rc = WRITE(st, STORE_NOW, node_add, n, &use);

	if (rc < 0)
		return rc;
	n->use = use.seq;
	n->state = NODE_NEVER;
	n->attached = false;
	n->epoch = 0;
	n->create_s = now_s;
	n->seen_s = 0;
	return 0;
}

int
store_node_bind(struct store *st, struct store_node *n, const struct ip_addr *addr, bool fixed,
    int64_t now_s)
{
	struct store_use use = next_use(st, now_s);
	int rc = WRITE(st, STORE_NOW, node_bind, n, addr, fixed, &use);

	if (rc < 0)
		return rc;
	n->use = use.seq;
	n->addr = *addr;
	n->fixed = fixed;
	return 0;
}

static void
note_session(struct store_node *n, enum node_state state, uint64_t epoch,
    const struct store_use *use)
{
	n->use = use->seq;
	n->state = state;
	n->epoch = epoch;
	n->attached = true;
	n->seen_s = use->now_s;
}

int
store_node_attach(struct store *st, struct store_node *n, const struct ip_addr *addr, bool fixed,
    uint64_t epoch, int64_t round, int64_t now_s)
{
	struct store_use use = next_use(st, now_s);
	int rc = WRITE(st, STORE_NOW, node_attach, n, addr, fixed, epoch, round, &use);

	if (rc < 0)
		return rc;
	note_session(n, NODE_CONNECTING, epoch, &use);
	n->addr = *addr;
	n->fixed = fixed;
	return 0;
}

int
store_node_describe(struct store *st, struct store_node *n, const char *display_name,
    const char *labels)
{
	int rc = WRITE(st, STORE_NOW, node_describe, n, display_name, labels);

	if (rc == 0)
		snprintf(n->display_name, sizeof(n->display_name), "%s", display_name);
	return rc;
}

int
store_labels(struct store *st, int64_t net, int64_t first, int64_t last, struct store_labels *out,
    size_t max)
{
	return READ(st, labels, net, first, last, out, max);
}

int
store_node_steal(struct store *st, const struct store_node *victim, int64_t now_s)
{
	return WRITE(st, STORE_NOW, node_steal, victim, now_s);
}

int
store_tombstone(struct store *st, const char *token, struct store_tombstone *out)
{
	return READ(st, tombstone, token, out);
}

int
store_node_touch(struct store *st, struct store_node *n, enum node_state state,
    uint64_t epoch, int64_t round, int64_t now_s)
{
	struct store_use use = next_use(st, now_s);
	int rc = WRITE(st, n->attached ? STORE_SOON : STORE_NOW, node_touch, n, state, epoch, round,
	    &use);

	if (rc == 0)
		note_session(n, state, epoch, &use);
	return rc;
}

int
store_node_announced(struct store *st, int64_t row, int64_t round)
{
	return WRITE(st, STORE_SOON, node_announced, row, round);
}

int
store_node_stale(struct store *st, int64_t row, bool stale)
{
	return WRITE(st, STORE_SOON, node_stale, row, stale);
}

int
store_unannounced(struct store *st, int64_t round, int64_t now_s)
{
	struct store_use use = next_use(st, now_s);
	int rc = WRITE(st, STORE_SOON, unannounced, round, &use);

	if (rc > 0)
		st->seq += rc;
	return rc;
}

int
store_node_delete(struct store *st, const struct store_node *n)
{
	return WRITE(st, STORE_NOW, node_delete, n);
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
