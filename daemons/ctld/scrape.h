/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_SCRAPE_H
#define LV_CTLD_SCRAPE_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/ev.h"
#include "common/metric.h"
#include "common/places.h"
#include "daemons/ctld/backend.h"

/*
 * Metrics of the three daemons for Prometheus (litevpn-metrics(7)): when somebody asks, ipamd and
 * tunneld are asked, and what they say goes out with what ctld has itself. One that does not answer
 * in time is shown as down, and its values are missing.
 */
struct scrape;

struct scrape_conf {
	int fd;			/* listening; consumed, also on failure */
	const struct places *places;
	const uid_t *uids;	/* of the BACKEND_PEERS */
	bool per_node;
	/* Adds what ctld counts itself. */
	void (*own)(void *arg, struct metrics *to);
	void *arg;
};

/* On the loop. */
int scrape_new(struct ev *ev, const struct scrape_conf *conf, struct scrape **out, struct err *e);
void scrape_free(struct scrape *s);	/* NULL is fine */

#endif
