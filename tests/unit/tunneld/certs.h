/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_CERTS_H
#define LV_TEST_CERTS_H

#include <openssl/types.h>

/*
 * A server and a node of one CA, and others that they do not talk to, as TLS contexts. Making keys
 * takes longer than most tests: it is done once, by an unchecked fixture of the test case.
 */
#define CERTS_HOST "server.test"	/* whom the server's certificate names */
#define CERTS_ADDR "127.0.0.8"		/* and as an address */
#define CERTS_NODE "n-1"		/* whom the node's names */

struct certs {
	SSL_CTX *server, *node;
	SSL_CTX *mute_server;	/* that agrees on no protocol (ALPN) */
	SSL_CTX *stranger;	/* a node to itself: of a CA that nobody knows */
	SSL_CTX *other;		/* a node that speaks another protocol (ALPN) */
	SSL_CTX *admin;		/* an administrator */
	SSL_CTX *nameless;	/* made by another tool: it names neither */
};

void certs_setup(void);
void certs_teardown(void);

const struct certs *certs(void);

#endif
