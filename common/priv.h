/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_PRIV_H
#define LV_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

/* Users, and the dropping of what a process may do for good. */

struct priv_user {
	uid_t uid;
	gid_t gid;	/* its primary group */
};

/*
 * The user of that name. When this process is not root there is nothing to drop to: the answer is
 * who we are, so that all daemons can run as one ordinary user (for a look around, without TUN).
 */
int priv_user(const char *name, struct priv_user *out, struct err *e);
int priv_group(const char *name, gid_t *gid_out, struct err *e);

bool priv_is_root(void);

/* Closes every descriptor from 3 on: what a careless parent left open is not ours to hold. */
void priv_close_inherited(void);

/*
 * Becomes `user` with no supplementary group and exactly the capabilities in `keep` (a mask of
 * 1 << CAP_...; only for uid 0), the bounding set emptied, no core dumps, no new privileges, not
 * traceable by its own uid. Verifies the result and that root cannot be regained. Must be called
 * before the first thread: all this is per thread.
 */
int priv_drop(const struct priv_user *user, uint64_t keep, struct err *e);

/* The process gets SIGKILL when its parent dies; false if the parent is gone already. */
bool priv_die_with_parent(pid_t parent);

#endif
