/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ip.h"
#include "daemons/ipamd/ledger.h"
#include "daemons/ipamd/migrate.h"
#include "daemons/ipamd/pool.h"
#include "daemons/ipamd/store_sqlite.h"

/* A node, for people: enough of its token to find it, not enough to be it. */
#define NODE                                                                                       \
	"'node ' || coalesce(node_id, '?') || ' (row ' || vpn_mgr.id || ', token '"                \
	" || substr(token, 1, 4) || '...)'"

struct rule;

struct run {
	const struct check *conf;
	struct dbfile *db;
	const struct rule *rule;
	struct check_result result;
	unsigned of_rule;
};

/* A rule is a query whose rows are the findings (where, what), or a function. */
struct rule {
	const char *name;
	const char *sql;
	int (*fn)(struct run *r, struct err *e);
	const char *todo;
	bool serious;
};

static void
find(struct run *r, const char *where, const char *what)
{
	struct check_finding f = { r->rule->name, where, what, r->rule->todo, r->rule->serious };
	char more[64];

	r->result.findings++;
	r->result.serious += r->rule->serious;
	if (++r->of_rule > CHECK_FINDINGS_MAX + 1)
		return;
	if (r->of_rule == CHECK_FINDINGS_MAX + 1) {
		snprintf(more, sizeof(more), "more than %d findings", CHECK_FINDINGS_MAX);
		f.where = "";
		f.what = more;
	}
	r->conf->found(r->conf->arg, &f);
}

/* --- what the library can say ----------------------------------------------------------------- */

static int
on_integrity(void *arg, int n, const char *const *columns)
{
	(void) n;
	if (strcmp(columns[0], "ok") != 0)
		find(arg, "", columns[0]);
	return 0;
}

static int
check_integrity(struct run *r, struct err *e)
{
	return dbfile_each(r->db, "pragma integrity_check", on_integrity, r, e);
}

static int
on_foreign_key(void *arg, int n, const char *const *columns)
{
	char where[128], what[128];

	(void) n;
	snprintf(where, sizeof(where), "table %s, row %s", columns[0], columns[1]);
	snprintf(what, sizeof(what), "it speaks of a row of %s that is not there", columns[2]);
	find(arg, where, what);
	return 0;
}

static int
check_foreign_keys(struct run *r, struct err *e)
{
	return dbfile_each(r->db, "pragma foreign_key_check", on_foreign_key, r, e);
}

/* --- the schema, compared with that of a new database ----------------------------------------- */

#define OBJECTS_MAX 128		/* tables, indexes and triggers: ours are a quarter of that */

struct object {
	char type[16], name[64];
	char *meaning;		/* a table's columns; the words of an index or trigger */
};

struct schema {
	struct object objects[OBJECTS_MAX];
	size_t n;
};

static int
on_object(void *arg, int n, const char *const *columns)
{
	struct schema *s = arg;
	struct object *o = &s->objects[s->n];

	(void) n;
	if (s->n == OBJECTS_MAX)
		return -E2BIG;
	snprintf(o->type, sizeof(o->type), "%s", columns[0]);
	snprintf(o->name, sizeof(o->name), "%s", columns[1]);
	if ((o->meaning = strdup(columns[2])) == NULL)
		return -ENOMEM;
	s->n++;
	return 0;
}

static int
read_schema(struct dbfile *db, struct schema *out, struct err *e)
{
	/* The words of a table may differ: the seed's own has them as its maker wrote them. */
	int rc = dbfile_each(db, "select m.type, m.name, case m.type when 'table' then"
	    " (select group_concat(lower(name || ' ' || type)) from pragma_table_info(m.name))"
	    " else sql end from sqlite_master as m where m.name not like 'sqlite\\_%' escape '\\'",
	    on_object, out, e);

	return rc == -E2BIG || rc == -ENOMEM ? err_set(e, rc, "schema: %s", err_text(rc)) : rc;
}

static bool
is_same(const struct object *a, const struct object *b)
{
	return strcmp(a->type, b->type) == 0 && strcmp(a->name, b->name) == 0 &&
	    strcmp(a->meaning, b->meaning) == 0;
}

static void
compare(struct run *r, const struct schema *these, const struct schema *those, const char *what)
{
	char where[96];

	for (size_t i = 0; i < these->n; i++) {
		size_t j = 0;

		while (j < those->n && !is_same(&these->objects[i], &those->objects[j]))
			j++;
		snprintf(where, sizeof(where), "%s %s", these->objects[i].type,
		    these->objects[i].name);
		if (j == those->n)
			find(r, where, what);
	}
}

static void
free_schema(struct schema *s)
{
	for (size_t i = 0; s != NULL && i < s->n; i++)
		free(s->objects[i].meaning);
	free(s);
}

static int
check_schema(struct run *r, struct err *e)
{
	struct schema *is = calloc(1, sizeof(*is)), *should = calloc(1, sizeof(*should));
	struct dbfile *fresh = NULL;
	int rc;

	if (is == NULL || should == NULL) {
		rc = err_set(e, -ENOMEM, "out of memory");
		goto out;
	}
	if ((rc = dbfile_open(":memory:", DBFILE_WRITE, &fresh, e)) < 0 ||
	    (rc = migrate_schema(fresh, e)) < 0 ||
	    (rc = read_schema(fresh, should, e)) < 0 ||
	    (rc = read_schema(r->db, is, e)) < 0)
		goto out;
	compare(r, should, is, "is missing, or is not as it should be");
	compare(r, is, should, "is not of ipamd's making, or has been changed");
out:
	dbfile_close(fresh);
	free_schema(is);
	free_schema(should);
	return rc;
}

/* --- addresses -------------------------------------------------------------------------------- */

struct addresses {
	struct run *run;
	struct store_network nets[NETWORKS_MAX];
	size_t nnets;
	const struct pool *pool;
};

static int
on_network(void *arg, int n, const char *const *columns)
{
	struct addresses *a = arg;
	struct store_network *net = &a->nets[a->nnets];

	(void) n;
	if (a->nnets == NETWORKS_MAX)
		return 0;
	net->id = strtoll(columns[0], NULL, 10);
	snprintf(net->name, sizeof(net->name), "%s", columns[1]);
	net->nexclude = store_sqlite_exclude(columns[3], net->exclude);
	if (ip_prefix_parse(columns[2], &net->prefix) == 0)
		a->nnets++;
	else if (net->id != STORE_NET_DEFAULT)
		find(a->run, net->name, "it has no address");
	return 0;
}

static int
on_address(void *arg, int n, const char *const *columns)
{
	struct addresses *a = arg;
	struct ip_addr addr;

	(void) n;
	if (ip_parse(columns[1], &addr) < 0 || !pool_usable(a->pool, &addr))
		find(a->run, columns[0], columns[2]);
	return 0;
}

static int
check_bound(struct addresses *a, int64_t net, struct err *e)
{
	char sql[512];

	snprintf(sql, sizeof(sql), "select " NODE ", bind_ip,"
	    " 'its address ' || bind_ip || ' cannot be given in its network'"
	    " from vpn_mgr where net_id=%" PRId64 " and bind_ip<>'' and stale=0", net);
	return dbfile_each(a->run->db, sql, on_address, a, e);
}

static int
check_network(struct addresses *a, const struct store_network *net, struct err *e)
{
	struct pool *pool;
	int rc = pool_new(&net->prefix, net->exclude, net->nexclude, &pool);

	if (rc == -EINVAL) {
		find(a->run, net->name, "its address is not that of a network");
		return 0;
	}
	if (rc < 0)
		return err_set(e, rc, "%s", err_text(rc));
	a->pool = pool;
	rc = check_bound(a, net->id, e);
	pool_free(pool);
	return rc;
}

/* The configuration says what `default` is, and ipamd would follow it at its next start. */
static int
check_default(struct addresses *a, struct err *e)
{
	const struct conf_server *conf = a->run->conf->conf;
	struct pool *pool;
	int rc = pool_new(&conf->vpn_addr, conf->pool_exclude.items, conf->pool_exclude.n, &pool);

	if (rc < 0)
		return err_set(e, rc, "%s", err_text(rc));
	a->pool = pool;
	rc = check_bound(a, STORE_NET_DEFAULT, e);
	pool_free(pool);
	return rc;
}

static int
check_addresses(struct run *r, struct err *e)
{
	struct addresses a = { .run = r };
	int rc = dbfile_each(r->db, "select id, name, address, exclude from networks", on_network,
	    &a, e);

	if (rc == 0)
		rc = check_default(&a, e);
	for (size_t i = 0; i < a.nnets && rc == 0; i++) {
		if (a.nets[i].id != STORE_NET_DEFAULT)
			rc = check_network(&a, &a.nets[i], e);
	}
	return rc;
}

/* Two networks with a common address would each give it to a node. */
static int
check_overlap(struct run *r, struct err *e)
{
	struct addresses a = { .run = r };
	int rc = dbfile_each(r->db, "select id, name, address, exclude from networks", on_network,
	    &a, e);

	for (size_t i = 0; i < a.nnets && rc == 0; i++) {
		for (size_t k = 0; k < i; k++) {
			char what[STORE_NETWORK_MAX + 32];

			snprintf(what, sizeof(what), "it overlaps network %s", a.nets[k].name);
			if (ip_prefix_overlap(&a.nets[i].prefix, &a.nets[k].prefix))
				find(r, a.nets[i].name, what);
		}
	}
	return rc;
}

/* --- the table -------------------------------------------------------------------------------- */

#define RESTORE "restore a backup or the newest snapshot (ipamd --restore)"
#define ENROLL "delete the node (litevpnctl node delete) and enroll it again"
#define START "stop ipamd and start it again: it sets this right"

_Static_assert(EVENT_KINDS == 14, "the rule for events knows the last kind");

static const struct rule rules[] = {
	{ "integrity", NULL, check_integrity, RESTORE, true },
	{ "schema", NULL, check_schema, RESTORE, true },
	{ "dangling", NULL, check_foreign_keys, RESTORE, true },
	{ "duplicate-address",
	    "select 'network ' || coalesce(name, net_id), bind_ip || ' belongs to ' || count(*)"
	    " || ' nodes: ' || group_concat(node_id, ' ')"
	    " from vpn_mgr left join networks on networks.id=net_id"
	    " where bind_ip<>'' group by net_id, bind_ip having count(*)>1", NULL,
	    "delete all of them but one (litevpnctl node delete) and enroll them again", true },
	{ "foreign-address", NULL, check_addresses,
	    "restart ipamd: the node gets another address when it attaches", false },
	{ "address-form",
	    "select " NODE ", 'its address is written \"' || bind_ip || '\"' from vpn_mgr"
	    " where bind_ip<>address_text(bind_ip)", NULL, ENROLL, false },
	{ "kept-address",
	    "select " NODE ", 'its address ' || bind_ip || case kind when 1 then"
	    " ' is promised to a bootstrap token' when 2 then ' is reserved for ' || name"
	    " else ' rests after another node' end"
	    " from vpn_mgr join holds on holds.net_id=vpn_mgr.net_id and holds.address=bind_ip"
	    " where bind_ip<>'' and (kind<>2 or (name<>display_name and fixed=0))", NULL, ENROLL,
	    false },
	{ "holds",
	    "select 'kept address ' || address, 'kind ' || kind || ' does not go with what it is"
	    " kept for' from holds where address='' or kind not in (1, 2, 3)"
	    " or (kind=1)<>(token_id is not null) or (kind=2)<>(name<>'') or (kind=2)<>(until_s=0)",
	    NULL, "release it (litevpnctl address release)", false },
	{ "duplicate-node",
	    "select 'rows ' || group_concat(id, ' '), 'they are one node, ' || node_id from vpn_mgr"
	    " group by node_id having count(*)>1", NULL, RESTORE, true },
	{ "node-id",
	    "select " NODE ", 'it has no id' from vpn_mgr where coalesce(node_id, '')=''", NULL,
	    RESTORE, true },
	{ "node-token",
	    "select " NODE ", 'its token has ' || length(token) || ' characters' from vpn_mgr"
	    " where length(token) not between 1 and 64", NULL, ENROLL, false },
	{ "tombstones",
	    "select " NODE ", 'it is told to have been reclaimed' from vpn_mgr"
	    " where exists (select 1 from tombstones as t where t.token=vpn_mgr.token)", NULL,
	    "nothing: it is let in", false },
	{ "enrollments",
	    "select 'enrollment of row ' || node, 'there is no such node' from enrollments where node"
	    " not in (select id from vpn_mgr union all select node from tombstones)", NULL,
	    "nothing: it is never found", false },
	{ "enrollment-keys",
	    "select " NODE ", 'the hashes of its keys have a wrong length' from vpn_mgr"
	    " join enrollments on node=id where length(grpc_spki)<>32 or length(vpn_spki)<>32", NULL,
	    ENROLL, false },
	{ "state",
	    "select " NODE ", 'its state is ' || state || ', its phase ' || phase from vpn_mgr"
	    " where state not in (-1, 1, 3) or phase not in (0, 1, 2)", NULL, START, false },
	{ "live-state",
	    "select " NODE ", 'it is live, but has never attached' from vpn_mgr"
	    " where state<>-1 and attached=0", NULL, START, false },
	{ "live-address",
	    "select " NODE ", 'it is live without an address' from vpn_mgr"
	    " where state<>-1 and bind_ip=''", NULL, START, false },
	{ "flags",
	    "select " NODE ", 'attached, reserved, fixed or stale is neither 0 nor 1' from vpn_mgr"
	    " where not (attached in (0, 1) and reserved in (0, 1) and fixed in (0, 1)"
	    " and stale in (0, 1))", NULL, ENROLL, false },
	{ "reserved",
	    "select " NODE ", 'the reserved registration is one, reserverd' from vpn_mgr"
	    " where (token='reserverd')<>reserved or (node_id='reserverd')<>reserved", NULL,
	    RESTORE, true },
	{ "use-time",
	    "select " NODE ", 'its update_time is \"' || coalesce(update_time, '') || '\"'"
	    " from vpn_mgr where update_time is not datetime(update_time)", NULL,
	    "delete the node, or wait for its next session", false },
	{ "use-order",
	    "select " NODE ", 'it was used after ' || before || ' by number, but not by time'"
	    " from (select *, lag(node_id) over latest as before,"
	    "  lag(update_time) over latest as before_time,"
	    "  lag(lru_seq) over latest as before_seq from vpn_mgr where lru_seq>0"
	    "  window latest as (order by lru_seq, id)) as vpn_mgr"
	    " where update_time<before_time or lru_seq=before_seq", NULL,
	    "nothing: who wrote to the row by hand has changed its turn to be reclaimed", false },
	{ "created",
	    "select " NODE ", 'its times of creation and last use are ' || create_s || ', ' || seen_s"
	    " from vpn_mgr where create_s<0 or seen_s<0", NULL, ENROLL, false },
	{ "labels",
	    "select " NODE ", 'its labels have ' || length(cast(labels as blob)) || ' bytes, or do"
	    " not end' from vpn_mgr where length(cast(labels as blob))>2048"
	    " or (labels<>'' and labels not like '_%=%' || char(10))", NULL,
	    "set its labels anew (litevpnctl node update)", false },
	{ "networks",
	    "select '', 'the network default is missing' where not exists"
	    " (select 1 from networks where id=1 and name='default')", NULL, RESTORE, true },
	{ "network-overlap", NULL, check_overlap,
	    "delete one of them, or change the configuration", true },
	{ "network-form",
	    "select 'network ' || name, 'it has no address, or the hash of its net-token is none'"
	    " from networks where length(coalesce(token_hash, zeroblob(32)))<>32"
	    " or (address='' and id<>1)", NULL, RESTORE, true },
	{ "answers",
	    "select 'answer ' || id, 'its hashes have a wrong length' from replies"
	    " where length(digest)<>32 or length(body)<>32 or length(salt)<>16", NULL,
	    "nothing: it is not found", false },
	{ "epochs",
	    "select " NODE ", 'its epoch ' || epoch || ' is of a start that was not counted'"
	    " from vpn_mgr where epoch<0 or epoch>>32>(select value from counters where name='boot')",
	    NULL, START, false },
	{ "counters",
	    "select '', 'the number of starts is missing or below 0' where"
	    " coalesce((select value from counters where name='boot'), -1)<0", NULL, RESTORE, true },
	{ "tokens",
	    "select 'bootstrap token ' || label, 'it has ' || uses_left || ' uses left, and ends at '"
	    " || expire_s from bootstrap_tokens where uses_left not between 0 and uses"
	    " or uses not between 1 and 10000 or create_s<0 or expire_s<0 or length(hash)<>32", NULL,
	    "revoke the token (litevpnctl token revoke)", false },
	{ "events",
	    "select 'event ' || revision, 'its kind is ' || kind from events where kind not between 1"
	    " and 13", NULL, "nothing: it is not told", false },
	{ "event-revisions",
	    "select '', 'revisions go from ' || min(revision) || ' to ' || max(revision) || ', but"
	    " there are ' || count(*) || ' events' from events"
	    " having count(*)>0 and max(revision)-min(revision)+1<>count(*)", NULL, RESTORE, true },
};

/* --- running them ----------------------------------------------------------------------------- */

static int
on_row(void *arg, int n, const char *const *columns)
{
	(void) n;
	find(arg, columns[0], columns[1]);
	return 0;
}

static int
run_rule(struct run *r, const struct rule *rule, struct err *e)
{
	int rc;

	r->rule = rule;
	r->of_rule = 0;
	rc = rule->fn != NULL ? rule->fn(r, e) : dbfile_each(r->db, rule->sql, on_row, r, e);
	/* With pages or tables that are broken most queries fail: that, too, is a finding. */
	if (rc == -EUCLEAN || (rc < 0 && r->result.findings > 0)) {
		find(r, "", e->text);
		rc = 0;
	}
	return rc;
}

int
check_run(const struct check *c, struct dbfile *db, struct check_result *out, struct err *e)
{
	struct run r = { .conf = c, .db = db };
	int rc;

	if ((rc = dbfile_run(db, "begin", e)) < 0)
		return rc;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]) && rc == 0; i++)
		rc = run_rule(&r, &rules[i], e);
	dbfile_run(db, "rollback", NULL);
	if (rc == 0)
		*out = r.result;
	return rc;
}
