/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CONF_SERVER_H
#define LV_CONF_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/ip.h"
#include "common/log.h"

/* server.yml: read whole by all three daemons: each key is known to each; each uses its part. */

#define CONF_SERVER_PATH "/etc/litevpn/server.yml"

#define CONF_PUSH_MAX 64	/* routes; all go into one message to the node */
#define CONF_WORKERS_MAX 16	/* as many as an SPI can name */
#define CONF_LISTEN_MAX 4	/* addresses; each costs a few sockets in tunneld and ctld */

#define CONF_NETWORKS_MAX 63	/* beside the one of vpnAddr; each has a TUN device */
#define CONF_NETWORK_EXCLUDE_MAX 16

struct conf_network {	/* an entry of `networks` */
	char *name;
	struct ip_prefix address;	/* the server's own with its network */
	struct conf_list exclude;	/* struct ip_prefix */
};

enum conf_cipher { CONF_CIPHER_AUTO, CONF_CIPHER_AES256GCM, CONF_CIPHER_CHACHA20POLY1305 };
enum conf_offload { CONF_OFFLOAD_AUTO, CONF_OFFLOAD_BATCH, CONF_OFFLOAD_OFF };
enum conf_exhausted { CONF_EXHAUSTED_RECLAIM, CONF_EXHAUSTED_REFUSE };

struct conf_server {
	int64_t port, grpc_port, bootstrap_port;
	char *vpn_cert_dir, *grpc_cert_dir;
	struct ip_prefix vpn_addr;	/* the server's own address with its network */
	int64_t mtu;			/* bytes; 0: auto */
	bool interconnection;
	struct conf_list advertise;	/* char *: addresses or names that nodes are told */
	struct conf_list listen;	/* struct ip_addr; none: all addresses */
	char *device;
	int64_t token_ttl_ms, sweep_interval_ms, cert_life_ms;
	struct conf_list networks;	/* struct conf_network */
	struct conf_list pool_exclude;	/* struct ip_prefix */
	int pool_on_exhausted;		/* enum conf_exhausted */
	int64_t pool_reclaim_min_idle_ms, pool_quarantine_ms;
	int64_t pool_warn_at;		/* percent of the addresses; 0: never */
	int64_t events_max_age_ms, events_max_rows;
	struct conf_list push_routes;	/* struct ip_prefix */
	int64_t keepalive_ms, dead_after_ms, rekey_ms;
	int cipher;			/* enum conf_cipher */
	int offload;			/* enum conf_offload */
	int64_t workers;		/* threads that carry packets; 0: auto */
	int64_t max_clients;
	int64_t handshake_rate;		/* TLS handshakes that may begin in a second */
	bool require_node_cert;
	char *state_dir, *run_dir;
	struct conf_endpoint metrics_listen;	/* no address: there are none */
	bool metrics_per_node;
	int log_level, log_format;
	char *log_target;
};

extern const struct conf_schema conf_server_schema;

/*
 * Can the server have this address, and give the others of its network? NULL, or why not, beginning
 * with a small letter: "the prefix length must be from 8 to 30".
 */
#define CONF_FAULT_MAX 160
const char *conf_server_fault(const struct ip_prefix *address, char buf[CONF_FAULT_MAX]);

/* Do these prefixes together leave nothing of the network? In any order, also within one another. */
bool conf_server_covered(const struct ip_prefix *network, const struct ip_prefix *exclude, size_t n);

/*
 * Would a route into that network swallow the way to the server? NULL, or how: "contains 192.0.2.1,
 * where the server listens".
 */
const char *conf_server_swallowed(const struct conf_server *c, const struct ip_prefix *network,
    char buf[CONF_FAULT_MAX]);

/* A label as in DNS, lower case: what a network may be called. */
bool conf_network_name_is_valid(const char *name);
#define CONF_NETWORK_NAME_MAX 63

/* What log_open wants. Borrows from c. */
struct log_conf conf_server_log(const struct conf_server *c);

/* The MTU of the TUN devices: the configured one, or what fits every usual path. */
unsigned conf_server_mtu(const struct conf_server *c);

/* Can a device be called so: letters, digits and "_.-"; "lv%d" would be a pattern to the kernel. */
bool conf_device_is_good(const char *name);
#define CONF_DEVICE_WHY "must be of letters, digits, \"_\", \".\" and \"-\""

/* The words of `cipher`, `offload`, `log.level` and `log.format`, for texts and for client.yml. */
extern const char *const conf_cipher_words[];
extern const char *const conf_offload_words[];
extern const char *const conf_level_words[];
extern const char *const conf_format_words[];

#endif
