/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/tunneld.h"

#include <sched.h>

/*
 * A worker costs memory in every session, at both ends, and is of use to as many flows as there are:
 * a server has them from many nodes, a node has a few of its own.
 */
#define AUTO_SERVER 16
#define AUTO_NODE 4

unsigned
tunneld_workers(const struct tunneld *d)
{
	int64_t wanted = d->server ? d->sc.workers : d->cc.workers;
	int max = d->server ? AUTO_SERVER : AUTO_NODE, n;
	cpu_set_t cpus;

	if (wanted > 0)
		return (unsigned) wanted;
	/* More than a cpu_set_t holds is more than we want. */
	n = sched_getaffinity(0, sizeof(cpus), &cpus) < 0 ? max : CPU_COUNT(&cpus);
	return (unsigned) (n < max ? n : max);
}
