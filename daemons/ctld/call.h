/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_CALL_H
#define LV_CTLD_CALL_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "daemons/ctld/authz.h"
#include "daemons/ctld/status.h"

/*
 * A call of the API as its handler sees it: who calls, what is asked, how it is answered. All
 * functions but call_resume belong to the queue's thread (grpc.h).
 */

#define CALL_WORK_MS 5000	/* that the work for an answer may take, whatever the client says */

struct call;
struct ctld;

enum call_kind {
	CALL_UNARY,	/* one request; ended by call_reply */
	CALL_STREAM,	/* one request; call_send any number of times, then call_fail */
	CALL_DIALOG,	/* each request gets one call_send; the peer ends it */
};

/* What is special about a method. */
enum {
	CALL_CHANGES = 1,	/* something: who did it, and how it ended, is in the log (audit) */
	CALL_GUESSABLE = 2,	/* who has failed at its secret too often is not heard (attempts.h) */
};

/* One RPC. */
struct method {
	const char *path;
	enum call_kind kind;
	unsigned listeners;	/* mask of 1 << enum listener */
	struct authz_rule rule;
	unsigned traits;
	/* The node id that a request is about, for NODE_ITSELF; NULL: about none. */
	const char *(*subject)(const ProtobufCMessage *request);
	const ProtobufCMessageDescriptor *request, *reply;
	void (*handle)(struct call *c);	/* answers now, or later after call_hold */
	void (*sent)(struct call *c);	/* CALL_STREAM: the last call_send is out; may be NULL */
	void (*closed)(struct call *c);	/* the peer waits no longer; may be NULL */
};

struct ctld *call_ctld(const struct call *c);
const struct caller *call_caller(const struct call *c);

/* The request, of the type that the method's row names; lives as long as the call. */
const void *call_request(const struct call *c);

/* The resource that the call is about ("tokens/ID"), for its audit record and for errors. */
#define CALL_ABOUT_MAX 128
void call_about(struct call *c, const char *name);

/* It only asks what would come of it: its audit record says so. */
void call_rehearses(struct call *c);

/*
 * Zeroed memory that lives as long as the call, for what one step leaves to the next. Once per
 * call. fini: ends what it holds; may be NULL. NULL when out of memory, the call has failed then.
 */
void *call_state(struct call *c, size_t size, void (*fini)(void *state));
void *call_state_get(const struct call *c);

/*
 * What is left for asking others: some less than the client waits, at most CALL_WORK_MS in all; of
 * a stream, for each question.
 */
int64_t call_left_ms(const struct call *c);

/* Each of these ends the call; what comes after the first one is ignored. */
void call_reply(struct call *c, const ProtobufCMessage *reply);
/* An answer that says in its own fields that the call has failed; the status of gRPC is OK. */
void call_reply_failure(struct call *c, enum reason reason, const ProtobufCMessage *reply);
void call_fail(struct call *c, const struct status *status);
void call_fail_err(struct call *c, const struct err *e);	/* e->rc is -REASON_x or -errno */
void call_fail_field(struct call *c, const char *field, const char *detail);

/* One message of a stream; the next one only after `sent`, or after the next request. */
void call_send(struct call *c, const ProtobufCMessage *msg);

/*
 * For work on other threads: keeps the call until call_resume, which any thread may call and which
 * runs next(c, arg) on the queue's thread. Exactly one call_resume for each call_hold.
 */
typedef void call_next(struct call *c, void *arg);
void call_hold(struct call *c);
void call_resume(struct call *c, call_next *next, void *arg);

#endif
