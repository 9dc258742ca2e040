/* SPDX-License-Identifier: Apache-2.0 */
#include "common/reason.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

struct row {
	enum reason reason;
	enum rpc_code code;
	const char *name, *text, *hint;
};

static const struct row rows[] = {
#define X(name, number, code, text, hint) { REASON_##name, RPC_##code, #name, text, hint },
	REASON_TABLE(X)
#undef X
};

#define NROWS (sizeof(rows) / sizeof(rows[0]))

static const struct row *
find(int reason)
{
	for (size_t i = 0; i < NROWS; i++) {
		if ((int) rows[i].reason == reason)
			return &rows[i];
	}
	return NULL;
}

const char *
reason_name(int reason)
{
	const struct row *r = find(reason);

	if (reason == REASON_NONE)
		return "NONE";
	return r == NULL ? "UNKNOWN" : r->name;
}

const char *
reason_text(int reason)
{
	const struct row *r = find(reason);

	return r == NULL ? "no reason was given" : r->text;
}

const char *
reason_hint(int reason)
{
	const struct row *r = find(reason);

	return r == NULL ? "see the daemons' logs" : r->hint;
}

enum rpc_code
reason_rpc_code(int reason)
{
	const struct row *r = find(reason);

	return r == NULL ? RPC_INTERNAL : r->code;
}

enum reason
reason_by_name(const char *name)
{
	for (size_t i = 0; i < NROWS; i++) {
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].reason;
	}
	return REASON_NONE;
}

enum reason
reason_at(unsigned n)
{
	return n < NROWS ? rows[n].reason : REASON_NONE;
}

enum reason
reason_of(int rc, enum reason down)
{
	if (find(-rc) != NULL)
		return (enum reason) -rc;
	switch (-rc) {
	case ETIMEDOUT:
	case ECONNRESET:
	case ECONNREFUSED:
	case ENOTCONN:
	case ECANCELED:
		return down;
	case EBUSY:
	case ENOBUFS:
		return REASON_OVERLOADED;
	default:
		return REASON_INTERNAL;
	}
}
