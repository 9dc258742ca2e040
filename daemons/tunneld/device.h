/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_DEVICE_H
#define TUNNELD_DEVICE_H

#include <stdbool.h>

#include "common/err.h"
#include "daemons/tunneld/journal.h"
#include "daemons/tunneld/netcfg.h"
#include "daemons/tunneld/tun.h"
#include "daemons/tunneld/tunneld.h"

/*
 * The TUN device of this tunneld, from its opening to its end. A server's is kept where tunneld
 * crashes, and taken over by the next one; the journal says that it is ours. A node's goes with its
 * descriptors.
 */
struct device {
	const struct tunneld *d;	/* borrowed, as the next two */
	struct netcfg *net;
	struct journal *journal;
	unsigned nqueues;		/* 0: not open */
	int queues[CONF_WORKERS_MAX];	/* one for each worker */
	struct tun_features features;
	unsigned ifindex;
	unsigned mtu;			/* server: as it was set */
	bool foreign;			/* it was there, and is not of the journal */
};

/* After a crash: deletes one of another name than today's, and notes today's. 0 or negative. */
int device_recover(struct device *dev, struct err *e);

/* Opens it; a server's is configured at once, a node's when its server has said how. 0 or negative. */
int device_open(struct device *dev, struct err *e);

void device_close(struct device *dev);

/* A start has failed: closes it; one that goes with us is not ours at the next start. */
void device_forget(struct device *dev);

/* An orderly end: a server's is deleted, unless somebody else has made it. */
void device_delete(struct device *dev);

#endif
