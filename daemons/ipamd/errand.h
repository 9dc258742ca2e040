/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_ERRAND_H
#define LV_IPAMD_ERRAND_H

#include "common/conf_server.h"
#include "common/daemon.h"

/*
 * What ipamd's program does instead of running: --check, --backup, --restore. The caller's rights
 * are used to open the file that it names, and in the end to give the backup its name; all between
 * has ipamd's rights only, behind its filters.
 */

extern const struct daemon_errand errands[];

/* Begins when everything is ready that a start needs, too. */
struct errand {
	const struct daemon *daemon;	/* with its errand and file */
	const struct conf_server *conf;
	const char *db_path;
	int (*confine)(void *arg);	/* gives rights up for good; below 0, or an exit status */
	void *arg;
};

/* Returns the exit status: 0, 1 for findings, or one of enum daemon_exit. */
int errand_run(const struct errand *a);

#endif
