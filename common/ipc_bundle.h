/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPC_BUNDLE_H
#define LV_IPC_BUNDLE_H

#include <nng/nng.h>
#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Requests that were asked together travel in one message, and so do their answers: what
 * ipc_server.c and ipc_client.c share, of no use elsewhere. Each item has a number of the asker's
 * before it, which its answer repeats, and its length.
 *
 * Why: nng hands a message from thread to thread four times, under locks that the loop wants as
 * well. With 64 requests in flight that took 65 us of processor for each, and all that ipamd does
 * for one takes 29 us.
 */

#define IPC_BUNDLE_MAX 64	/* items */

struct ipc_item {
	uint32_t number;
	const uint8_t *bytes;	/* borrowed from the message */
	size_t len;
};

/* Adds one: 0, -EMSGSIZE: longer than IPC_MESSAGE_MAX, -ENOMEM. */
int ipc_bundle_add(nng_msg *m, uint32_t number, const ProtobufCMessage *p);

/* Reads on from *pos_inout, 0 at first: 1 and the next item, 0 after the last, -EBADMSG. */
int ipc_bundle_next(nng_msg *m, size_t *pos_inout, struct ipc_item *out);

#endif
