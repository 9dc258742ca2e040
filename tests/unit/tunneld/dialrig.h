/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_DIALRIG_H
#define LV_TEST_DIALRIG_H

#include <openssl/types.h>
#include <stdbool.h>

#include "daemons/tunneld/conn.h"
#include "daemons/tunneld/dial.h"

#define DIALRIG_ASKS_MAX 8

struct dialrig_door {	/* where a server listens */
	int fd;
	struct ev_io io;
};

/*
 * A network with nothing but a loopback device, and a name service of the test's own: CERTS_HOST
 * has the addresses 127.0.0.1 and 127.0.0.2, at none, one or both of which a server listens.
 * Asks for a way, and what the dial says, are counted here.
 */
struct dialrig {
	struct ev *ev;
	struct conn_env conns;
	struct identity identity;
	struct dial *dial;
	struct dialrig_door doors[2];
	SSL_CTX *server;
	bool slams;			/* the server closes at once */
	bool mute;			/* or says nothing */
	int silent;			/* that it says nothing to */
	struct conn *served[DIALRIG_ASKS_MAX], *reached;
	unsigned nserved;
	struct ip_addr asked[DIALRIG_ASKS_MAX];
	unsigned asks, readies, failures;
	char why[100];
};

/* CERTS_HOST: the dial knows a server again by where its name stands, as in the configuration. */
extern const char dialrig_host[];

/* False where it is not permitted. */
bool dialrig_setup(struct dialrig *r);
void dialrig_close(struct dialrig *r);

/* What the name service says from now on, as lines of /etc/hosts. */
void dialrig_names(const char *names);

/*
 * A name server that never says anything; the caller closes it. Without it there is none, which is
 * known at once.
 */
int dialrig_deaf_name_server(void);

/* The server listens at this address, or at both of them. */
void dialrig_open(struct dialrig *r, const struct ip_addr *addr);
void dialrig_open_both(struct dialrig *r);

/* Until the monitor was asked for the n-th way. */
void dialrig_wait_ask(struct dialrig *r, unsigned n);

/* The monitor's answer to the question that came last. */
void dialrig_answer(struct dialrig *r, int rc);

/* Reaches the server by name, as a client has done that loses it later. */
void dialrig_reach_once(struct dialrig *r);

#endif
