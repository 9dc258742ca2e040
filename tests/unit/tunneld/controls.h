/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_TUNNELD_CONTROLS_H
#define TESTS_UNIT_TUNNELD_CONTROLS_H

#include <stddef.h>
#include <stdint.h>

#include "daemons/tunneld/control.h"

/* As control_parse, of a block of just this length, so that reading beyond it is seen. */
int control_parse_tight(const uint8_t *body, size_t len, struct control *out);

/* What a caller relies on, whoever wrote the message. */
void control_check_sane(const struct control *c);

#endif
