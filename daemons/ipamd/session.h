/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_SESSION_H
#define LV_IPAMD_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemons/ipamd/ledger.h"

/* Sessions as tunneld tells of them: it has them, the ledger follows. */

struct session {
	const char *node_id;	/* of any length */
	uint64_t epoch;
	enum node_state state;	/* not NODE_NEVER */
};

/*
 * A session came to a state. One with an older epoch than the node's newest is ignored, and one of a
 * node without an address.
 * NODE_UNKNOWN, FIELD_INVALID.
 */
int session_report(struct ledger *l, const struct session *s, struct err *e);

/*
 * A part of the announcement of all sessions; it begins anew with `first` and ends with `last`.
 * gone: n answers: the node is not registered any more. Written also when the call fails.
 * FIELD_INVALID: an announcement that has no beginning, or an epoch that was never handed out.
 */
struct session_part {
	bool first, last;
	const struct session *sessions;
	size_t n;
};
int session_announce(struct ledger *l, const struct session_part *part, bool *gone, struct err *e);

/*
 * Nobody has announced sessions for too long: whoever was connected is not. What is idle is not
 * known then, until somebody has. Returns how many were forsaken.
 */
int session_forsake(struct ledger *l);

#endif
