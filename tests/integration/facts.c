/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/integration/facts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the file --------------------------------------------------------------------------------- */

static bool
read_rows(struct facts *f, FILE *in)
{
	unsigned state;

	if (fscanf(in, "%" SCNu64 " %" SCNu64 " %63s", &f->epoch, &f->revision, f->bootstrap) != 3)
		return false;
	while (f->n < FACTS_MAX) {
		struct fact *x = &f->rows[f->n];

		if (fscanf(in, "%u %63s %63s %63s", &state, x->id, x->token, x->address) != 4)
			return feof(in) != 0;
		x->state = state;
		f->n++;
	}
	return true;
}

int
facts_read(struct facts *f, const char *path)
{
	FILE *in = fopen(path, "r");
	bool ok;

	*f = (struct facts){ .bootstrap = "-" };
	if ((f->rows = calloc(FACTS_MAX, sizeof(*f->rows))) == NULL)
		return -ENOMEM;
	if (in == NULL)
		return errno == ENOENT ? 0 : -errno;
	ok = read_rows(f, in);
	fclose(in);
	return ok ? 0 : -EBADMSG;
}

int
facts_write(const struct facts *f, const char *path)
{
	FILE *out = fopen(path, "w");

	if (out == NULL)
		return -errno;
	fprintf(out, "%" PRIu64 " %" PRIu64 " %s\n", f->epoch, f->revision, f->bootstrap);
	for (size_t i = 0; i < f->n; i++)
		fprintf(out, "%u %s %s %s\n", f->rows[i].state, f->rows[i].id, f->rows[i].token,
		    f->rows[i].address);
	return fclose(out) == 0 ? 0 : -EIO;
}

void
facts_free(struct facts *f)
{
	free(f->rows);
}

/* --- comparing -------------------------------------------------------------------------------- */

void
facts_lie(struct facts *f, const char *fmt, ...)
{
	va_list ap;

	f->lies++;
	va_start(ap, fmt);
	fprintf(stderr, "LIE: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
}

/* Two nodes with one address: found by whoever of both is known. */
static void
look_for_twins(struct facts *f, const struct fact *x)
{
	for (size_t i = 0; i < f->n; i++) {
		const struct fact *y = &f->rows[i];

		if (y != x && y->listed && x->address[0] != '-' &&
		    strcmp(x->address, y->address) == 0)
			facts_lie(f, "%s and %s have the address %s", x->id, y->id, x->address);
	}
}

void
facts_node(struct facts *f, const char *name, const char *id, const char *address)
{
	size_t n = name[0] == 'k' ? strtoul(name + 1, NULL, 10) : f->n;
	struct fact *x = n < f->n ? &f->rows[n] : NULL;

	if (address[0] == '\0')
		address = "-";
	if (x == NULL || x->listed) {
		facts_lie(f, "node %s (%s) was asked for by nobody", id, name);
		return;
	}
	x->listed = true;
	if (x->state == FACT_NONE || x->state == FACT_TAKEN || x->state == FACT_GONE)
		facts_lie(f, "node %s (%s) should be gone", id, name);
	else if (x->id[0] != '-' && strcmp(x->id, id) != 0)
		facts_lie(f, "node %s has become %s", x->id, id);
	else if (x->address[0] != '-' && strcmp(x->address, address) != 0)
		facts_lie(f, "node %s has %s, not %s", id, address, x->address);
	snprintf(x->id, sizeof(x->id), "%s", id);
	snprintf(x->address, sizeof(x->address), "%s", address);
	look_for_twins(f, x);
}

void
facts_event(struct facts *f, uint64_t revision, bool reclaim, const char *id)
{
	if (revision != f->revision + 1)
		facts_lie(f, "after event %" PRIu64 " comes %" PRIu64, f->revision, revision);
	f->revision = revision;
	for (size_t i = 0; reclaim && i < f->n; i++) {
		if (strcmp(f->rows[i].id, id) == 0)
			f->rows[i].reclaimed = true;
	}
}

/* What it is now, after ipamd has said all. */
static enum fact_state
settle(struct facts *f, const struct fact *x)
{
	switch (x->state) {
	case FACT_THERE:
		if (!x->listed && !x->reclaimed)
			facts_lie(f, "node %s with %s is lost", x->id, x->address);
		return x->listed ? FACT_THERE : FACT_GONE;
	case FACT_LEAVING:
		return x->listed ? FACT_THERE : FACT_GONE;
	case FACT_TAKEN:
		if (!x->reclaimed)
			facts_lie(f, "node %s was told that it was reclaimed", x->id);
		return FACT_GONE;
	default:
		return x->state;
	}
}

void
facts_compare(struct facts *f)
{
	for (size_t i = 0; i < f->n; i++) {
		f->rows[i].state = settle(f, &f->rows[i]);
		f->rows[i].listed = f->rows[i].reclaimed = false;
	}
}
