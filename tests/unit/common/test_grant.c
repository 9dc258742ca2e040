/* SPDX-License-Identifier: Apache-2.0 */
#include "common/grant.h"

#include <check.h>
#include <string.h>

#include "common/reason.h"
#include "common/secret.h"
#include "tests/unit/kit.h"

#define NOW 1800000000

static uint8_t private[GRANT_KEY_LEN], public[GRANT_KEY_LEN];

static struct grant
sample(void)
{
	struct grant g = {
		.pki = GRANT_PKI_VPN,
		.node_id = "n-0123456789abcdef",
		.not_after = NOW + 86400,
		.expires = NOW + GRANT_LIFE_S,
	};

	secret_random(g.spki, sizeof(g.spki));
	secret_random(g.id, sizeof(g.id));
	return g;
}

static void
make_keys(void)
{
	ck_assert_int_eq(grant_key_new(private, public), 0);
}

START_TEST(a_grant_survives_the_way)
{
	struct grant g = sample(), back;
	uint8_t wire[GRANT_WIRE_LEN];
	struct err e = { 0 };

	if (_i == 1)	/* the longest name */
		memset(g.node_id, 'x', PKI_ID_MAX);
	if (_i == 2)
		g.pki = GRANT_PKI_GRPC;
	ck_assert_int_eq(grant_sign(&g, private, wire), 0);
	ck_assert_msg(grant_verify(wire, sizeof(wire), public, NOW, &back, &e) == 0, "%s", e.text);
	ck_assert_int_eq(back.pki, g.pki);
	ck_assert_str_eq(back.node_id, g.node_id);
	ck_assert_mem_eq(back.spki, g.spki, sizeof(g.spki));
	ck_assert_mem_eq(back.id, g.id, sizeof(g.id));
	ck_assert_int_eq(back.not_after, g.not_after);
	ck_assert_int_eq(back.expires, g.expires);
}
END_TEST

static void
must_refuse(const void *wire, size_t len, const uint8_t *key, int64_t now)
{
	struct grant g = { .not_after = 77 };
	struct err e = { 0 };

	ck_assert_int_eq(grant_verify(wire, len, key, now, &g, &e), -REASON_GRANT_REFUSED);
	ck_assert_uint_gt(strlen(e.text), 0);
	ck_assert_int_eq(g.not_after, 77);
}

START_TEST(each_flipped_bit_is_refused)
{
	struct grant g = sample();
	uint8_t wire[GRANT_WIRE_LEN];

	ck_assert_int_eq(grant_sign(&g, private, wire), 0);
	for (size_t bit = 0; bit < 8 * sizeof(wire); bit++) {
		wire[bit / 8] ^= (uint8_t) (1 << bit % 8);
		must_refuse(wire, sizeof(wire), public, NOW);
		wire[bit / 8] ^= (uint8_t) (1 << bit % 8);
	}
}
END_TEST

START_TEST(each_other_length_is_refused)
{
	struct grant g = sample();
	uint8_t wire[GRANT_WIRE_LEN + 1] = { 0 };

	ck_assert_int_eq(grant_sign(&g, private, wire), 0);
	for (size_t len = 0; len <= sizeof(wire); len++) {
		if (len != GRANT_WIRE_LEN)
			must_refuse(wire, len, public, NOW);
	}
}
END_TEST

START_TEST(another_key_is_refused)
{
	uint8_t other_private[GRANT_KEY_LEN], other_public[GRANT_KEY_LEN], wire[GRANT_WIRE_LEN];
	struct grant g = sample();

	ck_assert_int_eq(grant_key_new(other_private, other_public), 0);
	ck_assert_int_eq(grant_sign(&g, other_private, wire), 0);
	must_refuse(wire, sizeof(wire), public, NOW);
	ck_assert_int_eq(grant_key_public(other_private, public), 0);
	ck_assert_mem_eq(public, other_public, sizeof(public));
}
END_TEST

static const struct {
	int64_t expires, now;
	bool good;
} times[] = {
	{ NOW + 1, NOW, true },
	{ NOW + GRANT_LIFE_S, NOW, true },
	{ NOW, NOW, false },
	{ NOW - 1, NOW, false },
	{ NOW + GRANT_LIFE_S + 1, NOW, false },
	{ INT64_MAX, NOW, false },
	{ INT64_MIN, NOW, false },
	{ 0, NOW, false },
};

START_TEST(a_grant_has_its_minute)
{
	struct grant g = sample(), back;
	uint8_t wire[GRANT_WIRE_LEN];
	struct err e;

	g.expires = times[_i].expires;
	ck_assert_int_eq(grant_sign(&g, private, wire), 0);
	if (times[_i].good)
		ck_assert_int_eq(grant_verify(wire, sizeof(wire), public, times[_i].now, &back, &e),
		    0);
	else
		must_refuse(wire, sizeof(wire), public, times[_i].now);
}
END_TEST

/* Signed by the right key, and still not sensible. */
START_TEST(senseless_fields_are_refused)
{
	struct grant g = sample();
	uint8_t wire[GRANT_WIRE_LEN];

	g.pki = (enum grant_pki) 3;
	ck_assert_int_eq(grant_sign(&g, private, wire), 0);
	must_refuse(wire, sizeof(wire), public, NOW);
	g = sample();
	g.node_id[0] = '\0';
	ck_assert_int_eq(grant_sign(&g, private, wire), 0);
	must_refuse(wire, sizeof(wire), public, NOW);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("grant");

	tcase_add_checked_fixture(tc, make_keys, NULL);
	tcase_add_loop_test(tc, a_grant_survives_the_way, 0, 3);
	tcase_add_test(tc, each_flipped_bit_is_refused);
	tcase_add_test(tc, each_other_length_is_refused);
	tcase_add_test(tc, another_key_is_refused);
	KIT_ROWS(tc, a_grant_has_its_minute, times);
	tcase_add_test(tc, senseless_fields_are_refused);
	return kit_run("common/grant", tc);
}
