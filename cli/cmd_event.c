/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/answer.h"
#include "cli/connect.h"
#include "cli/json.h"
#include "common/suggest.h"
#include "litevpn/v1/event.pb-c.h"

#define KINDS_MAX 16

const struct opt cmd_event_options[] = {
	{ .name = "after", .kind = OPT_INT, .value = "REVISION", .min = 0, .max = INT64_MAX,
	    .help = "only events after this one" },
	{ .name = "node", .kind = OPT_TEXT, .value = "NODE", .names = NAMES_NODE,
	    .help = "only events of this node" },
	{ .name = "network", .kind = OPT_TEXT, .value = "NAME", .names = NAMES_NETWORK,
	    .help = "only events of this network and its nodes" },
	{ .name = "kind", .kind = OPT_TEXT, .many = true, .value = "KIND",
	    .help = "only this kind of event; may be given again" },
	{ 0 },
};

const struct opt cmd_event_watch_options[] = {
	{ .name = "new", .kind = OPT_FLAG, .help = "only events from now on" },
	{ 0 },
};

/* What a filter points into. */
struct filter {
	Litevpn__V1__EventFilter filter;
	Litevpn__V1__EventInfo__Kind kinds[KINDS_MAX];
	char node[CONNECT_NAME_MAX], network[CONNECT_NAME_MAX];
};

/* People may type kinds in small letters, and with hyphens. */
static int
read_kind(const char *typed, Litevpn__V1__EventInfo__Kind *out, struct err *e)
{
	const ProtobufCEnumDescriptor *d = &litevpn__v1__event_info__kind__descriptor;
	struct suggest s;
	char word[64];
	size_t n = 0;

	for (; typed[n] != '\0' && n + 1 < sizeof(word); n++)
		word[n] = typed[n] == '-' ? '_' : (char) toupper((unsigned char) typed[n]);
	word[n] = '\0';
	s = suggest_for(word);
	for (unsigned i = 1; i < d->n_values; i++) {	/* not the unspecified one */
		if (strcmp(d->values[i].name, word) == 0) {
			*out = (Litevpn__V1__EventInfo__Kind) d->values[i].value;
			return 0;
		}
		suggest_try(&s, d->values[i].name);
	}
	return err_set(e, -EINVAL, "--kind: no event is called \"%.60s\"%s%s%s", typed,
	    s.found == NULL ? "" : "; did you mean ", s.found == NULL ? "" : s.found,
	    s.found == NULL ? "" : "?");
}

static int
read_filter(const struct cli *cli, struct filter *f, struct err *e)
{
	const char *typed[KINDS_MAX];
	size_t n = args_many(&cli->args, "kind", typed, KINDS_MAX);
	int rc = 0;

	litevpn__v1__event_filter__init(&f->filter);
	f->filter.node = (char *) connect_option(cli, "node", "nodes", f->node);
	f->filter.network = (char *) connect_option(cli, "network", "networks", f->network);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = read_kind(typed[i], &f->kinds[i], e);
	f->filter.kinds = f->kinds;
	f->filter.n_kinds = n;
	return rc;
}

static const char *
kind_of(const Litevpn__V1__EventInfo *event)
{
	return answer_word(&litevpn__v1__event_info__kind__descriptor, (int) event->kind);
}

/* In columns of a fixed width: what follows is not known. */
#define COLUMNS "%-8s %-20s  %-16s %-16s %-15s %s"

static void
print_head(const struct cli *cli)
{
	if (output_form(&cli->args) == OUTPUT_TABLE)
		printf(COLUMNS "\n", "REVISION", "TIME", "KIND", "NODE", "ADDRESS", "DETAIL");
}

static void
print_event(const Litevpn__V1__EventInfo *event, enum output_form form)
{
	char revision[OUTPUT_VALUE_MAX], when[OUTPUT_VALUE_MAX], line[256];

	snprintf(revision, sizeof(revision), "%" PRIu64, event->revision);
	if (form == OUTPUT_NAME) {
		puts(revision);
		return;
	}
	snprintf(line, sizeof(line), COLUMNS, revision,
	    output_time(event->time == NULL ? 0 : event->time->seconds, when), kind_of(event),
	    event->node[0] == '\0' ? answer_cell(event->network) : answer_id(event->node),
	    answer_cell(event->address), event->detail);
	output_text(stdout, line);
	putchar('\n');
}

static int
on_events(const ProtobufCMessage *msg, void *arg)
{
	const Litevpn__V1__WatchEventsResponse *r = (const Litevpn__V1__WatchEventsResponse *) msg;
	const struct cli *cli = arg;
	enum output_form form = output_form(&cli->args);

	if (form == OUTPUT_JSON)
		json_print_line(stdout, msg);
	for (size_t i = 0; i < r->n_events && form != OUTPUT_JSON; i++)
		print_event(r->events[i], form);
	return fflush(stdout) == 0 ? -1 : CLI_FAILED;
}

enum cli_exit
cmd_event_list(const struct cli *cli)
{
	static const struct rpc_method list = { &litevpn__v1__event__descriptor, "ListEvents" };
	Litevpn__V1__ListEventsRequest req = LITEVPN__V1__LIST_EVENTS_REQUEST__INIT;
	const Litevpn__V1__ListEventsResponse *all;
	enum output_form form = output_form(&cli->args);
	ProtobufCMessage *answer;
	enum cli_exit status;
	struct filter f;
	struct err e;

	if (read_filter(cli, &f, &e) < 0)
		return cli_fail_usage(cli, &e);
	req.filter = &f.filter;
	req.after_revision = (uint64_t) args_number(&cli->args, "after");
	if ((status = connect_pages(cli, &list, &req.base, &answer)) != CLI_OK)
		return status;
	all = (const Litevpn__V1__ListEventsResponse *) answer;
	print_head(cli);
	if (form == OUTPUT_JSON)
		json_print(stdout, answer);
	for (size_t i = 0; i < all->n_events && form != OUTPUT_JSON; i++)
		print_event(all->events[i], form);
	protobuf_c_message_free_unpacked(answer, NULL);
	return CLI_OK;
}

enum cli_exit
cmd_event_watch(const struct cli *cli)
{
	static const struct rpc_method watch = { &litevpn__v1__event__descriptor, "WatchEvents" };
	Litevpn__V1__WatchEventsRequest req = LITEVPN__V1__WATCH_EVENTS_REQUEST__INIT;
	struct filter f;
	struct err e;

	if (read_filter(cli, &f, &e) < 0)
		return cli_fail_usage(cli, &e);
	req.filter = &f.filter;
	req.after_revision = (uint64_t) args_number(&cli->args, "after");
	req.only_new = args_has(&cli->args, "new");
	print_head(cli);
	return connect_watch(cli, &watch, &req.base, on_events, (void *) cli);
}
