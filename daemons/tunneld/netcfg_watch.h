/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_NETCFG_WATCH_H
#define TUNNELD_NETCFG_WATCH_H

#include <stdbool.h>

#include "common/err.h"

/*
 * A descriptor that can be read when an address or a route of this machine has changed (rtnetlink(7)):
 * the way to a server may be another one. What exactly is not said: who wants to know asks. The
 * changes that we make ourselves are among them. -errno with *e. The caller closes it.
 */
int netcfg_watch(struct err *e);

/* Reads all that has come. Was there anything? */
bool netcfg_watch_drain(int fd);

#endif
