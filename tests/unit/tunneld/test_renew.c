/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/renew.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/pki.h"
#include "common/pki_ca.h"
#include "common/secret.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/loop.h"

/* A node with a certificate whose life the test chooses, and what it asks and has stored. */
static struct rig {
	struct ev *ev;
	struct renew *renew;
	struct identity identity;
	struct pki_ca *ca;
	char *ca_pem, *csr, *stored;
	bool connected;
	unsigned nasked;
	bool grpc;		/* it renews the certificate of the control API */
} r;

static bool
on_ask(void *arg, bool grpc, const char *csr)
{
	(void) arg;
	ck_assert(grpc == r.grpc);
	r.nasked += r.connected;
	free(r.csr);
	r.csr = strdup(csr);
	return r.connected;
}

static void
on_store(void *arg, const struct control_cert *cert)
{
	(void) arg;
	ck_assert_str_eq(cert->ca, r.ca_pem);
	free(r.stored);
	r.stored = strdup(cert->certificate);
}

static char *
issue(const char *csr, const char *id, int64_t life_s)
{
	struct pki_wish wish = { .common_name = "node", .name.kind = PKI_NODE,
		.not_after = clock_utc_s() + life_s };
	struct err e;
	char *cert;

	strcpy(wish.name.id, id);
	ck_assert_msg(pki_issue(r.ca, csr, strlen(csr), &wish, &cert, &e) == 0, "%s", e.text);
	return cert;
}

/* An hour's life, of which so much is left. */
static void
age(struct pki_cert *cert, int64_t left_s)
{
	cert->not_after = clock_utc_s() + left_s;
	cert->not_before = cert->not_after - 3600 - PKI_BACKDATE_S;
}

/* Both certificates are for one key here; the one that is not looked at is young. */
static void
begin_of(bool grpc, int64_t left_s)
{
	char *ca_key, *csr, *cert;
	struct err e;

	r = (struct rig){ .connected = true, .grpc = grpc };
	log_set_level(LOG_LV_ERR);
	ck_assert_int_eq(ev_new(&r.ev), 0);
	ck_assert_int_eq(pki_ca_new("CA", 1, &ca_key, &r.ca_pem, &e), 0);
	ck_assert_int_eq(pki_ca_load(r.ca_pem, ca_key, &r.ca, &e), 0);
	ck_assert_int_eq(pki_key_new(&r.identity.key_pem, &e), 0);
	ck_assert_int_eq(pki_csr_new(r.identity.key_pem, "n", &csr, &e), 0);
	cert = issue(csr, "n-1", 3600);
	ck_assert_int_eq(pki_cert_read(cert, strlen(cert), &r.identity.cert, &e), 0);
	r.identity.grpc_cert = r.identity.cert;
	r.identity.grpc_csr = csr;
	age(grpc ? &r.identity.grpc_cert : &r.identity.cert, left_s);
	r.identity.ca_pem = strdup(r.ca_pem);
	ck_assert_int_eq(renew_new(&(struct renew_parts){ r.ev, grpc, &r.identity, on_ask,
	    on_store, NULL }, &r.renew), 0);
	secret_free(ca_key);
	free(cert);
}

static void
begin(int64_t left_s)
{
	begin_of(false, left_s);
}

static void
end(void)
{
	renew_free(r.renew);
	ev_free(r.ev);
	pki_ca_free(r.ca);
	identity_free(&r.identity);
	free(r.ca_pem);
	free(r.csr);
	free(r.stored);
}

static void
answer(char *cert)
{
	struct control_cert c = { .certificate = cert, .ca = r.ca_pem };

	renew_answer(r.renew, &c);
	free(cert);
}

START_TEST(a_young_one_is_left_alone)
{
	uint8_t hash[SECRET_HASH_LEN];

	begin(3000);
	identity_ca_hash(&r.identity, hash);
	renew_connected(r.renew, hash);
	loop_for(r.ev, 100);
	renew_connected(r.renew, NULL);
	loop_for(r.ev, 100);
	ck_assert_uint_eq(r.nasked, 0);
	end();
}
END_TEST

START_TEST(an_old_one_is_renewed_for_its_key)
{
	uint8_t spki[PKI_SPKI_LEN];
	struct err e;

	begin(60);
	LOOP_UNTIL(r.ev, r.nasked == 1);
	ck_assert_int_eq(pki_csr_check(r.csr, strlen(r.csr), spki, &e), 0);
	ck_assert_mem_eq(spki, r.identity.cert.spki, sizeof(spki));
	answer(issue(r.csr, "n-1", 3600));
	ck_assert_ptr_nonnull(r.stored);
	renew_stored(r.renew, 0, "");
	/* It was read anew: there is nothing to do for a long time. */
	ck_assert_int_eq(pki_cert_read(r.stored, strlen(r.stored), &r.identity.cert, &e), 0);
	renew_changed(r.renew);
	loop_for(r.ev, 100);
	ck_assert_uint_eq(r.nasked, 1);
	end();
}
END_TEST

/* Its key is not here: it is asked for with the request of the enrollment. */
START_TEST(that_of_the_api_is_renewed_with_its_request)
{
	struct err e;

	begin_of(true, 60);
	LOOP_UNTIL(r.ev, r.nasked == 1);
	ck_assert_str_eq(r.csr, r.identity.grpc_csr);
	/* Meanwhile the other one was renewed, and the files were read anew. */
	age(&r.identity.cert, 3600);
	renew_changed(r.renew);
	loop_for(r.ev, 100);
	ck_assert_uint_eq(r.nasked, 1);
	answer(issue(r.csr, "n-1", 3600));
	ck_assert_ptr_nonnull(r.stored);
	ck_assert_int_eq(pki_cert_read(r.stored, strlen(r.stored), &r.identity.grpc_cert, &e), 0);
	renew_changed(r.renew);
	renew_stored(r.renew, 0, "");
	loop_for(r.ev, 100);
	ck_assert_uint_eq(r.nasked, 1);
	end();
}
END_TEST

START_TEST(without_a_request_that_of_the_api_is_left_alone)
{
	begin_of(true, 60);
	free(r.identity.grpc_csr);
	r.identity.grpc_csr = NULL;
	renew_connected(r.renew, NULL);
	loop_for(r.ev, 100);
	ck_assert_uint_eq(r.nasked, 0);
	end();
}
END_TEST

START_TEST(other_cas_are_a_reason)
{
	static const uint8_t others[SECRET_HASH_LEN] = { 1 };

	begin(3000);
	renew_connected(r.renew, others);
	LOOP_UNTIL(r.ev, r.nasked == 1);
	end();
}
END_TEST

START_TEST(without_a_connection_it_waits_for_one)
{
	begin(60);
	r.connected = false;
	LOOP_UNTIL(r.ev, r.csr != NULL);
	loop_for(r.ev, 100);
	ck_assert_uint_eq(r.nasked, 0);
	r.connected = true;
	renew_connected(r.renew, NULL);
	LOOP_UNTIL(r.ev, r.nasked == 1);
	end();
}
END_TEST

/* What a server must not be able to make of a node. */
static char *
of_another_node(void)
{
	return issue(r.csr, "n-2", 3600);
}

static char *
for_another_key(void)
{
	char *key, *csr, *cert;

	ck_assert_int_eq(pki_key_new(&key, NULL), 0);
	ck_assert_int_eq(pki_csr_new(key, "n", &csr, NULL), 0);
	cert = issue(csr, "n-1", 3600);
	secret_free(key);
	free(csr);
	return cert;
}

static char *
that_has_ended(void)
{
	return issue(r.csr, "n-1", -1);
}

static char *
that_is_none(void)
{
	return strdup("no certificate");
}

static char *(*const bad[])(void) = { of_another_node, for_another_key, that_has_ended,
	that_is_none };

START_TEST(another_certificate_is_not_stored)
{
	for (int grpc = 0; grpc < 2; grpc++) {
		begin_of(grpc != 0, 60);
		LOOP_UNTIL(r.ev, r.nasked == 1);
		answer(bad[_i]());
		ck_assert_ptr_null(r.stored);
		end();
	}
}
END_TEST

/* A tenth of what is left, but not before a second has gone. */
START_TEST(after_a_refusal_it_asks_again)
{
	struct control_cert no = { .reason = "IPAM_DOWN" };

	begin(5);
	LOOP_UNTIL(r.ev, r.nasked == 1);
	renew_answer(r.renew, &no);
	loop_for(r.ev, 500);
	ck_assert_uint_eq(r.nasked, 1);
	LOOP_UNTIL(r.ev, r.nasked == 2);
	answer(issue(r.csr, "n-1", 3600));
	ck_assert_ptr_nonnull(r.stored);
	/* The disk is full: again. */
	renew_stored(r.renew, -ENOSPC, "full");
	LOOP_UNTIL(r.ev, r.nasked == 3);
	end();
}
END_TEST

START_TEST(what_was_not_asked_for_is_not_taken)
{
	begin(3000);
	r.connected = false;
	ck_assert_int_eq(pki_csr_new(r.identity.key_pem, "n", &r.csr, NULL), 0);
	answer(issue(r.csr, "n-1", 3600));
	ck_assert_ptr_null(r.stored);
	end();
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("renew");

	tcase_add_test(tc, a_young_one_is_left_alone);
	tcase_add_test(tc, an_old_one_is_renewed_for_its_key);
	tcase_add_test(tc, that_of_the_api_is_renewed_with_its_request);
	tcase_add_test(tc, without_a_request_that_of_the_api_is_left_alone);
	tcase_add_test(tc, other_cas_are_a_reason);
	tcase_add_test(tc, without_a_connection_it_waits_for_one);
	KIT_ROWS(tc, another_certificate_is_not_stored, bad);
	tcase_add_test(tc, after_a_refusal_it_asks_again);
	tcase_add_test(tc, what_was_not_asked_for_is_not_taken);
	return kit_run("tunneld/renew", tc);
}
