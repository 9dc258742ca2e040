/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store.h"

#include <check.h>
#include <stdio.h>

#include "tests/unit/ipamd/rules.h"
#include "tests/unit/kit.h"

/* The rules on every kind of store. */

static const struct rule *const groups[] = { rules_node, rules_use, rules_address };

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

/* Check runs tests by numbers: the n-th rule of all groups, or NULL. */
static const struct rule *
find_rule(unsigned n)
{
	for (unsigned g = 0; g < GROUPS; g++) {
		for (const struct rule *r = groups[g]; r->name != NULL; r++) {
			if (n-- == 0)
				return r;
		}
	}
	return NULL;
}

static unsigned
count_rules(void)
{
	unsigned n = 0;

	while (find_rule(n) != NULL)
		n++;
	return n;
}

START_TEST(every_store_keeps_the_rules)
{
	const struct rule *r = find_rule((unsigned) _i / RULES_KINDS);

	fprintf(stderr, "%s: %s\n", rules_open((unsigned) _i % RULES_KINDS), r->name);
	r->test();
	rules_close();
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("store");

	tcase_set_timeout(tc, 60);	/* every commit waits for the disk */
	tcase_add_loop_test(tc, every_store_keeps_the_rules, 0, (int) (count_rules() * RULES_KINDS));
	return kit_run("ipamd/store", tc);
}
