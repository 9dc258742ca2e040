/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/check.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/ipamd/book.h"
#include "tests/unit/ipamd/shelf.h"
#include "tests/unit/kit.h"

/* A database with some life in it, and what is found after somebody has been at it. */

#define BOOK KIT_PATH("book.db")	/* of book_init */

struct heard {
	char checks[512];	/* the names, each once in a row */
	char last[64];
	unsigned told;
	bool serious;
	char text[2048];	/* where: what */
};

static void
on_finding(void *arg, const struct check_finding *f)
{
	struct heard *h = arg;
	size_t len = strlen(h->text);

	h->told++;
	h->serious |= f->serious;
	ck_assert_str_ne(f->what, "");
	ck_assert_str_ne(f->todo, "");
	snprintf(h->text + len, sizeof(h->text) - len, "%s: %s\n", f->where, f->what);
	if (strcmp(h->last, f->check) == 0)
		return;
	snprintf(h->last, sizeof(h->last), "%s", f->check);
	len = strlen(h->checks);
	snprintf(h->checks + len, sizeof(h->checks) - len, "%s%s", len > 0 ? " " : "", f->check);
}

static int
run(const char *path, const struct conf_server *conf, struct heard *h, struct err *e)
{
	struct check c = { .conf = conf, .found = on_finding, .arg = h };
	struct check_result result = { 0 };
	struct dbfile *db;
	int rc;

	*h = (struct heard){ .told = 0 };
	if ((rc = dbfile_open(path, DBFILE_READ, &db, e)) < 0)
		return rc;
	rc = check_run(&c, db, &result, e);
	dbfile_close(db);
	ck_assert_uint_le(result.serious, result.findings);
	ck_assert_int_eq(result.serious > 0, h->serious);
	return rc < 0 ? rc : (int) result.findings;
}

/* Nodes 10.1.1.2 to .6: idle, lost, connected, fixed by a promise, never attached; a promise. */
static void
live_a_little(struct book *b)
{
	struct token_wish wish = { .network = "", .address = "10.1.1.5" };
	struct token_view made;
	struct token_node fixed;
	struct store_node n;
	struct lease lease;

	book_init(b, "10.1.1.1/24");
	lease = book_connect(b, &n);
	ck_assert_int_eq(book_report(b, n.id, lease.epoch, NODE_IDLE), 0);
	lease = book_connect(b, &n);
	ck_assert_int_eq(book_report(b, n.id, lease.epoch, NODE_LOST), 0);
	book_connect(b, &n);
	ck_assert_int_eq(book_token(b, &wish, &made), 0);
	ck_assert_int_eq(book_redeem(b, made.secret, 7, &fixed), 0);
	book_enroll(b);
	wish.address = "10.1.1.77";
	ck_assert_int_eq(book_token(b, &wish, &made), 0);
}

START_TEST(a_healthy_database_is_clean)
{
	struct heard h;
	struct book b;
	struct err e;

	live_a_little(&b);
	/* Also beside the one who has it open, with a request under way. */
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_msg(run(BOOK, &b.conf, &h, &e) == 0, "%s", h.text);
	ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
	book_restart(&b);
	ck_assert_msg(run(BOOK, &b.conf, &h, &e) == 0, "%s", h.text);
	book_fini(&b);
	ck_assert_msg(run(BOOK, &b.conf, &h, &e) == 0, "%s", h.text);
}
END_TEST

/* An explicit update_time keeps the trigger from setting it. */
#define NODE_2 ", update_time=update_time where bind_ip='10.1.1.2'"

static const struct {
	const char *sql, *found, *text;
} harms[] = {
	{ "drop index vpn_mgr_address; update vpn_mgr set bind_ip='10.1.1.2',"
	    " update_time=update_time where bind_ip='10.1.1.3'", "schema duplicate-address", "10.1.1.2 belongs to 2 nodes: n-" },
	{ "update vpn_mgr set bind_ip='10.9.9.9'" NODE_2, "foreign-address", "10.9.9.9" },
	{ "update vpn_mgr set bind_ip='10.1.1.0'" NODE_2, "foreign-address", "10.1.1.0" },
	{ "update vpn_mgr set bind_ip='10.1.1.255'" NODE_2, "foreign-address", "10.1.1.255" },
	{ "update vpn_mgr set bind_ip='10.1.1.1'" NODE_2, "foreign-address", "10.1.1.1" },
	{ "update vpn_mgr set bind_ip='10.1.1.01'" NODE_2, "foreign-address address-form",
	    "\"10.1.1.01\"" },
	{ "update vpn_mgr set bind_ip='10.9.9.9', stale=1" NODE_2, "", "" },
	{ "update vpn_mgr set bind_ip='10.1.1.77'" NODE_2, "kept-address", "promised" },
	{ "update holds set kind=3, token_id=null, address='10.1.1.2'", "kept-address", "rests" },
	{ "update holds set kind=2, token_id=null, until_s=0, name='other', address='10.1.1.2'",
	    "kept-address", "reserved for other" },
	{ "update holds set kind=2, token_id=null, until_s=0, name='a node', address='10.1.1.2'",
	    "", "" },
	{ "update holds set kind=2", "holds", "kept address 10.1.1.77" },
	{ "insert into networks(id, name, address) values(2, 'blue', '10.1.0.1/16')",
	    "network-overlap", "overlaps network default" },
	{ "insert into networks(id, name, address) values(2, 'blue', 'x')", "foreign-address"
	    " network-overlap", "no address" },
	{ "insert into networks(id, name, address, exclude) values(2, 'blue', '10.2.0.1/16',"
	    " '10.2.1.0/24 10.2.2.0/24'); update vpn_mgr set net_id=2, bind_ip='10.2.2.7'" NODE_2,
	    "foreign-address", "10.2.2.7" },
	{ "insert into networks(id, name, address) values(2, 'blue', '10.2.0.1/16');"
	    " update vpn_mgr set net_id=2, bind_ip='10.2.2.7'" NODE_2, "", "" },
	{ "update networks set token_hash=x'00'", "network-form", "net-token" },
	{ "insert into replies(digest, body, salt, bytes, time_s) values(x'00', x'00', x'00', x'00',"
	    " 1)", "answers", "wrong length" },
	{ "drop index vpn_mgr_node; update vpn_mgr set node_id='n-x' where bind_ip<>''",
	    "schema duplicate-node", "they are one node, n-x" },
	{ "update vpn_mgr set node_id=null" NODE_2, "node-id", "no id" },
	{ "update vpn_mgr set token=''" NODE_2, "node-token", "0 characters" },
	{ "insert into tombstones(token, node_id, time_s) select token, node_id, 1 from vpn_mgr"
	    " where bind_ip='10.1.1.2'", "tombstones", "reclaimed" },
	{ "insert into enrollments(node, bootstrap_id, grpc_spki, vpn_spki) values(9999, 1, '', '')",
	    "enrollments", "no such node" },
	{ "update enrollments set vpn_spki=x'00'", "enrollment-keys", "wrong length" },
	{ "update vpn_mgr set state=2" NODE_2, "state", "its state is 2" },
	{ "update vpn_mgr set phase=9" NODE_2, "state", "its phase 9" },
	{ "update vpn_mgr set state=3 where bind_ip='10.1.1.6'", "live-state", "never attached" },
	{ "update vpn_mgr set bind_ip='', update_time=update_time where state=3", "live-address", "without an address" },
	{ "update vpn_mgr set fixed=2" NODE_2, "flags", "neither 0 nor 1" },
	{ "update vpn_mgr set reserved=1" NODE_2, "reserved", "reserverd" },
	{ "update vpn_mgr set update_time='yesterday' where bind_ip='10.1.1.6'", "use-time", "yesterday" },
	{ "update vpn_mgr set update_time='2001-01-01 00:00:00' where lru_seq="
	    "(select max(lru_seq) from vpn_mgr)", "use-order", "was used after n-" },
	{ "update vpn_mgr set lru_seq=(select max(lru_seq) from vpn_mgr)" NODE_2, "use-order",
	    "was used after n-" },
	{ "update vpn_mgr set create_s=-1" NODE_2, "created", "-1" },
	{ "update vpn_mgr set net_id=7" NODE_2, "dangling", "networks" },
	{ "update networks set name='x'", "networks", "default" },
	{ "update vpn_mgr set epoch=(9<<32)" NODE_2, "epochs", "not counted" },
	{ "delete from counters", "counters", "missing" },
	{ "update bootstrap_tokens set uses_left=-1", "tokens", "-1 uses left" },
	{ "update events set kind=99 where revision=3", "events", "event 3: its kind is 99" },
	{ "delete from events where revision=3", "event-revisions", "from 1 to" },
	{ "drop trigger update_time_trigger", "schema", "trigger update_time_trigger: is missing" },
	{ "create trigger t after update on vpn_mgr begin delete from networks; end", "schema",
	    "trigger t: is not of ipamd's making" },
	{ "alter table vpn_mgr drop column display_name", "schema kept-address", "table vpn_mgr" },
	{ "drop table events", "schema events event-revisions", "no such table: events" },
};

START_TEST(harm_is_found)
{
	struct heard h;
	struct book b;
	struct err e;

	live_a_little(&b);
	book_fini(&b);
	shelf_run(BOOK, harms[_i].sql);
	ck_assert_int_eq(run(BOOK, &b.conf, &h, &e) > 0, harms[_i].found[0] != '\0');
	ck_assert_str_eq(h.checks, harms[_i].found);
	ck_assert_msg(strstr(h.text, harms[_i].text) != NULL, "%s", h.text);
}
END_TEST

START_TEST(a_token_is_not_shown)
{
	struct store_node n;
	struct heard h;
	struct book b;
	struct err e;

	live_a_little(&b);
	n = book_enroll(&b);
	book_fini(&b);
	shelf_run(BOOK, "update vpn_mgr set state=7");
	ck_assert_int_gt(run(BOOK, &b.conf, &h, &e), 5);
	ck_assert_ptr_nonnull(strstr(h.text, n.id));
	ck_assert_ptr_null(strstr(h.text, n.token));
	n.token[4] = '\0';
	ck_assert_ptr_nonnull(strstr(h.text, n.token));
}
END_TEST

START_TEST(many_findings_are_counted)
{
	struct heard h;
	struct book b;
	struct err e;

	live_a_little(&b);
	book_fini(&b);
	shelf_run(BOOK, "with recursive n(i) as (select 1 union all select i + 1 from n where"
	    " i < 500) insert into vpn_mgr(token, state, node_id, stale) select 't' || i, -1, 'n-' || i, 2"
	    " from n");
	ck_assert_int_eq(run(BOOK, &b.conf, &h, &e), 500);
	ck_assert_uint_eq(h.told, CHECK_FINDINGS_MAX + 1);
}
END_TEST

/* The head of each page is overwritten in turn: it is found, and nothing crashes. */
START_TEST(a_damaged_file_is_found)
{
	char junk[64], head[64];
	struct heard h;
	struct book b;
	struct err e;
	struct stat st;
	int fd, rc;

	live_a_little(&b);
	book_fini(&b);
	memset(junk, 0x5a, sizeof(junk));
	ck_assert_int_ge(fd = open(BOOK, O_RDWR), 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_gt(st.st_size, 10 * 4096);
	for (off_t at = 0; at < st.st_size; at += 4096) {
		ck_assert_int_eq(pread(fd, head, sizeof(head), at), sizeof(head));
		ck_assert_int_eq(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
		e.text[0] = '\0';
		rc = run(BOOK, &b.conf, &h, &e);
		ck_assert_msg(rc > 0 || rc == -EUCLEAN, "page at %ld: %d", (long) at, rc);
		ck_assert(rc > 0 || e.text[0] != '\0');
		ck_assert_int_eq(pwrite(fd, head, sizeof(head), at), sizeof(head));
	}
	ck_assert_int_eq(run(BOOK, &b.conf, &h, &e), 0);
	close(fd);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("check");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_healthy_database_is_clean);
	KIT_ROWS(tc, harm_is_found, harms);
	tcase_add_test(tc, a_token_is_not_shown);
	tcase_add_test(tc, many_findings_are_counted);
	tcase_add_test(tc, a_damaged_file_is_found);
	return kit_run("ipamd/check", tc);
}
