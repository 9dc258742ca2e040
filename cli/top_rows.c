/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/top_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
top_rows_add(struct top_rows *r, const struct top_row *row)
{
	struct top_row *more = reallocarray(r->rows, r->n + 1, sizeof(*more));

	if (more == NULL)
		return -ENOMEM;
	r->rows = more;
	r->rows[r->n++] = *row;
	return 0;
}

void
top_rows_fini(struct top_rows *r)
{
	free(r->rows);
	*r = (struct top_rows){ 0 };
}

/* --- rates ------------------------------------------------------------------------------------ */

static int
by_id(const void *a, const void *b)
{
	return strcmp(((const struct top_row *) a)->id, ((const struct top_row *) b)->id);
}

static void
sort(struct top_rows *r, int (*compare)(const void *, const void *))
{
	if (r->n > 0)
		qsort(r->rows, r->n, sizeof(*r->rows), compare);
}

static double
rate(uint64_t now, uint64_t before, double seconds)
{
	return (double) (now >= before ? now - before : now) / seconds;
}

void
top_rows_rate(struct top_rows *now, struct top_rows *before)
{
	double seconds = (double) (now->at_ms - before->at_ms) / 1000;
	static const struct top_row none;

	sort(now, by_id);
	sort(before, by_id);
	now->rx_rate = now->tx_rate = 0;
	for (size_t i = 0; i < now->n && before->at_ms > 0 && seconds > 0; i++) {
		struct top_row *row = &now->rows[i];
		const struct top_row *was = before->n == 0 ? NULL
		    : bsearch(row, before->rows, before->n, sizeof(*row), by_id);

		if (was == NULL)
			was = &none;
		row->rx_rate = rate(row->rx_bytes, was->rx_bytes, seconds);
		row->tx_rate = rate(row->tx_bytes, was->tx_bytes, seconds);
		now->rx_rate += row->rx_rate;
		now->tx_rate += row->tx_rate;
	}
}

/* --- order ------------------------------------------------------------------------------------ */

static int
by_name(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	int d = strcmp(x->name, y->name);

	return d != 0 ? d : by_id(a, b);
}

static int
by_traffic(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	double dx = x->rx_rate + x->tx_rate, dy = y->rx_rate + y->tx_rate;

	if (dx != dy)
		return dx > dy ? -1 : 1;
	if (x->connected != y->connected)
		return x->connected ? -1 : 1;
	return by_name(a, b);
}

/* Digits count as numbers: 10.1.1.9 comes before 10.1.1.10. */
static int
by_address(const void *a, const void *b)
{
	int d = strverscmp(((const struct top_row *) a)->address,
	    ((const struct top_row *) b)->address);

	return d != 0 ? d : by_id(a, b);
}

static int
by_state(const void *a, const void *b)
{
	int d = strcmp(((const struct top_row *) a)->state, ((const struct top_row *) b)->state);

	return d != 0 ? d : by_name(a, b);
}

static const struct {
	const char *name;
	int (*compare)(const void *, const void *);
} orders[TOP_ORDERS] = {
	[TOP_BY_TRAFFIC] = { "traffic", by_traffic },
	[TOP_BY_NAME] = { "name", by_name },
	[TOP_BY_ADDRESS] = { "address", by_address },
	[TOP_BY_STATE] = { "state", by_state },
};

const char *
top_order_name(enum top_order order)
{
	return orders[order].name;
}

void
top_rows_sort(struct top_rows *r, enum top_order order)
{
	sort(r, orders[order].compare);
}

size_t
top_rows_connected(const struct top_rows *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->rows[i].connected;
	return n;
}
