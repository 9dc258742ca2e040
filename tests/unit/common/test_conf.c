/* SPDX-License-Identifier: Apache-2.0 */
#include "common/conf.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/common/confrig.h"
#include "tests/unit/kit.h"

/* --- what is right ---------------------------------------------------------------------------- */

/* Files that say nothing. */
static const char *const empties[] = { "", "\n", "# nothing\n", "---\n", "---\n...\n", "~\n",
	"{}\n", "flag:\nlife: ~\ntext: null\nnested:\nhosts:\n" };

START_TEST(nothing_means_defaults)
{
	struct confrig_values v = confrig_load(empties[_i]);

	ck_assert(v.flag);
	ck_assert_int_eq(v.number, 5);
	ck_assert_int_eq(v.size, 0);
	ck_assert_int_eq(v.life, 5400000);
	ck_assert_str_eq(v.text, "some");
	ck_assert_str_eq(v.path, "");
	ck_assert_str_eq(v.host, "");
	ck_assert_int_eq(v.word, 1);
	ck_assert_uint_eq(v.addr.family, 0);
	ck_assert_str_eq(PREFIX_TEXT(&v.prefix), "10.1.1.1/24");
	ck_assert_uint_eq(v.hosts.n + v.addrs.n + v.numbers.n, 0);
	ck_assert_int_eq(v.inner, 2);
	ck_assert_int_eq(v.deeper, 3);
	conf_free(&confrig_schema, &v);
	ck_assert_ptr_null(v.text);
}
END_TEST

START_TEST(every_type_is_read)
{
	struct confrig_values v = confrig_load("flag: false\n"
					      "oldNumber: -10\n"
					      "size: 20\n"
					      "life: 250ms\n"
					      "text: \"a: #b\"\n"
					      "path: /etc/x\n"
					      "host: vpn.example.org\n"
					      "word: blue\n"
					      "addr: fd00::1\n"
					      "prefix: fd00::1/64\n"
					      "hosts: [a.example, 192.0.2.1]\n"
					      "addrs:\n"
					      "  - 192.0.2.1\n"
					      "  - ::1\n"
					      "nested:\n"
					      "  inner: 7\n"
					      "  deep: {deeper: 8}\n");

	ck_assert(!v.flag);
	ck_assert_int_eq(v.number, -10);
	ck_assert_int_eq(v.size, 20);
	ck_assert_int_eq(v.life, 250);
	ck_assert_str_eq(v.text, "a: #b");
	ck_assert_str_eq(v.path, "/etc/x");
	ck_assert_str_eq(v.host, "vpn.example.org");
	ck_assert_int_eq(v.word, 2);
	ck_assert_str_eq(IP_TEXT(&v.addr), "fd00::1");
	ck_assert_str_eq(PREFIX_TEXT(&v.prefix), "fd00::1/64");
	ck_assert_uint_eq(v.hosts.n, 2);
	ck_assert_str_eq(((char **) v.hosts.items)[0], "a.example");
	ck_assert_str_eq(((char **) v.hosts.items)[1], "192.0.2.1");
	ck_assert_uint_eq(v.addrs.n, 2);
	ck_assert_str_eq(IP_TEXT((struct ip_addr *) v.addrs.items + 1), "::1");
	ck_assert_int_eq(v.inner, 7);
	ck_assert_int_eq(v.deeper, 8);
	conf_free(&confrig_schema, &v);
}
END_TEST

static const struct {
	const char *text;
	int64_t ms;
} durations[] = {
	{ "50ms", 50 },
	{ "25s", 25000 },
	{ "10m", 600000 },
	{ "1h30m", 5400000 },
	{ "7d", 604800000 },
	{ "1d2h3m4s5ms", 93784005 },
	{ "1s1s", 2000 },
};

START_TEST(a_duration_is_a_sum_of_units)
{
	char yaml[64];
	struct confrig_values v;

	snprintf(yaml, sizeof(yaml), "life: %s\n", durations[_i].text);
	v = confrig_load(yaml);
	ck_assert_int_eq(v.life, durations[_i].ms);
	ck_assert_int_eq(conf_duration_ms(durations[_i].text), durations[_i].ms);
	conf_free(&confrig_schema, &v);
}
END_TEST

static const char *const bad_durations[] = { "", "0", "25", "s", "1w", "1 s", "-1s", "1.5h", "1S",
	"1s1", "1sm", "9999999999s" };

START_TEST(what_is_no_duration_is_refused)
{
	ck_assert_int_eq(conf_duration_ms(bad_durations[_i]), -1);
}
END_TEST

/* Every pair for itself is fine. */
START_TEST(a_duration_does_not_overflow)
{
	char *text = confrig_repeat("", "999999999d", 200, "");

	ck_assert_int_eq(conf_duration_ms(text), -1);
	free(text);
}
END_TEST

/* --- what is wrong: the file, and every line that must be said about it ----------------------- */

#define TIME_RANGE "must be a time with its unit (ms, s, m, h, d) from 50ms to 7d\n"
#define NO_EXTRAS "anchors (&), aliases (*) and tags (!) are not allowed; a text that begins so " \
		  "goes in quotes\n"

static const struct {
	const char *yaml, *report;
} wrongs[] = {
	/* types */
	{ "flag: yes\n", "1:7: flag is \"yes\", but must be true or false\n" },
	{ "flag: True\n", "1:7: flag is \"True\", but must be true or false\n" },
	{ "flag: [true]\n", "1:7: flag must be a single value\n" },
	{ "flag: {a: 1, b: [2]}\nnumber: 101\n",
	    "1:7: flag must be a single value\n"
	    "2:9: number is \"101\", but must be a whole number from -10 to 100\n" },
	{ "number: -11\n", "1:9: number is \"-11\", but must be a whole number from -10 to 100\n" },
	{ "number: 1.5\n", "1:9: number is \"1.5\", but must be a whole number from -10 to 100\n" },
	{ "number: 0x10\n",
	    "1:9: number is \"0x10\", but must be a whole number from -10 to 100\n" },
	{ "number: \"\"\n", "1:9: number is \"\", but must be a whole number from -10 to 100\n" },
	{ "number: auto\n",
	    "1:9: number is \"auto\", but must be a whole number from -10 to 100\n" },
	{ "number: 99999999999999999999\n", "1:9: number is \"99999999999999999999\", but must be "
					    "a whole number from -10 to 100\n" },
	{ "size: 9\n", "1:7: size is \"9\", but must be auto or a whole number from 10 to 20\n" },
	{ "life: 49ms\n", "1:7: life is \"49ms\", but " TIME_RANGE },
	{ "life: 8d\n", "1:7: life is \"8d\", but " TIME_RANGE },
	{ "life: 10\n", "1:7: life is \"10\", but " TIME_RANGE },
	{ "text: a\n", "1:7: text is \"a\", but must have 2 to 8 characters\n" },
	{ "text: 123456789\n", "1:7: text is \"123456789\", but must have 2 to 8 characters\n" },
	{ "text: \"a\\0b\"\n", "1:7: text must be a single value\n" },
	{ "path: etc/x\n", "1:7: path is \"etc/x\", but must be an absolute path\n" },
	{ "host: a:b c\n",
	    "1:7: host is \"a:b c\", but must be an IP address or a DNS name, without a port\n" },
	{ "word: pink\n", "1:7: word is \"pink\", but must be one of red, green, blue\n" },
	{ "addr: 10.1.1.256\n",
	    "1:7: addr is \"10.1.1.256\", but must be an IPv4 or IPv6 address\n" },
	{ "prefix: 10.1.1.1\n",
	    "1:9: prefix is \"10.1.1.1\", but must be an address with its prefix "
	    "length, such as 10.1.1.1/24\n" },
	/* lists */
	{ "hosts: a\n", "1:8: hosts must be a list: [a, b]\n" },
	{ "hosts: {a: b}\n", "1:8: hosts must be a list: [a, b]\n" },
	{ "addrs: ['::1', x, ['::2'], 192.0.2.1, y]\n",
	    "1:16: addrs is \"x\", but must be an IPv4 or IPv6 address\n"
	    "1:19: addrs must be a single value\n"
	    "1:39: addrs is \"y\", but must be an IPv4 or IPv6 address\n" },
	{ "hosts:\n  - a\n  -\n", "3:4: hosts is \"\", but must have 1 to 1024 characters\n" },
	/* keys */
	{ "  flug: true\n", "1:3: unknown key \"flug\"; did you mean \"flag\"?\n" },
	{ "NUMBER: 1\n", "1:1: unknown key \"NUMBER\"; did you mean \"number\"?\n" },
	{ "zzz: 1\nflag: x\n",
	    "1:1: unknown key \"zzz\"\n2:7: flag is \"x\", but must be true or false\n" },
	{ "zzz: {flag: false, x: [1, {y: 2}]}\n", "1:1: unknown key \"zzz\"\n" },
	{ "number: 1\nflag: true\nnumber: 2\n",
	    "3:1: number is given twice; it stands at line 1 already\n" },
	{ "number: 1\noldNumber: 2\n",
	    "2:1: number is given twice; it stands at line 1 already\n" },
	{ "[a, b]: 1\n", "1:1: a key must be a word\n" },
	{ "? {a: 1}\n: 2\nflag: 1\n",
	    "1:3: a key must be a word\n3:7: flag is \"1\", but must be true or false\n" },
	{ "\"flag\\0x\": true\n", "1:1: a key must be a word\n" },
	/* nesting */
	{ "nested: 1\n", "1:9: here must stand \"key: value\" lines\n" },
	{ "nested: [1]\nflag: x\n", "1:9: here must stand \"key: value\" lines\n"
				    "2:7: flag is \"x\", but must be true or false\n" },
	{ "nested:\n  iner: 1\n  deep:\n    deeper: 10\n",
	    "2:3: unknown key \"iner\"; did you mean \"inner\"?\n"
	    "4:13: nested.deep.deeper is \"10\", but must be a whole number from 0 to 9\n" },
	{ "inner: 1\n", "1:1: unknown key \"inner\"\n" },
	{ "zzz: [[[[[[[[[[[[[[[]]]]]]]]]]]]]]]\n", "1:1: unknown key \"zzz\"\n" },
	{ "zzz: [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]\n",
	    "1:1: unknown key \"zzz\"\n1:21: nested more than 16 deep\n" },
	{ "flag: {a: {b: {c: {d: {e: {f: {g: {h: {i: {j: {k: {l: {m: {n: {o: {p: 1\n",
	    "1:7: flag must be a single value\n1:67: nested more than 16 deep\n" },
	/* the document */
	{ "just words\n", "1:1: here must stand \"key: value\" lines\n" },
	{ "- a\n- b\n", "1:1: here must stand \"key: value\" lines\n" },
	{ "flag: true\n---\nflag: false\n", "2:1: a second document; there must be only one\n" },
	/* not YAML */
	{ "flag: [true\n", "1:7: flag must be a single value\n"
			   "2:1: not valid YAML: did not find expected ',' or ']'\n" },
	{ "flag: true\n\tnumber: 1\n",
	    "2:1: not valid YAML: found a tab character that violates indentation\n" },
	{ "flag: x\nnumber: }\n", "1:7: flag is \"x\", but must be true or false\n"
				  "2:9: not valid YAML: did not find expected node content\n" },
	{ "flag: \"abc\n", "2:1: not valid YAML: found unexpected end of stream\n" },
	{ "flag: true\n# \xff\xfe\n", "2:3: not valid YAML: invalid leading UTF-8 octet\n" },
	{ "\x01", "1:1: not valid YAML: control characters are not allowed\n" },
	/* YAML that we do not want */
	{ "text: &a some\nhost: *a\n", "1:7: " NO_EXTRAS "2:7: " NO_EXTRAS },
	{ "text: !!str some\n", "1:7: " NO_EXTRAS },
	{ "nested: &n {inner: 1}\n", "1:9: " NO_EXTRAS },
	{ "hosts: &h [a]\n", "1:8: " NO_EXTRAS },
	{ "hosts: [*h]\n", "1:9: " NO_EXTRAS },
	{ "*a : 1\n", "1:1: " NO_EXTRAS },
	/* the schema's own rules: at the key's place, also when it is nested or not there */
	{ "flag: true\noldNumber: 13\n", "2:1: number is 13\n" },
	{ "nested:\n  deep: {deeper: 9}\n  inner: 9\n", "2:10: too deep\n inner without size\n" },
	/* beside other mistakes, but not of what could not be read */
	{ "text: a\nflag: true\nword: blue\n",
	    "1:7: text is \"a\", but must have 2 to 8 characters\n3:1: a blue flag\n" },
	{ "nested: {inner: x}\nflag: true\nword: blue\nnumber: 13\n",
	    "1:17: nested.inner is \"x\", but must be a whole number from 0 to 9\n3:1: a blue flag\n" },
	{ "number: 13\nflag: x\nword: blue\n",
	    "2:7: flag is \"x\", but must be true or false\n1:1: number is 13\n" },
	{ "number: 13\nflag: [\n", "2:7: flag must be a single value\n"
	    "3:1: not valid YAML: did not find expected node content\n" },
};

START_TEST(every_mistake_is_told_with_its_place)
{
	struct confrig_values v = { .number = 77 };
	struct conf_report r;
	const char *path = kit_write("bad.yml", wrongs[_i].yaml, 0600);
	char *text;

	ck_assert_int_eq(conf_load(path, &confrig_schema, &v, &r), -EINVAL);
	text = confrig_report(&r, path);
	ck_assert_str_eq(text, wrongs[_i].report);
	ck_assert_int_eq(v.number, 77);
	ck_assert_ptr_null(v.text);
	free(text);
	conf_report_free(&r);
	ck_assert_uint_eq(r.n, 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("conf");

	KIT_ROWS(tc, nothing_means_defaults, empties);
	tcase_add_test(tc, every_type_is_read);
	KIT_ROWS(tc, a_duration_is_a_sum_of_units, durations);
	KIT_ROWS(tc, what_is_no_duration_is_refused, bad_durations);
	tcase_add_test(tc, a_duration_does_not_overflow);
	KIT_ROWS(tc, every_mistake_is_told_with_its_place, wrongs);
	return kit_run("common/conf", tc);
}
