/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_REREAD_H
#define TUNNELD_REREAD_H

#include "common/err.h"
#include "common/log.h"
#include "daemons/tunneld/tunneld.h"

/*
 * What a reload takes from the configuration: the log level, and nothing else. A file with errors is
 * -REASON_CONFIG_INVALID with the first of them; all are in the log.
 */
int reread_level(const struct tunneld *d, enum log_level *out, struct err *e);

#endif
