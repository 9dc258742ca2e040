/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_METER_H
#define LV_CTLD_METER_H

#include <stdint.h>

#include "common/metric.h"
#include "common/reason.h"

/*
 * How many calls there were, how they ended, how long they took. One thread counts, any may look.
 * Pure.
 */
struct meter;

#define METER_METHODS_MAX 127	/* counted by name; further ones as "other" */

struct meter *meter_new(void);
void meter_free(struct meter *m);	/* NULL is fine */

void meter_began(struct meter *m);
void meter_ended(struct meter *m);

/* Its status goes out. path: of the method, kept; NULL: of none that is known. */
void meter_answered(struct meter *m, const char *path, enum reason result);

/* And it was one with one answer, which took so long. */
void meter_took(struct meter *m, const char *path, int64_t us);

void meter_show(const struct meter *m, struct metrics *out);

#endif
