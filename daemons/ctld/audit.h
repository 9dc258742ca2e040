/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_AUDIT_H
#define LV_CTLD_AUDIT_H

#include <stdbool.h>

#include "common/ip.h"
#include "common/reason.h"
#include "daemons/ctld/authz.h"

/* The record of a call that changes something, or was refused to: a line `audit` of the log. */
struct audit {
	const char *method;
	const struct caller *caller;
	const struct ip_addr *source;	/* none: the local administrator's socket */
	const char *about;		/* "nodes/ID"; "": unknown */
	bool rehearsal;			/* it only asked what would come of it */
	enum reason result;		/* REASON_NONE: it was done */
};

void audit_write(const struct audit *a);

#endif
