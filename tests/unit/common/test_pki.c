/* SPDX-License-Identifier: Apache-2.0 */
#include "common/pki.h"
#include "common/pki_ca.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/reason.h"
#include "common/secret.h"
#include "tests/unit/kit.h"

#define DAY 86400

/* A CA in a process: made once per test. */
static char *ca_key, *ca_cert;
static struct pki_ca *ca;

static void
make_ca(void)
{
	ck_assert_int_eq(pki_ca_new("test CA", 10, &ca_key, &ca_cert, NULL), 0);
	ck_assert_int_eq(pki_ca_load(ca_cert, ca_key, &ca, NULL), 0);
}

static void
free_ca(void)
{
	pki_ca_free(ca);
	secret_free(ca_key);
	free(ca_cert);
}

/* A new key with a certificate for it. */
static void
issue(const struct pki_wish *wish, char **key_out, char **cert_out)
{
	struct err e = { 0 };
	char *csr;

	ck_assert_int_eq(pki_key_new(key_out, NULL), 0);
	ck_assert_int_eq(pki_csr_new(*key_out, "somebody", &csr, NULL), 0);
	ck_assert_msg(pki_issue(ca, csr, strlen(csr), wish, cert_out, &e) == 0, "%s", e.text);
	free(csr);
}

/* What a shell command prints, run in the test's directory; it must succeed. */
static char *
run(const char *line)
{
	char command[2048], *text = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(command, sizeof(command), "cd %s && { %s; } 2>&1", kit_dir(), line);
	f = popen(command, "re");
	ck_assert_ptr_nonnull(f);
	if (getdelim(&text, &size, '\0', f) < 0)
		*(text = realloc(text, 1)) = '\0';
	ck_assert_msg(pclose(f) == 0, "%s: %s", command, text);
	return text;
}

static void
run_and_find(const char *command, const char *wanted)
{
	char *text = run(command);

	ck_assert_msg(strstr(text, wanted) != NULL, "no \"%s\" in: %s", wanted, text);
	free(text);
}

/* --- issuing -------------------------------------------------------------------------------- */

START_TEST(a_server_certificate_is_what_others_expect)
{
	static const char *const hosts[] = { "vpn.example", "192.0.2.1", "2001:db8::1" };
	struct pki_wish wish = {
		.common_name = "vpn.example",
		.hosts = hosts,
		.nhosts = 3,
		.for_server = true,
		.not_after = clock_utc_s() + DAY,
	};
	char *key, *cert;

	issue(&wish, &key, &cert);
	kit_write("ca.pem", ca_cert, 0600);
	kit_write("server.pem", cert, 0600);
	run_and_find("openssl verify -x509_strict -CAfile ca.pem -purpose sslserver server.pem",
	    "server.pem: OK");
	run_and_find("! openssl verify -CAfile ca.pem -purpose sslclient server.pem",
	    "unsuitable certificate purpose");
	run_and_find("openssl x509 -in server.pem -noout -ext subjectAltName",
	    "DNS:vpn.example, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1");
	run_and_find("openssl x509 -in server.pem -noout -text", "CA:FALSE");
	run_and_find("openssl x509 -in ca.pem -noout -text", "CA:TRUE, pathlen:0");
	secret_free(key);
	free(cert);
}
END_TEST

static const struct {
	enum pki_subject kind;
	const char *id, *uri;
} names[] = {
	{ PKI_NODE, "reserverd", "litevpn://node/reserverd" },
	{ PKI_NODE, "n-1", "litevpn://node/n-1" },
	{ PKI_ROLE, "admin", "litevpn://role/admin" },
	{ PKI_NONE, "", "" },
	{ PKI_NODE, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	    "litevpn://node/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
};

START_TEST(a_name_survives_the_certificate)
{
	static const char *const hosts[] = { "also.example" };
	struct pki_wish wish = {
		.common_name = "a node",
		.name = { .kind = names[_i].kind },
		.hosts = hosts,
		.nhosts = 1,
		.not_after = clock_utc_s() + DAY,
	};
	char *key, *cert, text[128];
	struct pki_cert c;

	strcpy(wish.name.id, names[_i].id);
	issue(&wish, &key, &cert);
	ck_assert_int_eq(pki_cert_read(cert, strlen(cert), &c, NULL), 0);
	ck_assert_int_eq(c.name.kind, names[_i].kind);
	ck_assert_str_eq(c.name.id, names[_i].id);
	kit_write("named.pem", cert, 0600);
	snprintf(text, sizeof(text), "URI:%s", names[_i].uri);
	run_and_find("openssl x509 -in named.pem -noout -ext subjectAltName",
	    names[_i].kind == PKI_NONE ? "DNS:also.example" : text);
	ck_assert(c.for_client && !c.for_server && !c.is_ca);
	ck_assert_int_eq(c.not_after, wish.not_after);
	ck_assert_int_lt(c.not_before, clock_utc_s());
	ck_assert_int_eq(pki_pair_check(cert, key, NULL), 0);
	secret_free(key);
	free(cert);
}
END_TEST

START_TEST(nothing_outlives_its_ca)
{
	struct pki_wish wish = { .common_name = "x", .not_after = clock_utc_s() + 100 * DAY };
	struct pki_cert c, own;
	char *key, *cert;

	issue(&wish, &key, &cert);
	ck_assert_int_eq(pki_cert_read(cert, strlen(cert), &c, NULL), 0);
	ck_assert_int_eq(pki_cert_read(ca_cert, strlen(ca_cert), &own, NULL), 0);
	ck_assert_int_eq(c.not_after, own.not_after);
	ck_assert(own.is_ca && !own.for_client && !own.for_server);
	secret_free(key);
	free(cert);
}
END_TEST

static const struct {
	int64_t not_before, not_after, at;
} renewals[] = {
	{ 1000 - PKI_BACKDATE_S, 1300, 1200 },	/* a life of 300 s from 1000 on */
	{ 1000 - PKI_BACKDATE_S, 1001, 1001 },
	{ 1000, 1000 + PKI_BACKDATE_S, 1000 + PKI_BACKDATE_S * 2 / 3 },	/* of another tool */
	{ 1000, 1090, 1060 },
};

START_TEST(a_third_of_its_life_is_left_to_renew_it)
{
	struct pki_cert c = { .not_before = renewals[_i].not_before,
		.not_after = renewals[_i].not_after };

	ck_assert_int_eq(pki_renew_at(&c), renewals[_i].at);
}
END_TEST

START_TEST(a_name_too_long_is_refused)
{
	char longer[100], *key, *csr, *cert = NULL;
	struct pki_wish wish = { .common_name = longer, .not_after = clock_utc_s() + DAY };
	struct err e;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(pki_key_new(&key, NULL), 0);
	ck_assert_int_eq(pki_csr_new(key, "x", &csr, NULL), 0);
	ck_assert_int_eq(pki_issue(ca, csr, strlen(csr), &wish, &cert, &e), -EIO);
	ck_assert_ptr_null(cert);
	secret_free(key);
	free(csr);
}
END_TEST

/* --- requests -------------------------------------------------------------------------------- */

static const struct {
	const char *command;	/* writes the request to x.csr */
	int rc;
	const char *why;
} requests[] = {
	{ "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x "
	  "-keyout x.key -out x.csr", 0, "" },
	{ "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -subj /CN=x "
	  "-keyout x.key -out x.csr", 0, "" },
	{ "openssl req -new -newkey ed25519 -nodes -subj /CN=x -keyout x.key -out x.csr", 0, "" },
	{ "openssl req -new -newkey ed25519 -nodes -subj /CN=x -keyout x.key "
	  "-outform DER -out x.csr",
	    0, "" },
	{ "openssl req -new -newkey rsa:2048 -nodes -subj /CN=x -keyout x.key -out x.csr",
	    -REASON_CSR_INVALID, "key is not ECDSA" },
	{ "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-521 -nodes -subj /CN=x "
	  "-keyout x.key -out x.csr", -REASON_CSR_INVALID, "key is not ECDSA" },
	{ "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:secp256k1 -nodes -subj /CN=x "
	  "-keyout x.key -out x.csr", -REASON_CSR_INVALID, "key is not ECDSA" },
	{ "openssl req -x509 -new -newkey ed25519 -nodes -subj /CN=x -keyout x.key -out x.csr",
	    -REASON_CSR_INVALID, "not a PKCS#10" },
	{ "openssl genpkey -algorithm ed25519 -out x.csr", -REASON_CSR_INVALID, "not a PKCS#10" },
	{ ": >x.csr", -REASON_CSR_INVALID, "not a PKCS#10" },
};

static size_t
read_bytes(const char *path, uint8_t *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(buf, 1, size, f);
	fclose(f);
	return n;
}

START_TEST(only_good_requests_pass)
{
	uint8_t csr[8192], spki[PKI_SPKI_LEN];
	struct err e = { 0 };
	size_t len;
	int rc;

	free(run(requests[_i].command));
	len = read_bytes(KIT_PATH("x.csr"), csr, sizeof(csr));
	rc = pki_csr_check(csr, len, spki, &e);
	ck_assert_msg(rc == requests[_i].rc, "%d %s", rc, e.text);
	ck_assert_msg(strstr(e.text, requests[_i].why) != NULL, "%s", e.text);
}
END_TEST

/* A request in DER whose key is good: whatever is changed in it, it is refused or still whole. */
START_TEST(a_damaged_request_is_refused)
{
	uint8_t csr[2048], copy[2048], spki[PKI_SPKI_LEN], first[PKI_SPKI_LEN];
	size_t len;

	free(run("openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x "
		 "-keyout x.key -outform DER -out x.csr"));
	len = read_bytes(KIT_PATH("x.csr"), csr, sizeof(csr));
	ck_assert_int_eq(pki_csr_check(csr, len, first, NULL), 0);
	for (size_t n = 0; n < len; n++)
		ck_assert_int_eq(pki_csr_check(csr, n, spki, NULL), -REASON_CSR_INVALID);
	for (size_t bit = 0; bit < 8 * len; bit++) {
		memcpy(copy, csr, len);
		copy[bit / 8] ^= (uint8_t) (1 << bit % 8);
		/* Its signature covers all but the signature's own form. */
		if (pki_csr_check(copy, len, spki, NULL) == 0)
			ck_assert_mem_eq(spki, first, sizeof(spki));
	}
}
END_TEST

START_TEST(a_request_gives_only_its_key)
{
	struct pki_wish wish = { .common_name = "wished", .name = { PKI_NODE, "n-1" },
		.not_after = clock_utc_s() + DAY };
	uint8_t csr[8192];
	struct pki_cert c;
	char *cert;
	size_t len;

	/* It asks to be a CA, for another name, for servers. */
	free(run("openssl req -new -newkey ed25519 -nodes -subj /CN=evil -keyout x.key -out x.csr "
		 "-addext basicConstraints=critical,CA:TRUE "
		 "-addext subjectAltName=URI:litevpn://role/admin,DNS:vpn.example "
		 "-addext extendedKeyUsage=serverAuth"));
	len = read_bytes(KIT_PATH("x.csr"), csr, sizeof(csr));
	ck_assert_int_eq(pki_issue(ca, csr, len, &wish, &cert, NULL), 0);
	ck_assert_int_eq(pki_cert_read(cert, strlen(cert), &c, NULL), 0);
	ck_assert(!c.is_ca && !c.for_server && c.for_client);
	ck_assert_int_eq(c.name.kind, PKI_NODE);
	ck_assert_str_eq(c.name.id, "n-1");
	kit_write("x.pem", cert, 0600);
	run_and_find("! openssl x509 -in x.pem -noout -text | grep -e evil -e vpn.example", "");
	free(cert);
}
END_TEST

/* --- reading ---------------------------------------------------------------------------------- */

/* Certificates that our CA would never make, but that its key might have signed. */
static const struct {
	const char *san;
	int rc;
	const char *why;
} sans[] = {
	{ "URI:litevpn://node/a", 0, "" },
	{ "URI:https://example.org/,URI:litevpn://node/a,DNS:x.example", 0, "" },
	{ "URI:litevpn://node/a,URI:litevpn://node/b", -EBADMSG, "two litevpn names" },
	{ "URI:litevpn://node/a,URI:litevpn://role/admin", -EBADMSG, "two litevpn names" },
	{ "URI:litevpn://node/a,URI:litevpn://node/a", -EBADMSG, "two litevpn names" },
	{ "URI:litevpn://node/", -EBADMSG, "cannot be read" },
	{ "URI:litevpn://king/a", -EBADMSG, "cannot be read" },
	{ "URI:LITEVPN://node/a", -EBADMSG, "cannot be read" },
	{ "URI:litevpn:node/a", -EBADMSG, "cannot be read" },
	{ "URI:litevpn://node/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
	    -EBADMSG, "cannot be read" },
	{ "DNS:litevpn", 0, "" },
};

START_TEST(a_doubtful_name_is_no_name)
{
	uint8_t cert[8192];
	char command[512];
	struct pki_cert c;
	struct err e = { 0 };
	size_t len;
	int rc;

	snprintf(command, sizeof(command), "openssl req -x509 -new -newkey ed25519 -nodes "
	    "-subj /CN=x -keyout x.key -out x.pem -addext subjectAltName=%s", sans[_i].san);
	free(run(command));
	len = read_bytes(KIT_PATH("x.pem"), cert, sizeof(cert));
	rc = pki_cert_read(cert, len, &c, &e);
	ck_assert_msg(rc == sans[_i].rc, "%s: %d %s", sans[_i].san, rc, e.text);
	ck_assert_msg(strstr(e.text, sans[_i].why) != NULL, "%s", e.text);
}
END_TEST

START_TEST(a_broken_certificate_is_refused)
{
	struct pki_cert c = { .not_after = 77 };

	for (size_t n = 0; n < strlen(ca_cert) - 1; n++)
		ck_assert_int_eq(pki_cert_read(ca_cert, n, &c, NULL), -EBADMSG);
	ck_assert_int_eq(pki_cert_read(ca_key, strlen(ca_key), &c, NULL), -EBADMSG);
	ck_assert_int_eq(c.not_after, 77);
}
END_TEST

START_TEST(a_ca_needs_its_own_key)
{
	struct pki_wish wish = { .common_name = "x", .not_after = clock_utc_s() + DAY };
	struct pki_ca *none = NULL;
	char *key, *cert;
	struct err e;

	issue(&wish, &key, &cert);
	ck_assert_int_eq(pki_ca_load(ca_cert, key, &none, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "does not belong"));
	ck_assert_int_eq(pki_ca_load(cert, key, &none, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "not a CA's"));
	ck_assert_int_eq(pki_ca_load(ca_cert, "", &none, &e), -EBADMSG);
	ck_assert_int_eq(pki_ca_load("", ca_key, &none, &e), -EBADMSG);
	ck_assert_int_eq(pki_ca_load("", ca_key, &none, NULL), -EINVAL);
	ck_assert_ptr_null(none);
	ck_assert_int_eq(pki_pair_check(ca_cert, key, &e), -EINVAL);
	ck_assert_int_eq(pki_pair_check("", key, &e), -EBADMSG);
	ck_assert_int_eq(pki_pair_check(cert, "", &e), -EBADMSG);
	secret_free(key);
	free(cert);
	pki_ca_free(NULL);
}
END_TEST

/* A key with a passphrase: nobody is asked for it. */
START_TEST(nobody_is_asked_for_a_passphrase)
{
	uint8_t key[4096] = { 0 };
	struct err e;

	free(run("openssl genpkey -algorithm ed25519 -aes256 -pass pass:abcd -out x.key"));
	read_bytes(KIT_PATH("x.key"), key, sizeof(key) - 1);
	ck_assert_int_eq(pki_pair_check(ca_cert, (char *) key, &e), -EBADMSG);
}
END_TEST

/* --- fingerprints ----------------------------------------------------------------------------- */

START_TEST(a_fingerprint_is_what_openssl_says)
{
	char text[PKI_FINGERPRINT_MAX], *out;
	uint8_t back[PKI_SPKI_LEN];
	struct pki_cert c;

	kit_write("ca.pem", ca_cert, 0600);
	ck_assert_int_eq(pki_cert_read(ca_cert, strlen(ca_cert), &c, NULL), 0);
	pki_fingerprint(c.spki, text);
	out = run("openssl x509 -in ca.pem -noout -pubkey | openssl pkey -pubin -outform DER | "
		  "openssl dgst -sha256 -r");
	ck_assert_mem_eq(text, "sha256:", 7);
	ck_assert_mem_eq(out, text + 7, 64);
	free(out);
	ck_assert_int_eq(pki_fingerprint_parse(text, back), 0);
	ck_assert_mem_eq(back, c.spki, sizeof(back));
}
END_TEST

#define HEX62 "00112233445566778899aabbccddeeff00112233445566778899aabbccddee"

static const char *const bad_fingerprints[] = { "", "sha256:", HEX62 "ff", "sha1:" HEX62 "ff",
	"sha256:" HEX62, "sha256:" HEX62 "fg", "sha256:" HEX62 "fff", "sha256: " HEX62 "f",
	"SHA256:" HEX62 "ff", "sha256:" HEX62 ":f" };

START_TEST(what_is_no_fingerprint_is_refused)
{
	uint8_t spki[PKI_SPKI_LEN] = { 77 };

	ck_assert_int_eq(pki_fingerprint_parse(bad_fingerprints[_i], spki), -EINVAL);
	ck_assert_uint_eq(spki[0], 77);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("pki");

	tcase_add_checked_fixture(tc, make_ca, free_ca);
	tcase_add_test(tc, a_server_certificate_is_what_others_expect);
	KIT_ROWS(tc, a_name_survives_the_certificate, names);
	tcase_add_test(tc, nothing_outlives_its_ca);
	KIT_ROWS(tc, a_third_of_its_life_is_left_to_renew_it, renewals);
	tcase_add_test(tc, a_name_too_long_is_refused);
	KIT_ROWS(tc, only_good_requests_pass, requests);
	tcase_add_test(tc, a_damaged_request_is_refused);
	tcase_add_test(tc, a_request_gives_only_its_key);
	KIT_ROWS(tc, a_doubtful_name_is_no_name, sans);
	tcase_add_test(tc, a_broken_certificate_is_refused);
	tcase_add_test(tc, a_ca_needs_its_own_key);
	tcase_add_test(tc, nobody_is_asked_for_a_passphrase);
	tcase_add_test(tc, a_fingerprint_is_what_openssl_says);
	KIT_ROWS(tc, what_is_no_fingerprint_is_refused, bad_fingerprints);
	return kit_run("common/pki", tc);
}
