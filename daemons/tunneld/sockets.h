/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_SOCKETS_H
#define TUNNELD_SOCKETS_H

#include "daemons/tunneld/tunneld.h"
#include "daemons/tunneld/udp.h"

/* What the monitor opens towards the network, for engines to come: it keeps them from one to the next. */
struct sockets {
	unsigned nworkers;
	unsigned ntcp, nudp;	/* addresses that are listened on or sent from */
	int tcp[UDP_SOCKETS_MAX];
	int udp[UDP_SOCKETS_MAX][CONF_WORKERS_MAX];	/* of an address: one per worker */
};

/* A server's: both protocols on its addresses. A node's: UDP of both families. 0 or -errno with *e. */
int sockets_open(struct sockets *s, const struct tunneld *d, struct err *e);
void sockets_close(struct sockets *s);	/* of one that is half opened as well */

/* There are fewer workers than it was opened for. */
void sockets_keep(struct sockets *s, unsigned nworkers);

/* Writes them to fds in the order of MONITOR_INIT; returns how many. They stay the sockets'. */
unsigned sockets_list(const struct sockets *s, int *fds);

#endif
