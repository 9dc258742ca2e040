/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/fields.h"

#include <stdio.h>
#include <string.h>

#include "daemons/ctld/names.h"

#define ID_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:"

_Static_assert(AUTHZ_KEY_MAX + FIELDS_REQUEST_ID_MAX < IPAM_REQUEST_ID_MAX,
    "an id fits with its caller's key before it");

bool
fields_name(struct call *c, const char *collection, const char *name,
    char id_out[PKI_ID_MAX + 1])
{
	char rule[64];

	if (names_parse(collection, name, id_out) == 0) {
		call_about(c, name);
		return true;
	}
	snprintf(rule, sizeof(rule), "must be %s/ID", collection);
	call_fail_field(c, "name", rule);
	return false;
}

bool
fields_network(struct call *c, const char *field, const char *name,
    char id_out[PKI_ID_MAX + 1])
{
	if (name[0] == '\0')
		id_out[0] = '\0';
	else if (names_parse("networks", name, id_out) < 0) {
		call_fail_field(c, field, "must be networks/ID, or empty");
		return false;
	}
	return true;
}

bool
fields_page(struct call *c, int32_t page_size, const char *page_token, struct fields_page *out)
{
	uint32_t want = page_size == 0 ? FIELDS_PAGE_DEFAULT : (uint32_t) page_size;
	uint64_t after;

	if (page_size < 0) {
		call_fail_field(c, "page_size", "must not be negative");
		return false;
	}
	if (names_page_token_parse(page_token, &after) < 0) {
		call_fail_field(c, "page_token", "must be the next_page_token of a page before");
		return false;
	}
	*out = (struct fields_page){ want < IPAM_PAGE_MAX ? want : IPAM_PAGE_MAX, after };
	return true;
}

bool
fields_once(struct call *c, const char *request_id, bool validate_only, struct ipam_once *out)
{
	const char *key = call_caller(c)->key;
	size_t len = strlen(request_id);

	if (len > FIELDS_REQUEST_ID_MAX || strspn(request_id, ID_LETTERS) != len) {
		call_fail_field(c, "request_id", "must be at most 64 letters, digits, \"-\", \"_\", "
		    "\".\" and \":\"");
		return false;
	}
	*out = (struct ipam_once){ .validate_only = validate_only };
	if (len > 0)
		snprintf(out->request_id, sizeof(out->request_id), "%s:%s",
		    key[0] == '\0' ? "local" : key, request_id);
	if (validate_only)
		call_rehearses(c);
	return true;
}
