/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_CTL_H
#define TUNNELD_CTL_H

#include <sys/types.h>

#include "common/err.h"
#include "common/ev.h"
#include "common/usage.h"
#include "common/verbosity.h"
#include "daemons/tunneld/server.h"

/* The control socket, on which ctld asks; the only file that knows ipc/tunneld.proto here. */
struct ctl;

struct ctl_conf {
	const char *path;
	uid_t ctld;
	const struct usage *usage;	/* borrowed, as is what follows */
	struct verbosity *verbosity;
	void (*reload)(void *arg);	/* begins one, that ends with ctl_reloaded */
	void *arg;
};

#define CTL_RELOADS_MAX 8	/* that wait; more are refused */

/* server: borrowed for the life of the ctl. */
int ctl_new(struct ev *ev, const struct ctl_conf *conf, struct server *server, struct ctl **out,
    struct err *e);
/* The reload that began first has ended; e->rc is 0, or why not. */
void ctl_reloaded(struct ctl *c, const struct err *e);

void ctl_free(struct ctl *c);	/* NULL is fine */

#endif
