/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_ASK_IPAM_H
#define LV_CTLD_ASK_IPAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/grant.h"
#include "common/ip.h"
#include "common/pki.h"
#include "daemons/ctld/backend.h"

/*
 * What ipamd is asked of nodes and of itself; ask_token.h and ask_net.h have the rest. Each
 * function: one question; `next` tells how it ended (backend.h).
 */

#define IPAM_NAME_MAX 256	/* a display name of 63 characters, a network's name */
#define IPAM_SECRET_MAX 128	/* bootstrap tokens, node tokens */
#define IPAM_PAGE_MAX 1000	/* nodes, tokens, addresses of one answer */
#define IPAM_LABELS_MAX 16	/* of a node */
#define IPAM_LABEL_MAX 64	/* a key, a value */
#define IPAM_REQUEST_ID_MAX 128

enum ipam_state {	/* the numbers of the API, too */
	IPAM_STATE_UNKNOWN,
	IPAM_NEVER,
	IPAM_CONNECTING,
	IPAM_CONNECTED,
	IPAM_LOST,
	IPAM_IDLE,
};

/* How something is to be changed. */
struct ipam_once {
	char request_id[IPAM_REQUEST_ID_MAX];	/* once; "": as often as it is asked */
	bool validate_only;			/* not at all: what would come of it? */
};

struct ipam_label {
	char key[IPAM_LABEL_MAX], value[IPAM_LABEL_MAX];
};

struct ipam_node {
	char id[PKI_ID_MAX + 1];
	char display_name[IPAM_NAME_MAX];
	char network[IPAM_NAME_MAX];
	char address[IP_TEXT_MAX];	/* "": none bound */
	enum ipam_state state;
	int64_t create_s, seen_s;	/* UTC; seen 0: never */
	uint64_t epoch;			/* of its newest session */
	bool fixed;			/* it is never reclaimed */
	struct ipam_label labels[IPAM_LABELS_MAX];
	size_t nlabels;
};

struct ipam_page {
	struct ipam_node *nodes;
	size_t n;
	uint64_t next;	/* where the next page goes on; 0: this is the last */
	uint64_t revision;	/* of an event: what follows it may be missing here */
};

struct ipam_claim {
	const char *bootstrap_token, *display_name;
	const uint8_t *grpc_spki, *vpn_spki;	/* PKI_SPKI_LEN bytes each */
	bool litekube;	/* as LiteKube's programs expect it */
};

struct ipam_redeemed {
	struct ipam_node node;
	char node_token[IPAM_SECRET_MAX];
	char server_address[IP_TEXT_MAX];	/* inside of the node's network */
	uint8_t grpc_grant[GRANT_WIRE_LEN], vpn_grant[GRANT_WIRE_LEN];
};

struct ipam_renewal {
	uint8_t grpc_grant[GRANT_WIRE_LEN], vpn_grant[GRANT_WIRE_LEN];	/* those asked for */
};

struct ipam_info {
	char network[IP_TEXT_MAX];	/* "10.1.1.1/24" */
	char version[64];
	uint64_t addresses, bound, nodes, connected;
	int64_t started_s;
};

void ipam_get_node(struct backend *b, struct call *c, const char *id, struct ipam_node *out,
    backend_next *next);
void ipam_get_node_by_token(struct backend *b, struct call *c, const char *node_token,
    struct ipam_node *out, backend_next *next);

/*
 * network: "" for all. after: `next` of the page before, 0 for the first. End the page with
 * ipam_page_fini.
 */
void ipam_list_nodes(struct backend *b, struct call *c, const char *network, uint32_t page_size,
    uint64_t after, struct ipam_page *out, backend_next *next);
/* Of those nodes the ones that are registered; at most IPAM_PAGE_MAX. */
void ipam_get_nodes(struct backend *b, struct call *c, const char *const *ids, size_t n,
    struct ipam_page *out, backend_next *next);
void ipam_page_fini(struct ipam_page *page);

struct ipam_label_text {
	const char *key, *value;
};
struct ipam_node_wish {
	bool rename;
	const char *display_name;
	bool drop_all;				/* its labels; else these */
	const char *drop[IPAM_LABELS_MAX];
	size_t ndrop;
	struct ipam_label_text set[IPAM_LABELS_MAX];	/* after that */
	size_t nset;
};
void ipam_update_node(struct backend *b, struct call *c, const char *id,
    const struct ipam_node_wish *wish, const struct ipam_once *once, struct ipam_node *out,
    backend_next *next);

/* epoch_out: no session of the node with this or a lower one may go on. */
void ipam_delete_node(struct backend *b, struct call *c, const char *id,
    const struct ipam_once *once, uint64_t *epoch_out, backend_next *next);

void ipam_redeem(struct backend *b, struct call *c, const struct ipam_claim *claim,
    struct ipam_redeemed *out, backend_next *next);

/* grpc_spki, vpn_spki: of PKI_SPKI_LEN bytes; NULL: of that PKI none. */
void ipam_renew(struct backend *b, struct call *c, const char *node_id, const uint8_t *grpc_spki,
    const uint8_t *vpn_spki, struct ipam_renewal *out, backend_next *next);

void ipam_get_info(struct backend *b, struct call *c, struct ipam_info *out, backend_next *next);

#endif
