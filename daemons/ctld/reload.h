/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_RELOAD_H
#define LV_CTLD_RELOAD_H

#include "common/err.h"

struct ctld;

/*
 * Reads server.yml and the certificates again, on the loop's thread: the log level takes effect, and
 * certificates that fit together, for connections to come. -REASON_CONFIG_INVALID: of the file
 * nothing has changed; the certificates were read all the same.
 */
int ctld_reload(struct ctld *ctld, struct err *e);

#endif
