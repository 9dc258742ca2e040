/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/pool.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "tests/unit/kit.h"

static struct ip_addr
addr(const char *text)
{
	struct ip_addr a = { 0 };

	ck_assert_msg(ip_parse(text, &a) == 0, "%s", text);
	return a;
}

static struct ip_prefix
prefix(const char *text)
{
	struct ip_prefix p = { 0 };

	ck_assert_msg(ip_prefix_parse(text, &p) == 0, "%s", text);
	return p;
}

static struct pool *
make(const char *server, const char *exclude)
{
	struct ip_prefix s = prefix(server), x = prefix(exclude == NULL ? "0.0.0.0/32" : exclude);
	struct pool *p = NULL;

	ck_assert_int_eq(pool_new(&s, &x, exclude == NULL ? 0 : 1, &p), 0);
	return p;
}

/* --- every usable address, once --------------------------------------------------------------- */

static const struct {
	const char *server, *exclude;
	uint64_t size;
	const char *first, *last;	/* in order of giving */
	const char *never[5];
} nets[] = {
	{ "10.1.1.1/30", NULL, 1, "10.1.1.2", "10.1.1.2", { "10.1.1.0", "10.1.1.1", "10.1.1.3" } },
	{ "10.1.1.2/30", NULL, 1, "10.1.1.1", "10.1.1.1", { "10.1.1.0", "10.1.1.2", "10.1.1.3" } },
	{ "10.1.1.1/29", NULL, 5, "10.1.1.2", "10.1.1.6", { "10.1.1.0", "10.1.1.7", "10.1.1.8" } },
	{ "10.1.1.1/24", NULL, 253, "10.1.1.2", "10.1.1.254", { "10.1.1.255", "10.1.2.1" } },
	{ "10.1.1.77/26", NULL, 61, "10.1.1.65", "10.1.1.126", { "10.1.1.64", "10.1.1.77",
	    "10.1.1.127", "10.1.1.128" } },
	{ "10.1.1.1/24", "10.1.1.0/28", 239, "10.1.1.16", "10.1.1.254", { "10.1.1.2",
	    "10.1.1.15" } },
	{ "10.1.1.1/24", "10.1.1.254/32", 252, "10.1.1.2", "10.1.1.253", { "10.1.1.254" } },
	{ "10.1.1.1/24", "10.1.1.200/25", 126, "10.1.1.2", "10.1.1.127", { "10.1.1.128",
	    "10.1.1.200" } },
	{ "10.1.1.1/24", "10.2.0.0/16", 253, "10.1.1.2", "10.1.1.254", { "10.2.0.1" } },
	{ "10.1.0.1/16", NULL, 65533, "10.1.0.2", "10.1.255.254", { "10.1.255.255", "10.2.0.0" } },
	{ "fd00::1/112", NULL, 65534, "fd00::2", "fd00::ffff", { "fd00::", "fd00::1",
	    "fd00::1:0" } },
	{ "fd00::1/112", "fd00::8000/113", 32766, "fd00::2", "fd00::7fff", { "fd00::8000" } },
};

START_TEST(every_address_is_given_once)
{
	struct pool *p = make(nets[_i].server, nets[_i].exclude);
	struct ip_addr a, last = { 0 }, first = addr(nets[_i].first), end = addr(nets[_i].last);
	uint64_t n = 0;

	ck_assert_uint_eq(pool_size(p), nets[_i].size);
	while (pool_next(p, &a) == 0) {
		if (n++ == 0)
			ck_assert_msg(ip_equal(&a, &first), "%s", IP_TEXT(&a));
		else
			ck_assert_msg(memcmp(last.b, a.b, sizeof(a.b)) < 0, "%s", IP_TEXT(&a));
		ck_assert(pool_usable(p, &a) && !pool_taken(p, &a));
		ck_assert(pool_mark(p, &a));
		ck_assert(pool_taken(p, &a) && !pool_mark(p, &a));
		last = a;
	}
	ck_assert_uint_eq(n, nets[_i].size);
	ck_assert_uint_eq(pool_used(p), n);
	ck_assert_msg(ip_equal(&last, &end), "%s", IP_TEXT(&last));
	ck_assert_int_eq(pool_next(p, &a), -REASON_POOL_EXHAUSTED);
	ck_assert_msg(ip_equal(&a, &last), "written on failure");
	pool_free(p);
}
END_TEST

START_TEST(what_is_never_given_stays_so)
{
	struct pool *p = make(nets[_i].server, nets[_i].exclude);

	for (unsigned i = 0; i < 5 && nets[_i].never[i] != NULL; i++) {
		struct ip_addr a = addr(nets[_i].never[i]);

		ck_assert_msg(!pool_usable(p, &a), "%s", nets[_i].never[i]);
		ck_assert(!pool_taken(p, &a));
		ck_assert(!pool_mark(p, &a));
		ck_assert(!pool_unmark(p, &a));
	}
	ck_assert_uint_eq(pool_used(p), 0);
	pool_free(p);
}
END_TEST

/* All of it but the last /16, so that the test need not count to 2^24. */
static const char *const all_but_the_end[] = { "10.0.0.0/9", "10.128.0.0/10", "10.192.0.0/11",
	"10.224.0.0/12", "10.240.0.0/13", "10.248.0.0/14", "10.252.0.0/15", "10.254.0.0/16" };

static const struct {
	const char *server, *exclude, *first, *last;	/* first NULL: there is none */
} ends[] = {
	{ "10.1.1.1/24", NULL, "10.1.1.2", "10.1.1.254" },
	{ "10.1.1.9/24", NULL, "10.1.1.1", "10.1.1.254" },
	{ "10.1.1.254/24", NULL, "10.1.1.1", "10.1.1.253" },
	{ "10.1.1.1/30", NULL, "10.1.1.2", "10.1.1.2" },
	{ "10.1.1.1/30", "10.1.1.2/32", NULL, NULL },
	{ "10.1.1.1/24", "10.1.1.0/25", "10.1.1.128", "10.1.1.254" },
	{ "10.1.1.1/24", "10.1.1.128/25", "10.1.1.2", "10.1.1.127" },
	{ "fd00::1/112", NULL, "fd00::2", "fd00::ffff" },
};

START_TEST(a_pool_has_ends)
{
	struct ip_addr first = { 0 }, last = { 0 };
	struct ip_prefix server, exclude;
	struct pool *p;

	ck_assert_int_eq(ip_prefix_parse(ends[_i].server, &server), 0);
	if (ends[_i].exclude != NULL)
		ck_assert_int_eq(ip_prefix_parse(ends[_i].exclude, &exclude), 0);
	ck_assert_int_eq(pool_new(&server, &exclude, ends[_i].exclude != NULL, &p), 0);
	ck_assert_int_eq(pool_ends(p, &first, &last), ends[_i].first != NULL);
	if (ends[_i].first != NULL) {
		ck_assert_str_eq(IP_TEXT(&first), ends[_i].first);
		ck_assert_str_eq(IP_TEXT(&last), ends[_i].last);
		pool_mark(p, &first);	/* what is taken does not count */
		ck_assert(pool_ends(p, &first, &last));
		ck_assert_str_eq(IP_TEXT(&first), ends[_i].first);
	}
	pool_free(p);
}
END_TEST

START_TEST(the_largest_network_is_used_to_its_end)
{
	struct ip_prefix server = prefix("10.0.0.1/8"), x[8];
	struct ip_addr a, middle = addr("10.255.128.0");
	struct pool *p;
	uint64_t n = 0;

	for (unsigned i = 0; i < 8; i++)
		x[i] = prefix(all_but_the_end[i]);
	ck_assert_int_eq(pool_new(&server, NULL, 0, &p), 0);
	ck_assert_uint_eq(pool_size(p), (1u << 24) - 3);
	pool_free(p);
	ck_assert_int_eq(pool_new(&server, x, 8, &p), 0);
	ck_assert_uint_eq(pool_size(p), 65535);
	for (; pool_next(p, &a) == 0; n++)
		ck_assert(pool_mark(p, &a));
	ck_assert_uint_eq(n, 65535);
	ck_assert_str_eq(IP_TEXT(&a), "10.255.255.254");
	ck_assert(pool_unmark(p, &middle));
	ck_assert_int_eq(pool_next(p, &a), 0);
	ck_assert(ip_equal(&a, &middle));
	pool_free(p);
}
END_TEST

START_TEST(a_wide_ipv6_network_is_used_from_its_start)
{
	struct pool *p = make("fd00::1/64", "fd00::/120");
	struct ip_addr a, past = addr("fd00::100:0"), inside = addr("fd00::ff:ffff");

	ck_assert_uint_eq(pool_size(p), (1u << 24) - 256);
	ck_assert_int_eq(pool_next(p, &a), 0);
	ck_assert_str_eq(IP_TEXT(&a), "fd00::100");
	ck_assert(!pool_usable(p, &past));
	ck_assert(pool_mark(p, &inside));
	pool_free(p);
}
END_TEST

START_TEST(a_server_past_the_used_part_does_no_harm)
{
	struct pool *p = make("fd00::ffff:ffff:1/64", NULL);

	ck_assert_uint_eq(pool_size(p), (1u << 24) - 1);
	pool_free(p);
}
END_TEST

static const char *const bad[] = { "10.1.1.1/31", "10.1.1.1/32", "10.0.0.1/7", "fd00::1/63",
	"fd00::1/113" };

START_TEST(other_lengths_are_refused)
{
	struct ip_prefix s = prefix(bad[_i]);
	struct pool *p = NULL;

	ck_assert_int_eq(pool_new(&s, NULL, 0, &p), -EINVAL);
	ck_assert_ptr_null(p);
}
END_TEST

START_TEST(exclusions_may_overlap)
{
	struct ip_prefix s = prefix("10.1.1.1/24"), x[] = { prefix("10.1.1.0/28"),
		prefix("10.1.1.8/29"), prefix("10.1.1.1/32"), prefix("0.0.0.0/0") };
	struct pool *p;
	struct ip_addr a;

	ck_assert_int_eq(pool_new(&s, x, 3, &p), 0);
	ck_assert_uint_eq(pool_size(p), 239);
	pool_free(p);
	ck_assert_int_eq(pool_new(&s, x, 4, &p), 0);
	ck_assert_uint_eq(pool_size(p), 0);
	ck_assert_int_eq(pool_next(p, &a), -REASON_POOL_EXHAUSTED);
	pool_free(p);
}
END_TEST

/* --- against a model -------------------------------------------------------------------------- */

#define STEPS 100000

static const struct {
	const char *server, *exclude;
	unsigned n;
	unsigned frees;		/* of 16 steps: how full it gets */
	unsigned seed;
} models[] = {
	{ "10.1.1.1/29", NULL, 8, 7, 1 },
	{ "10.1.1.5/26", "10.1.1.32/28", 64, 8, 2 },
	{ "10.1.1.9/24", "10.1.1.64/26", 256, 6, 3 },
	{ "10.1.0.1/20", "10.1.8.0/22", 4096, 5, 4 },
	{ "fd00::1/112", "fd00::100/120", 65536, 4, 5 },
};

struct model {
	struct ip_prefix net;
	unsigned n, used;
	char *state;	/* f free, t taken, x never given */
};

static struct model
model_new(unsigned row)
{
	struct ip_prefix s = prefix(models[row].server), x = { 0 };
	struct model m = { ip_prefix_network(&s), models[row].n, 0, calloc(models[row].n, 1) };

	if (models[row].exclude != NULL)
		x = prefix(models[row].exclude);
	for (unsigned i = 0; i < m.n; i++) {
		struct ip_addr a = ip_prefix_at(&m.net, i);

		m.state[i] = i == 0 || ip_equal(&a, &s.addr) ||
		    (a.family == AF_INET && i == m.n - 1) ||
		    (x.addr.family != 0 && ip_prefix_contains(&x, &a)) ? 'x' : 'f';
	}
	return m;
}

static void
step(struct pool *p, struct model *m, unsigned frees)
{
	struct ip_addr a = { 0 };
	unsigned i = (unsigned) rand() % m->n;
	bool give = (unsigned) rand() % 16 >= frees;

	if (give && rand() % 2 == 0) {	/* the next one */
		for (i = 0; i < m->n && m->state[i] != 'f';)
			i++;
		ck_assert_int_eq(pool_next(p, &a), i < m->n ? 0 : -REASON_POOL_EXHAUSTED);
		if (i == m->n)
			return;
		ck_assert_uint_eq(ip_prefix_index(&m->net, &a), i);
	} else {
		a = ip_prefix_at(&m->net, i);
	}
	ck_assert(pool_usable(p, &a) == (m->state[i] != 'x'));
	ck_assert(pool_taken(p, &a) == (m->state[i] == 't'));
	if (give) {
		ck_assert(pool_mark(p, &a) == (m->state[i] == 'f'));
		m->used += m->state[i] == 'f';
		m->state[i] = m->state[i] == 'f' ? 't' : m->state[i];
	} else {
		ck_assert(pool_unmark(p, &a) == (m->state[i] == 't'));
		m->used -= m->state[i] == 't';
		m->state[i] = m->state[i] == 't' ? 'f' : m->state[i];
	}
	ck_assert_uint_eq(pool_used(p), m->used);
}

START_TEST(it_does_what_an_array_would_do)
{
	struct pool *p = make(models[_i].server, models[_i].exclude);
	struct model m = model_new((unsigned) _i);

	srand(models[_i].seed);
	for (unsigned i = 0; i < STEPS / (1 + models[_i].n / 1024); i++)
		step(p, &m, models[_i].frees);
	free(m.state);
	pool_free(p);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("pool");

	tcase_set_timeout(tc, 60);
	KIT_ROWS(tc, every_address_is_given_once, nets);
	KIT_ROWS(tc, what_is_never_given_stays_so, nets);
	KIT_ROWS(tc, a_pool_has_ends, ends);
	tcase_add_test(tc, the_largest_network_is_used_to_its_end);
	tcase_add_test(tc, a_wide_ipv6_network_is_used_from_its_start);
	tcase_add_test(tc, a_server_past_the_used_part_does_no_harm);
	KIT_ROWS(tc, other_lengths_are_refused, bad);
	tcase_add_test(tc, exclusions_may_overlap);
	KIT_ROWS(tc, it_does_what_an_array_would_do, models);
	return kit_run("ipamd/pool", tc);
}
