/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_CLIENT_H
#define TUNNELD_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "daemons/tunneld/conn.h"
#include "daemons/tunneld/identity.h"
#include "daemons/tunneld/monitor_msg.h"
#include "daemons/tunneld/tunneld.h"
#include "daemons/tunneld/workers.h"

/*
 * The node's side of an engine: connects to a server, keeps the session alive, and makes a new one
 * before the old one has to end: when its keys grow old, when the control connection breaks, when
 * the server has moved. The old session goes on until the new one is up.
 */
struct client;

struct client_parts {	/* all borrowed for the client's life */
	const struct conf_client *conf;
	struct ev *ev;
	struct conn_env *conns;
	struct workers *workers;
	const struct identity *identity;
	/* Asks the monitor to configure the device; client_configured brings the answer. */
	void (*configure)(void *arg, const struct monitor_configure *want);
	/* Asks it for the way to a server, before each connection; client_way brings the answer. */
	void (*ask_way)(void *arg, const struct ip_addr *server);
	/* A session is up; ca_hash: of the server's CAs, NULL: it does not say. */
	void (*connected)(void *arg, const uint8_t *ca_hash);
	/* The server's answer to client_ask_cert. */
	void (*cert)(void *arg, const struct control_cert *cert);
	void *arg;
};

/* Sets the workers up as a node's and begins to connect. */
int client_new(const struct client_parts *parts, struct client **out, struct err *e);

/* Asks the server for a certificate. False: there is no connection to it now. */
bool client_ask_cert(struct client *c, bool grpc, const char *csr);

/* The monitor's answers to `configure` and `ask_way`. */
void client_configured(struct client *c, const struct monitor_configured *answer);
void client_way(struct client *c, const struct monitor_way_done *way);

/*
 * An address or a route of the host has changed: the server is asked at once whether UDP still
 * passes, and where the control connection has lost its address a new one is made.
 */
void client_moved(struct client *c);

/* The session in use; NULL: none. Borrowed until the loop goes on. */
struct session *client_session(const struct client *c);

/* Says goodbye. The loop must run on for a moment. */
void client_stop(struct client *c);

void client_free(struct client *c);	/* NULL is fine */

#endif
