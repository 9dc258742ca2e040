/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_PROGRESS_H
#define LV_CLI_PROGRESS_H

/*
 * For a person who waits: what takes longer than a second is shown on standard error, with the
 * seconds counted, and taken away again. Nothing of it when that is no terminal. A thread of its
 * own draws, so that whatever blocks meanwhile need not know of it.
 */

struct progress;

/* The text: "waiting for HOST". NULL when there is nobody to show it to. */
struct progress *progress_begin(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void progress_end(struct progress *p);	/* NULL is fine */

#endif
