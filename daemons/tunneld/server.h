/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_SERVER_H
#define TUNNELD_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/ipc.h"
#include "daemons/tunneld/conn.h"
#include "daemons/tunneld/identity.h"
#include "daemons/tunneld/renewals.h"
#include "daemons/tunneld/session.h"
#include "daemons/tunneld/tunneld.h"
#include "daemons/tunneld/workers.h"

/*
 * The server's side of an engine: which nodes have a session, the agreement about them with ipamd,
 * and what ctld wants of them.
 */
struct server;

struct server_parts {	/* all borrowed for the server's life */
	struct tunneld *d;
	struct ev *ev;
	struct conn_env *conns;
	struct workers *workers;
	const struct identity *identity;
	unsigned mtu;		/* of the device */
};

/* consumes: the ntcp listening sockets. Sets the workers up as a server's. */
int server_new(const struct server_parts *parts, const int *tcp, unsigned ntcp,
    struct server **out, struct err *e);

/* Says goodbye to every node and tells ipamd. The loop must run on for a moment. */
void server_stop(struct server *s);

void server_free(struct server *s);	/* NULL is fine */

/* --- what ctld asks (ctl.c) -------------------------------------------------------------------- */

/*
 * Ends the node's session if its epoch is at most `epoch`, and refuses one that is being attached
 * with such an epoch. Returns whether there was one.
 */
bool server_cut(struct server *s, const char *node_id, uint64_t epoch, int reason);

/* The node with a session, or NULL. Borrowed until the loop goes on. */
const struct peer *server_peer(const struct server *s, const char *node_id);

/* As renewals_take; the answer to one of them, by its node and epoch. False: it is not there. */
void server_take_renewals(struct server *s, int64_t wait_ms, renewals_taken *fn, void *arg);
bool server_put_certificate(struct server *s, const char *node_id, uint64_t epoch,
    const struct control_cert *cert);

struct joins;
struct peers;

struct server_info {
	const char *device;
	struct ip_prefix address;
	unsigned mtu;
	char offload[WORKER_TEXT_MAX];	/* what is in use, in words */
	uint64_t sessions;
	int64_t started_s;
	int64_t cert_expire_s, ca_expire_s;	/* UTC */
	/* Borrowed until the loop goes on. */
	struct stats stats;
	const struct workers *workers;
	const struct peers *peers;
	const struct joins *joins;
	struct traffic past;		/* of sessions that have ended */
	struct ipc_stats ipam;		/* what ipamd was asked */
};

void server_get_info(const struct server *s, struct server_info *out);

#endif
