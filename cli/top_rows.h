/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_TOP_ROWS_H
#define LV_CLI_TOP_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The rows of `top`: nodes as they were read, their rates against the reading before, in order.
 * Pure.
 */

struct top_row {
	char id[80], name[256], address[48], state[16], via[8], endpoint[64];
	bool connected;
	uint64_t rx_bytes, tx_bytes;	/* of the session */
	double rx_rate, tx_rate;	/* bytes a second; top_rows_rate */
	double round_trip_ms;		/* below 0: not known */
};

/* One reading. Zeroed: an empty one. */
struct top_rows {
	struct top_row *rows;
	size_t n;
	int64_t at_ms;	/* when it was complete, by a monotonic clock */
	double rx_rate, tx_rate;	/* of all */
};

/* Copies the row to the end. 0 or -ENOMEM. */
int top_rows_add(struct top_rows *r, const struct top_row *row);
void top_rows_fini(struct top_rows *r);

/*
 * Fills in the rates of `now` against `before`, which was read earlier; both get into the order of
 * their ids. A node that was not there, or whose counters began anew, is counted from zero.
 */
void top_rows_rate(struct top_rows *now, struct top_rows *before);

/* In which order they are shown. */
enum top_order { TOP_BY_TRAFFIC, TOP_BY_NAME, TOP_BY_ADDRESS, TOP_BY_STATE, TOP_ORDERS };
const char *top_order_name(enum top_order order);
void top_rows_sort(struct top_rows *r, enum top_order order);

size_t top_rows_connected(const struct top_rows *r);

#endif
