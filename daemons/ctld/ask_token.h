/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_ASK_TOKEN_H
#define LV_CTLD_ASK_TOKEN_H

#include "daemons/ctld/ask_ipam.h"

/* What ipamd is asked of bootstrap tokens; as ask_ipam.h. */

struct ipam_token {
	char id[PKI_ID_MAX + 1];
	char secret[IPAM_SECRET_MAX];	/* of one that was made now, else "" */
	char network[IPAM_NAME_MAX];
	char address[IP_TEXT_MAX];	/* that it promises; "": none */
	int64_t expire_s, create_s;	/* UTC; create_s 0: not known */
	uint32_t uses, uses_left;
};

struct ipam_token_wish {
	const char *network;
	int64_t life_s;		/* 0: the configured one */
	uint32_t uses;		/* 0: one */
	const char *address;	/* "": any */
};
void ipam_create_token(struct backend *b, struct call *c, const struct ipam_token_wish *wish,
    const struct ipam_once *once, struct ipam_token *out, backend_next *next);

void ipam_get_token(struct backend *b, struct call *c, const char *id, struct ipam_token *out,
    backend_next *next);

struct ipam_tokens {
	struct ipam_token *rows;	/* ipam_tokens_fini */
	size_t n;
	uint64_t next;	/* where the next page goes on; 0: this is the last */
};

/* As ipam_list_nodes. */
void ipam_list_tokens(struct backend *b, struct call *c, const char *network, uint32_t page_size,
    uint64_t after, struct ipam_tokens *out, backend_next *next);
backend_decode ipam_decode_tokens;	/* out: a struct ipam_tokens */
void ipam_tokens_fini(struct ipam_tokens *tokens);

void ipam_delete_token(struct backend *b, struct call *c, const char *id,
    const struct ipam_once *once, struct ipam_token *out, backend_next *next);

#endif
