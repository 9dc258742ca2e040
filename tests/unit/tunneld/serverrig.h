/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_SERVERRIG_H
#define LV_TEST_SERVERRIG_H

#include <openssl/types.h>

#include "common/ipc.h"
#include "daemons/tunneld/server.h"
#include "tests/unit/tunneld/loop.h"

/*
 * A server with an ipamd of the test's own, and guests that connect to it over the loopback:
 *
 *     guest --- TCP --- server --- unix socket --- ipamd
 *
 * The ipamd hands out rising epochs. A guest is the node of its certificate, or, where that names
 * none, the node whose id is its token.
 */
#define SERVERRIG_GUESTS 8
#define SERVERRIG_REPORTS 64

struct guest {
	struct conn *conn;
	bool ready, welcomed, closed;
	struct control_welcome welcome;
	struct control_refuse refused;	/* reason "": it was not */
	char goodbye[CONTROL_ID_MAX + 1];
	char cert_reason[CONTROL_ID_MAX + 1];	/* of the last of these: */
	bool cert_grpc;
	char cert_ca[32];
	unsigned ncerts;
};

struct attach {	/* that ipamd has not answered yet */
	struct ipc_call *call;
	char node_id[CONTROL_ID_MAX + 1];
	uint64_t epoch;
};

struct report {
	char node_id[CONTROL_ID_MAX + 1];
	uint64_t epoch;
	int state;	/* enum ipam_state */
};

struct serverrig {
	struct ev *ev;
	struct conn_env conns;
	struct workers workers;
	struct identity identity;
	struct tunneld d;
	struct server *server;
	struct ip_addr addr;	/* where it listens */
	uint16_t port;
	int tun;		/* the test's end */

	struct ipc_server *ipamd;
	bool holds;		/* attaches are answered by serverrig_answer only */
	struct attach held[SERVERRIG_GUESTS];
	unsigned nheld, nsyncs;
	uint64_t epoch;		/* handed out last */
	struct report reports[SERVERRIG_REPORTS];
	unsigned nreports;

	struct guest guests[SERVERRIG_GUESTS];
};

/* Runs, and has reached its ipamd. Needs the fixture of certs.h. */
void serverrig_init(struct serverrig *r);
void serverrig_fini(struct serverrig *r);

/* Connects, and has done the handshake. */
struct guest *serverrig_guest(struct serverrig *r, unsigned i, SSL_CTX *ctx);

void guest_hello(struct guest *g, const char *token);
void guest_keepalive(struct guest *g);

/* All of it: connected, Hello, Welcome, Keepalive; and the server has reported it. */
struct guest *serverrig_join(struct serverrig *r, unsigned i, SSL_CTX *ctx, const char *token);

/* Answers the attach that came i-th. */
void serverrig_answer(struct serverrig *r, unsigned i);

/* Was it reported? */
bool serverrig_reported(const struct serverrig *r, const char *node_id, uint64_t epoch, int state);

#endif
