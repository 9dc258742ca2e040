/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_ENGINE_H
#define TUNNELD_ENGINE_H

#include <sys/types.h>

#include "daemons/tunneld/tunneld.h"

/*
 * The process that talks to the network: TLS, ESP, the data path, server or node. It has no right
 * to anything but the descriptors that the monitor hands it. Returns its exit status.
 * consumes: monitor, the channel. parent: the spawner.
 */
#define ENGINE_TOLD 70	/* exit status: it could not begin, and the monitor has been told why */
int engine_run(struct tunneld *d, int monitor, pid_t parent);

#endif
