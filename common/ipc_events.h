/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPC_EVENTS_H
#define LV_IPC_EVENTS_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

#include "common/err.h"
#include "common/ev.h"
#include "common/ipc.h"

/*
 * Events from one daemon to others: protobuf over nng's PUB/SUB on a unix socket, beside the socket
 * for requests (ipc.h), whose rules about uids, malformed messages and sizes hold here too.
 *
 * A message may be missed: whoever connects late, is away for a moment, or is slower than
 * IPC_EVENTS_QUEUE messages. So messages carry numbers of their owner's, and a subscriber that sees
 * a gap (or has just connected) asks for what it has missed.
 */

#define IPC_EVENTS_QUEUE 64	/* messages that wait for one subscriber */

/* --- the publishing side ---------------------------------------------------------------------- */

struct ipc_publisher;

struct ipc_publisher_conf {
	const char *path;		/* of the socket; its directory exists and guards it */
	const struct ipc_peer *peers;	/* who may listen; copied */
	size_t npeers;
};

int ipc_publisher_new(struct ev *ev, const struct ipc_publisher_conf *conf,
    struct ipc_publisher **out, struct err *e);
void ipc_publisher_free(struct ipc_publisher *p);	/* NULL is fine */

/*
 * Sends it to all who listen now, in the order of calls; never waits for any of them.
 * 0, -EMSGSIZE, -ENOMEM.
 */
int ipc_publish(struct ipc_publisher *p, const ProtobufCMessage *msg);

struct ipc_stats ipc_publisher_stats(const struct ipc_publisher *p);	/* requests: published */

/* --- the listening side ----------------------------------------------------------------------- */

struct ipc_subscriber;

struct ipc_subscriber_conf {
	const char *path;
	uid_t uid;	/* of the daemon that publishes there */
	const ProtobufCMessageDescriptor *type;
	/* One message, in order; borrowed until it returns. */
	void (*event)(void *arg, const ProtobufCMessage *msg);
	/* The publisher was reached, anew or again: ask for what was missed. May be NULL. */
	void (*up)(void *arg);
	void *arg;
};

/* Callbacks run on the loop. Connects for ever by itself. */
int ipc_subscriber_new(struct ev *ev, const struct ipc_subscriber_conf *conf,
    struct ipc_subscriber **out, struct err *e);

/* Not from a callback. NULL is fine. */
void ipc_subscriber_free(struct ipc_subscriber *s);

struct ipc_stats ipc_subscriber_stats(const struct ipc_subscriber *s);	/* requests: received */

#endif
