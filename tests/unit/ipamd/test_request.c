/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/request.h"

#include <check.h>
#include <errno.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ipamd/sweep.h"
#include "tests/unit/ipamd/book.h"
#include "tests/unit/kit.h"

static struct book b;

static const char body[] = "what is asked", answer[] = "what is answered";

/* Asks: 1 where it was answered before, with *out; else it is answered now. */
static int
ask(unsigned asker, const char *id, const char *text, struct request *r, struct store_reply *out)
{
	int rc = ledger_request(&b.ledger, b.now_s), end;
	char secret[SECRET_TOKEN_LEN + 1];

	ck_assert_int_eq(rc, 0);
	b.err = (struct err){ 0 };
	if ((rc = request_init(r, &b.granter, asker, id, text, strlen(text), &b.err)) == 0)
		rc = request_find(&b.ledger, r, out, &b.err);
	if (rc == 0) {
		request_secret(r, secret);
		rc = request_keep(&b.ledger, r, answer, sizeof(answer));
	}
	end = ledger_answer(&b.ledger, rc);
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
	return end;
}

static void
sweep(void)
{
	struct sweep done;

	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(ledger_answer(&b.ledger, sweep_step(&b.ledger, &done)), 0);
	ck_assert_int_eq(ledger_commit(&b.ledger), 0);
}

START_TEST(who_asks_again_gets_the_same_answer)
{
	char first[SECRET_TOKEN_LEN + 1], again[SECRET_TOKEN_LEN + 1];
	struct store_reply reply;
	struct request r;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(ask(1, "id-1", body, &r, &reply), 0);
	request_same_secret(&r, first);
	ck_assert_int_eq(ask(1, "id-1", body, &r, &reply), 1);
	book_restart(&b);
	ck_assert_int_eq(ask(1, "id-1", body, &r, &reply), 1);
	ck_assert_uint_eq(reply.len, sizeof(answer));
	ck_assert_mem_eq(reply.bytes, answer, sizeof(answer));
	request_same_secret(&r, again);
	ck_assert_str_eq(again, first);
	ck_assert_str_eq(book_sql("select count(*) from replies"), "1");
	book_fini(&b);
}
END_TEST

START_TEST(each_has_ids_of_its_own)
{
	struct store_reply reply;
	struct request r;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(ask(1, "id-1", body, &r, &reply), 0);
	ck_assert_int_eq(ask(2, "id-1", body, &r, &reply), 0);
	ck_assert_int_eq(ask(1, "id-2", body, &r, &reply), 0);
	ck_assert_int_eq(ask(1, "id-1", "something else", &r, &reply), -REASON_FIELD_INVALID);
	ck_assert_int_eq(ask(1, "id-1", body, &r, &reply), 1);
	/* Without an id there is nothing to be remembered. */
	ck_assert_int_eq(ask(1, "", body, &r, &reply), 0);
	ck_assert_int_eq(ask(1, "", body, &r, &reply), 0);
	ck_assert_str_eq(book_sql("select count(*) from replies"), "3");
	book_fini(&b);
}
END_TEST

START_TEST(an_id_has_a_maximum)
{
	char id[REQUEST_ID_MAX + 1];
	struct store_reply reply;
	struct request r;

	book_init(&b, "10.1.1.1/24");
	memset(id, 'x', sizeof(id));
	id[REQUEST_ID_MAX] = '\0';
	ck_assert_int_eq(ask(1, id, body, &r, &reply), -REASON_FIELD_INVALID);
	id[REQUEST_ID_MAX - 1] = '\0';
	ck_assert_int_eq(ask(1, id, body, &r, &reply), 0);
	ck_assert_int_eq(ask(1, id, body, &r, &reply), 1);
	book_fini(&b);
}
END_TEST

START_TEST(what_is_too_long_is_not_kept)
{
	static uint8_t bytes[STORE_REPLY_MAX + 1];
	struct store_reply reply;
	struct request r;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(request_init(&r, &b.granter, 1, "id", body, sizeof(body), &b.err), 0);
	ck_assert_int_eq(ledger_request(&b.ledger, b.now_s), 0);
	ck_assert_int_eq(request_keep(&b.ledger, &r, bytes, sizeof(bytes)), -EMSGSIZE);
	ck_assert_int_eq(request_keep(&b.ledger, &r, bytes, STORE_REPLY_MAX), 0);
	ck_assert_int_eq(request_find(&b.ledger, &r, &reply, &b.err), 1);
	ck_assert_uint_eq(reply.len, STORE_REPLY_MAX);
	ck_assert_int_eq(ledger_answer(&b.ledger, 0), 0);
	book_fini(&b);
}
END_TEST

START_TEST(answers_are_forgotten_after_a_day)
{
	struct store_reply reply;
	struct request r;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(ask(1, "id-1", body, &r, &reply), 0);
	b.now_s += REPLY_LIFE_S;
	sweep();
	ck_assert_int_eq(ask(1, "id-1", body, &r, &reply), 1);
	b.now_s++;
	sweep();
	ck_assert_int_eq(ask(1, "id-1", body, &r, &reply), 0);
	book_fini(&b);
}
END_TEST

/* What is kept does not tell the secret to whoever reads the database. */
START_TEST(a_secret_needs_the_key)
{
	char mine[SECRET_TOKEN_LEN + 1], other[SECRET_TOKEN_LEN + 1];
	struct store_reply reply;
	struct request r;

	book_init(&b, "10.1.1.1/24");
	ck_assert_int_eq(ask(1, "id-1", body, &r, &reply), 0);
	request_same_secret(&r, mine);
	b.granter.key[0] ^= 1;
	ck_assert_int_eq(ask(1, "id-1", body, &r, &reply), 1);
	request_same_secret(&r, other);
	ck_assert_str_ne(mine, other);
	book_fini(&b);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("request");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, who_asks_again_gets_the_same_answer);
	tcase_add_test(tc, each_has_ids_of_its_own);
	tcase_add_test(tc, an_id_has_a_maximum);
	tcase_add_test(tc, what_is_too_long_is_not_kept);
	tcase_add_test(tc, answers_are_forgotten_after_a_day);
	tcase_add_test(tc, a_secret_needs_the_key);
	return kit_run("ipamd/request", tc);
}
