/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_SPAWNER_H
#define TUNNELD_SPAWNER_H

#include "daemons/tunneld/tunneld.h"

/*
 * The process that does nothing but fork: it has dropped all rights before the monitor loads its
 * filter, and makes a new engine whenever one has died, so that a crash never needs new rights.
 * Returns the process's exit status, also that of each engine, in the child that it is.
 * consumes: monitor, the channel.
 */
int spawner_run(struct tunneld *d, int monitor, pid_t parent);

#endif
