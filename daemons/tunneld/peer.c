/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/peer.h"

#include <inttypes.h>

#include "common/log.h"
#include "common/reason.h"

struct session *
peer_newest(const struct peer *peer)
{
	struct session *s, *best = NULL;

	LIST_FOREACH(s, &peer->sessions, link) {
		if (!s->retired && (best == NULL || s->epoch > best->epoch))
			best = s;
	}
	return best;
}

/* Those that were replaced before: their moment is over. */
static void
end_retired(struct peer *peer)
{
	struct session *s = LIST_FIRST(&peer->sessions), *next;

	for (; s != NULL; s = next) {
		next = LIST_NEXT(s, link);
		if (s->retired)
			session_free(s);
	}
}

/*
 * The session before this one is alive at another address: the node has moved, or, where that goes
 * to and fro, two machines have one identity. Not more often than sessions come up.
 */
static void
note_takeover(const struct session *old, const struct session *s)
{
	struct ip_addr from, to;

	if (old == NULL || old->conn == NULL || s->conn == NULL)
		return;
	from = ip_from_sockaddr(conn_peer(old->conn));
	to = ip_from_sockaddr(conn_peer(s->conn));
	if (!ip_equal(&from, &to))
		log_notice("node_elsewhere", "node=%s from=%s to=%s", s->peer->id,
		    IP_TEXT(&from), IP_TEXT(&to));
}

void
peer_take_over(struct session *s)
{
	struct session *old = s->peer->current;

	note_takeover(old, s);
	end_retired(s->peer);
	peer_use(s->peer, s);	/* the newest: peer_end_older has ended what was older */
	if (old != NULL)
		session_retire(old, REASON_SUPERSEDED);
}

void
peer_end_older(const struct session *newest)
{
	struct session *s = LIST_FIRST(&newest->peer->sessions), *next;

	for (; s != NULL; s = next) {
		next = LIST_NEXT(s, link);
		if (s->epoch < newest->epoch && (!s->is_up ||
		    !ip_equal(&s->carrier->addr, &newest->carrier->addr)))
			session_bye(s, REASON_SUPERSEDED);
	}
}

unsigned
peer_cut(struct peer *peer, uint64_t epoch, int reason)
{
	struct session *s = LIST_FIRST(&peer->sessions), *next;
	unsigned n = 0;

	for (; s != NULL; s = next) {
		next = LIST_NEXT(s, link);
		if (s->epoch > epoch)
			continue;
		log_info("session_cut", "node=%s epoch=%" PRIu64 " reason=%s", peer->id, s->epoch,
		    reason_name(reason));
		session_bye(s, reason);
		n++;
	}
	return n;
}
