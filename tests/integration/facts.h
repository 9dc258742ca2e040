/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_FACTS_H
#define LV_TEST_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What ipamd has answered, and what must be true therefore however often it was killed since. Fact
 * number n is about the node that enrolls with the n-th keys, under the display name "kN". They
 * outlive the asker in a file.
 */

enum fact_state {
	FACT_NONE,
	FACT_ASKED,	/* to enroll; no answer: it may be there */
	FACT_THERE,
	FACT_LEAVING,	/* asked to be deleted; no answer: it may be there */
	FACT_TAKEN,	/* it was told that its address was needed: an event must say so */
	FACT_GONE,
};

#define FACT_TEXT_MAX 64
struct fact {
	enum fact_state state;
	char id[FACT_TEXT_MAX], token[FACT_TEXT_MAX], address[FACT_TEXT_MAX];	/* "-": not known */
	bool busy;	/* a request about it is under way */
	bool listed, reclaimed;		/* as ipamd says now */
};

#define FACTS_MAX 100000
struct facts {
	struct fact *rows;	/* FACTS_MAX */
	size_t n;
	uint64_t epoch;		/* the newest that was handed out */
	uint64_t revision;	/* the newest that was told */
	char bootstrap[FACT_TEXT_MAX];	/* a bootstrap token with many uses; "-" */
	unsigned lies;
};

/* A file that is not there has no facts in it. 0 or -errno. */
int facts_read(struct facts *f, const char *path);
int facts_write(const struct facts *f, const char *path);
void facts_free(struct facts *f);

/* Says what is not true. */
void facts_lie(struct facts *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ipamd is up again: the nodes that it lists, the events since f->revision, and that was all. */
void facts_node(struct facts *f, const char *name, const char *id, const char *address);
void facts_event(struct facts *f, uint64_t revision, bool reclaim, const char *id);
void facts_compare(struct facts *f);

#endif
