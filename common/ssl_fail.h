/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_SSL_FAIL_H
#define LV_SSL_FAIL_H

#include "common/err.h"

/*
 * As err_set, with `what` and behind it what OpenSSL says of its last failure, which is forgotten then.
 * Returns rc.
 */
int ssl_fail(struct err *e, int rc, const char *what);

#endif
