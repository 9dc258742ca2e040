/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_ASK_NET_H
#define LV_CTLD_ASK_NET_H

#include "daemons/ctld/ask_ipam.h"

/* What ipamd is asked of networks and their addresses; as ask_ipam.h. network "": the default one. */

/* --- addresses -------------------------------------------------------------------------------- */

enum ipam_kind {	/* the numbers of the API, too */
	IPAM_KIND_UNKNOWN,
	IPAM_PROMISED,
	IPAM_RESERVED,
	IPAM_RESTING,
	IPAM_BOUND,
};

struct ipam_address {
	char network[IPAM_NAME_MAX];
	char address[IP_TEXT_MAX];
	enum ipam_kind kind;
	char name[IPAM_NAME_MAX];	/* of a reservation */
	char node_id[PKI_ID_MAX + 1];	/* that has it; "": none */
	int64_t until_s;		/* UTC; 0: for ever */
};

struct ipam_addresses {
	struct ipam_address *rows;	/* ipam_addresses_fini */
	size_t n;
	uint64_t next;	/* where the next page goes on; 0: this is the last */
};

/* As ipam_list_nodes. */
void ipam_list_addresses(struct backend *b, struct call *c, const char *network, bool kept_only,
    uint32_t page_size, uint64_t after, struct ipam_addresses *out, backend_next *next);
void ipam_addresses_fini(struct ipam_addresses *addresses);

struct ipam_address_wish {
	const char *network, *name, *address;	/* "": not given */
};
void ipam_reserve_address(struct backend *b, struct call *c, const struct ipam_address_wish *wish,
    const struct ipam_once *once, struct ipam_address *out, backend_next *next);

/* *out: what it was kept for, and who has it. */
void ipam_release_address(struct backend *b, struct call *c, const struct ipam_address_wish *wish,
    const struct ipam_once *once, struct ipam_address *out, backend_next *next);

struct ipam_victim {
	struct ipam_node node;
	int64_t idle_s;
	bool eligible;
};

struct ipam_victims {
	struct ipam_victim *rows;	/* ipam_victims_fini */
	size_t n;
	uint32_t count;			/* how many were reclaimed */
	bool refused, synced;		/* by ipam_list_victims: pool.onExhausted; who is idle is known */
};
void ipam_victims_fini(struct ipam_victims *victims);

/* Who would be reclaimed next, and after that. */
void ipam_list_victims(struct backend *b, struct call *c, const char *network, uint32_t max,
    struct ipam_victims *out, backend_next *next);

/* A repeated answer has the count only. */
void ipam_reclaim(struct backend *b, struct call *c, const char *network, uint32_t count,
    int64_t min_idle_s, const struct ipam_once *once, struct ipam_victims *out,
    backend_next *next);

/* The decoders of these answers (backend.h): out is what the question fills. */
backend_decode ipam_decode_addresses, ipam_decode_victims;

/* --- networks --------------------------------------------------------------------------------- */

#define IPAM_EXCLUDE_MAX 16
#define IPAM_NETWORKS_MAX 64

struct ipam_network {
	uint64_t id;			/* rises in the order of their making */
	char name[IPAM_NAME_MAX];
	char address[IP_TEXT_MAX];	/* the server's own, with the length */
	char exclude[IPAM_EXCLUDE_MAX][IP_TEXT_MAX];
	size_t nexclude;
	bool from_conf, has_token, full;
	char net_token[IPAM_SECRET_MAX];	/* one that was made now, else "" */
	int64_t create_s;		/* UTC; 0: not known */
	uint64_t addresses, used, nodes, bound, connected, promised, reserved, resting;
	char first[IP_TEXT_MAX], last[IP_TEXT_MAX];	/* that can be given out; "": none */
	char before[IP_TEXT_MAX];	/* by ipam_recreate_network, as what follows */
	uint64_t readdressed, kept_inside, kept_outside;
};

struct ipam_networks {
	struct ipam_network *rows;	/* ipam_networks_fini */
	size_t n;
};

void ipam_get_network(struct backend *b, struct call *c, const char *name,
    struct ipam_network *out, backend_next *next);

/* In the order of their making. */
void ipam_list_networks(struct backend *b, struct call *c, struct ipam_networks *out,
    backend_next *next);
void ipam_networks_fini(struct ipam_networks *networks);

struct ipam_network_wish {
	const char *name, *address;
	char **exclude;
	size_t nexclude;
	bool open;		/* ipam_create_network */
};
void ipam_create_network(struct backend *b, struct call *c, const struct ipam_network_wish *wish,
    const struct ipam_once *once, struct ipam_network *out, backend_next *next);
void ipam_recreate_network(struct backend *b, struct call *c,
    const struct ipam_network_wish *wish, const struct ipam_once *once, struct ipam_network *out,
    backend_next *next);
void ipam_set_net_token(struct backend *b, struct call *c, const char *name, bool open,
    const struct ipam_once *once, struct ipam_network *out, backend_next *next);
void ipam_delete_network(struct backend *b, struct call *c, const char *name, bool force,
    const struct ipam_once *once, backend_next *next);

backend_decode ipam_decode_network, ipam_decode_networks;	/* likewise */

#endif
