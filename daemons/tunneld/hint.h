/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_HINT_H
#define TUNNELD_HINT_H

#include <sys/types.h>

#include "common/err.h"
#include "common/ev.h"

/*
 * Events of ipamd, as hints that nodes may not be registered any more. What an event says is not
 * acted upon: an old one may speak of a node that has come back. The authority is ipamd's answer to a
 * sync (sync.h), which a hint only brings about sooner than the minute that it may take. So a node
 * is cut at once also where ctld, whose Cut is waited for (ctl.h), has died before it could send it,
 * and a message that is missed costs nothing but time.
 */
struct hint;

/* gone: that node may be; NULL: any may be, or a message was missed. */
int hint_new(struct ev *ev, const char *path, uid_t uid,
    void (*gone)(void *arg, const char *node_id), void *arg, struct hint **out, struct err *e);
void hint_free(struct hint *h);	/* NULL is fine */

#endif
