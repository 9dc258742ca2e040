/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/meter.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "common/tally.h"

#define DAEMON "ctld"
#define SLOTS (METER_METHODS_MAX + 1)	/* a power of two; the last one is for the others */
#define CODES (RPC_UNAUTHENTICATED + 1)

static const struct {
	int64_t us;
	const char *le;	/* in seconds */
} buckets[] = {
	{ 500, "0.0005" }, { 1000, "0.001" }, { 2500, "0.0025" }, { 5000, "0.005" },
	{ 10000, "0.01" }, { 25000, "0.025" }, { 50000, "0.05" }, { 100000, "0.1" },
	{ 250000, "0.25" }, { 1000000, "1" }, { 5000000, "5" },
};

#define BUCKETS (sizeof(buckets) / sizeof(buckets[0]))

static const char *const code_names[CODES] = {
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
	"ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
	"ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
	"UNAUTHENTICATED",
};

struct row {
	const char *_Atomic path;	/* of the method table: the same text has the same address */
	atomic_uint_fast64_t codes[CODES];
	atomic_uint_fast64_t took[BUCKETS + 1];	/* the last one: longer than all buckets */
	atomic_uint_fast64_t took_us;
};

struct meter {
	atomic_uint_fast64_t began, ended;
	struct tally refusals;
	struct row rows[SLOTS];
};

/* A plain load and store would do: one thread counts. */
static void
add(atomic_uint_fast64_t *n, uint64_t more)
{
	atomic_store_explicit(n, atomic_load_explicit(n, memory_order_relaxed) + more,
	    memory_order_relaxed);
}

static uint64_t
get(const atomic_uint_fast64_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

struct meter *
meter_new(void)
{
	return calloc(1, sizeof(struct meter));
}

void
meter_free(struct meter *m)
{
	free(m);
}

/* The method's own row, taken when it is called for the first time. */
static struct row *
row_of(struct meter *m, const char *path)
{
	uintptr_t hash = ((uintptr_t) path >> 3) * 0x9e3779b1u >> 8;

	for (unsigned i = 0; path != NULL && i < METER_METHODS_MAX; i++) {
		struct row *r = &m->rows[(hash + i) % METER_METHODS_MAX];

		if (r->path == NULL)
			atomic_store_explicit(&r->path, path, memory_order_release);
		if (r->path == path)
			return r;
	}
	return &m->rows[METER_METHODS_MAX];
}

void
meter_began(struct meter *m)
{
	add(&m->began, 1);
}

void
meter_ended(struct meter *m)
{
	add(&m->ended, 1);
}

void
meter_answered(struct meter *m, const char *path, enum reason result)
{
	enum rpc_code code = result == REASON_NONE ? RPC_OK : reason_rpc_code((int) result);

	add(&row_of(m, path)->codes[code], 1);
	if (result != REASON_NONE)
		tally_add(&m->refusals, (int) result);
}

void
meter_took(struct meter *m, const char *path, int64_t us)
{
	struct row *r = row_of(m, path);
	unsigned i = 0;

	while (i < BUCKETS && us > buckets[i].us)
		i++;
	add(&r->took[i], 1);
	add(&r->took_us, us < 0 ? 0 : (uint64_t) us);
}

/* --- showing ---------------------------------------------------------------------------------- */

static void
show_times(const struct row *r, const char *name, struct metrics *out)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < BUCKETS; i++) {
		n += get(&r->took[i]);
		metrics_add_part(out, METRIC_API_CALL_SECONDS, METRIC_BUCKET, name, buckets[i].le,
		    (double) n);
	}
	n += get(&r->took[BUCKETS]);
	metrics_add_part(out, METRIC_API_CALL_SECONDS, METRIC_BUCKET, name, "+Inf", (double) n);
	metrics_add_part(out, METRIC_API_CALL_SECONDS, METRIC_SUM, name, "",
	    (double) get(&r->took_us) / 1e6);
	metrics_add_part(out, METRIC_API_CALL_SECONDS, METRIC_N, name, "", (double) n);
}

static void
show_row(const struct row *r, const char *name, struct metrics *out)
{
	for (unsigned code = 0; code < CODES; code++) {
		uint64_t n = get(&r->codes[code]);

		if (n > 0)
			metrics_add(out, METRIC_API_CALLS, name, code_names[code], (double) n);
	}
	show_times(r, name, out);
}

void
meter_show(const struct meter *m, struct metrics *out)
{
	uint64_t ended = get(&m->ended), began = get(&m->began);

	for (unsigned i = 0; i < METER_METHODS_MAX; i++) {
		const char *path = atomic_load_explicit(&m->rows[i].path, memory_order_acquire);

		if (path != NULL)
			show_row(&m->rows[i], path + 1, out);
	}
	show_row(&m->rows[METER_METHODS_MAX], "other", out);
	metrics_add(out, METRIC_API_CALLS_UNDER_WAY, "", "", (double) (began - ended));
	tally_show(&m->refusals, DAEMON, out);
}
