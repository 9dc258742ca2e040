/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_PLAY_INSIDE_H
#define LV_TEST_PLAY_INSIDE_H

#include <stdbool.h>

#include "daemons/ipamd/granter.h"
#include "daemons/ipamd/lease.h"
#include "daemons/ipamd/ledger.h"
#include "tests/unit/ipamd/model.h"
#include "tests/unit/ipamd/play.h"

/* What the files of the game share: its state, and what its moves are made of. */

#define STORY_MAX 30	/* operations that are told of a failure */

struct act {	/* one operation on both sides */
	struct play *p;
	int rc;			/* of the ledger's side */
	struct err err;
};

struct play {
	struct play_stage *stage;
	const uint8_t *next, *end;
	struct model m, committed;
	struct ledger l;
	struct granter granter;
	char story[STORY_MAX][160];
	size_t acts;
	uint64_t epoch;		/* the newest that was seen */
	int64_t base;		/* the ledger's round at its start, which is the model's 0 */
};

/* Says what is done, for the case that it fails; fails. */
void play_tell(struct play *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void play_fail(struct play *p, const char *fmt, ...)
    __attribute__((noreturn, format(printf, 2, 3)));
#define PLAY_MUST(p, condition, ...)                                                               \
	do {                                                                                       \
		if (!(condition))                                                                  \
			play_fail(p, __VA_ARGS__);                                                 \
	} while (0)

/* Choices out of the bytes: up to n, or what makes sense now. */
extern const char *const play_names[3], *const play_nets[MODEL_NETS];
unsigned play_choice(struct play *p, unsigned n);
const char *play_some_name(struct play *p);
int play_some_net(struct play *p);
struct ip_addr play_some_addr(struct play *p, int net);
const char *play_some_id(struct play *p);

const char *play_addr_text(const struct ip_addr *addr, char buf[IP_TEXT_MAX]);
#define PLAY_ADDR(addr) play_addr_text((addr), (char[IP_TEXT_MAX]){ 0 })

/*
 * A request on the ledger's side. play_end returns whether the model has to follow: not where a
 * call of the store has failed, then everything since the last commit must be undone.
 */
void play_begin(struct act *a, struct play *p);
bool play_end(struct act *a);

/* Both sides must say the same. before: the model, for a refusal leaves nothing behind. */
void play_same_result(struct act *a, int expected);
void play_same_address(struct act *a, const struct ip_addr *real,
    const struct lease_change *change, const struct model_result *r, const struct model *before);

/* The moves. */
void play_do_create(struct play *p);
void play_do_redeem(struct play *p);
void play_do_attach(struct play *p);
void play_do_delete(struct play *p);
void play_do_report(struct play *p);
void play_do_announce(struct play *p);
void play_do_forsake(struct play *p);
void play_do_reserve(struct play *p);
void play_do_release(struct play *p);
void play_do_network(struct play *p);
void play_do_revoke(struct play *p);
void play_do_rename(struct play *p);
void play_do_reclaim(struct play *p);

#endif
