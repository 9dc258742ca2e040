/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_REASON_H
#define LV_REASON_H

/*
 * Why something was refused: one registry for the tunnel's Refuse, gRPC's ErrorInfo, the command
 * line and the manual. A name never changes its meaning; a number is used between our own daemons
 * only. Functions return a refusal as a negative reason, beside the negative errno values: the
 * numbers start at 1001, above every errno.
 */

/* Status codes of gRPC (grpc/grpc, doc/statuscodes.md), here so that common/ needs no gRPC header. */
enum rpc_code {
	RPC_OK = 0,
	RPC_CANCELLED = 1,
	RPC_UNKNOWN = 2,
	RPC_INVALID_ARGUMENT = 3,
	RPC_DEADLINE_EXCEEDED = 4,
	RPC_NOT_FOUND = 5,
	RPC_ALREADY_EXISTS = 6,
	RPC_PERMISSION_DENIED = 7,
	RPC_RESOURCE_EXHAUSTED = 8,
	RPC_FAILED_PRECONDITION = 9,
	RPC_ABORTED = 10,
	RPC_OUT_OF_RANGE = 11,
	RPC_UNIMPLEMENTED = 12,
	RPC_INTERNAL = 13,
	RPC_UNAVAILABLE = 14,
	RPC_DATA_LOSS = 15,
	RPC_UNAUTHENTICATED = 16,
};

/*        name               number gRPC code            what happened
 *                                                       what to do                                */
#define REASON_TABLE(X)                                                                            \
	X(TOKEN_UNKNOWN,     1001, UNAUTHENTICATED,      "the token is not known here",            \
	    "check how it was typed, or enroll the node again with a new bootstrap token") \
	X(TOKEN_EXPIRED,     1002, UNAUTHENTICATED,      "the token's life is over",               \
	    "ask an administrator for a new one (litevpnctl token create)")                        \
	X(TOKEN_USED,        1003, UNAUTHENTICATED,      "the bootstrap token has no uses left",   \
	    "ask an administrator for a new one (litevpnctl token create)")                        \
	X(NODE_UNKNOWN,      1004, NOT_FOUND,            "no node of this name is registered",     \
	    "litevpnctl node list shows the registered nodes")                                     \
	X(NODE_DELETED,      1005, UNAUTHENTICATED,      "the node has been unregistered",         \
	    "enroll it again with a new bootstrap token")                                          \
	X(POOL_EXHAUSTED,    1006, RESOURCE_EXHAUSTED,   "the network has no address left",        \
	    "unregister nodes that are gone, or choose a larger vpnAddr")                          \
	X(ADDRESS_TAKEN,     1007, ALREADY_EXISTS,       "the address belongs to another node",    \
	    "choose another one, or unregister that node")                                         \
	X(ADDRESS_INVALID,   1008, INVALID_ARGUMENT,     "the address cannot be given to a node",  \
	    "choose one inside of the network that is not its first, its last or the server's own") \
	X(CERT_MISMATCH,     1009, PERMISSION_DENIED,    "certificate and token speak of different nodes", \
	    "use the certificate and the token of one enrollment")                                 \
	X(CERT_INVALID,      1010, UNAUTHENTICATED,      "the peer's certificate is not acceptable", \
	    "check that it was issued by this server's vpn CA for a node and has not expired")     \
	X(NETWORK_UNKNOWN,   1011, NOT_FOUND,            "no network of this name exists",         \
	    "leave the network empty for the default one")                                         \
	X(NET_TOKEN_INVALID, 1012, PERMISSION_DENIED,    "the net-token does not open the node's network", \
	    "ask an administrator for the network's net-token")                                    \
	X(IPAM_DOWN,         1013, UNAVAILABLE,          "the address authority (ipamd) does not answer", \
	    "try again; on the server see whether ipamd runs")                                     \
	X(TUNNEL_DOWN,       1014, UNAVAILABLE,          "the data path (tunneld) does not answer", \
	    "try again; on the server see whether tunneld runs")                                   \
	X(STORE_FAILED,      1015, UNAVAILABLE,          "the address database could not be written", \
	    "nothing was changed; on the server see ipamd's log and the free disk space")          \
	X(SESSION_NOT_CUT,   1016, UNAVAILABLE,          "the node is deleted, but its session may still run", \
	    "repeat the call: it only cuts the session")                                           \
	X(NO_SIGNER,         1017, FAILED_PRECONDITION,  "this server cannot sign certificates",   \
	    "start ctld as root and give the CA keys to its signer (see ctld(8), SIGNER)")         \
	X(CSR_INVALID,       1018, INVALID_ARGUMENT,     "the certificate request is not acceptable", \
	    "send a PKCS#10 request that is signed by its own P-256, P-384 or Ed25519 key")        \
	X(GRANT_REFUSED,     1019, PERMISSION_DENIED,    "the signer refuses this grant",          \
	    "on the server compare the clocks and grant.pub of ipamd with what ctld's signer logs") \
	X(FIELD_INVALID,     1020, INVALID_ARGUMENT,     "a field of the request is not acceptable", \
	    "see the field and the text beside it")                                                \
	X(ROLE_REQUIRED,     1021, PERMISSION_DENIED,    "the caller's role does not allow this call", \
	    "use a certificate of the role that the call needs (see litevpn-api(7))")              \
	X(METHOD_UNKNOWN,    1022, UNIMPLEMENTED,        "this listener has no such method",       \
	    "see litevpn-api(7) for what each port serves")                                        \
	X(SUPERSEDED,        1023, ABORTED,              "a newer session of the same node took over", \
	    "do not run two machines with one identity: enroll the second one")                    \
	X(CIPHER_MISMATCH,   1024, FAILED_PRECONDITION,  "the two ends share no cipher",           \
	    "set cipher to auto on both ends")                                                     \
	X(PROTOCOL_ERROR,    1025, INVALID_ARGUMENT,     "the peer does not speak litevpn/1",      \
	    "compare the versions of both ends")                                                   \
	X(SERVER_FULL,       1026, RESOURCE_EXHAUSTED,   "the server serves as many nodes as it may", \
	    "raise maxClients in server.yml")                                                      \
	X(SHUTTING_DOWN,     1027, UNAVAILABLE,          "the server is stopping",                 \
	    "try again in a moment")                                                               \
	X(DEADLINE,          1028, DEADLINE_EXCEEDED,    "no answer within the call's deadline",   \
	    "try again with a longer --timeout")                                                   \
	X(OVERLOADED,        1029, RESOURCE_EXHAUSTED,   "too many requests are under way",        \
	    "try again in a moment")                                                               \
	X(INTERNAL,          1030, INTERNAL,             "litevpn failed in a way that it should not", \
	    "see the daemons' logs")                                                               \
	X(SERVICE_UNKNOWN,   1031, NOT_FOUND,            "no service of this name is served here", \
	    "leave the name empty to ask for the whole server")                                    \
	X(REVISION_GONE,     1032, OUT_OF_RANGE,         "the events after this revision cannot be had", \
	    "read the present state, then follow the events from its revision on")                 \
	X(NODE_RECLAIMED,    1033, UNAUTHENTICATED,      "the node was idle, and its address was needed", \
	    "enroll it again with a new bootstrap token; see pool.reclaimMinIdle in server.yml")   \
	X(NETWORK_NOT_SERVED, 1034, UNAVAILABLE,         "this server does not carry the node's network", \
	    "connect to a server that does, or enroll the node into another network")              \
	X(NETWORK_EXISTS,    1035, ALREADY_EXISTS,       "a network of this name exists",          \
	    "choose another name, or recreate that network")                                       \
	X(NETWORK_OVERLAP,   1036, INVALID_ARGUMENT,     "the network's prefix is in use",         \
	    "choose one that overlaps no other network and does not contain the server's addresses") \
	X(NETWORK_FIXED,     1037, FAILED_PRECONDITION,  "the network is of the configuration",    \
	    "change vpnAddr or networks in server.yml and restart the daemons")                    \
	X(NETWORK_IN_USE,    1038, FAILED_PRECONDITION,  "the network has nodes",                  \
	    "unregister them before, or force the deletion")                                       \
	X(ADDRESS_UNKNOWN,   1039, NOT_FOUND,            "the address is not kept for anybody",    \
	    "see which addresses are (litevpnctl address list)")                                    \
	X(TOO_MANY_ATTEMPTS, 1040, RESOURCE_EXHAUSTED,   "too many failed attempts from this address", \
	    "wait as long as the answer says, and look for the right token meanwhile")    \
	X(KEY_UNKNOWN,       1041, PERMISSION_DENIED,    "the node was not enrolled with this key", \
	    "renew with the keys of the enrollment, or enroll the node again")                     \
	X(TOKEN_NOT_FOUND,   1042, NOT_FOUND,            "no bootstrap token of this id is there", \
	    "litevpnctl token list shows those that are")                                          \
	X(DISCONNECTED,      1043, UNAVAILABLE,          "an administrator has ended the session", \
	    "the node connects again by itself")                                                   \
	X(CONFIG_INVALID,    1044, FAILED_PRECONDITION,  "server.yml has mistakes; nothing was changed", \
	    "litevpnctl config check shows them all")                                              \
	X(BACKUP_BUSY,       1045, RESOURCE_EXHAUSTED,   "another backup or check of the database is under way", \
	    "try again when it has ended")

enum reason {
	REASON_NONE = 0,
#define X(name, number, code, text, hint) REASON_##name = number,
	REASON_TABLE(X)
#undef X
};

enum { REASONS = 0	/* how many there are */
#define X(name, number, code, text, hint) + 1
	REASON_TABLE(X)
#undef X
};

/* The stable name, "TOKEN_EXPIRED"; "NONE" for 0, "UNKNOWN" for a number that is not in the table. */
const char *reason_name(int reason);

/* One sentence each, without a full stop: what happened, and what to do about it. Never NULL. */
const char *reason_text(int reason);
const char *reason_hint(int reason);

/* The gRPC status code that goes with it. */
enum rpc_code reason_rpc_code(int reason);

/* The reason of this name, or REASON_NONE. */
enum reason reason_by_name(const char *name);

/* Walks the table: the n-th reason, or REASON_NONE past its end. */
enum reason reason_at(unsigned n);

/*
 * The reason to show for a failed call: -rc where rc is a refusal already; what the errno values
 * of a call to another daemon mean otherwise (`down` when it does not answer).
 */
enum reason reason_of(int rc, enum reason down);

#endif
