/* SPDX-License-Identifier: Apache-2.0 */
#include "common/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/reason.h"

int
err_set(struct err *e, int rc, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return rc;
	e->rc = rc;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return rc;
}

int
err_prefix(struct err *e, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX];
	va_list ap;
	size_t n;

	if (e == NULL)
		return -1;
	memcpy(old, e->text, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	snprintf(e->text + n, sizeof(e->text) - n, ": %s", old);
	return e->rc;
}

const char *
err_name(int rc)
{
	const char *name;

	if (rc >= 0)
		return "OK";
	if (-rc > REASON_NONE && reason_at(0) <= (enum reason) -rc)
		return reason_name(-rc);
	name = strerrorname_np(-rc);
	return name == NULL ? "UNKNOWN" : name;
}

const char *
err_text(int rc)
{
	const char *text;

	if (rc >= 0)
		return "success";
	if (reason_at(0) <= (enum reason) -rc)
		return reason_text(-rc);
	text = strerrordesc_np(-rc);
	return text == NULL ? "unknown error" : text;
}
