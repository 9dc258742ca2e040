/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPC_NNG_H
#define LV_IPC_NNG_H

#include <nng/nng.h>
#include <protobuf-c/protobuf-c.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/ipc.h"

/* What the ends of ipc.h and of ipc_events.h share: of no use elsewhere. */

#define IPC_HEADER_MAX 64	/* nng's own bytes before a message: request ids, one per hop */
#define IPC_URL_MAX 128
#define IPC_RECONNECT_MIN_MS 50
#define IPC_RECONNECT_MAX_MS 200

struct ipc_counters {
	atomic_uint_fast64_t requests, malformed, strangers;
	atomic_int_fast64_t stranger_logged_ms;
};

struct ipc_stats ipc_counters_read(const struct ipc_counters *c);

/* nng's error number as one of ours. */
int ipc_rc(int rv);

/* The uid of a pipe's peer; (uid_t) -1 when it cannot be known. */
uid_t ipc_pipe_uid(nng_pipe p);

/* Closes the pipe of a peer that has no business here; counts it, logs it now and then. */
void ipc_reject(struct ipc_counters *c, nng_pipe p, const char *path);

/* Counts a message that is not what it should be, and closes the pipe that it came on. */
void ipc_malformed(struct ipc_counters *c, nng_msg *m);

/* Bytes of a message as one protobuf; NULL when they are none, which is ipc_malformed then. */
ProtobufCMessage *ipc_unpack(struct ipc_counters *c, nng_msg *m, const void *bytes, size_t len,
    const ProtobufCMessageDescriptor *d);

/* Packs into a fresh nng message. 0, -EMSGSIZE or -ENOMEM. */
int ipc_pack(const ProtobufCMessage *msg, nng_msg **out);

/* The message that an operation has left with its aio: one received, or one not sent. Or NULL. */
nng_msg *ipc_take_msg(nng_aio *aio);

/* nng's name of a socket's path. -ENAMETOOLONG. */
int ipc_url(const char *path, char url[IPC_URL_MAX], struct err *e);

#endif
