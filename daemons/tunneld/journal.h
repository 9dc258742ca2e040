/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_JOURNAL_H
#define TUNNELD_JOURNAL_H

#include "common/err.h"
#include "common/ip.h"
#include "daemons/tunneld/netcfg_route.h"

/*
 * What tunneld has changed on the host outside of its own device, written down before it is done,
 * so that it can be undone after a crash. A text file, one line per change:
 *
 *     device litevpn0
 *     route 192.0.2.7/32 via 198.51.100.1 dev eth0
 *
 * The open file is locked: two tunneld with one state directory would undo each other's work.
 */
#define JOURNAL_ROUTES_MAX 4

struct journal_route {
	struct ip_prefix to;
	struct netcfg_hop hop;
	char device[16];
};

struct journal {
	int fd;
	char device[16];	/* a persistent device that we made; "": none */
	unsigned nroutes;
	struct journal_route routes[JOURNAL_ROUTES_MAX];
};

/* Opens or makes the file, locks it, and reads what a crashed tunneld has left. -EBUSY: locked. */
int journal_open(const char *path, struct journal *j, struct err *e);
void journal_close(struct journal *j);

/* Writes the present contents, durably. */
int journal_save(struct journal *j);

/* Undoes route number i of it and forgets it: for good with the next save. Errors are logged. */
void journal_undo_route(struct journal *j, unsigned i, struct netcfg *n);

/* All of them, and saves. */
void journal_undo_routes(struct journal *j, struct netcfg *n);

#endif
