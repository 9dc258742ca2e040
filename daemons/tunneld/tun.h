/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_TUN_H
#define TUNNELD_TUN_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/err.h"

/* TUN devices (Documentation/networking/tuntap.rst): the only file that knows linux/if_tun.h. */

/*
 * Makes the device, or takes over the persistent one of that name that a crashed tunneld has left.
 * Its owner becomes `owner`, so that nobody else can attach to it. persistent: it outlives us.
 * Returns a non-blocking descriptor or a negative errno with *e. Needs CAP_NET_ADMIN.
 */
int tun_open(const char *name, uid_t owner, bool persistent, struct err *e);

#endif
