/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hosts.h"

#include <errno.h>
#include <string.h>

#include "common/ip.h"

/* Labels of letters, digits and inner dashes, 63 characters at most each (RFC 1123, 2.1). */
static bool
is_dns_name(const char *name)
{
	size_t len;

	if (strlen(name) >= HOSTS_NAME_MAX)
		return false;
	do {
		len = strspn(name, "abcdefghijklmnopqrstuvwxyz"
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
		if (len == 0 || len > 63 || name[0] == '-' || name[len - 1] == '-')
			return false;
		name += len;
	} while (*name++ == '.');
	return name[-1] == '\0';
}

int
hosts_add(struct hosts *h, const char *name, struct err *e)
{
	struct ip_addr addr;
	char text[IP_TEXT_MAX];

	if (ip_parse(name, &addr) == 0)
		name = ip_format(&addr, text);
	else if (!is_dns_name(name))
		return err_set(e, -EINVAL, "\"%.60s\" is neither an IP address nor a name", name);
	for (size_t i = 0; i < h->n; i++) {
		if (strcasecmp(h->list[i], name) == 0)
			return 0;
	}
	if (h->n == HOSTS_MAX)
		return err_set(e, -ENOSPC, "more than %d names for one certificate", HOSTS_MAX);
	strcpy(h->names[h->n], name);
	h->list[h->n] = h->names[h->n];
	h->n++;
	return 0;
}

int
hosts_add_typed(struct hosts *h, const struct args *a, struct err *e)
{
	const char *typed[ARGS_VALUES_MAX];
	size_t n = args_many(a, "san", typed, ARGS_VALUES_MAX);

	for (size_t i = 0; i < n; i++) {
		if (hosts_add(h, typed[i], e) < 0)
			return err_prefix(e, "--san");
	}
	return 0;
}
