/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/audit.h"

#include "common/log.h"

void
audit_write(const struct audit *a)
{
	const struct caller *who = a->caller;

	log_notice("audit", "method=%s result=%s%s about=%s role=%s node=%s key=%s source=%s",
	    a->method, a->result == REASON_NONE ? "OK" : reason_name((int) a->result),
	    a->rehearsal ? " validate_only=yes" : "",
	    a->about[0] == '\0' ? "-" : LOG_Q(a->about), authz_role_name(who->role),
	    who->node_id[0] == '\0' ? "-" : who->node_id, who->key[0] == '\0' ? "-" : who->key,
	    a->source->family == 0 ? "local" : IP_TEXT(a->source));
}
