/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_MODEL_H
#define LV_TEST_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ip.h"
#include "daemons/ipamd/store.h"

/*
 * What ipamd should do, said as simply as can be: arrays, and linear search through all of them. No
 * cache, no index, no pool; an address is free when nobody is found who has it. Copied whole where
 * something may be undone. Ids and secrets are those that the real one has made up.
 */

#define MODEL_NODES 96
#define MODEL_TOKENS 64
#define MODEL_HOLDS 64
#define MODEL_NETS 5
#define MODEL_TOMBS 512
#define MODEL_TEXT 40

struct model_node {
	char id[MODEL_TEXT], token[MODEL_TEXT], name[MODEL_TEXT];
	int net;			/* index of its network */
	struct ip_addr addr;
	enum node_state state, rest;	/* rest: when nobody speaks of its session */
	uint64_t epoch;
	bool attached, reserved, fixed;
	int64_t create_s, seen_s, use, round;
	unsigned keys;			/* 0: did not enroll */
	int64_t bootstrap;		/* number of the token that it enrolled with */
};

struct model_token {
	char secret[MODEL_TEXT];
	int64_t number;
	int net;
	unsigned uses;
	int64_t expire_s;
	struct ip_addr promise;		/* none: any address, or it was given */
};

struct model_hold {
	int net;
	struct ip_addr addr;
	char name[MODEL_TEXT];	/* "": it rests */
	int64_t until_s;
};

struct model_net {
	bool there, from_conf;
	char name[MODEL_TEXT], secret[MODEL_TEXT];
	struct ip_prefix prefix, exclude;	/* exclude: family 0 for none */
};

struct model_conf {
	int64_t ttl_s, min_idle_s, rest_s;
	bool refuse;
};

struct model {
	struct model_conf conf;
	struct model_node nodes[MODEL_NODES];	/* in order of registration */
	struct model_token tokens[MODEL_TOKENS];
	struct model_hold holds[MODEL_HOLDS];
	struct model_net nets[MODEL_NETS];	/* 0 is the default one */
	struct {
		char token[MODEL_TEXT];
		int64_t time_s;
	} tombs[MODEL_TOMBS];
	size_t nnodes, ntokens, nholds, ntombs;
	int64_t now_s, use, number, round;
	int64_t asked_s, set_back_s;	/* when it was asked last; when that was before the last */
	bool too_long;		/* rests may be, since then */
	uint64_t epoch;		/* none above this was handed out */
	bool synced, announcing;
};

/* What came of an operation: 0 or the refusal, and what else is to be compared. */
struct model_result {
	int rc;
	struct ip_addr addr;
	char victim[MODEL_TEXT];
	bool same;		/* a node that was there already */
};

/* conf and nets[0] are filled already. */
void model_init(struct model *m, int64_t now_s);

/* Looking. */
struct model_node *model_node(struct model *m, const char *id);	/* NULL: there is none */
bool model_usable(const struct model *m, int net, const struct ip_addr *addr);
bool model_taken(const struct model *m, int net, const struct ip_addr *addr);
uint64_t model_size(const struct model *m, int net);

/* The node of a network that would be reclaimed after `last` (NULL: first); NULL: nobody. */
const struct model_node *model_victim(const struct model *m, int net,
    const struct model_node *last);

/* Tokens and nodes. Texts that the real one has made are given; "" where it has refused. */
struct model_result model_create(struct model *m, int net, unsigned uses, int64_t life_s,
    const struct ip_addr *addr, const char *secret);
struct model_result model_redeem(struct model *m, const char *secret, unsigned keys,
    const char *name, const char *id, const char *token);
struct model_result model_attach(struct model *m, const char *token, const char *cert,
    const char *net_secret, uint64_t epoch);
struct model_result model_delete(struct model *m, const char *id, uint64_t epoch);
int model_revoke(struct model *m, const char *secret);
int model_rename(struct model *m, const char *id, const char *name);

/* How many were reclaimed, or why none. */
int model_reclaim(struct model *m, int net, unsigned max, int64_t least_idle_s);

/* Sessions. */
int model_report(struct model *m, const char *id, uint64_t epoch, enum node_state state);
int model_announce(struct model *m, bool first, bool last, const char *id, uint64_t epoch,
    bool connected, bool *gone);	/* id NULL: names nobody */
void model_forsake(struct model *m);

/* Kept addresses; addr none: any, or by name. */
struct model_result model_reserve(struct model *m, int net, const char *name,
    const struct ip_addr *addr);
int model_release(struct model *m, int net, const char *name, const struct ip_addr *addr);

/* Networks. */
int model_net_create(struct model *m, int net, const char *name, const struct ip_prefix *prefix,
    const struct ip_prefix *exclude, const char *secret);
int model_net_recreate(struct model *m, int net, const struct ip_prefix *prefix,
    const struct ip_prefix *exclude, uint64_t epoch);
int model_net_delete(struct model *m, int net, bool force);
int model_net_token(struct model *m, int net, const char *secret);

/* Something is asked now. */
void model_ask(struct model *m);

/* What the sweeper does; what a restart does. */
void model_sweep(struct model *m);
void model_restart(struct model *m, uint64_t epoch);

#endif
