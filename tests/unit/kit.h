/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_KIT_H
#define LV_TEST_KIT_H

#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* What the unit tests share: the run of a suite, places in a temporary directory, children. */

#define KIT_PATH_MAX 128

/* consumes: tc. Runs it as the suite `name`; returns the exit status of the program. */
int kit_run(const char *name, TCase *tc);

/* For a program that cannot be run here at all: says why, and returns the exit status of a skip. */
int kit_skip(const char *why);

/* Are there system call filters? valgrind has none; a program that needs them is skipped. */
bool kit_has_seccomp(void);
#define KIT_NO_SECCOMP "there is no seccomp here (valgrind has none)"

/* How many times longer everything takes here than usual: $LV_SLOW, 1 without it. */
int kit_slow(void);

/* Adds the test once for each row of its table; _i is the row. */
#define KIT_ROWS(tc, test, rows)                                                                   \
	tcase_add_loop_test(tc, test, 0, (int) (sizeof(rows) / sizeof((rows)[0])))

/* A directory of the test's own, mode 0755, removed when the program ends. Static storage. */
const char *kit_dir(void);

/* DIR/name; in the caller's buffer. */
const char *kit_path(const char *name, char buf[KIT_PATH_MAX]);
#define KIT_PATH(name) kit_path((name), (char[KIT_PATH_MAX]){ 0 })

/* Writes the file DIR/name with that mode, and returns its path (static, until the next call). */
const char *kit_write(const char *name, const char *text, mode_t mode);

/* The whole file as a string that the caller frees. */
char *kit_read(const char *path);

/*
 * Runs fn in a child process and returns what waitpid(2) says of it. fn's result is its exit
 * status. It is killed when it takes longer than ten seconds.
 */
int kit_child(int (*fn)(void *arg), void *arg);

/* In such a child, where check's own assertions do not work: says what fails and returns 1. */
#define KIT_MUST(condition)                                                                        \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __func__, __LINE__, #condition);             \
			return 1;                                                                  \
		}                                                                                  \
	} while (0)

/* Ends the test as passed where it cannot be run, and says why on standard error. */
#define KIT_SKIP_UNLESS(condition, why)                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s: skipped: %s\n", __func__, why);                       \
			return;                                                                    \
		}                                                                                  \
	} while (0)

#endif
