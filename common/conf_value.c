/* SPDX-License-Identifier: Apache-2.0 */
#include "common/conf_value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ip.h"

typedef int parse_fn(const struct conf_key *k, const char *text, void *out, char why[CONF_WHY_MAX]);

static int
parse_bool(const struct conf_key *k, const char *text, void *out, char why[CONF_WHY_MAX])
{
	(void) k;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
		snprintf(why, CONF_WHY_MAX, "must be true or false");
		return -EINVAL;
	}
	*(bool *) out = text[0] == 't';
	return 0;
}

static int
parse_int(const struct conf_key *k, const char *text, void *out, char why[CONF_WHY_MAX])
{
	char *end;
	int64_t v;

	if (k->may_auto && strcmp(text, "auto") == 0) {
		*(int64_t *) out = 0;
		return 0;
	}
	errno = 0;
	v = strtoll(text, &end, 10);
	if (*text == '\0' || *end != '\0' || errno != 0 || v < k->min || v > k->max) {
		snprintf(why, CONF_WHY_MAX, "must be %sa whole number from %" PRId64 " to %" PRId64,
		    k->may_auto ? "auto or " : "", k->min, k->max);
		return -EINVAL;
	}
	*(int64_t *) out = v;
	return 0;
}

static const struct unit {
	const char *name;
	int64_t ms;
} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };

static const char *
duration_text(int64_t ms, char buf[32])
{
	size_t u = sizeof(units) / sizeof(units[0]) - 1;

	while (u > 0 && (ms == 0 || ms % units[u].ms != 0))
		u--;
	snprintf(buf, 32, "%" PRId64 "%s", ms / units[u].ms, units[u].name);
	return buf;
}

/* Nine digits of days on top of this are still far from the end of an int64_t. */
#define SUM_MAX_MS (INT64_MAX / 2)

int64_t
conf_duration_ms(const char *text)
{
	int64_t sum = 0;

	if (*text == '\0')
		return -1;
	while (*text != '\0') {
		const struct unit *u = NULL;
		int64_t n = 0;
		size_t digits = strspn(text, "0123456789"), letters;

		if (digits == 0 || digits > 9 || sum > SUM_MAX_MS)
			return -1;
		for (size_t i = 0; i < digits; i++)
			n = n * 10 + (*text++ - '0');
		letters = strspn(text, "abcdefghijklmnopqrstuvwxyz");
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
			if (strlen(units[i].name) == letters &&
			    strncmp(text, units[i].name, letters) == 0)
				u = &units[i];
		}
		if (u == NULL)
			return -1;
		text += letters;
		sum += n * u->ms;
	}
	return sum;
}

static int
parse_duration(const struct conf_key *k, const char *text, void *out, char why[CONF_WHY_MAX])
{
	int64_t ms = conf_duration_ms(text);

	if (ms < k->min || ms > k->max) {
		snprintf(why, CONF_WHY_MAX,
		    "must be a time with its unit (ms, s, m, h, d) from %s to %s",
		    duration_text(k->min, (char[32]){ 0 }), duration_text(k->max, (char[32]){ 0 }));
		return -EINVAL;
	}
	*(int64_t *) out = ms;
	return 0;
}

static int
parse_text(const struct conf_key *k, const char *text, void *out, char why[CONF_WHY_MAX])
{
	size_t len = strlen(text);
	int64_t max = k->max == 0 ? 1024 : k->max;
	char *copy;

	if (k->type == CONF_PATH && len > 0 && text[0] != '/') {
		snprintf(why, CONF_WHY_MAX, "must be an absolute path");
		return -EINVAL;
	}
	if (k->type == CONF_HOST && strspn(text, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-") != len) {
		snprintf(why, CONF_WHY_MAX, "must be an IP address or a DNS name, without a port");
		return -EINVAL;
	}
	if ((int64_t) len < k->min || (int64_t) len > max) {
		snprintf(why, CONF_WHY_MAX, "must have %" PRId64 " to %" PRId64 " characters",
		    k->min, max);
		return -EINVAL;
	}
	if ((copy = strdup(text)) == NULL)
		return -ENOMEM;
	free(*(char **) out);	/* the default, which the file replaces */
	*(char **) out = copy;
	return 0;
}

static int
parse_word(const struct conf_key *k, const char *text, void *out, char why[CONF_WHY_MAX])
{
	size_t n;

	for (int i = 0; k->words[i] != NULL; i++) {
		if (strcmp(k->words[i], text) == 0) {
			*(int *) out = i;
			return 0;
		}
	}
	n = (size_t) snprintf(why, CONF_WHY_MAX, "must be one of");
	for (int i = 0; k->words[i] != NULL && n < CONF_WHY_MAX; i++)
		n += (size_t) snprintf(why + n, CONF_WHY_MAX - n, "%s %s", i == 0 ? "" : ",",
		    k->words[i]);
	return -EINVAL;
}

static int
parse_addr(const struct conf_key *k, const char *text, void *out, char why[CONF_WHY_MAX])
{
	(void) k;
	if (ip_parse(text, out) == 0)
		return 0;
	snprintf(why, CONF_WHY_MAX, "must be an IPv4 or IPv6 address");
	return -EINVAL;
}

static int
parse_prefix(const struct conf_key *k, const char *text, void *out, char why[CONF_WHY_MAX])
{
	(void) k;
	if (ip_prefix_parse(text, out) == 0)
		return 0;
	snprintf(why, CONF_WHY_MAX,
	    "must be an address with its prefix length, such as 10.1.1.1/24");
	return -EINVAL;
}

static bool
parse_port(const char *text, uint16_t *out)
{
	size_t digits = strspn(text, "0123456789");
	long port = digits == 0 || digits > 5 || text[digits] != '\0' ? 0 :
	    strtol(text, NULL, 10);

	*out = (uint16_t) port;
	return port >= 1 && port <= 65535;
}

static int
parse_endpoint(const struct conf_key *k, const char *text, void *out, char why[CONF_WHY_MAX])
{
	const char *colon = strrchr(text, ':');
	struct conf_endpoint end = { 0 };
	char addr[IP_TEXT_MAX] = "";
	size_t len = colon == NULL ? 0 : (size_t) (colon - text);
	bool bracketed = len > 2 && text[0] == '[' && text[len - 1] == ']';

	(void) k;
	if (bracketed) {
		text++;
		len -= 2;
	}
	if (len > 0 && len < sizeof(addr))
		memcpy(addr, text, len);
	if (*text != '\0' && (colon == NULL || !parse_port(colon + 1, &end.port) ||
	    ip_parse(addr, &end.addr) < 0 || bracketed != (end.addr.family == AF_INET6))) {
		snprintf(why, CONF_WHY_MAX, "must be an address with a port, such as "
		    "127.0.0.1:9469 or \"[::1]:9469\"");
		return -EINVAL;
	}
	*(struct conf_endpoint *) out = end;
	return 0;
}

static const struct {
	parse_fn *parse;
	size_t size;
} types[] = {
	[CONF_BOOL] = { parse_bool, sizeof(bool) },
	[CONF_INT] = { parse_int, sizeof(int64_t) },
	[CONF_DURATION] = { parse_duration, sizeof(int64_t) },
	[CONF_TEXT] = { parse_text, sizeof(char *) },
	[CONF_PATH] = { parse_text, sizeof(char *) },
	[CONF_HOST] = { parse_text, sizeof(char *) },
	[CONF_WORD] = { parse_word, sizeof(int) },
	[CONF_ADDR] = { parse_addr, sizeof(struct ip_addr) },
	[CONF_PREFIX] = { parse_prefix, sizeof(struct ip_prefix) },
	[CONF_ENDPOINT] = { parse_endpoint, sizeof(struct conf_endpoint) },
};

int
conf_value_parse(const struct conf_key *k, const char *text, void *out, char why[CONF_WHY_MAX])
{
	return types[k->type].parse(k, text, out, why);
}

size_t
conf_value_size(const struct conf_key *k)
{
	return k->type == CONF_MAP ? k->entry : types[k->type].size;
}

bool
conf_value_is_text(const struct conf_key *k)
{
	return k->type == CONF_TEXT || k->type == CONF_PATH || k->type == CONF_HOST;
}
