/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPC_PEER_H
#define LV_IPC_PEER_H

#include <protobuf-c/protobuf-c.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/ipc.h"

/*
 * Who is at the other end of a socket, and what comes from there: for all ends of ipc.h and
 * ipc_events.h.
 */

/* The uid of a connected socket's peer; (uid_t) -1 when it cannot be known. */
uid_t ipc_peer_uid(int fd);

/* Connects to whoever listens at the path. Returns the descriptor, or -errno. */
int ipc_connect(const char *path);

/* 0, or -ENAMETOOLONG: a socket's name cannot hold it. */
int ipc_check_path(const char *path, struct err *e);

struct ipc_counters {
	atomic_uint_fast64_t requests, malformed, strangers;
	int64_t stranger_logged_ms;
};

struct ipc_stats ipc_counters_read(const struct ipc_counters *c);

/* Counts a user who has no business at this socket; logs it now and then. */
void ipc_stranger(struct ipc_counters *c, uid_t uid, const char *path);

/* A message's body as one protobuf; NULL, and counted, when it is not one. */
ProtobufCMessage *ipc_unpack(struct ipc_counters *c, const uint8_t *body, size_t len,
    const ProtobufCMessageDescriptor *d);

#endif
