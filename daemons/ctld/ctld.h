/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_CTLD_H
#define LV_CTLD_CTLD_H

#include <stdint.h>
#include <sys/types.h>

#include "common/conf_server.h"
#include "common/daemon.h"
#include "common/ev.h"
#include "common/pki.h"
#include "common/places.h"
#include "common/usage.h"
#include "common/verbosity.h"
#include "daemons/ctld/backend.h"
#include "daemons/ctld/calls.h"
#include "daemons/ctld/chores.h"
#include "daemons/ctld/cuts.h"
#include "daemons/ctld/doors.h"
#include "daemons/ctld/grpc.h"
#include "daemons/ctld/identity.h"
#include "daemons/ctld/reflect.h"
#include "daemons/ctld/renewals.h"
#include "daemons/ctld/scrape.h"
#include "daemons/ctld/signer_client.h"
#include "daemons/ctld/svc.h"
#include "daemons/ctld/watch.h"

/* The front: what its parts and the services share. */
struct ctld {
	/* Constant once the queue's thread runs. */
	struct daemon daemon;
	struct conf_server conf;
	struct places places;
	struct ev *ev;
	struct backend *backend;
	struct news *news;
	struct chores *chores;
	struct signer_client *signer;
	struct reflect *reflect;
	struct calls *calls;
	struct grpc *grpc;
	struct identity *identity;
	int64_t started_s;	/* UTC */

	/* The queue's thread only. */
	struct health health;
	struct watches *watches;
	struct cuts cuts;

	/* The loop's thread only. */
	struct verbosity verbosity;
	struct doors *doors;
	struct renewals *renewals;
	struct scrape *scrape;	/* NULL: no metrics are wanted */
	struct usage usage;
	int signer_fd;		/* -1: none */
	pid_t signer_pid;
	struct ev_waker stopped;	/* all calls have ended; woken from the queue's thread */
	struct ev_timer grace;
	int result;		/* exit status */
};

#endif
