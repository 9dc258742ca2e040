/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/renewals.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/pki.h"
#include "common/secret.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/certs.h"
#include "tests/unit/tunneld/loop.h"
#include "tests/unit/tunneld/serverrig.h"

static struct serverrig r;
static char *csr;

static struct {	/* what ctld got */
	unsigned ncalls;
	size_t n;
	struct renewal first;
	char csr[2048];
} taken;

static void
on_taken(void *arg, const struct renewal *const *list, size_t n)
{
	ck_assert_ptr_eq(arg, &taken);
	taken.ncalls++;
	taken.n = n;
	if (n > 0) {
		taken.first = *list[0];
		strcpy(taken.csr, list[0]->csr);
	}
}

static void
begin(void)
{
	char *key;

	ck_assert_int_eq(pki_key_new(&key, NULL), 0);
	ck_assert_int_eq(pki_csr_new(key, "n", &csr, NULL), 0);
	secret_free(key);
	serverrig_init(&r);
}

static void
end(void)
{
	serverrig_fini(&r);
	free(csr);
}

static void
ask(struct guest *g, const char *text)
{
	const struct control msg = { .type = CONTROL_CERT_REQUEST, .cert.csr = (char *) text };

	ck_assert_int_eq(conn_send(g->conn, &msg), 0);
}

START_TEST(what_is_granted_goes_to_who_waits)
{
	struct control_cert cert = { .certificate = (char *) "a certificate" };
	struct guest *g;

	begin();
	g = serverrig_join(&r, 0, certs()->node, "0123456789abcdef");
	server_take_renewals(r.server, 60000, on_taken, &taken);
	ask(g, csr);
	LOOP_UNTIL(r.ev, taken.ncalls == 1);
	ck_assert_uint_eq(taken.n, 1);
	ck_assert_str_eq(taken.first.node_id, CERTS_NODE);
	ck_assert_uint_eq(taken.first.epoch, g->welcome.epoch);
	ck_assert_str_eq(taken.csr, csr);
	ck_assert_int_eq(taken.first.grant[0], 7);
	ck_assert(!server_put_certificate(r.server, CERTS_NODE, g->welcome.epoch + 1, &cert));
	ck_assert(!server_put_certificate(r.server, "n-0", g->welcome.epoch, &cert));
	ck_assert(server_put_certificate(r.server, CERTS_NODE, g->welcome.epoch, &cert));
	LOOP_UNTIL(r.ev, g->ncerts == 1);
	ck_assert_str_eq(g->cert_reason, "");
	end();
}
END_TEST

/* Each of the two has a way of its own, and one does not wait for the other. */
START_TEST(both_certificates_can_be_under_way)
{
	struct control msg = { .type = CONTROL_CERT_REQUEST };
	struct control_cert cert = { .grpc = true, .certificate = (char *) "a certificate",
		.ca = (char *) "the API's CA" };
	struct guest *g;

	begin();
	g = serverrig_join(&r, 0, certs()->node, "0123456789abcdef");
	ask(g, csr);
	loop_for(r.ev, 100);
	msg.cert = (struct control_cert){ .grpc = true, .csr = csr };
	ck_assert_int_eq(conn_send(g->conn, &msg), 0);
	loop_for(r.ev, 100);
	ck_assert_uint_eq(g->ncerts, 0);	/* none is refused */
	server_take_renewals(r.server, 60000, on_taken, &taken);
	LOOP_UNTIL(r.ev, taken.ncalls == 1);
	ck_assert_uint_eq(taken.n, 2);
	ck_assert(!taken.first.grpc);
	ck_assert(server_put_certificate(r.server, CERTS_NODE, g->welcome.epoch, &cert));
	LOOP_UNTIL(r.ev, g->ncerts == 1);
	ck_assert(g->cert_grpc);
	ck_assert_str_eq(g->cert_ca, "the API's CA");
	/* But each only now and then. */
	ck_assert_int_eq(conn_send(g->conn, &msg), 0);
	LOOP_UNTIL(r.ev, g->ncerts == 2);
	ck_assert_str_eq(g->cert_reason, "OVERLOADED");
	end();
}
END_TEST

START_TEST(it_waits_for_who_comes)
{
	begin();
	ask(serverrig_join(&r, 0, certs()->node, "0123456789abcdef"), csr);
	loop_for(r.ev, 100);
	server_take_renewals(r.server, 0, on_taken, &taken);
	LOOP_UNTIL(r.ev, taken.ncalls == 1);
	ck_assert_uint_eq(taken.n, 1);
	/* Once. */
	server_take_renewals(r.server, 0, on_taken, &taken);
	LOOP_UNTIL(r.ev, taken.ncalls == 2);
	ck_assert_uint_eq(taken.n, 0);
	end();
}
END_TEST

START_TEST(the_wait_ends)
{
	begin();
	server_take_renewals(r.server, 60000, on_taken, &taken);
	/* Another one takes: the first has given up. */
	server_take_renewals(r.server, 50, on_taken, &taken);
	ck_assert_uint_eq(taken.ncalls, 1);
	ck_assert_uint_eq(taken.n, 0);
	LOOP_UNTIL(r.ev, taken.ncalls == 2);
	ck_assert_uint_eq(taken.n, 0);
	end();
}
END_TEST

/* The node that ipamd does not grant any; one that talks nonsense; one that asks all the time. */
static const struct {
	const char *token, *csr, *reason;
	unsigned times;
} refusals[] = {
	{ "n-x", NULL, "KEY_UNKNOWN", 1 },
	{ "n-1", "nonsense", "CSR_INVALID", 1 },
	{ "n-1", NULL, "OVERLOADED", 2 },
};

START_TEST(a_refusal_has_its_reason)
{
	struct guest *g;

	begin();
	r.d.sc.require_node_cert = false;
	g = serverrig_join(&r, 0, certs()->nameless, refusals[_i].token);
	for (unsigned i = 0; i < refusals[_i].times; i++)
		ask(g, refusals[_i].csr == NULL ? csr : refusals[_i].csr);
	LOOP_UNTIL(r.ev, g->ncerts == 1);
	ck_assert_str_eq(g->cert_reason, refusals[_i].reason);
	end();
}
END_TEST

/* With a request under way in every place. */
START_TEST(it_ends_with_its_server)
{
	struct guest *g;

	begin();
	g = serverrig_join(&r, 0, certs()->node, "0123456789abcdef");
	ask(g, csr);
	loop_for(r.ev, 100);
	server_take_renewals(r.server, 60000, on_taken, &taken);
	server_take_renewals(r.server, 60000, on_taken, &taken);
	end();
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("renewals");

	tcase_add_unchecked_fixture(tc, certs_setup, certs_teardown);
	tcase_add_test(tc, what_is_granted_goes_to_who_waits);
	tcase_add_test(tc, both_certificates_can_be_under_way);
	tcase_add_test(tc, it_waits_for_who_comes);
	tcase_add_test(tc, the_wait_ends);
	KIT_ROWS(tc, a_refusal_has_its_reason, refusals);
	tcase_add_test(tc, it_ends_with_its_server);
	return kit_run("tunneld/renewals", tc);
}
