/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/names.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_VERSION "2"

int
names_parse(const char *collection, const char *name, char id_out[PKI_ID_MAX + 1])
{
	size_t n = strlen(collection);

	if (strncmp(name, collection, n) != 0 || name[n] != '/' || !pki_id_is_good(name + n + 1))
		return -EINVAL;
	strcpy(id_out, name + n + 1);
	return 0;
}

const char *
names_format(const char *collection, const char *id, char buf[NAMES_MAX])
{
	snprintf(buf, NAMES_MAX, "%s/%s", collection, id);
	return buf;
}

const char *
names_page_token(uint64_t next, char buf[NAMES_PAGE_TOKEN_MAX])
{
	snprintf(buf, NAMES_PAGE_TOKEN_MAX, TOKEN_VERSION "%016" PRIx64, next);
	return buf;
}

int
names_page_token_parse(const char *token, uint64_t *next_out)
{
	uint64_t next;

	if (token[0] == '\0') {
		*next_out = 0;
		return 0;
	}
	if (strlen(token) != NAMES_PAGE_TOKEN_MAX - 1 || token[0] != TOKEN_VERSION[0] ||
	    strspn(token, "0123456789abcdef") != NAMES_PAGE_TOKEN_MAX - 1 ||
	    sscanf(token + 1, "%16" SCNx64, &next) != 1 || next > INT64_MAX)
		return -EINVAL;
	*next_out = next;
	return 0;
}
