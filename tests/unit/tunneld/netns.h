/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_NETNS_H
#define LV_TEST_NETNS_H

#include <stdbool.h>

#include "common/ip.h"
#include "daemons/tunneld/netcfg.h"

/* A network namespace of the test's own, where it may change whatever it wants. */

/* Moves this process into a new one. False where that is not permitted. */
bool netns_enter(void);

#define NETNS_WHY "needs root, network namespaces and /dev/net/tun"

/* A TUN device that lives as long as its descriptor, which is returned. */
int netns_device(const char *name);

/* What a shell command says, without its last line end: `ip` is the witness. Static storage. */
const char *netns_ask(const char *command);

/* The same, for commands that must succeed and say nothing. */
void netns_do(const char *command);

struct ip_addr netns_addr(const char *text);
struct ip_prefix netns_prefix(const char *text);

#endif
