/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/authz.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/pki_ca.h"
#include "common/reason.h"
#include "common/secret.h"
#include "tests/unit/kit.h"

#define LIFE_S 1000

/* A certificate with this name from a fresh CA; the caller frees it. */
static char *
make_cert(enum pki_subject kind, const char *id, bool for_server)
{
	struct pki_wish wish = {
		.common_name = "test",
		.name.kind = kind,
		.for_server = for_server,
		.not_after = clock_utc_s() + LIFE_S,
	};
	char *ca_key, *ca_cert, *key, *csr, *cert;
	struct pki_ca *ca;

	strcpy(wish.name.id, id);
	ck_assert_int_eq(pki_ca_new("CA", 10, &ca_key, &ca_cert, NULL), 0);
	ck_assert_int_eq(pki_ca_load(ca_cert, ca_key, &ca, NULL), 0);
	ck_assert_int_eq(pki_key_new(&key, NULL), 0);
	ck_assert_int_eq(pki_csr_new(key, "test", &csr, NULL), 0);
	ck_assert_int_eq(pki_issue(ca, csr, strlen(csr), &wish, &cert, NULL), 0);
	pki_ca_free(ca);
	secret_free(ca_key);
	secret_free(key);
	free(ca_cert);
	free(csr);
	return cert;
}

static int
from_pem(const char *pem, int64_t now, struct caller *out, struct err *e)
{
	struct pki_cert cert;

	ck_assert_int_eq(pki_cert_read(pem, strlen(pem), &cert, NULL), 0);
	return authz_from_cert(&cert, now, out, e);
}

static const struct {
	enum pki_subject kind;
	const char *id;
	enum role role;
	const char *node_id;
} names[] = {
	{ PKI_ROLE, "admin", ROLE_ADMIN, "" },
	{ PKI_ROLE, "operator", ROLE_OPERATOR, "" },
	{ PKI_ROLE, "viewer", ROLE_VIEWER, "" },
	{ PKI_ROLE, "none", ROLE_NONE, "" },
	{ PKI_ROLE, "node", ROLE_NONE, "" },
	{ PKI_ROLE, "Admin", ROLE_NONE, "" },
	{ PKI_NODE, "admin", ROLE_NODE, "admin" },
	{ PKI_NODE, "n-1", ROLE_NODE, "n-1" },
	{ PKI_NONE, "", ROLE_NONE, "" },
};

START_TEST(the_certificate_names_the_caller)
{
	char *cert = make_cert(names[_i].kind, names[_i].id, false);
	struct caller caller = { .role = ROLE_NONE };
	struct err e;
	int rc = from_pem(cert, clock_utc_s(), &caller, &e);

	/* A role that we do not give may already be refused as a name. */
	if (rc < 0)
		ck_assert_int_eq(names[_i].role, ROLE_NONE);
	ck_assert_int_eq(caller.role, names[_i].role);
	ck_assert_str_eq(caller.node_id, names[_i].node_id);
	free(cert);
}
END_TEST

static const struct {
	int64_t ahead_s;
	int rc;
} times[] = {
	{ 0, 0 },
	{ LIFE_S - 5, 0 },
	{ LIFE_S + 1, -REASON_CERT_INVALID },
	{ -1000, -REASON_CERT_INVALID },	/* certificates are backdated by five minutes */
};

START_TEST(its_life_counts_at_each_call)
{
	char *cert = make_cert(PKI_ROLE, "admin", false);
	struct caller caller = { .role = ROLE_NONE };
	struct err e;

	ck_assert_int_eq(from_pem(cert, clock_utc_s() + times[_i].ahead_s, &caller, &e),
	    times[_i].rc);
	ck_assert_int_eq(caller.role, times[_i].rc == 0 ? ROLE_ADMIN : ROLE_NONE);
	free(cert);
}
END_TEST

START_TEST(a_server_is_no_client)
{
	char *cert = make_cert(PKI_ROLE, "admin", true);
	struct caller caller = { .role = ROLE_NONE };
	struct err e;

	ck_assert_int_eq(from_pem(cert, clock_utc_s(), &caller, &e), -REASON_CERT_INVALID);
	ck_assert_int_eq(caller.role, ROLE_NONE);
	free(cert);
}
END_TEST

static const struct {
	struct authz_rule rule;
	struct caller caller;
	const char *subject;
	bool allowed;
} checks[] = {
	{ { ROLE_NONE, NODE_AS_OTHERS }, { ROLE_NONE, "", "" }, NULL, true },
	{ { ROLE_VIEWER, NODE_AS_OTHERS }, { ROLE_NONE, "", "" }, NULL, false },
	{ { ROLE_VIEWER, NODE_AS_OTHERS }, { ROLE_VIEWER, "", "" }, NULL, true },
	{ { ROLE_VIEWER, NODE_AS_OTHERS }, { ROLE_ADMIN, "", "" }, "n-1", true },
	{ { ROLE_OPERATOR, NODE_AS_OTHERS }, { ROLE_VIEWER, "", "" }, NULL, false },
	{ { ROLE_OPERATOR, NODE_ITSELF }, { ROLE_VIEWER, "", "" }, "n-1", false },
	{ { ROLE_OPERATOR, NODE_ITSELF }, { ROLE_OPERATOR, "", "" }, "n-1", true },
	{ { ROLE_ADMIN, NODE_AS_OTHERS }, { ROLE_OPERATOR, "", "" }, NULL, false },
	{ { ROLE_VIEWER, NODE_AS_OTHERS }, { ROLE_NODE, "n-1", "" }, "n-1", false },
	{ { ROLE_VIEWER, NODE_ITSELF }, { ROLE_NODE, "n-1", "" }, "n-1", true },
	{ { ROLE_OPERATOR, NODE_ITSELF }, { ROLE_NODE, "n-1", "" }, "n-1", true },
	{ { ROLE_VIEWER, NODE_ITSELF }, { ROLE_NODE, "n-1", "" }, "n-2", false },
	{ { ROLE_VIEWER, NODE_ITSELF }, { ROLE_NODE, "n-1", "" }, "n-11", false },
	{ { ROLE_VIEWER, NODE_ITSELF }, { ROLE_NODE, "n-1", "" }, NULL, false },
	{ { ROLE_VIEWER, NODE_ITSELF }, { ROLE_NONE, "", "" }, "", false },
	{ { ROLE_NODE, NODE_ONLY }, { ROLE_NODE, "n-1", "" }, NULL, true },
	{ { ROLE_NODE, NODE_ONLY }, { ROLE_NONE, "", "" }, NULL, false },
	{ { ROLE_NODE, NODE_ONLY }, { ROLE_ADMIN, "", "" }, NULL, false },
	{ { ROLE_OPERATOR, NODE_LATER }, { ROLE_NODE, "n-1", "" }, NULL, true },
	{ { ROLE_OPERATOR, NODE_LATER }, { ROLE_VIEWER, "", "" }, NULL, false },
	{ { ROLE_OPERATOR, NODE_LATER }, { ROLE_OPERATOR, "", "" }, NULL, true },
};

START_TEST(roles_and_the_node_itself)
{
	struct err e = { 0 };
	int rc = authz_check(&checks[_i].rule, &checks[_i].caller, checks[_i].subject, &e);

	ck_assert_int_eq(rc, checks[_i].allowed ? 0 : -REASON_ROLE_REQUIRED);
	ck_assert_int_eq(e.text[0] == '\0', checks[_i].allowed);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("authz");

	KIT_ROWS(tc, the_certificate_names_the_caller, names);
	KIT_ROWS(tc, its_life_counts_at_each_call, times);
	tcase_add_test(tc, a_server_is_no_client);
	KIT_ROWS(tc, roles_and_the_node_itself, checks);
	return kit_run("authz", tc);
}
