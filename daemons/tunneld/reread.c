/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/reread.h"

#include "common/reason.h"

int
reread_level(const struct tunneld *d, enum log_level *out, struct err *e)
{
	const struct conf_schema *schema = d->server ? &conf_server_schema : &conf_client_schema;
	struct conf_report report = { 0 };
	union {
		struct conf_server s;
		struct conf_client c;
	} fresh;
	int rc = 0;

	if (conf_load(d->daemon.conf_path, schema, &fresh, &report) < 0) {
		for (unsigned i = 0; i < report.n && i < CONF_ERRORS_MAX; i++)
			log_err("reload_failed", "error=%s", LOG_Q(report.lines[i]));
		rc = err_set(e, -REASON_CONFIG_INVALID, "%s", report.lines[0]);
	} else {
		*out = (enum log_level) (d->server ? fresh.s.log_level : fresh.c.log_level);
		conf_free(schema, &fresh);
	}
	conf_report_free(&report);
	return rc;
}
