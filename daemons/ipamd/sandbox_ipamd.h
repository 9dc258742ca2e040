/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_SANDBOX_IPAMD_H
#define LV_IPAMD_SANDBOX_IPAMD_H

#include "common/err.h"
#include "common/places.h"
#include "common/sandbox.h"

/*
 * Confines ipamd for good, and checks that it holds: its state and its socket directory, the
 * directory of its configuration to read, no network.
 */
int sandbox_ipamd(const struct places *p, const char *conf_dir, enum sandbox_mode mode,
    struct err *e);

#endif
