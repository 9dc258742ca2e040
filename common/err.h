/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_ERR_H
#define LV_ERR_H

/*
 * Results are ints: 0 or more is success, below 0 is -errno or a negative reason (reason.h).
 * Where a person will read it, a call also fills a struct err: what, where and what to do.
 */

#define ERR_TEXT_MAX 512	/* a line; longer texts are cut */

struct err {
	int rc;
	char text[ERR_TEXT_MAX];
};

/* Stores rc and the text in *e (e may be NULL) and returns rc. */
int err_set(struct err *e, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text that is there. Returns e->rc. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "ENOENT", "POOL_EXHAUSTED", "OK", or "UNKNOWN": for logs. Static storage. */
const char *err_name(int rc);

/* The sentence that goes with it. Static storage. */
const char *err_text(int rc);

#endif
