/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <stdio.h>

#include "common/reason.h"
#include "common/suggest.h"

static void
list_all(void)
{
	enum reason r;

	for (unsigned i = 0; (r = reason_at(i)) != REASON_NONE; i++)
		printf("%-18s %s\n", reason_name((int) r), reason_text((int) r));
}

enum cli_exit
cmd_explain(const struct cli *cli)
{
	const char *name = cli->args.operands[0];
	struct suggest s;
	enum reason r;
	struct err e;

	if (name == NULL) {
		list_all();
		return CLI_OK;
	}
	if ((r = reason_by_name(name)) != REASON_NONE) {
		printf("%s (%d): %s.\nWhat to do: %s.\n", name, (int) r, reason_text((int) r),
		    reason_hint((int) r));
		return CLI_OK;
	}
	s = suggest_for(name);
	for (unsigned i = 0; (r = reason_at(i)) != REASON_NONE; i++)
		suggest_try(&s, reason_name((int) r));
	err_set(&e, -1, "no reason is called \"%.60s\"%s%s%s", name,
	    s.found == NULL ? "" : "; did you mean ", s.found == NULL ? "" : s.found,
	    s.found == NULL ? "" : "?");
	cli_fail(&e);
	return CLI_NOT_FOUND;
}
