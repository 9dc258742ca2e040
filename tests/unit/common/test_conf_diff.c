/* SPDX-License-Identifier: Apache-2.0 */
#include "common/conf_diff.h"

#include <check.h>
#include <string.h>

#include "common/conf_server.h"
#include "tests/unit/kit.h"

/* Two texts, and the keys in which they differ, each with a space after it. */
static const struct {
	const char *a, *b, *keys;
} rows[] = {
	{ "", "", "" },
	{ "", "port: 6441\n", "" },	/* its default */
	{ "mtu: 1280\n", "mtu: 1300\n", "mtu:0 " },
	{ "interconnection: true\n", "interconnection: true\n", "" },
	{ "log: {level: info}\n", "log: {level: debug, format: json}\n", "log.level:1 log.format:0 " },
	{ "advertise: [a.example]\n", "advertise: [a.example]\n", "" },
	{ "advertise: [a.example]\n", "advertise: [b.example]\n", "advertise:0 " },
	{ "advertise: [a.example]\n", "advertise: [a.example, b.example]\n", "advertise:0 " },
	{ "stateDir: /a\n", "stateDir: /b\n", "stateDir:0 " },
	{ "vpnAddr: 10.1.1.1/24\n", "vpnAddr: 10.1.1.1/25\n", "vpnAddr:0 " },
	{ "networks: [{name: x, address: 10.2.0.1/24}]\n",
	    "networks: [{name: x, address: 10.2.0.1/24}]\n", "" },
	{ "networks: [{name: x, address: 10.2.0.1/24}]\n",
	    "networks: [{name: y, address: 10.2.0.1/24}]\n", "networks:0 " },
	{ "networks: [{name: x, address: 10.2.0.1/24, exclude: [10.2.0.8/29]}]\n",
	    "networks: [{name: x, address: 10.2.0.1/24, exclude: [10.2.0.16/29]}]\n",
	    "networks:0 " },
};

static void
parse(const char *text, struct conf_server *out)
{
	struct conf_report report;
	int rc = conf_parse("text", text, &conf_server_schema, out, &report);

	ck_assert_msg(rc == 0, "%s", rc == 0 ? "" : report.lines[0]);
	conf_report_free(&report);
}

START_TEST(each_difference_is_told)
{
	struct conf_server a, b;
	struct conf_diff diff;
	char told[512] = "";

	parse(rows[_i].a, &a);
	parse(rows[_i].b, &b);
	conf_diff(&conf_server_schema, &a, &b, &diff);
	for (size_t i = 0; i < diff.n; i++)
		sprintf(told + strlen(told), "%s:%d ", diff.changes[i].key,
		    (int) diff.changes[i].reload);
	ck_assert_str_eq(told, rows[_i].keys);
	conf_free(&conf_server_schema, &a);
	conf_free(&conf_server_schema, &b);
}
END_TEST

/* --- a text instead of a file ----------------------------------------------------------------- */

static const struct {
	const char *text, *line;
} bad[] = {
	{ "mtu: 12\n", "text:1:6: mtu " },
	{ "mtu: [\n", "text:1:6: " },
	{ "\xff", "text:" },
	{ "- a\n", "text:1:1: " },
};

START_TEST(a_text_has_its_mistakes_told)
{
	struct conf_server c;
	struct conf_report report;

	ck_assert_int_lt(conf_parse("text", bad[_i].text, &conf_server_schema, &c, &report), 0);
	ck_assert_uint_ge(report.n, 1);
	ck_assert_msg(strncmp(report.lines[0], bad[_i].line, strlen(bad[_i].line)) == 0, "%s",
	    report.lines[0]);
	conf_report_free(&report);
}
END_TEST

START_TEST(a_text_may_not_be_endless)
{
	static char text[CONF_TEXT_MAX + 2];
	struct conf_server c;
	struct conf_report report;

	memset(text, '#', CONF_TEXT_MAX + 1);
	ck_assert_int_lt(conf_parse("text", text, &conf_server_schema, &c, &report), 0);
	conf_report_free(&report);
	text[CONF_TEXT_MAX] = '\0';
	ck_assert_int_eq(conf_parse("text", text, &conf_server_schema, &c, &report), 0);
	conf_free(&conf_server_schema, &c);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("conf_diff");

	KIT_ROWS(tc, each_difference_is_told, rows);
	KIT_ROWS(tc, a_text_has_its_mistakes_told, bad);
	tcase_add_test(tc, a_text_may_not_be_endless);
	return kit_run("conf_diff", tc);
}
