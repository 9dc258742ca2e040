/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_EXPOSITION_H
#define LV_CTLD_EXPOSITION_H

#include <stddef.h>

#include "common/metric.h"

/*
 * Metrics as Prometheus reads them: its text format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Pure.
 */

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Free it; *len_out without its NUL. NULL when out of memory. */
char *exposition_write(const struct metrics *m, size_t *len_out);

#endif
