/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/svc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_diff.h"
#include "daemons/ctld/ask_upkeep.h"
#include "daemons/ctld/ctld.h"
#include "daemons/ctld/reload.h"
#include "litevpn/v1/server.pb-c.h"

/* What an administrator wants of the daemons themselves. */

#define NAME "server.yml"	/* that stands before each mistake of a text without a file */
#define LEVEL_TIME_MAX_S (7 * 86400)

/* --- changes of the configuration ------------------------------------------------------------- */

/* On the loop's thread. The log level is what is configured, whatever somebody wants for now. */
static void
compare(struct ctld *ctld, const struct conf_server *fresh, struct conf_diff *out)
{
	struct conf_server running = ctld->conf;	/* borrows */

	running.log_level = (int) ctld->verbosity.configured;
	conf_diff(&conf_server_schema, &running, fresh, out);
}

struct change_view {
	Litevpn__V1__ConfigChange rows[CONF_DIFF_MAX], *list[CONF_DIFF_MAX];
};

static Litevpn__V1__ConfigChange **
show_changes(struct change_view *v, struct conf_diff *diff)
{
	static const Litevpn__V1__ConfigChange__Effect effects[] = {
		[CONF_RESTART] = LITEVPN__V1__CONFIG_CHANGE__EFFECT__RESTART,
		[CONF_AT_ONCE] = LITEVPN__V1__CONFIG_CHANGE__EFFECT__AT_ONCE,
		[CONF_NEXT] = LITEVPN__V1__CONFIG_CHANGE__EFFECT__NEXT_CONNECTION,
	};

	for (size_t i = 0; i < diff->n; i++) {
		litevpn__v1__config_change__init(&v->rows[i]);
		v->rows[i].key = diff->changes[i].key;
		v->rows[i].effect = effects[diff->changes[i].reload];
		v->list[i] = &v->rows[i];
	}
	return v->list;
}

/* --- CheckConfig ------------------------------------------------------------------------------ */

struct check {
	struct conf_report report;
	struct conf_diff diff;
};

static void
end_check(void *state)
{
	conf_report_free(&((struct check *) state)->report);
}

static void
check_text(struct call *c)
{
	const Litevpn__V1__CheckConfigRequest *req = call_request(c);
	struct check *k = call_state_get(c);
	struct conf_server fresh;

	if (conf_parse(NAME, req->text, &conf_server_schema, &fresh, &k->report) < 0)
		return;
	compare(call_ctld(c), &fresh, &k->diff);
	conf_free(&conf_server_schema, &fresh);
}

/* "server.yml:3:7: text", or "server.yml: text" for the whole. */
static void
show_mistake(Litevpn__V1__ConfigMistake *pb, char *line)
{
	char *rest = line == NULL ? (char *) "out of memory" : line + strlen(NAME ":");
	int end = 0;

	litevpn__v1__config_mistake__init(pb);
	if (line != NULL && sscanf(rest, "%u:%u: %n", &pb->line, &pb->column, &end) == 2 && end > 0)
		rest += end;
	else
		pb->line = pb->column = 0;
	pb->message = rest + strspn(rest, " ");
}

static void
on_checked(struct call *c, void *arg)
{
	Litevpn__V1__CheckConfigResponse reply = LITEVPN__V1__CHECK_CONFIG_RESPONSE__INIT;
	Litevpn__V1__ConfigMistake rows[CONF_ERRORS_MAX], *list[CONF_ERRORS_MAX];
	struct check *k = call_state_get(c);
	struct change_view changes;

	(void) arg;
	reply.mistake_count = k->report.n;
	reply.n_mistakes = k->report.n < CONF_ERRORS_MAX ? k->report.n : CONF_ERRORS_MAX;
	for (size_t i = 0; i < reply.n_mistakes; i++) {
		show_mistake(&rows[i], k->report.lines[i]);
		list[i] = &rows[i];
	}
	reply.mistakes = list;
	reply.n_changes = k->diff.n;
	reply.changes = show_changes(&changes, &k->diff);
	call_reply(c, &reply.base);
}

void
server_check_config(struct call *c)
{
	const Litevpn__V1__CheckConfigRequest *req = call_request(c);

	if (strlen(req->text) > CONF_TEXT_MAX)
		call_fail_field(c, "text", "must not be larger than 64 KiB");
	else if (call_state(c, sizeof(struct check), end_check) != NULL)
		chores_do(call_ctld(c)->chores, c, check_text, on_checked);
}

/* --- outcomes: of ctld, then ipamd, then tunneld ---------------------------------------------- */

enum { CTLD, IPAMD, TUNNELD, COMPONENTS };
static const char *const names[COMPONENTS] = { "ctld", "ipamd", "tunneld" };

struct outcomes {
	bool asked[COMPONENTS];
	struct err err[COMPONENTS];
};

struct outcome_view {
	Litevpn__V1__Outcome rows[COMPONENTS], *list[COMPONENTS];
	size_t n;
};

static void
show_outcomes(struct outcome_view *v, struct outcomes *o)
{
	v->n = 0;
	for (size_t i = 0; i < COMPONENTS; i++) {
		Litevpn__V1__Outcome *row = &v->rows[v->n];

		if (!o->asked[i])
			continue;
		litevpn__v1__outcome__init(row);
		row->component = (char *) names[i];
		row->done = o->err[i].rc == 0;
		if (!row->done)
			row->message = o->err[i].text;
		v->list[v->n++] = row;
	}
}

/* --- Reload ----------------------------------------------------------------------------------- */

struct reload {
	struct outcomes outcomes;
	struct conf_diff diff;
	struct err err;		/* of the file */
};

static void
read_file(struct call *c)
{
	const Litevpn__V1__ReloadRequest *req = call_request(c);
	struct reload *r = call_state_get(c);
	struct ctld *ctld = call_ctld(c);
	struct conf_report report = { 0 };
	struct conf_server fresh;

	if (conf_load(ctld->daemon.conf_path, &conf_server_schema, &fresh, &report) < 0) {
		err_set(&r->err, -REASON_CONFIG_INVALID, "%u mistakes, the first is %s", report.n,
		    report.lines[0] == NULL ? "not known" : report.lines[0]);
	} else {
		compare(ctld, &fresh, &r->diff);
		conf_free(&conf_server_schema, &fresh);
		if (!req->validate_only)
			ctld_reload(ctld, &r->outcomes.err[CTLD]);
	}
	conf_report_free(&report);
}

static void
reply_reload(struct call *c)
{
	Litevpn__V1__ReloadResponse reply = LITEVPN__V1__RELOAD_RESPONSE__INIT;
	struct reload *r = call_state_get(c);
	struct change_view changes;
	struct outcome_view outcomes;

	show_outcomes(&outcomes, &r->outcomes);
	reply.n_changes = r->diff.n;
	reply.changes = show_changes(&changes, &r->diff);
	reply.n_outcomes = outcomes.n;
	reply.outcomes = outcomes.list;
	call_reply(c, &reply.base);
}

static void
on_tunneld_reloaded(struct call *c, const struct err *e)
{
	struct reload *r = call_state_get(c);

	r->outcomes.err[TUNNELD] = *e;
	reply_reload(c);
}

static void
on_ipamd_reloaded(struct call *c, const struct err *e)
{
	struct reload *r = call_state_get(c);

	r->outcomes.err[IPAMD] = *e;
	upkeep_reload(call_ctld(c)->backend, BACKEND_TUNNELD, c, on_tunneld_reloaded);
}

static void
on_read(struct call *c, void *arg)
{
	const Litevpn__V1__ReloadRequest *req = call_request(c);
	struct reload *r = call_state_get(c);

	(void) arg;
	if (r->err.rc < 0) {
		call_fail_err(c, &r->err);
		return;
	}
	if (req->validate_only) {
		reply_reload(c);
		return;
	}
	for (size_t i = 0; i < COMPONENTS; i++)
		r->outcomes.asked[i] = true;
	upkeep_reload(call_ctld(c)->backend, BACKEND_IPAMD, c, on_ipamd_reloaded);
}

void
server_reload(struct call *c)
{
	if (call_state(c, sizeof(struct reload), NULL) != NULL)
		chores_do(call_ctld(c)->chores, c, read_file, on_read);
}

/* --- SetLogLevel ------------------------------------------------------------------------------ */

struct set_level {
	struct outcomes outcomes;
	struct upkeep_level want;
};

static void
set_own(struct call *c)
{
	struct set_level *s = call_state_get(c);
	struct verbosity *v = &call_ctld(c)->verbosity;

	if (s->want.reset)
		verbosity_configure(v, v->configured);
	else
		verbosity_want(v, s->want.level, s->want.for_ms);
}

static void
reply_level(struct call *c)
{
	Litevpn__V1__SetLogLevelResponse reply = LITEVPN__V1__SET_LOG_LEVEL_RESPONSE__INIT;
	struct set_level *s = call_state_get(c);
	struct outcome_view outcomes;

	show_outcomes(&outcomes, &s->outcomes);
	reply.n_outcomes = outcomes.n;
	reply.outcomes = outcomes.list;
	call_reply(c, &reply.base);
}

static void
on_tunneld_set(struct call *c, const struct err *e)
{
	struct set_level *s = call_state_get(c);

	s->outcomes.err[TUNNELD] = *e;
	reply_level(c);
}

static void
set_tunneld(struct call *c)
{
	struct set_level *s = call_state_get(c);

	if (s->outcomes.asked[TUNNELD])
		upkeep_set_level(call_ctld(c)->backend, BACKEND_TUNNELD, c, &s->want,
		    on_tunneld_set);
	else
		reply_level(c);
}

static void
on_ipamd_set(struct call *c, const struct err *e)
{
	struct set_level *s = call_state_get(c);

	s->outcomes.err[IPAMD] = *e;
	set_tunneld(c);
}

static void
on_own_set(struct call *c, void *arg)
{
	struct set_level *s = call_state_get(c);

	(void) arg;
	if (s->outcomes.asked[IPAMD])
		upkeep_set_level(call_ctld(c)->backend, BACKEND_IPAMD, c, &s->want, on_ipamd_set);
	else
		set_tunneld(c);
}

/* False: the call was told what is wrong with its components. */
static bool
read_components(struct call *c, const Litevpn__V1__SetLogLevelRequest *req, bool asked[COMPONENTS])
{
	for (size_t i = 0; i < COMPONENTS; i++)
		asked[i] = req->n_components == 0;
	for (size_t k = 0; k < req->n_components; k++) {
		size_t i = 0;

		while (i < COMPONENTS && strcmp(req->components[k], names[i]) != 0)
			i++;
		if (i == COMPONENTS) {
			call_fail_field(c, "components", "must be ctld, ipamd or tunneld");
			return false;
		}
		asked[i] = true;
	}
	return true;
}

/* What is wrong with the rest of it; NULL: nothing. */
static const char *
level_fault(const Litevpn__V1__SetLogLevelRequest *req, const char **field_out)
{
	const Google__Protobuf__Duration *d = req->duration;

	*field_out = "level";
	if (req->reset && (req->level != 0 || d != NULL))
		return "must be empty where reset is set, as must duration";
	if (!req->reset && (req->level < LITEVPN__V1__LOG_LEVEL__LOG_LEVEL_ERROR ||
	    req->level > LITEVPN__V1__LOG_LEVEL__LOG_LEVEL_DEBUG))
		return "is required: LOG_LEVEL_ERROR to LOG_LEVEL_DEBUG";
	*field_out = "duration";
	if (d != NULL && (d->seconds < 1 || d->seconds > LEVEL_TIME_MAX_S))
		return "must be from 1 second to 7 days";
	return NULL;
}

void
server_set_log_level(struct call *c)
{
	const Litevpn__V1__SetLogLevelRequest *req = call_request(c);
	const char *field, *fault = level_fault(req, &field);
	struct set_level s = { 0 }, *state;

	if (fault != NULL) {
		call_fail_field(c, field, fault);
		return;
	}
	if (!read_components(c, req, s.outcomes.asked))
		return;
	s.want.reset = req->reset;
	if (!req->reset)
		s.want.level = (enum log_level) (req->level - 1);
	if (req->duration != NULL)
		s.want.for_ms = req->duration->seconds * 1000;
	if ((state = call_state(c, sizeof(*state), NULL)) == NULL)
		return;
	*state = s;
	if (s.outcomes.asked[CTLD])
		chores_do(call_ctld(c)->chores, c, set_own, on_own_set);
	else
		on_own_set(c, NULL);
}
