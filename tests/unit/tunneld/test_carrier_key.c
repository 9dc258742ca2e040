/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/carrier_key.h"

#include <check.h>
#include <stdlib.h>

#include "daemons/tunneld/control.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/graves.h"

/* The two ends of a session, without keys: only which worker its packets come to. */
struct pair {
	struct sa_table tables[2];
	struct carrier *server, *node;
	uint32_t spis[CONTROL_SPIS_MAX];	/* the node's, by lane of the server */
	unsigned n;
};

static void
pair_make(struct pair *p, unsigned nserver, unsigned nnode, unsigned first_server,
    unsigned first_node)
{
	sa_table_init(&p->tables[0], graves_new());
	sa_table_init(&p->tables[1], p->tables[0].grave);
	ck_assert_int_eq(carrier_new(&p->tables[0], nserver, nnode, first_server, &p->server), 0);
	/* A node does not know yet how many workers the server has. */
	ck_assert_int_eq(carrier_new(&p->tables[1], nnode, CONTROL_WORKERS_MAX, first_node,
	    &p->node), 0);
	p->n = nserver;
	for (unsigned i = 0; i < p->n; i++)
		p->spis[i] = p->node->sas[i].rx.spi;
}

static void
pair_free(struct pair *p)
{
	carrier_bury(p->server, &p->tables[0], p->tables[0].grave);
	carrier_bury(p->node, &p->tables[1], p->tables[1].grave);
	sa_table_fini(&p->tables[0]);
	sa_table_fini(&p->tables[1]);
	graves_free();
}

/* The node's worker that gets the answer to what its worker `from` has sent. */
static unsigned
round_trip(const struct pair *p, unsigned from)
{
	return sa_worker(p->spis[sa_worker(p->server->sas[from].rx.spi)]);
}

/* With a worker for each, what a worker of the node sends is answered to it. */
static void
try_pair(unsigned nserver, unsigned nnode, unsigned first_server, unsigned first_node)
{
	struct pair p;

	pair_make(&p, nserver, nnode, first_server, first_node);
	carrier_pair(p.server, p.spis, p.n);
	for (unsigned k = 0; k < nnode; k++) {
		unsigned at = round_trip(&p, k);

		if (nserver >= nnode) {
			ck_assert_uint_eq(at, k);
			continue;
		}
		/* A worker of the server answers several: soon they all are where they stay. */
		at = round_trip(&p, at);
		ck_assert_uint_eq(round_trip(&p, at), at);
	}
	for (unsigned i = 0; i < p.n; i++) {	/* all are used, each once */
		unsigned times = 0;

		for (unsigned k = 0; k < p.n; k++)
			times += p.spis[k] == p.node->sas[i].rx.spi;
		ck_assert_uint_eq(times, 1);
	}
	pair_free(&p);
}

START_TEST(a_flow_is_answered_to_the_worker_that_sent_it)
{
	static const unsigned workers[] = { 1, 2, 3, 4, 7, CONTROL_WORKERS_MAX };
	const size_t n = sizeof(workers) / sizeof(workers[0]);

	for (size_t s = 0; s < n; s++) {
		for (size_t k = 0; k < n; k++) {
			for (unsigned first = 0; first < workers[s] * workers[k]; first++)
				try_pair(workers[s], workers[k], first % workers[s],
				    first / workers[s]);
		}
	}
}
END_TEST

/* Of a peer whose SPIs say nothing. */
START_TEST(other_spis_stay_as_they_are)
{
	struct pair p;

	pair_make(&p, 3, 2, 0, 0);
	for (uint32_t i = 0; i < 3; i++)
		p.spis[i] = 0x1000u + i * 16 + 15;	/* workers that it has not told of */
	carrier_pair(p.server, p.spis, 3);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(p.spis[i], 0x1000u + i * 16 + 15);
	carrier_pair(p.server, p.spis, 0);
	pair_free(&p);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("carrier_key");

	tcase_add_test(tc, a_flow_is_answered_to_the_worker_that_sent_it);
	tcase_add_test(tc, other_spis_stay_as_they_are);
	return kit_run("tunneld/carrier_key", tc);
}
