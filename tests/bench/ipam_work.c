/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ipamd does, without its socket: the same functions on a database that no daemon has open.
 *
 *     ipam_work server.yml DATABASE WHAT FIRST COUNT
 *
 * WHAT is a row of `jobs`. One number comes out, in microseconds: the mean of a part of the run, the
 * median of all parts. It is time of the processor, which other work on the machine does not change,
 * except for commits, which wait. Whatever fails ends it with status 1.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/conf_server.h"
#include "daemons/ipamd/lease.h"
#include "daemons/ipamd/ledger.h"
#include "daemons/ipamd/session.h"
#include "daemons/ipamd/store_sqlite.h"
#include "tests/bench/ipam_nodes.h"

#define PART 64		/* of one commit, or of one reading of the clock */

struct work {
	struct conf_server conf;
	struct ledger ledger;
	struct err err;
};

/* --- one of each ------------------------------------------------------------------------------ */

/* A node gets an address, and its row is committed: what every durable change costs at least. */
static int
commit_row(struct work *w, uint64_t n)
{
	struct store *st = w->ledger.store;
	struct ip_addr addr;
	struct store_node node;
	char token[IPAM_TOKEN_LEN + 1], text[IP_TEXT_MAX];
	int rc;

	ipam_token(n, token);
	snprintf(text, sizeof(text), "10.%u.%u.%u", 200 + (unsigned) (n >> 16 & 31),
	    (unsigned) (n >> 8 & 255), (unsigned) (n & 255));
	if ((rc = ip_parse(text, &addr)) < 0 ||
	    (rc = store_request(st)) < 0 ||
	    (rc = store_node_by_token(st, token, &node)) < 0 ||
	    (rc = store_node_bind(st, &node, &addr, false, clock_utc_s())) < 0 ||
	    (rc = store_accept(st)) < 0)
		return rc;
	return store_commit(st);
}

/* Its request as the service does it, but for the commit, which comes once a part. */
static int
attach(struct work *w, uint64_t n)
{
	char token[IPAM_TOKEN_LEN + 1], id[IPAM_ID_LEN + 1];
	struct lease_wish wish = { .node_token = token, .net_token = "", .cert_node_id = id };
	struct lease lease;
	int rc;

	ipam_token(n, token);
	ipam_id(n, id);
	if ((rc = ledger_request_firm(&w->ledger, clock_utc_s())) < 0)
		return rc;
	rc = ledger_answer(&w->ledger, lease_attach(&w->ledger, &wish, &lease, &w->err));
	if (rc == 0 && lease.change.victim[0] != '\0')
		fprintf(stderr, "%s\n", lease.change.victim);
	return rc;
}

/* To look for one that was reclaimed takes as long. */
static int
find_token(struct work *w, uint64_t n)
{
	char token[IPAM_TOKEN_LEN + 1];
	struct store_node node;
	int rc;

	ipam_token(n, token);
	rc = store_node_by_token(w->ledger.store, token, &node);
	return rc == -ENOENT ? 0 : rc;
}

static int
find_id(struct work *w, uint64_t n)
{
	char id[IPAM_ID_LEN + 1];
	struct store_node node;
	int rc;

	ipam_id(n, id);
	rc = store_node_by_id(w->ledger.store, id, &node);
	return rc == -ENOENT ? 0 : rc;
}

static const struct job {
	const char *name;
	int (*one)(struct work *w, uint64_t n);
	clockid_t clock;
} jobs[] = {
	{ "commit_row", commit_row, CLOCK_MONOTONIC },
	/* Says which nodes were reclaimed for it, on stderr. */
	{ "attach", attach, CLOCK_PROCESS_CPUTIME_ID },
	{ "find_token", find_token, CLOCK_PROCESS_CPUTIME_ID },
	{ "find_id", find_id, CLOCK_PROCESS_CPUTIME_ID },
};

static double
now_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

/* --- many ------------------------------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
	double x = *(const double *) a, y = *(const double *) b;

	return (x > y) - (x < y);
}

/* Nobody is connected: who is idle is known then, and may be reclaimed. */
static int
announce(struct work *w)
{
	struct session_part part = { .first = true, .last = true };
	bool gone;
	int rc = ledger_request(&w->ledger, clock_utc_s());

	if (rc == 0)
		rc = ledger_answer(&w->ledger, session_announce(&w->ledger, &part, &gone, &w->err));
	return rc == 0 ? ledger_commit(&w->ledger) : rc;
}

static int
run(struct work *w, const struct job *job, uint64_t first, uint64_t count)
{
	size_t parts = count / PART;
	double *us = calloc(parts + 1, sizeof(*us));
	int rc = us == NULL ? -ENOMEM : announce(w);

	for (size_t i = 0; i < parts && rc == 0; i++) {
		double begin = now_us(job->clock);

		for (unsigned k = 0; k < PART && rc == 0; k++)
			rc = job->one(w, first + i * PART + k);
		us[i] = (now_us(job->clock) - begin) / PART;
		if (rc == 0)
			rc = ledger_commit(&w->ledger);
	}
	if (rc == 0) {
		qsort(us, parts, sizeof(*us), compare);
		printf("%.2f\n", us[parts / 2]);
	}
	free(us);
	return rc;
}

int
main(int argc, char **argv)
{
	struct conf_report report = { 0 };
	struct work w = { .err = { .text = "" } };
	const struct job *job = NULL;
	struct store *st;
	int rc;

	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++) {
		if (argc == 6 && strcmp(jobs[i].name, argv[3]) == 0)
			job = &jobs[i];
	}
	if (job == NULL) {
		fprintf(stderr, "usage: ipam_work server.yml DATABASE WHAT FIRST COUNT\n");
		return 64;
	}
	rc = conf_load(argv[1], &conf_server_schema, &w.conf, &report);
	conf_report_print(&report, stderr);
	conf_report_free(&report);
	if (rc < 0)
		return 1;
	if ((rc = store_sqlite_open(argv[2], &st, &w.err)) == 0 &&
	    (rc = ledger_open(&w.ledger, &w.conf, st, clock_utc_s(), &w.err)) == 0)
		rc = run(&w, job, strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10));
	if (rc < 0)
		fprintf(stderr, "ipam_work: %s: %s %s\n", job->name, err_name(rc), w.err.text);
	ledger_close(&w.ledger);
	conf_free(&conf_server_schema, &w.conf);
	return rc < 0;
}
