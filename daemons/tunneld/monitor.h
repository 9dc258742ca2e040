/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_MONITOR_H
#define TUNNELD_MONITOR_H

#include "common/err.h"
#include "daemons/tunneld/tunneld.h"

/*
 * The privileged side: holds the TUN device, the listening sockets and CAP_NET_ADMIN; opens the
 * identity's files and hands descriptors to the engine. Reads nothing that came from a network.
 */
struct monitor;

/* Opens everything that needs rights: device, sockets, journal, netlink. An exit status or -1. */
int monitor_open(struct tunneld *d, struct monitor **out);

/*
 * Drops to CAP_NET_ADMIN, enters the sandbox, serves engine after engine and returns the exit
 * status. consumes: spawner (the channel) and m.
 */
int monitor_run(struct monitor *m, int spawner);

#endif
