/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_RULES_H
#define LV_TEST_RULES_H

#include <stdbool.h>

#include "daemons/ipamd/store.h"

/*
 * What every store must do, whatever it is made of: test_store.c runs each of these on each kind of
 * store, on an empty one of its own.
 */
struct rule {
	const char *name;
	void (*test)(void);
};

/* Each ends with a row without a name. */
extern const struct rule rules_node[], rules_use[], rules_address[];

/* An empty store of the i-th kind becomes the one that is tried; returns its name. */
#define RULES_KINDS 2
const char *rules_open(unsigned i);
void rules_close(void);

/* The store that a rule is tried on. */
extern struct store *rules_store;

/* Closes it and opens it again: what was committed is there. */
void rules_reopen(void);

/* What is between them is a request, accepted and committed. */
void rules_begin(void);
void rules_end(void);

/* The node of that id as it stands; the test fails where it is not there. */
struct store_node rules_get(const char *id);
bool rules_has(const char *id);

struct ip_addr rules_addr(const char *text);

#endif
