/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/top_rows.h"

#include <check.h>
#include <string.h>

#include "tests/unit/kit.h"

static void
add(struct top_rows *r, const char *id, const char *name, const char *address, uint64_t rx,
    uint64_t tx, bool connected)
{
	struct top_row row = { .rx_bytes = rx, .tx_bytes = tx, .connected = connected };

	strcpy(row.id, id);
	strcpy(row.name, name);
	strcpy(row.address, address);
	strcpy(row.state, connected ? "CONNECTED" : "IDLE");
	ck_assert_int_eq(top_rows_add(r, &row), 0);
}

static const struct top_row *
find(const struct top_rows *r, const char *id)
{
	for (size_t i = 0; i < r->n; i++) {
		if (strcmp(r->rows[i].id, id) == 0)
			return &r->rows[i];
	}
	ck_abort_msg("no %s", id);
}

START_TEST(rates_are_bytes_a_second)
{
	struct top_rows before = { .at_ms = 1000 }, now = { .at_ms = 3000 };

	add(&before, "b", "", "", 1000, 0, true);
	add(&before, "a", "", "", 500, 500, true);
	add(&now, "a", "", "", 500, 2500, true);
	add(&now, "b", "", "", 300, 0, true);	/* a new session */
	add(&now, "c", "", "", 2000, 0, true);	/* a new node */
	top_rows_rate(&now, &before);
	ck_assert_double_eq(find(&now, "a")->rx_rate, 0);
	ck_assert_double_eq(find(&now, "a")->tx_rate, 1000);
	ck_assert_double_eq(find(&now, "b")->rx_rate, 150);
	ck_assert_double_eq(find(&now, "c")->rx_rate, 1000);
	ck_assert_double_eq(now.rx_rate, 1150);
	ck_assert_double_eq(now.tx_rate, 1000);
	top_rows_fini(&before);
	top_rows_fini(&now);
}
END_TEST

START_TEST(the_first_reading_has_no_rates)
{
	struct top_rows before = { 0 }, now = { .at_ms = 3000 };

	add(&now, "a", "", "", 500, 500, true);
	top_rows_rate(&now, &before);
	ck_assert_double_eq(now.rx_rate, 0);
	top_rows_fini(&now);
	top_rows_rate(&now, &before);	/* nobody at all */
	top_rows_sort(&now, TOP_BY_NAME);
}
END_TEST

static const struct {
	enum top_order order;
	const char *name, *ids;
} orders[] = {
	{ TOP_BY_TRAFFIC, "traffic", "cabd" },
	{ TOP_BY_NAME, "name", "dbca" },
	{ TOP_BY_ADDRESS, "address", "abcd" },
	{ TOP_BY_STATE, "state", "bcad" },
};

START_TEST(rows_have_an_order)
{
	struct top_rows r = { 0 };
	char ids[8] = "";

	add(&r, "d", "alpha", "10.1.1.200", 0, 0, false);
	add(&r, "c", "delta", "10.1.1.10", 0, 0, true);
	add(&r, "b", "beta", "10.1.1.9", 0, 0, true);
	add(&r, "a", "gamma", "10.1.1.2", 0, 0, true);
	r.rows[1].rx_rate = 5;
	r.rows[3].tx_rate = 3;
	top_rows_sort(&r, orders[_i].order);
	for (size_t i = 0; i < r.n; i++)
		strcat(ids, r.rows[i].id);
	ck_assert_str_eq(ids, orders[_i].ids);
	ck_assert_str_eq(top_order_name(orders[_i].order), orders[_i].name);
	ck_assert_uint_eq(top_rows_connected(&r), 3);
	top_rows_fini(&r);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("top_rows");

	tcase_add_test(tc, rates_are_bytes_a_second);
	tcase_add_test(tc, the_first_reading_has_no_rates);
	KIT_ROWS(tc, rows_have_an_order, orders);
	return kit_run("top_rows", tc);
}
