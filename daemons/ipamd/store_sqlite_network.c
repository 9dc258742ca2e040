/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/store_sql.h"

#include <stdio.h>
#include <string.h>

#include "daemons/ipamd/store_sqlite.h"

/* The store's rows of networks: struct store_network and their columns, both ways. */

#define EXCLUDE_TEXT_MAX (STORE_EXCLUDE_MAX * IP_TEXT_MAX)

/* Prefixes with spaces between them. */
static const char *
exclude_text(const struct store_network *n, char buf[EXCLUDE_TEXT_MAX])
{
	char one[IP_TEXT_MAX];
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < n->nexclude; i++)
		len += (size_t) snprintf(buf + len, EXCLUDE_TEXT_MAX - len, "%s%s",
		    i > 0 ? " " : "", ip_prefix_format(&n->exclude[i], one));
	return buf;
}

size_t
store_sqlite_exclude(const char *text, struct ip_prefix out[STORE_EXCLUDE_MAX])
{
	char one[IP_TEXT_MAX];
	size_t n = 0;

	while (*text != '\0' && n < STORE_EXCLUDE_MAX) {
		size_t len = strcspn(text, " ");

		snprintf(one, sizeof(one), "%.*s", (int) len, text);
		if (ip_prefix_parse(one, &out[n]) == 0)
			n++;
		text += len + strspn(text + len, " ");
	}
	return n;
}

static void
read_network(struct store *st, struct store_network *n)
{
	memset(n, 0, sizeof(*n));
	n->id = sql_int(st, SQL_NET_LIST, 0);
	snprintf(n->name, sizeof(n->name), "%s", sql_text(st, SQL_NET_LIST, 1));
	ip_prefix_parse(sql_text(st, SQL_NET_LIST, 2), &n->prefix);
	n->nexclude = store_sqlite_exclude(sql_text(st, SQL_NET_LIST, 3), n->exclude);
	n->has_token = !sql_is_null(st, SQL_NET_LIST, 4);
	sql_blob(st, SQL_NET_LIST, 4, n->token_hash, sizeof(n->token_hash));
	n->from_conf = sql_int(st, SQL_NET_LIST, 5) != 0;
	n->create_s = sql_int(st, SQL_NET_LIST, 6);
}

int
sql_network_list(struct store *st, struct store_network *out, size_t max)
{
	int rc = sql_query(st, SQL_NET_LIST, ARGS(ARG_I(max)));
	size_t n = 0;

	if (rc < 0)
		return rc;
	while (n < max && (rc = sql_next(st, SQL_NET_LIST)) > 0)
		read_network(st, &out[n++]);
	sql_done(st, SQL_NET_LIST);
	return rc < 0 ? rc : (int) n;
}

/* --- writing ---------------------------------------------------------------------------------- */

#define ARG_HASH(n) \
	((n)->has_token ? ARG_B((n)->token_hash, sizeof((n)->token_hash)) : ARG_0)

int
sql_network_add(struct store *st, struct store_network *n)
{
	char prefix[IP_TEXT_MAX], exclude[EXCLUDE_TEXT_MAX];
	int rc = sql_run(st, SQL_NET_ADD, ARGS(ARG_T(n->name),
	    ARG_T(ip_prefix_format(&n->prefix, prefix)), ARG_T(exclude_text(n, exclude)),
	    ARG_HASH(n), ARG_I(n->from_conf), ARG_I(n->create_s)));

	if (rc == 0)
		n->id = sql_added(st);
	return rc;
}

int
sql_network_change(struct store *st, const struct store_network *n)
{
	char prefix[IP_TEXT_MAX], exclude[EXCLUDE_TEXT_MAX];

	return sql_change(st, SQL_NET_CHANGE, ARGS(ARG_I(n->id),
	    ARG_T(ip_prefix_format(&n->prefix, prefix)), ARG_T(exclude_text(n, exclude)),
	    ARG_HASH(n), ARG_I(n->from_conf)));
}

int
sql_network_delete(struct store *st, int64_t id)
{
	static const enum store_stmt parts[] = {	/* what refers to others goes first */
		SQL_NET_DELETE_KEYS, SQL_NET_DELETE_NODES, SQL_NET_DELETE_HOLDS,
		SQL_NET_DELETE_TOKENS
	};
	int rc = 0;

	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]) && rc == 0; i++)
		rc = sql_run(st, parts[i], ARGS(ARG_I(id)));
	return rc < 0 ? rc : sql_change(st, SQL_NET_DELETE, ARGS(ARG_I(id)));
}

int
sql_network_clear(struct store *st, int64_t id, uint64_t epoch, const struct store_use *use)
{
	int rc = sql_run(st, SQL_NET_CLEAR, ARGS(ARG_I(id), ARG_I(epoch), ARG_I(use->now_s),
	    ARG_T(use->stamp), ARG_I(use->seq)));
	int n = rc < 0 ? rc : (int) sql_changes(st);

	return n < 0 || (rc = sql_run(st, SQL_NET_CLEAR_HOLDS, ARGS(ARG_I(id)))) == 0 ? n : rc;
}
