/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_OPERATIONS_H
#define LV_TEST_OPERATIONS_H

#include "daemons/ipamd/request.h"
#include "tests/unit/ipamd/book.h"

/*
 * Everything that a book can be asked for, so that a test can try all of it: each with what must be
 * there before. `prepare` fails the test where it cannot; one at a time is prepared.
 */
struct operation {
	const char *what;
	void (*prepare)(struct book *b);
	int (*act)(struct book *b, struct request *r);	/* 0 (or how many), or why not */
};

/* Ends with a row without a name. */
extern const struct operation operations[];

/* A request that does it, committed. Returns what came of it, or why the commit failed. */
int operation_run(struct book *b, int (*act)(struct book *b, struct request *r));

#endif
