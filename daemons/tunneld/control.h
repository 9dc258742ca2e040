/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_CONTROL_H
#define TUNNELD_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conf_server.h"
#include "common/ip.h"

/* The messages of the control stream as our own structs; the only file that knows tunnel.proto. */

#define CONTROL_TOKEN_MAX 64
#define CONTROL_TEXT_MAX 200	/* what the peer says in words; longer is cut */
#define CONTROL_VERSION_MAX 32
#define CONTROL_ID_MAX 64
#define CONTROL_CIPHERS_MAX 8
#define CONTROL_WORKERS_MAX CONF_WORKERS_MAX
#define CONTROL_SPIS_MAX CONTROL_WORKERS_MAX
#define CONTROL_ROUTES_MAX CONF_PUSH_MAX
#define CONTROL_PEM_MAX 7168	/* bytes of certificates; one with its CA's has 1,700 */
#define CONTROL_BODY_MAX (16 * 1024)	/* of any message that we send */
#define CONTROL_CA_HASH_LEN 32		/* SHA-256 */

enum control_type {
	CONTROL_HELLO,
	CONTROL_WELCOME,
	CONTROL_REFUSE,
	CONTROL_ADD_SPI,
	CONTROL_KEEPALIVE,
	CONTROL_GOODBYE,
	CONTROL_CERT_REQUEST,
	CONTROL_CERT_REPLY,
	CONTROL_OTHER,	/* of a newer version: to be ignored */
};

struct control_hello {
	char node_token[CONTROL_TOKEN_MAX + 1];
	char net_token[CONTROL_TOKEN_MAX + 1];
	unsigned nciphers;
	int ciphers[CONTROL_CIPHERS_MAX];	/* enum aead_alg, or numbers that we do not know */
	uint32_t workers;
	unsigned nspis;
	uint32_t spis[CONTROL_SPIS_MAX];
	char version[CONTROL_VERSION_MAX + 1];
};

struct control_welcome {
	char node_id[CONTROL_ID_MAX + 1];
	struct ip_prefix address;
	struct ip_addr server_address;
	uint32_t mtu;		/* 576 to 9000 */
	uint32_t mtu_top;	/* the same, or 0: mtu is fixed */
	unsigned nroutes;
	struct ip_prefix routes[CONTROL_ROUTES_MAX];
	int cipher;
	uint32_t workers;
	unsigned nspis;
	uint32_t spis[CONTROL_SPIS_MAX];
	uint64_t epoch;
	uint32_t keepalive_ms, dead_after_ms, rekey_ms;
	char version[CONTROL_VERSION_MAX + 1];
	bool has_ca_hash;
	uint8_t ca_hash[CONTROL_CA_HASH_LEN];
};

struct control_refuse {
	char reason[CONTROL_ID_MAX + 1];	/* a name; may be one that we do not know */
	char message[CONTROL_TEXT_MAX + 1];
	uint32_t retry_after_ms;
};

struct control_add_spi {
	unsigned nspis;
	uint32_t spis[CONTROL_SPIS_MAX];
};

/* PEM texts; those of a message that was read are its own, see control_fini. */
struct control_cert {
	bool grpc;			/* of which PKI: the control API's, or else the tunnel's */
	char *csr;			/* CERT_REQUEST: only this; CERT_REPLY: the others */
	char reason[CONTROL_ID_MAX + 1];	/* "": there it is */
	char message[CONTROL_TEXT_MAX + 1];
	char *certificate, *ca;		/* NULL where there is a reason */
};

struct control {
	enum control_type type;
	union {
		struct control_hello hello;
		struct control_welcome welcome;
		struct control_refuse refuse;	/* Goodbye too: only its reason */
		struct control_add_spi add_spi;
		struct control_cert cert;
	};
};

/*
 * Reads a frame's body. 0, or -EBADMSG: not a message, or one with senseless contents. End what it
 * gives with control_fini, which frees its texts and wipes it.
 */
int control_parse(const uint8_t *body, size_t len, struct control *out);
void control_fini(struct control *c);

/* Writes a message into out (CONTROL_BODY_MAX bytes). Returns its length or -EMSGSIZE. */
int control_pack(const struct control *c, uint8_t *out);

#endif
