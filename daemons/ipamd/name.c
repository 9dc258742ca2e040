/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/name.h"

#include <string.h>

#include "common/conf_server.h"
#include "common/reason.h"
#include "common/utf8.h"
#include "daemons/ipamd/store.h"

bool
name_is_printable(const char *text)
{
	uint32_t c;

	while ((c = utf8_next(&text)) != 0) {
		if (c == UTF8_BAD || c < 0x20 || (c >= 0x7f && c < 0xa0))
			return false;
	}
	return true;
}

int
name_check_display(const char *name, const char *field, struct err *e)
{
	if (strlen(name) > STORE_NAME_MAX)
		return err_set(e, -REASON_FIELD_INVALID, "%s: must be at most %d bytes", field,
		    STORE_NAME_MAX);
	if (!name_is_printable(name))
		return err_set(e, -REASON_FIELD_INVALID, "%s: must be UTF-8 without control "
		    "characters", field);
	return 0;
}

int
name_check_network(const char *name, const char *field, struct err *e)
{
	if (!conf_network_name_is_valid(name))
		return err_set(e, -REASON_FIELD_INVALID, "%s: must be 1 to %d lower-case letters, "
		    "digits and hyphens, with no hyphen at its ends", field, STORE_NETWORK_MAX);
	return 0;
}
