/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_RENEWALS_H
#define LV_CTLD_RENEWALS_H

#include <sys/types.h>

#include "common/err.h"
#include "common/ev.h"
#include "daemons/ctld/signer_client.h"

/*
 * Certificates of nodes that renew them over the tunnel: fetched from tunneld, which has had them
 * granted, signed, and brought back. A question to tunneld waits there until there is something, on a
 * connection of its own: answers to what came together go together (common/ipc.h). All on the loop.
 */
struct renewals;

/* path, uid: tunneld's socket, and whose it must be. */
int renewals_new(struct ev *ev, const char *path, uid_t uid, struct signer_client *signer,
    struct renewals **out, struct err *e);
void renewals_free(struct renewals *r);	/* when the loop has ended, before its signer; NULL is fine */

#endif
