/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_TUNNELD_H
#define TUNNELD_TUNNELD_H

#include <stdbool.h>

#include "common/conf_client.h"
#include "common/conf_server.h"
#include "common/daemon.h"
#include "common/places.h"
#include "common/priv.h"

/* What the three processes of tunneld have in common: read by main, inherited by fork. */
struct tunneld {
	struct daemon daemon;
	bool server;			/* else a node */
	struct conf_server sc;		/* filled when server */
	struct conf_client cc;		/* filled when not */
	const char *state_dir, *run_dir, *device;
	struct places places;
	struct priv_user user;		/* of spawner and engine */
	struct priv_user ipamd, ctld;	/* whom the engine talks to (server) */
};

static inline enum conf_offload
tunneld_offload(const struct tunneld *d)
{
	return (enum conf_offload) (d->server ? d->sc.offload : d->cc.offload);
}

/* How many threads carry packets: as configured, or as there are processors for us. */
unsigned tunneld_workers(const struct tunneld *d);

/* The five files of an identity, in this order wherever they are passed on. */
enum tunneld_file {
	TUNNELD_CA,
	TUNNELD_CERT,
	TUNNELD_KEY,
	TUNNELD_TOKEN,		/* node only */
	TUNNELD_NET_TOKEN,	/* node only, optional */
	TUNNELD_GRPC_CERT,	/* node only, for its renewal; may not be there */
	TUNNELD_GRPC_CSR,	/* the same: what it was made of */
	TUNNELD_FILES,		/* those that are read */
	TUNNELD_GRPC_CA = TUNNELD_FILES,	/* node only: replaced, never read */
	TUNNELD_PATHS
};

#endif
