/* SPDX-License-Identifier: Apache-2.0 */
#include "common/verbosity.h"

#include "common/conf_server.h"
#include "common/reason.h"

static void
set(struct verbosity *v, enum log_level level)
{
	v->now = level;
	log_set_level(level);
	if (v->changed != NULL)
		v->changed(v->arg, level);
}

static void
on_end(void *arg)
{
	struct verbosity *v = arg;

	set(v, v->configured);
	log_notice("log_level_restored", "level=%d", (int) v->configured);
}

void
verbosity_init(struct verbosity *v, struct ev *ev, enum log_level configured)
{
	*v = (struct verbosity){ .ev = ev, .configured = configured, .now = configured };
}

void
verbosity_fini(struct verbosity *v)
{
	if (v->ev != NULL)
		ev_timer_stop(v->ev, &v->end);
}

void
verbosity_configure(struct verbosity *v, enum log_level configured)
{
	ev_timer_stop(v->ev, &v->end);
	v->configured = configured;
	set(v, configured);
}

void
verbosity_want(struct verbosity *v, enum log_level level, int64_t for_ms)
{
	ev_timer_stop(v->ev, &v->end);
	if (for_ms > 0)
		ev_timer_start(v->ev, &v->end, for_ms, on_end, v);
	set(v, level);
}

int
verbosity_reload(struct verbosity *v, const char *path, struct err *e)
{
	struct conf_report report = { 0 };
	struct conf_server conf;
	int rc = 0;

	if (conf_load(path, &conf_server_schema, &conf, &report) < 0) {
		for (unsigned i = 0; i < report.n && i < CONF_ERRORS_MAX; i++)
			log_err("reload_failed", "error=%s", LOG_Q(report.lines[i]));
		rc = err_set(e, -REASON_CONFIG_INVALID, "%s", report.lines[0]);
	} else {
		verbosity_configure(v, conf_server_log(&conf).level);
		log_notice("reloaded", "file=%s", LOG_Q(path));
		conf_free(&conf_server_schema, &conf);
	}
	conf_report_free(&report);
	return rc;
}
