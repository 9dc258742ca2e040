/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_UPLINK_H
#define TUNNELD_UPLINK_H

#include <stdint.h>

#include "common/ip.h"
#include "daemons/tunneld/session.h"
#include "daemons/tunneld/workers.h"

/*
 * A node's session sends to that address from now on, by the sockets of its family. Where there are
 * none the log says so, and the session stays without UDP. One that has no keys stays so, too.
 */
void uplink_take(const struct workers *ws, struct session *s, const struct ip_addr *addr,
    uint16_t port);

#endif
