/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/fields.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/kit.h"

/* Fields that are read for a call which only writes down what it is told. */

struct call {
	struct caller caller;
	char about[CALL_ABOUT_MAX], field[32];
	bool rehearses;
};

/* --- in the place of call.c ------------------------------------------------------------------- */

const struct caller *
call_caller(const struct call *c)
{
	return &c->caller;
}

void
call_about(struct call *c, const char *name)
{
	snprintf(c->about, sizeof(c->about), "%s", name);
}

void
call_rehearses(struct call *c)
{
	c->rehearses = true;
}

void
call_fail_field(struct call *c, const char *field, const char *detail)
{
	ck_assert_str_eq(c->field, "");	/* once */
	ck_assert_str_ne(detail, "");
	snprintf(c->field, sizeof(c->field), "%s", field);
}

/* --- names ------------------------------------------------------------------------------------ */

#define ID64 "0123456789012345678901234567890123456789012345678901234567890123"

static const struct {
	const char *name, *id;	/* NULL: refused */
} names[] = {
	{ "nodes/n-1", "n-1" },
	{ "nodes/" ID64, ID64 },
	{ "nodes/" ID64 "4", NULL },
	{ "", NULL },
	{ "nodes/", NULL },
	{ "nodes", NULL },
	{ "n-1", NULL },
	{ "tokens/n-1", NULL },
	{ "nodes/n-1/x", NULL },
	{ "nodes/../n-1", NULL },
	{ "nodes/n 1", NULL },
	{ "nodes/\xff", NULL },
	{ "Nodes/n-1", NULL },
};

START_TEST(a_name_is_of_its_collection)
{
	char id[PKI_ID_MAX + 1] = "untouched";
	struct call c = { 0 };

	ck_assert(fields_name(&c, "nodes", names[_i].name, id) == (names[_i].id != NULL));
	ck_assert_str_eq(id, names[_i].id == NULL ? "untouched" : names[_i].id);
	ck_assert_str_eq(c.field, names[_i].id == NULL ? "name" : "");
	ck_assert_str_eq(c.about, names[_i].id == NULL ? "" : names[_i].name);
}
END_TEST

static const struct {
	const char *name, *id;
} networks[] = {
	{ "", "" },
	{ "networks/lab", "lab" },
	{ "lab", NULL },
	{ "nodes/lab", NULL },
	{ "networks/", NULL },
};

START_TEST(a_network_may_be_left_out)
{
	char id[PKI_ID_MAX + 1] = "untouched";
	struct call c = { 0 };

	ck_assert(fields_network(&c, "filter.network", networks[_i].name, id) ==
	    (networks[_i].id != NULL));
	ck_assert_str_eq(id, networks[_i].id == NULL ? "untouched" : networks[_i].id);
	ck_assert_str_eq(c.field, networks[_i].id == NULL ? "filter.network" : "");
}
END_TEST

/* --- pages ------------------------------------------------------------------------------------ */

static const struct {
	int32_t size;
	const char *token, *field;	/* which is refused; "": none */
	struct fields_page want;
} pages[] = {
	{ 0, "", "", { FIELDS_PAGE_DEFAULT, 0 } },
	{ 1, "", "", { 1, 0 } },
	{ INT32_MAX, "", "", { IPAM_PAGE_MAX, 0 } },
	{ IPAM_PAGE_MAX, "", "", { IPAM_PAGE_MAX, 0 } },
	{ -1, "", "page_size", { 0, 0 } },
	{ INT32_MIN, "", "page_size", { 0, 0 } },
	{ 1, "nonsense", "page_token", { 0, 0 } },
	{ 1, "-1", "page_token", { 0, 0 } },
};

START_TEST(a_page_has_its_bounds)
{
	struct fields_page page = { 77, 77 };
	struct call c = { 0 };
	bool good = pages[_i].field[0] == '\0';

	ck_assert(fields_page(&c, pages[_i].size, pages[_i].token, &page) == good);
	ck_assert_str_eq(c.field, pages[_i].field);
	ck_assert_uint_eq(page.size, good ? pages[_i].want.size : 77);
	ck_assert_uint_eq(page.after, good ? pages[_i].want.after : 77);
}
END_TEST

/* --- once ------------------------------------------------------------------------------------- */

static const struct {
	const char *key, *request_id, *want;	/* NULL: refused */
} ids[] = {
	{ "", "", "" },
	{ "", "a-1_B.c:d", "local:a-1_B.c:d" },
	{ "0123456789abcdef", "x", "0123456789abcdef:x" },
	{ "", ID64, "local:" ID64 },
	{ "", ID64 "4", NULL },
	{ "", "with space", NULL },
	{ "", "a/b", NULL },
	{ "", "\xc3\xbc", NULL },
};

START_TEST(a_request_id_is_of_its_caller)
{
	struct ipam_once once = { .request_id = "untouched" };
	struct call c = { 0 };

	strcpy(c.caller.key, ids[_i].key);
	ck_assert(fields_once(&c, ids[_i].request_id, false, &once) == (ids[_i].want != NULL));
	ck_assert_str_eq(once.request_id, ids[_i].want == NULL ? "untouched" : ids[_i].want);
	ck_assert_str_eq(c.field, ids[_i].want == NULL ? "request_id" : "");
	ck_assert(!c.rehearses && !once.validate_only);
}
END_TEST

START_TEST(a_rehearsal_is_known_as_one)
{
	struct ipam_once once;
	struct call c = { 0 };

	ck_assert(fields_once(&c, "", true, &once));
	ck_assert(once.validate_only && c.rehearses);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("fields");

	KIT_ROWS(tc, a_name_is_of_its_collection, names);
	KIT_ROWS(tc, a_network_may_be_left_out, networks);
	KIT_ROWS(tc, a_page_has_its_bounds, pages);
	KIT_ROWS(tc, a_request_id_is_of_its_caller, ids);
	tcase_add_test(tc, a_rehearsal_is_known_as_one);
	return kit_run("ctld/fields", tc);
}
