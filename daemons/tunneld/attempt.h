/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_ATTEMPT_H
#define TUNNELD_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf_client.h"
#include "common/ev.h"
#include "daemons/tunneld/conn.h"
#include "daemons/tunneld/dial.h"
#include "daemons/tunneld/identity.h"
#include "daemons/tunneld/session.h"

/*
 * A node's try to get a session with one server: dial, Hello, Welcome, and until its owner takes
 * the session. One at a time; the whole has a deadline.
 */
struct attempt {
	/* The owner's, borrowed. */
	const struct conf_client *conf;
	struct ev *ev;
	const struct identity *identity;
	struct session_env *sessions;
	struct peer *server;		/* the session becomes one of its */
	/* The session has begun; the owner takes it when the device is configured. */
	void (*welcomed)(void *owner, const struct control_welcome *w);
	/* Nothing comes of it, so that the callee ends it; at_least_ms: the server wants no other before. */
	void (*failed)(void *owner, const char *why, int64_t at_least_ms);
	void *owner;

	bool running;
	const char *host;
	struct dial *dial;
	struct conn *conn;		/* from the dial until the session has taken it */
	struct session *session;	/* until it is taken */
	struct ev_timer deadline;
	bool has_ca_hash;		/* of its Welcome */
	uint8_t ca_hash[CONTROL_CA_HASH_LEN];
};

/*
 * The fields above `running` are filled in, the others zero. ask_way: as in dial_parts; attempt_way
 * brings the answer. 0 or negative.
 */
int attempt_init(struct attempt *a, struct conn_env *conns,
    void (*ask_way)(void *arg, const struct ip_addr *server), void *arg);
void attempt_fini(struct attempt *a);

/* Begins; none may be running. host: borrowed until attempt_end. */
void attempt_begin(struct attempt *a, const char *host);

/* Ends what it holds; the owner's sessions are not touched. Nothing is fine. */
void attempt_end(struct attempt *a);

void attempt_way(struct attempt *a, const struct monitor_way_done *way);

/* Has its session begun? */
bool attempt_is_welcome(const struct attempt *a);

/* Its session is the caller's from now on. */
struct session *attempt_take(struct attempt *a);

/* The server's address that was tried last. */
const struct ip_addr *attempt_addr(const struct attempt *a);

/* Of the server's CAs, as its Welcome has said; NULL: it has not. Borrowed until attempt_end. */
const uint8_t *attempt_ca_hash(const struct attempt *a);

#endif
