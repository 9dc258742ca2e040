/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/tickets.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 16384	/* a power of two; a few tickets each when there are as many as can be */

struct ticket {
	TAILQ_ENTRY(ticket) age;
	LIST_ENTRY(ticket) same;	/* in its bucket */
	SSL_SESSION *session;
};

/* Numbers are random, and ours: nobody can fill a bucket on purpose. */
static struct ticket_list *
bucket_of(const struct tickets *t, const uint8_t *id, size_t len)
{
	uint16_t n = 0;

	memcpy(&n, id, len < sizeof(n) ? len : sizeof(n));
	return &t->buckets[n & (BUCKETS - 1)];
}

static void
forget(struct tickets *t, struct ticket *one)
{
	TAILQ_REMOVE(&t->by_age, one, age);
	LIST_REMOVE(one, same);
	SSL_SESSION_free(one->session);
	free(one);
	t->n--;
}

static bool
is_over(const struct ticket *one, int64_t now_s)
{
	return (int64_t) SSL_SESSION_get_time(one->session) +
	    SSL_SESSION_get_timeout(one->session) < now_s;
}

/* Lives differ, by certificates: one that is over may wait behind one that is not, for a day. */
static void
make_room(struct tickets *t, int64_t now_s)
{
	struct ticket *oldest;

	while ((oldest = TAILQ_FIRST(&t->by_age)) != NULL &&
	    (t->n >= TICKETS_MAX || is_over(oldest, now_s)))
		forget(t, oldest);
}

static void
change_context(struct tickets *t, SSL_CTX *ctx)
{
	while (!TAILQ_EMPTY(&t->by_age))	/* forget takes it off the list */
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		forget(t, TAILQ_FIRST(&t->by_age));
	SSL_CTX_free(t->ctx);
	if (ctx != NULL)
		SSL_CTX_up_ref(ctx);
	t->ctx = ctx;
}

int
tickets_put(struct tickets *t, SSL_CTX *ctx, SSL_SESSION *s, int64_t now_s)
{
	struct ticket *one = calloc(1, sizeof(*one));
	const uint8_t *id;
	unsigned len;

	if (t->buckets == NULL)
		t->buckets = calloc(BUCKETS, sizeof(*t->buckets));
	if (one == NULL || t->buckets == NULL) {
		free(one);
		return -ENOMEM;
	}
	if (ctx != t->ctx)
		change_context(t, ctx);
	make_room(t, now_s);
	one->session = s;
	id = SSL_SESSION_get_id(s, &len);
	TAILQ_INSERT_TAIL(&t->by_age, one, age);
	LIST_INSERT_HEAD(bucket_of(t, id, len), one, same);
	t->n++;
	return 0;
}

static bool
has_id(const struct ticket *one, const uint8_t *id, size_t len)
{
	unsigned own_len;
	const uint8_t *own = SSL_SESSION_get_id(one->session, &own_len);

	return own_len == len && memcmp(own, id, len) == 0;
}

SSL_SESSION *
tickets_take(struct tickets *t, const SSL_CTX *ctx, const uint8_t *id, size_t len)
{
	struct ticket *one;
	SSL_SESSION *s;

	if (t->buckets == NULL || ctx != t->ctx)
		return NULL;
	LIST_FOREACH(one, bucket_of(t, id, len), same) {
		if (!has_id(one, id, len))
			continue;
		s = one->session;
		SSL_SESSION_up_ref(s);
		forget(t, one);
		return s;
	}
	return NULL;
}

void
tickets_init(struct tickets *t)
{
	*t = (struct tickets){ .n = 0 };
	TAILQ_INIT(&t->by_age);
}

void
tickets_fini(struct tickets *t)
{
	change_context(t, NULL);
	free(t->buckets);
	t->buckets = NULL;
}
