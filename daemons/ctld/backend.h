/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_BACKEND_H
#define LV_CTLD_BACKEND_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/metric.h"
#include "common/places.h"
#include "daemons/ctld/call.h"

/*
 * Questions to ipamd and tunneld on behalf of a call. What can be asked, and what comes back, is
 * in ask_ipam.h and ask_tunneld.h; here is what all questions share: the time they may take, what
 * silence means, and the way back to the call's own thread.
 */

enum backend_peer { BACKEND_IPAMD, BACKEND_TUNNELD, BACKEND_PEERS };

struct backend;

/* Connects by itself, for ever. uids: whose sockets these must be. */
int backend_new(const struct places *places, const uid_t uids[BACKEND_PEERS], struct backend **out,
    struct err *e);
void backend_free(struct backend *b);	/* NULL is fine; after the calls are gone */

/* Nothing more is to be asked for the moment: what has gathered goes out. On the queue's thread. */
void backend_flush(struct backend *b);

/* Which requests were sent. Any thread. */
void backend_show(const struct backend *b, struct metrics *out);

bool backend_is_up(const struct backend *b, enum backend_peer peer);

/*
 * How a question ends: e->rc is 0 and the output is filled, or e->rc is -REASON_x with the cause
 * (IPAM_DOWN or TUNNEL_DOWN when there was no answer in time) and the output is untouched.
 */
typedef void backend_next(struct call *c, const struct err *e);

/* Reads a reply into *out, only when all of it is good. On another thread than the call's. */
typedef int backend_decode(const ProtobufCMessage *reply, void *out, struct err *e);

/*
 * next is called exactly once, later; not at all when there is no memory, the call has failed then.
 * out: belongs to the call (call_state).
 */
void backend_ask(struct backend *b, enum backend_peer peer, struct call *c,
    const ProtobufCMessage *request, backend_decode *decode, void *out, backend_next *next);

/* --- for decoders ----------------------------------------------------------------------------- */

/* The `result` and `detail` of a reply: 0, or -REASON_x with the text. */
int backend_result(int32_t result, const char *detail, struct err *e);

/* Copies text that fits and is UTF-8; else -REASON_INTERNAL. */
int backend_text(char *dst, size_t size, const char *src, struct err *e);

#endif
