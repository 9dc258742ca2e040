/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_GATE_H
#define LV_CTLD_GATE_H

#include <stdint.h>

#include "common/err.h"
#include "daemons/ctld/authz.h"
#include "daemons/ctld/grpc.h"

/* What ctld keeps of its callers from call to call: certificates it has read, failures to guess. */
struct gate;

struct gate *gate_new(void);
void gate_free(struct gate *g);	/* NULL is fine */

/*
 * Who calls: who holds the admin socket is an administrator, elsewhere the certificate says it, and
 * without one it is nobody. -REASON_CERT_INVALID with the cause.
 */
int gate_identify(struct gate *g, const struct stream *s, struct caller *out, struct err *e);

/* How long the caller's source must wait before it may try another secret; 0: it may. */
int64_t gate_wait_ms(const struct gate *g, const struct stream *s);

/* The caller's secret was wrong. */
void gate_failed(struct gate *g, const struct stream *s);

#endif
