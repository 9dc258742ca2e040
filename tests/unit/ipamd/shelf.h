/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_SHELF_H
#define LV_TEST_SHELF_H

#include <stdint.h>

#include "common/err.h"
#include "daemons/ipamd/store.h"

/* A store and its file, looked at from both sides. Each call fails the test where it fails. */

#define SHELF_NOW 1700000000	/* 2023-11-14 22:13:20 UTC */

struct store *shelf_open(const char *path);	/* sqlite's */

/* Opens what must not open; returns why not. */
int shelf_refused(const char *path, struct err *e);

/* Past the store: the first row of a query, columns joined by '|'. Static storage. */
const char *shelf_look(const char *path, const char *sql);
void shelf_run(const char *path, const char *sql);

/* Node "n-I" with token "token-I", bound to 10.1.1.I + 1 (and on from 10.1.2.1). */
struct store_node shelf_node(unsigned i);

/* Adds it, as a request of its own. */
struct store_node shelf_add(struct store *st, unsigned i, int64_t now_s);

/* Its session comes to a state, likewise. */
void shelf_use(struct store *st, const char *id, enum node_state state, int64_t now_s);

/* Is that the node to reclaim? NULL: nobody is. */
void shelf_check_oldest(struct store *st, const char *id);

#endif
