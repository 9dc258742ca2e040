/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ssl_fail.h"

#include <openssl/err.h>

int
ssl_fail(struct err *e, int rc, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *why = code == 0 ? NULL : ERR_reason_error_string(code);

	ERR_clear_error();
	return err_set(e, rc, "%s%s%s", what, why == NULL ? "" : ": ", why == NULL ? "" : why);
}
