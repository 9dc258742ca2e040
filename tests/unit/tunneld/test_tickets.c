/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/tickets.h"

#include <check.h>
#include <openssl/ssl.h>
#include <string.h>

#include "common/wire.h"
#include "tests/unit/kit.h"

#define NOW 1000000000
#define LIFE 3600
#define ID_LEN 32

struct rig {
	struct tickets tickets;
	SSL_CTX *ctx, *other;
};

static void
rig_init(struct rig *r)
{
	tickets_init(&r->tickets);
	r->ctx = SSL_CTX_new(TLS_server_method());
	r->other = SSL_CTX_new(TLS_server_method());
	ck_assert(r->ctx != NULL && r->other != NULL);
}

static void
rig_fini(struct rig *r)
{
	tickets_fini(&r->tickets);
	SSL_CTX_free(r->ctx);
	SSL_CTX_free(r->other);
}

static void
make_id(unsigned n, uint8_t id[ID_LEN])
{
	struct wire w = wire_writer(id, ID_LEN);

	memset(id, 0, ID_LEN);
	wire_put_u32(&w, n);
}

static void
put(struct rig *r, SSL_CTX *ctx, unsigned n, int64_t begin_s, long life_s, int64_t now_s)
{
	SSL_SESSION *s = SSL_SESSION_new();
	uint8_t id[ID_LEN];

	make_id(n, id);
	ck_assert_int_eq(SSL_SESSION_set1_id(s, id, ID_LEN), 1);
	SSL_SESSION_set_time(s, (long) begin_s);
	SSL_SESSION_set_timeout(s, life_s);
	ck_assert_int_eq(tickets_put(&r->tickets, ctx, s, now_s), 0);
}

static bool
take(struct rig *r, const SSL_CTX *ctx, unsigned n)
{
	uint8_t id[ID_LEN];
	SSL_SESSION *s;

	make_id(n, id);
	s = tickets_take(&r->tickets, ctx, id, ID_LEN);
	SSL_SESSION_free(s);
	return s != NULL;
}

START_TEST(each_is_good_once)
{
	uint8_t id[ID_LEN];
	struct rig r;

	rig_init(&r);
	ck_assert(!take(&r, r.ctx, 1));
	put(&r, r.ctx, 1, NOW, LIFE, NOW);
	put(&r, r.ctx, 2, NOW, LIFE, NOW);
	make_id(1, id);
	ck_assert_ptr_null(tickets_take(&r.tickets, r.ctx, id, ID_LEN - 1));
	ck_assert_ptr_null(tickets_take(&r.tickets, r.ctx, id, 0));
	ck_assert(!take(&r, r.ctx, 3));
	ck_assert(take(&r, r.ctx, 1));
	ck_assert(!take(&r, r.ctx, 1));
	ck_assert(take(&r, r.ctx, 2));
	ck_assert_uint_eq(r.tickets.n, 0);
	rig_fini(&r);
}
END_TEST

START_TEST(another_context_ends_them)
{
	struct rig r;

	rig_init(&r);
	put(&r, r.ctx, 1, NOW, LIFE, NOW);
	ck_assert(!take(&r, r.other, 1));
	put(&r, r.other, 2, NOW, LIFE, NOW);
	ck_assert(!take(&r, r.ctx, 1));
	ck_assert(!take(&r, r.other, 1));
	ck_assert(take(&r, r.other, 2));
	rig_fini(&r);
}
END_TEST

START_TEST(those_that_are_over_go)
{
	struct rig r;

	rig_init(&r);
	put(&r, r.ctx, 1, NOW, LIFE, NOW);
	put(&r, r.ctx, 2, NOW, 2 * LIFE, NOW);
	put(&r, r.ctx, 3, NOW + LIFE, LIFE, NOW + LIFE);
	ck_assert_uint_eq(r.tickets.n, 3);
	put(&r, r.ctx, 4, NOW + LIFE + 1, LIFE, NOW + LIFE + 1);
	ck_assert_uint_eq(r.tickets.n, 3);
	ck_assert(!take(&r, r.ctx, 1));
	ck_assert(take(&r, r.ctx, 2));
	ck_assert(take(&r, r.ctx, 3));
	rig_fini(&r);
}
END_TEST

START_TEST(the_oldest_makes_room)
{
	struct rig r;

	rig_init(&r);
	for (unsigned i = 0; i <= TICKETS_MAX; i++)
		put(&r, r.ctx, i, NOW, LIFE, NOW);
	ck_assert_uint_eq(r.tickets.n, TICKETS_MAX);
	ck_assert(!take(&r, r.ctx, 0));
	ck_assert(take(&r, r.ctx, 1));
	ck_assert(take(&r, r.ctx, TICKETS_MAX));
	rig_fini(&r);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("tickets");

	tcase_add_test(tc, each_is_good_once);
	tcase_add_test(tc, another_context_ends_them);
	tcase_add_test(tc, those_that_are_over_go);
	tcase_add_test(tc, the_oldest_makes_room);
	return kit_run("tunneld/tickets", tc);
}
