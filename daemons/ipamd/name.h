/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_NAME_H
#define LV_IPAMD_NAME_H

#include <stdbool.h>

#include "common/err.h"

/* What things may be called. field: for the error's text. Pure. */

/* Fit to be shown in a terminal: valid UTF-8 without control characters (C0, DEL, C1). */
bool name_is_printable(const char *text);

/* Of a node: up to STORE_NAME_MAX bytes of UTF-8 that is fit to be shown. FIELD_INVALID. */
int name_check_display(const char *name, const char *field, struct err *e);

/* Of a network: a label as in DNS, lower case. FIELD_INVALID. */
int name_check_network(const char *name, const char *field, struct err *e);

#endif
