/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_VERBOSITY_H
#define LV_VERBOSITY_H

#include "common/err.h"
#include "common/ev.h"
#include "common/log.h"

/*
 * How much a daemon logs: as configured, or for a while as somebody wants it. Embedded in its owner;
 * all on the loop's thread.
 */
struct verbosity {
	struct ev *ev;
	enum log_level configured, now;
	struct ev_timer end;	/* of what somebody wants */
	void (*changed)(void *arg, enum log_level now);	/* beside log_set_level; may be NULL */
	void *arg;
};

/* The log has that level. `changed` and `arg` may be set after it. */
void verbosity_init(struct verbosity *v, struct ev *ev, enum log_level configured);
void verbosity_fini(struct verbosity *v);	/* one that was not begun is fine */

/* What was wanted ends, too: who reloads wants what the file says. */
void verbosity_configure(struct verbosity *v, enum log_level configured);

/* Until for_ms are over; 0: until verbosity_configure. */
void verbosity_want(struct verbosity *v, enum log_level level, int64_t for_ms);

/*
 * Reads server.yml again: its log level takes effect, and nothing else. A file with errors changes
 * nothing: -REASON_CONFIG_INVALID with the first of them; all are in the log.
 */
int verbosity_reload(struct verbosity *v, const char *path, struct err *e);

#endif
