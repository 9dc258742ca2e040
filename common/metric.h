/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_METRIC_H
#define LV_METRIC_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What the daemons count and show: one registry of names for all three, for litevpn-metrics(7), and
 * a set of values on its way from who counts to who shows them. A name never changes its meaning.
 * Pure.
 *
 * Names and units follow Prometheus: base units, counters end in _total.
 */

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/*        id                    name, after "litevpn_"              type       labels, help        */
#define METRIC_TABLE(X)                                                                            \
	X(UP,                   "up",                               GAUGE,     "daemon",           \
	    "Whether the daemon answers.")                                                         \
	X(BUILD_INFO,           "build_info",                       GAUGE,     "daemon,version",   \
	    "Always 1; the version is a label.")                                                   \
	X(START_TIME,           "start_time_seconds",               GAUGE,     "daemon",           \
	    "When the daemon started, in seconds since 1970.")                                     \
	X(CPU_SECONDS,          "cpu_seconds_total",                COUNTER,   "daemon",           \
	    "Processor time of the daemon's main process.")                                        \
	X(RESIDENT_BYTES,       "resident_memory_bytes",            GAUGE,     "daemon",           \
	    "Memory of the daemon's main process.")                                                \
	X(OPEN_FDS,             "open_fds",                         GAUGE,     "daemon",           \
	    "Open descriptors of the daemon's main process.")                                      \
	X(IPC_REQUESTS,         "ipc_requests_total",               COUNTER,   "daemon,socket",    \
	    "Requests between the daemons, as this one answered or asked them.")                   \
	X(IPC_MALFORMED,        "ipc_malformed_total",              COUNTER,   "daemon,socket",    \
	    "Messages between the daemons that did not parse; each closed its pipe.")              \
	X(IPC_STRANGERS,        "ipc_strangers_total",              COUNTER,   "daemon,socket",    \
	    "Pipes between the daemons that were closed because of the peer's uid.")               \
	X(REFUSALS,             "refusals_total",                   COUNTER,   "daemon,reason",    \
	    "Requests and nodes that were refused.")                                               \
	X(CONNECTIONS,          "connections_total",                COUNTER,   "daemon,listener",  \
	    "TCP and unix connections that were let in.")                                          \
	X(CONNECTIONS_REFUSED,  "connections_refused_total",        COUNTER,   "daemon,limit",     \
	    "Connections that were closed because of a limit.")                                    \
	X(SESSIONS,             "sessions",                         GAUGE,     "state",            \
	    "Sessions of nodes by what they are: joining, or connected over udp or tls.")          \
	X(PACKETS_DELIVERED,    "packets_delivered_total",          COUNTER,   "",                 \
	    "Inner packets that were handed on.")                                                  \
	X(PACKETS_DROPPED,      "packets_dropped_total",            COUNTER,   "reason",           \
	    "Packets that were not handed on.")                                                    \
	X(INNER_PACKETS,        "inner_packets_total",              COUNTER,   "direction",        \
	    "Inner packets from nodes (received) and to nodes (sent).")                            \
	X(INNER_BYTES,          "inner_bytes_total",                COUNTER,   "direction",        \
	    "Bytes of inner packets from nodes (received) and to nodes (sent).")                   \
	X(OFFLOAD_ACTIVE,       "offload_active",                   GAUGE,     "offload",          \
	    "Whether the data path uses this way to pass many packets at a time.")                 \
	X(MTU_BYTES,            "mtu_bytes",                        GAUGE,     "",                 \
	    "MTU of the TUN devices.")                                                             \
	X(NODE_RECEIVED_BYTES,  "node_received_bytes_total",        COUNTER,   "node",             \
	    "Bytes of inner packets from the node, in its present session.")                       \
	X(NODE_SENT_BYTES,      "node_sent_bytes_total",            COUNTER,   "node",             \
	    "Bytes of inner packets to the node, in its present session.")                         \
	X(NODE_RTT_SECONDS,     "node_rtt_seconds",                 GAUGE,     "node",             \
	    "Round trip of the last echo over UDP.")                                               \
	X(NODE_OVER_UDP,        "node_over_udp",                    GAUGE,     "node",             \
	    "Whether the node's packets go over UDP, or else over TLS.")                           \
	X(NODE_CERTIFICATE_EXPIRY, "node_certificate_expiry_timestamp_seconds", GAUGE, "node",     \
	    "When the node's certificate ends, in seconds since 1970.")                            \
	X(POOL_ADDRESSES,       "pool_addresses",                   GAUGE,     "network",          \
	    "Addresses that the network can give.")                                                \
	X(POOL_USED,            "pool_addresses_used",              GAUGE,     "network",          \
	    "Addresses of the network that are somebody's.")                                       \
	X(NODES,                "nodes",                            GAUGE,     "network",          \
	    "Registered nodes.")                                                                   \
	X(NODES_CONNECTED,      "nodes_connected",                  GAUGE,     "network",          \
	    "Registered nodes that are connected.")                                                \
	X(SESSIONS_SYNCED,      "sessions_synced",                  GAUGE,     "",                 \
	    "Whether ipamd knows who is connected; before, it reclaims nothing.")                  \
	X(STORE_COMMITS,        "store_commits_total",              COUNTER,   "result",           \
	    "Commits of the address database.")                                                    \
	X(EVENT_REVISION,       "event_revision",                   GAUGE,     "",                 \
	    "Number of the newest event.")                                                         \
	X(API_CALLS,            "api_calls_total",                  COUNTER,   "method,code",      \
	    "Calls of the API that have ended.")                                                   \
	X(API_CALL_SECONDS,     "api_call_duration_seconds",        HISTOGRAM, "method,le",        \
	    "From a call's coming in to its answer; of those with one answer.")                    \
	X(API_CALLS_UNDER_WAY,  "api_calls_under_way",              GAUGE,     "",                 \
	    "Calls of the API that have not ended.")                                               \
	X(CERTIFICATE_EXPIRY,   "certificate_expiry_timestamp_seconds", GAUGE, "pki,certificate",  \
	    "When the certificate ends, in seconds since 1970.")                                   \
	X(SIGNER_UP,            "signer_up",                        GAUGE,     "",                 \
	    "Whether this server can sign certificates.")                                          \
	X(LEFT_OUT,             "metrics_left_out",                 GAUGE,     "daemon",           \
	    "Values that were not shown: more than fit, or not known to ctld.")

enum metric {
#define X(id, name, type, labels, help) METRIC_##id,
	METRIC_TABLE(X)
#undef X
	METRIC_COUNT
};

/* "litevpn_up"; what it is; its labels, with commas between them; a sentence. Static storage. */
const char *metric_name(enum metric id);
enum metric_type metric_type(enum metric id);
const char *metric_labels(enum metric id);
const char *metric_help(enum metric id);

/* The metric of that name, or METRIC_COUNT. */
enum metric metric_by_name(const char *name);

#define METRIC_LABELS_MAX 2
#define METRIC_VALUE_MAX 64	/* bytes of a label's value, with its NUL */
#define METRICS_MAX 8192	/* of one daemon: 600 nodes with 5 each, and room */

enum metric_part { METRIC_VALUE, METRIC_BUCKET, METRIC_SUM, METRIC_N };

struct metric_sample {
	enum metric id;
	enum metric_part part;	/* of a histogram; else METRIC_VALUE */
	char labels[METRIC_LABELS_MAX][METRIC_VALUE_MAX];	/* "": there is none */
	double value;
};

/* A zeroed one is empty. What does not fit any more, or is out of memory, is counted. */
struct metrics {
	struct metric_sample *samples;
	size_t n, room;
	size_t left_out;
};

void metrics_fini(struct metrics *m);	/* an empty one is fine */

/* first, second: values of its labels, in their order; "" where it has none. Cut where too long. */
void metrics_add(struct metrics *m, enum metric id, const char *first, const char *second,
    double value);
void metrics_add_part(struct metrics *m, enum metric id, enum metric_part part, const char *first,
    const char *second, double value);

#endif
