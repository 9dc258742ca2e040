/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_CALL_INSIDE_H
#define LV_CTLD_CALL_INSIDE_H

#include <sys/queue.h>

#include "daemons/ctld/call.h"
#include "daemons/ctld/calls.h"
#include "daemons/ctld/gate.h"
#include "daemons/ctld/meter.h"

/* What a call is made of. Only call.c and calls.c include this. */

TAILQ_HEAD(call_list, call);

struct call {
	struct calls *calls;
	struct stream *stream;
	const struct method *method;	/* NULL: the call was refused before it had one */
	struct caller caller;
	ProtobufCMessage *request;
	int64_t began_us;		/* clock_mono_us */
	int64_t deadline_ms;		/* clock_mono_ms */
	struct call_list *list;		/* that it is in; NULL: it is being worked at */
	int64_t listed_ms;
	bool answered;			/* its status is on its way */
	size_t unsent;			/* bytes of its answer then */
	char about[CALL_ABOUT_MAX];
	bool rehearsal;
	void *state;
	void (*state_fini)(void *state);
	call_next *next;		/* of the call_resume under way */
	void *next_arg;
	TAILQ_ENTRY(call) link;
};

struct calls {
	struct calls_conf conf;
	struct call_list waiting;	/* for their request; the oldest first */
	struct call_list sending;	/* for the client to take a message; the oldest first */
	struct call_list answered;	/* for the client to take the answer; the oldest first */
	unsigned live;
	size_t unsent;			/* bytes, of all calls */
	struct gate *gate;
	struct meter *meter;
};

/* In the list, as its youngest, and in no other one; in none. */
void call_enter(struct call *c, struct call_list *list);
void call_leave(struct call *c);

/* Is this (CALL_CHANGES, ...) special about its method? */
bool call_has(const struct call *c, unsigned trait);

/*
 * How long the work for an answer may take from now on. The time that is granted counts from the
 * request; a tenth is kept for the answer's way back.
 */
int64_t call_time(const struct call *c);

/* A dialog that its client has ended. */
void call_end(struct call *c);

#endif
