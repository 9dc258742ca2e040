/* SPDX-License-Identifier: Apache-2.0 */
#include "common/conf.h"

#include <stdlib.h>

void
conf_report_print(const struct conf_report *report, FILE *to)
{
	for (unsigned i = 0; i < report->n && i < CONF_ERRORS_MAX; i++)
		fprintf(to, "%s\n", report->lines[i] == NULL ? "out of memory" : report->lines[i]);
	if (report->n > CONF_ERRORS_MAX)
		fprintf(to, "... and %u more errors\n", report->n - CONF_ERRORS_MAX);
}

void
conf_report_free(struct conf_report *report)
{
	for (unsigned i = 0; i < report->n && i < CONF_ERRORS_MAX; i++)
		free(report->lines[i]);
	*report = (struct conf_report){ 0 };
}
