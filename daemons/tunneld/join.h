/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_JOIN_H
#define TUNNELD_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "common/conf_server.h"
#include "common/ev.h"
#include "common/ip.h"
#include "common/pki.h"
#include "common/tally.h"
#include "daemons/tunneld/aead.h"
#include "daemons/tunneld/conn.h"
#include "daemons/tunneld/control.h"
#include "daemons/tunneld/identity.h"
#include "daemons/tunneld/ipam.h"

/*
 * From an accepted connection to an authenticated node: TLS with both certificates, Hello,
 * certificate and token of the same node, its address from ipamd. Strangers are few at a time,
 * have little memory and little time.
 *
 * Where all places are taken the oldest stranger goes, so that nobody can keep others out by
 * holding them: who is quick gets through. A source (an IPv4 address, an IPv6 /64, which is what
 * one subscriber has) gets a share of the places and no more.
 */
#define JOIN_STRANGERS_MAX 1024
#define JOIN_STRANGERS_PER_SOURCE 64
#define JOIN_DEADLINE_MS 10000

struct join;

/* What a node that has come through is made into a session from. */
struct join_result {
	struct conn *conn;			/* the callee takes it, and ends it if it must */
	const struct control_hello *hello;	/* borrowed for the call */
	const struct ipam_attached *attached;	/* borrowed for the call */
	enum aead_alg cipher;
	int64_t cert_expire_s;			/* UTC; of the certificate that it has shown */
};

struct joins {
	struct ev *ev;
	struct conn_env *conns;
	const struct identity *identity;	/* read at each accept: it may be renewed */
	const struct conf_server *conf;
	struct ipam *ipam;
	void (*joined)(void *arg, const struct join_result *r);
	/* A node has gone while ipamd attached it; borrowed for the call. */
	void (*left)(void *arg, const struct ipam_attached *a);
	void *arg;
	TAILQ_HEAD(, join) list;	/* the oldest first */
	size_t n, waiting;	/* of them for ipamd to be asked */
	struct tally refusals;
	uint64_t accepted, over_share, pushed_out, slow;	/* connections, since the start */
};

void joins_init(struct joins *j);	/* the fields above `list` are the caller's */
void joins_fini(struct joins *j);	/* after ipam_free: no answer comes any more */

/* consumes: fd. For listener.accepted; arg is the struct joins. */
void join_accept(void *arg, int fd, const struct ip_addr *from);

/* Answers Refuse with a reason and ends the connection. consumes: conn. */
void join_refuse(struct joins *j, struct conn *conn, const char *node_id, int reason, const char *detail);

#endif
