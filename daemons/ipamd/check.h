/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_CHECK_H
#define LV_IPAMD_CHECK_H

#include <stdbool.h>

#include "common/conf_server.h"
#include "common/err.h"
#include "daemons/ipamd/dbfile.h"

/*
 * What always holds of a database, whatever has happened to it: a table of named checks. Nothing is
 * changed. ipamd may write meanwhile: all checks see the same moment.
 */

struct check_finding {
	const char *check;	/* its name in the table */
	const char *where;	/* "node n-4f0c (row 17, token 4f0c...)"; "" where it is said below */
	const char *what;	/* is wrong */
	const char *todo;
	bool serious;		/* such a database is not fit to be run with */
};

#define CHECK_FINDINGS_MAX 100	/* told of each check; the rest is only counted */

struct check {
	const struct conf_server *conf;		/* the network `default` is as it says */
	void (*found)(void *arg, const struct check_finding *f);
	void *arg;
};

struct check_result {
	unsigned findings;	/* told or not */
	unsigned serious;	/* of these */
};

/*
 * Runs them on a database of the newest schema. Below 0: it could not be read, and not because it
 * is damaged.
 */
int check_run(const struct check *c, struct dbfile *db, struct check_result *out, struct err *e);

#endif
