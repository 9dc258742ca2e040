/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_VERSION "1"

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
names_page_token(const char *last_id, char buf[NAMES_PAGE_TOKEN_MAX])
{
	size_t n = (size_t) snprintf(buf, NAMES_PAGE_TOKEN_MAX, "%s", TOKEN_VERSION);

	for (; *last_id != '\0' && n + 2 < NAMES_PAGE_TOKEN_MAX; last_id++, n += 2)
		snprintf(buf + n, 3, "%02x", (unsigned char) *last_id);
	return buf;
}

int
names_page_token_parse(const char *token, char id_out[PKI_ID_MAX + 1])
{
	char id[PKI_ID_MAX + 1];
	size_t n = 0;
	unsigned c;

	if (token[0] == '\0') {
		id_out[0] = '\0';
		return 0;
	}
	if (strncmp(token, TOKEN_VERSION, 1) != 0 || strlen(++token) % 2 != 0 ||
	    strspn(token, "0123456789abcdef") != strlen(token))
		return -EINVAL;
	for (; *token != '\0' && n < PKI_ID_MAX && sscanf(token, "%2x", &c) == 1; token += 2)
		id[n++] = (char) c;
	id[n] = '\0';
	if (*token != '\0' || !pki_id_is_good(id))
		return -EINVAL;
	strcpy(id_out, id);
	return 0;
}
