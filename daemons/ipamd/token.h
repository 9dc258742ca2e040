/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_TOKEN_H
#define LV_IPAMD_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/grant.h"
#include "common/secret.h"
#include "daemons/ipamd/granter.h"
#include "daemons/ipamd/lease.h"
#include "daemons/ipamd/ledger.h"
#include "daemons/ipamd/request.h"

/* Bootstrap tokens: made for an administrator, turned into nodes. Texts may be of any length. */

#define TOKEN_LIFE_MAX_S (365 * 24 * 3600)
#define TOKEN_USES_MAX 10000
#define TOKENS_MAX 100000	/* that have not been swept: far more than anybody hands out */

struct token_wish {
	const char *network;	/* "": the default one */
	int64_t life_s;		/* 0: tokenTTL */
	uint32_t uses;		/* 0: one */
	const char *address;	/* "": any; else its node gets this one, nobody else meanwhile */
};

struct token_view {
	struct store_token row;
	char network[STORE_NETWORK_MAX + 1];
	struct ip_addr addr;			/* that it promises; none: any */
	char secret[SECRET_TOKEN_LEN + 1];	/* of one that was made now: it is not kept */
};

/* NETWORK_UNKNOWN, FIELD_INVALID, ADDRESS_INVALID, ADDRESS_TAKEN, OVERLOADED (TOKENS_MAX). */
int token_create(struct ledger *l, struct request *r, const struct token_wish *wish,
    struct token_view *out, struct err *e);

/* One by its public id. TOKEN_NOT_FOUND. */
int token_get(struct ledger *l, const char *label, struct token_view *out);

struct token_page {
	struct token_view *tokens;	/* the caller's: free(3) */
	size_t n;
	int64_t next;	/* where the next page goes on; 0: this is the last */
};

/* Those of a network ("": of all), in the order of their making; as node_list. NETWORK_UNKNOWN. */
#define TOKEN_PAGE_MAX 1000
#define TOKEN_PAGE_DEFAULT 100
int token_list(struct ledger *l, const char *network, int64_t after, size_t size,
    struct token_page *out);

/* Nobody enrolls with it any more, what it promises is free. *out: as it was. TOKEN_NOT_FOUND. */
int token_revoke(struct ledger *l, const char *label, struct token_view *out);

struct token_claim {
	const char *secret;
	const char *display_name;
	const uint8_t *grpc_spki, *vpn_spki;
	size_t grpc_spki_len, vpn_spki_len;
	/* The node gets its address when it attaches, and the subjects of its certificates are
	 * LiteKube's; an address that was promised it gets now. */
	bool litekube;
};

struct token_node {
	struct store_node node;
	bool fresh;		/* it was made now */
	struct lease_change change;
	uint8_t grpc_grant[GRANT_WIRE_LEN], vpn_grant[GRANT_WIRE_LEN];
};

/*
 * A bootstrap token becomes a node with an address, and grants for its two certificates. The same
 * token with the same keys gives the same node again, also when no uses are left: a lost answer
 * costs nothing.
 * FIELD_INVALID, TOKEN_UNKNOWN, TOKEN_EXPIRED, TOKEN_USED, ADDRESS_INVALID (the promised one cannot
 * be had any more), and those of lease_choose.
 */
int token_redeem(struct ledger *l, const struct granter *g, const struct token_claim *claim,
    struct token_node *out, struct err *e);

#endif
