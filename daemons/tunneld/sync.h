/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_SYNC_H
#define TUNNELD_SYNC_H

#include "common/ev.h"
#include "daemons/tunneld/ipam.h"
#include "daemons/tunneld/peers.h"

/*
 * Live sessions belong to tunneld, registrations to ipamd. Whenever ipamd was reached anew, and
 * every minute, it is told all sessions; it answers which nodes are not registered any more. So no
 * lost message stays a lost fact.
 */
struct sync;

/* gone: a session of a node that ipamd does not know. It may free the node's peer. */
int sync_new(struct ev *ev, struct ipam *ipam, const struct peers *peers,
    void (*gone)(void *arg, const char *node_id), void *arg, struct sync **out);
void sync_free(struct sync *s);	/* NULL is fine */

/* Begins now; one that is under way is begun anew. */
void sync_now(struct sync *s);

#endif
