/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>

#include "cli/output.h"
#include "common/reason.h"

static const struct {
	enum rpc_code code;
	enum cli_exit status;
} statuses[] = {
	{ RPC_NOT_FOUND, CLI_NOT_FOUND },
	{ RPC_UNAVAILABLE, CLI_UNAVAILABLE },
	{ RPC_DEADLINE_EXCEEDED, CLI_UNAVAILABLE },
	{ RPC_UNAUTHENTICATED, CLI_DENIED },
	{ RPC_PERMISSION_DENIED, CLI_DENIED },
};

static enum cli_exit
status_of(enum rpc_code code)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (statuses[i].code == code)
			return statuses[i].status;
	}
	return CLI_FAILED;
}

/* What to do about refusals that have no reason of ours: nobody of ours has answered. */
static const char *
hint_of(const struct rpc_error *e)
{
	enum reason reason = reason_by_name(e->reason);

	if (reason != REASON_NONE)
		return reason_hint((int) reason);
	switch (e->code) {
	case RPC_UNAVAILABLE:
		return "see whether ctld runs, and whether --socket (or --server, --ca) is right";
	case RPC_DEADLINE_EXCEEDED:
		return "try again with a longer --timeout";
	case RPC_PERMISSION_DENIED:
		return "be root, or a member of the group that may use the socket (litevpn-admin)";
	default:
		return NULL;
	}
}

static void
print(const char *reason, const char *field, const char *text, const char *hint)
{
	fputs("litevpnctl: ", stderr);
	output_text(stderr, reason);
	fputs(reason[0] == '\0' ? "" : ": ", stderr);
	output_text(stderr, field);
	fputs(field[0] == '\0' ? "" : ": ", stderr);
	output_text(stderr, text);
	fputc('\n', stderr);
	if (hint != NULL)
		fprintf(stderr, "  hint: %s\n", hint);
}

enum cli_exit
cli_fail_rpc(const struct rpc_error *e)
{
	print(e->reason, e->field, e->text, hint_of(e));
	return status_of(e->code);
}

/* An error of our own may carry a reason, too, or an errno. */
enum cli_exit
cli_fail(const struct err *e)
{
	enum reason reason = reason_by_name(err_name(e->rc));

	if (reason != REASON_NONE) {
		print(reason_name((int) reason), "", e->text, reason_hint((int) reason));
		return status_of(reason_rpc_code((int) reason));
	}
	print("", "", e->text, NULL);
	switch (-e->rc) {
	case ETIMEDOUT:
	case ECONNREFUSED:
	case ECONNRESET:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return CLI_UNAVAILABLE;
	default:
		return CLI_FAILED;
	}
}

int
cli_conf_error(const char *path, struct conf_report *report, struct err *e)
{
	if (report->n == 1 && report->lines[0] != NULL) {
		err_set(e, -EINVAL, "%s", report->lines[0]);
	} else {
		conf_report_print(report, stderr);
		err_set(e, -EINVAL, "%s: %u errors", path, report->n);
	}
	conf_report_free(report);
	return e->rc;
}

enum cli_exit
cli_fail_usage(const struct cli *cli, const struct err *e)
{
	const struct command *c = cli->command;

	print("", "", e->text, NULL);
	fprintf(stderr, "  hint: litevpnctl %s%s%s -h\n", c->noun, c->verb == NULL ? "" : " ",
	    c->verb == NULL ? "" : c->verb);
	return CLI_USAGE;
}
