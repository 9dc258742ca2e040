/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/identity.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/pki_ca.h"
#include "tests/unit/kit.h"

/* A node's files, in the directories vpn and grpc. */

static struct tunneld d;
static struct idfiles files;
static struct identity id;
static struct pki_ca *ca;
static char *ca_pem;

static char *
make_key(void)
{
	char *key;

	ck_assert_int_eq(pki_key_new(&key, NULL), 0);
	return key;
}

static char *
make_csr(const char *key)
{
	char *csr;

	ck_assert_int_eq(pki_csr_new(key, "litevpn node", &csr, NULL), 0);
	return csr;
}

static char *
make_cert(const char *csr, const char *node)
{
	struct pki_wish wish = { .common_name = "node", .name.kind = PKI_NODE,
		.not_after = clock_utc_s() + 3600 };
	char *cert;

	strcpy(wish.name.id, node);
	ck_assert_int_eq(pki_issue(ca, csr, strlen(csr), &wish, &cert, NULL), 0);
	return cert;
}

/* Writes the certificate and the key, or the request, that belong together. */
static void
write_pair(const char *dir, bool with_key)
{
	char name[64], *key = make_key(), *csr = make_csr(key), *cert = make_cert(csr, "n-1");

	snprintf(name, sizeof(name), "%s/client.pem", dir);
	kit_write(name, cert, 0644);
	snprintf(name, sizeof(name), "%s/%s", dir, with_key ? "client-key.pem" : "client.csr");
	kit_write(name, with_key ? key : csr, with_key ? 0600 : 0644);
	free(cert);
	free(csr);
	secret_free(key);
}

static void
begin(void)
{
	char *ca_key;

	ck_assert_int_eq(pki_ca_new("CA", 1, &ca_key, &ca_pem, NULL), 0);
	ck_assert_int_eq(pki_ca_load(ca_pem, ca_key, &ca, NULL), 0);
	secret_free(ca_key);
	d = (struct tunneld){ 0 };
	d.cc.vpn_cert_dir = strdup(KIT_PATH("vpn"));
	d.cc.grpc_cert_dir = strdup(KIT_PATH("grpc"));
	d.cc.token = (char *) "0123456789abcdef";
	d.cc.token_file = d.cc.net_token_file = (char *) "";
	ck_assert(mkdir(d.cc.vpn_cert_dir, 0755) == 0 || errno == EEXIST);
	ck_assert(mkdir(d.cc.grpc_cert_dir, 0755) == 0 || errno == EEXIST);
	kit_write("vpn/ca.pem", ca_pem, 0644);
	write_pair("vpn", true);
	write_pair("grpc", false);
	idfiles_init(&files, &d);
}

static void
load(void)
{
	int fds[TUNNELD_FILES], n;
	struct err e = { 0 };
	uint32_t mask;

	n = idfiles_open(&files, fds, &mask, &e);
	ck_assert_msg(n > 0, "%s", e.text);
	ck_assert_msg(identity_load(&files, d.cc.token, mask, fds, &id, &e) == 0, "%s", e.text);
	idfiles_close(fds, n);
}

static void
end(void)
{
	identity_free(&id);
	pki_ca_free(ca);
	free(ca_pem);
	free(d.cc.vpn_cert_dir);
	free(d.cc.grpc_cert_dir);
}

START_TEST(both_certificates_can_be_renewed)
{
	uint8_t spki[PKI_SPKI_LEN];
	struct err e;

	begin();
	load();
	for (int grpc = 0; grpc < 2; grpc++) {
		const struct pki_cert *cert = identity_cert(&id, grpc != 0);
		char *csr, *fresh, *foreign;

		ck_assert_ptr_nonnull(cert);
		ck_assert_int_eq(identity_csr(&id, grpc != 0, &csr, &e), 0);
		ck_assert_int_eq(pki_csr_check(csr, strlen(csr), spki, &e), 0);
		ck_assert_mem_eq(spki, cert->spki, sizeof(spki));
		fresh = make_cert(csr, "n-1");
		foreign = make_cert(csr, "n-2");
		ck_assert_int_eq(identity_check_renewed(&id, grpc != 0, fresh, ca_pem, &e), 0);
		ck_assert_int_eq(identity_check_renewed(&id, grpc != 0, fresh, "none", &e),
		    -EBADMSG);
		ck_assert_int_eq(identity_check_renewed(&id, grpc != 0, foreign, ca_pem, &e),
		    -EBADMSG);
		/* What is for the one is not for the other. */
		ck_assert_int_eq(identity_check_renewed(&id, grpc == 0, fresh, ca_pem, &e),
		    -EBADMSG);
		free(csr);
		free(fresh);
		free(foreign);
	}
	end();
}
END_TEST

/* Each of these files of the control API is left out, and the tunnel has its identity. */
static void
no_request(void)
{
	ck_assert_int_eq(remove(KIT_PATH("grpc/client.csr")), 0);
}

static void
no_certificate(void)
{
	ck_assert_int_eq(remove(KIT_PATH("grpc/client.pem")), 0);
}

static void
nonsense_request(void)
{
	kit_write("grpc/client.csr", "nonsense", 0644);
}

static void
nonsense_certificate(void)
{
	kit_write("grpc/client.pem", "nonsense", 0644);
}

static void
request_for_another_key(void)
{
	char *key = make_key(), *csr = make_csr(key);

	kit_write("grpc/client.csr", csr, 0644);
	secret_free(key);
	free(csr);
}

static void (*const faults[])(void) = { no_request, no_certificate, nonsense_request,
	nonsense_certificate, request_for_another_key };

START_TEST(the_tunnel_does_not_need_the_api)
{
	struct err e;

	begin();
	faults[_i]();
	load();
	ck_assert_ptr_nonnull(identity_cert(&id, false));
	ck_assert_ptr_null(identity_cert(&id, true));
	ck_assert_int_eq(identity_check_renewed(&id, true, ca_pem, ca_pem, &e), -EBADMSG);
	end();
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("identity");

	tcase_add_test(tc, both_certificates_can_be_renewed);
	KIT_ROWS(tc, the_tunnel_does_not_need_the_api, faults);
	return kit_run("tunneld/identity", tc);
}
