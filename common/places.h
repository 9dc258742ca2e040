/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_PLACES_H
#define LV_PLACES_H

#include "common/err.h"

/*
 * Where the daemons keep their state and their sockets, who owns it and with which mode: one table
 * (tmpfiles.d says the same). The socket directories are what decides who can reach whom.
 */

#define PLACES_PATH_MAX 256

struct places {
	char ipamd_rpc[PLACES_PATH_MAX];	/* RUN/ipamd/rpc.sock */
	char ipamd_events[PLACES_PATH_MAX];	/* RUN/ipamd/events.sock */
	char tunneld_control[PLACES_PATH_MAX];	/* RUN/tunneld/control.sock */
	char ctld_admin[PLACES_PATH_MAX];	/* RUN/admin/ctld.sock */
	char ipamd_run[PLACES_PATH_MAX];	/* the directories of these */
	char tunneld_run[PLACES_PATH_MAX];
	char admin_run[PLACES_PATH_MAX];
	char ipamd_state[PLACES_PATH_MAX];
	char tunneld_state[PLACES_PATH_MAX];
	char ipamd_db[PLACES_PATH_MAX];		/* STATE/ipamd/litevpn.db */
	char grant_key[PLACES_PATH_MAX];	/* STATE/ipamd/grant.key, ipamd's own */
	char grant_pub[PLACES_PATH_MAX];	/* STATE/ipamd/grant.pub, for everyone */
};

/* Fills in the paths below run_dir and state_dir. -ENAMETOOLONG when they are too long. */
int places_init(struct places *p, const char *run_dir, const char *state_dir, struct err *e);

/*
 * Makes the directories of the server that do not exist and sets owner and mode of all of them.
 * Needs root, else it makes them for the user that we are.
 */
int places_make(const struct places *p, const char *run_dir, const char *state_dir, struct err *e);

/* The same for a node: only the state of tunneld. */
int places_make_node(const struct places *p, const char *run_dir, const char *state_dir,
    struct err *e);

#endif
