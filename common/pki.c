/* SPDX-License-Identifier: Apache-2.0 */
#include "common/pki.h"

#include <errno.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/clock.h"
#include "common/ip.h"
#include "common/pem.h"
#include "common/reason.h"
#include "common/secret.h"

#define SAN_SCHEME "litevpn:"
#define SAN_NODE "litevpn://node/"
#define SAN_ROLE "litevpn://role/"

struct pki_ca {
	X509 *cert;
	char *pem;	/* of it */
	EVP_PKEY *key;
};

/* What OpenSSL says of its last failure, behind our own words. */
static int
fail(struct err *e, int rc, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *why = code == 0 ? NULL : ERR_reason_error_string(code);

	ERR_clear_error();
	return err_set(e, rc, "%s%s%s", what, why == NULL ? "" : ": ", why == NULL ? "" : why);
}

/* Its bytes as they came: to encode the key anew takes as long as to verify a signature. */
static int
hash_spki(X509_PUBKEY *key, uint8_t out[PKI_SPKI_LEN])
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(key, &der);

	if (len <= 0)
		return -EINVAL;
	SHA256(der, (size_t) len, out);
	OPENSSL_free(der);
	return 0;
}

bool
pki_id_is_good(const char *id)
{
	size_t len = strlen(id);

	return len > 0 && len <= PKI_ID_MAX && strspn(id, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

/* --- keys and requests ------------------------------------------------------------------------ */

int
pki_key_new(char **key_pem_out, struct err *e)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char *text = key == NULL ? NULL : pem_write_key(key);

	EVP_PKEY_free(key);
	if (text == NULL)
		return fail(e, -EIO, "cannot make a key");
	*key_pem_out = text;
	return 0;
}

int
pki_csr_new(const char *key_pem, const char *common_name, char **csr_pem_out, struct err *e)
{
	EVP_PKEY *key = pem_read_key(key_pem);
	X509_REQ *req = X509_REQ_new();
	char *text = NULL;
	int rc = 0;

	if (key == NULL || req == NULL ||
	    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_UTF8,
	    (const unsigned char *) common_name, -1, -1, 0) != 1 ||
	    X509_REQ_set_pubkey(req, key) != 1 || X509_REQ_sign(req, key, EVP_sha256()) == 0 ||
	    (text = pem_write_csr(req)) == NULL)
		rc = fail(e, -EINVAL, "cannot make a certificate request");
	else
		*csr_pem_out = text;
	X509_REQ_free(req);
	EVP_PKEY_free(key);
	return rc;
}

static bool
key_is_good(EVP_PKEY *key)
{
	char group[32] = "";

	if (EVP_PKEY_is_a(key, "ED25519"))
		return true;
	return EVP_PKEY_is_a(key, "EC") &&
	    EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	    (strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0);
}

/* A curve by its name, not by its numbers: those could be others. */
static bool
is_named(X509_PUBKEY *key)
{
	X509_ALGOR *algorithm;
	int type;

	if (X509_PUBKEY_get0_param(NULL, NULL, NULL, &algorithm, key) != 1)
		return false;
	X509_ALGOR_get0(NULL, &type, NULL, algorithm);
	return type == V_ASN1_OBJECT || type == V_ASN1_UNDEF;
}

/* The request, checked as pki_csr_check says, for X509_REQ_free; NULL and *e. */
static X509_REQ *
csr_open(const void *csr, size_t len, uint8_t spki_out[PKI_SPKI_LEN], struct err *e)
{
	X509_REQ *req = pem_read_csr(csr, len);
	EVP_PKEY *key = req == NULL ? NULL : X509_REQ_get0_pubkey(req);
	const int rc = -REASON_CSR_INVALID;

	if (key == NULL)
		fail(e, rc, "not a PKCS#10 certificate request");
	else if (!key_is_good(key) || !is_named(X509_REQ_get_X509_PUBKEY(req)))
		fail(e, rc, "the request's key is not ECDSA P-256, P-384 or Ed25519");
	else if (X509_REQ_verify(req, key) != 1)
		fail(e, rc, "the request is not signed by its own key");
	else if (hash_spki(X509_REQ_get_X509_PUBKEY(req), spki_out) < 0)
		fail(e, rc, "the request's key cannot be read");
	else
		return req;
	X509_REQ_free(req);
	return NULL;
}

int
pki_csr_check(const void *csr, size_t len, uint8_t spki_out[PKI_SPKI_LEN], struct err *e)
{
	X509_REQ *req = csr_open(csr, len, spki_out, e);

	X509_REQ_free(req);
	ERR_clear_error();	/* of the attempt to read DER as PEM */
	return req == NULL ? -REASON_CSR_INVALID : 0;
}

/* --- making certificates ---------------------------------------------------------------------- */

static int
set_random_serial(X509 *cert)
{
	BIGNUM *bn = BN_new();
	int ok = bn != NULL && BN_rand(bn, 159, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
	    BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)) != NULL;

	BN_free(bn);
	return ok;
}

static int
add_ext(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	int ok;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok;
}

static int
add_general_name(GENERAL_NAMES *names, int type, const void *data, int len)
{
	GENERAL_NAME *gn = GENERAL_NAME_new();
	ASN1_STRING *s = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();

	if (gn == NULL || s == NULL || ASN1_STRING_set(s, data, len) != 1) {
		GENERAL_NAME_free(gn);
		ASN1_STRING_free(s);
		return 0;
	}
	GENERAL_NAME_set0_value(gn, type, s);
	if (sk_GENERAL_NAME_push(names, gn) <= 0) {
		GENERAL_NAME_free(gn);
		return 0;
	}
	return 1;
}

static int
add_host(GENERAL_NAMES *names, const char *host)
{
	struct ip_addr a;

	if (ip_parse(host, &a) == 0)
		return add_general_name(names, GEN_IPADD, a.b, (int) ip_bits(&a) / 8);
	return add_general_name(names, GEN_DNS, host, (int) strlen(host));
}

static int
add_sans(X509 *cert, const struct pki_wish *wish)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	char uri[128];
	int ok = names != NULL;

	if (ok && wish->name.kind != PKI_NONE) {
		snprintf(uri, sizeof(uri), "%s%s",
		    wish->name.kind == PKI_NODE ? SAN_NODE : SAN_ROLE, wish->name.id);
		ok = add_general_name(names, GEN_URI, uri, (int) strlen(uri));
	}
	for (size_t i = 0; ok && i < wish->nhosts; i++)
		ok = add_host(names, wish->hosts[i]);
	if (ok && sk_GENERAL_NAME_num(names) > 0)
		ok = X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1;
	GENERAL_NAMES_free(names);
	return ok;
}

/* The key as it stands in the request: see hash_spki. */
static bool
copy_key(X509 *cert, X509_REQ *req)
{
	X509_ALGOR *algorithm;
	ASN1_OBJECT *kind;
	const ASN1_OBJECT *curve = NULL;
	const unsigned char *bits;
	unsigned char *copy;
	int len, type;

	if (X509_PUBKEY_get0_param(&kind, &bits, &len, &algorithm,
	    X509_REQ_get_X509_PUBKEY(req)) != 1)
		return false;
	X509_ALGOR_get0(NULL, &type, (const void **) &curve, algorithm);
	if ((copy = OPENSSL_memdup(bits, (size_t) len)) == NULL)
		return false;
	if (X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(cert), OBJ_dup(kind), type,
	    type == V_ASN1_OBJECT ? OBJ_dup(curve) : NULL, copy, len) == 1)
		return true;
	OPENSSL_free(copy);
	return false;
}

/* What every certificate has but the key: version 3, serial, subject, times. */
static X509 *
begin_cert(const char *common_name, int64_t not_before, int64_t not_after)
{
	X509 *cert = X509_new();

	if (cert == NULL || X509_set_version(cert, X509_VERSION_3) != 1 ||
	    !set_random_serial(cert) ||
	    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
	    (const unsigned char *) common_name, -1, -1, 0) != 1 ||
	    ASN1_TIME_set(X509_getm_notBefore(cert), not_before) == NULL ||
	    ASN1_TIME_set(X509_getm_notAfter(cert), not_after) == NULL) {
		X509_free(cert);
		return NULL;
	}
	return cert;
}

static bool
add_organization(X509 *cert, const char *name)
{
	return name == NULL || X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "O",
	    MBSTRING_UTF8, (const unsigned char *) name, -1, -1, 0) == 1;
}

int
pki_ca_new(const char *common_name, unsigned days, char **key_pem_out, char **cert_pem_out,
    struct err *e)
{
	int64_t now = clock_utc_s();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = key == NULL ? NULL : begin_cert(common_name, now - PKI_BACKDATE_S,
	    now + (int64_t) days * 86400);
	char *key_pem = NULL, *cert_pem = NULL;
	int rc = 0;

	if (cert == NULL || X509_set_pubkey(cert, key) != 1 ||
	    X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1 ||
	    !add_ext(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
	    !add_ext(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") ||
	    !add_ext(cert, cert, NID_subject_key_identifier, "hash") ||
	    X509_sign(cert, key, EVP_sha256()) == 0 || (key_pem = pem_write_key(key)) == NULL ||
	    (cert_pem = pem_write_cert(cert)) == NULL) {
		secret_free(key_pem);
		rc = fail(e, -EIO, "cannot make a CA");
	} else {
		*key_pem_out = key_pem;
		*cert_pem_out = cert_pem;
	}
	X509_free(cert);
	EVP_PKEY_free(key);
	return rc;
}

/* The first certificate of the text that the key belongs to; where none does, the last. */
static X509 *
find_cert(const char *certs_pem, EVP_PKEY *key)
{
	BIO *bio = BIO_new_mem_buf(certs_pem, -1);
	X509 *cert = NULL, *next;

	while (bio != NULL && (cert == NULL || X509_check_private_key(cert, key) != 1) &&
	    (next = pem_next_cert(bio)) != NULL) {
		X509_free(cert);
		cert = next;
	}
	BIO_free(bio);
	ERR_clear_error();
	return cert;
}

int
pki_ca_load(const char *certs_pem, const char *key_pem, struct pki_ca **out, struct err *e)
{
	struct pki_ca *ca = calloc(1, sizeof(*ca));

	if (ca == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	if ((ca->key = pem_read_key(key_pem)) == NULL)
		fail(e, -EBADMSG, "the CA's key cannot be read");
	else if ((ca->cert = find_cert(certs_pem, ca->key)) == NULL)
		fail(e, -EBADMSG, "the CA's certificate cannot be read");
	else if (X509_check_private_key(ca->cert, ca->key) != 1)
		fail(e, -EINVAL, "the CA's key does not belong to its certificate");
	else if (X509_check_ca(ca->cert) != 1)
		fail(e, -EINVAL, "the CA's certificate is not a CA's");
	else if ((ca->pem = pem_write_cert(ca->cert)) == NULL)
		err_set(e, -ENOMEM, "out of memory");
	else {
		*out = ca;
		return 0;
	}
	pki_ca_free(ca);
	return e == NULL ? -EINVAL : e->rc;
}

void
pki_ca_free(struct pki_ca *ca)
{
	if (ca == NULL)
		return;
	X509_free(ca->cert);
	EVP_PKEY_free(ca->key);	/* wipes the key */
	free(ca->pem);
	free(ca);
}

const char *
pki_ca_pem(const struct pki_ca *ca)
{
	return ca->pem;
}

static int64_t
time_of(const ASN1_TIME *t)
{
	struct tm tm = { 0 };

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t) timegm(&tm) : 0;
}

int
pki_issue(const struct pki_ca *ca, const void *csr, size_t len, const struct pki_wish *wish,
    char **cert_pem_out, struct err *e)
{
	uint8_t spki[PKI_SPKI_LEN];
	X509_REQ *req = csr_open(csr, len, spki, e);
	X509 *cert = NULL;
	char *text = NULL;
	int64_t now = clock_utc_s(), end = time_of(X509_get0_notAfter(ca->cert));
	int rc = 0;

	if (req == NULL)
		return -REASON_CSR_INVALID;
	if (wish->spki != NULL && !secret_equal(spki, wish->spki, sizeof(spki))) {
		rc = err_set(e, -REASON_GRANT_REFUSED, "the grant is for another key");
		goto out;
	}
	if (wish->not_after < end)
		end = wish->not_after;
	cert = begin_cert(wish->common_name, now - PKI_BACKDATE_S, end);
	if (cert == NULL || !copy_key(cert, req) || !add_organization(cert, wish->organization) ||
	    X509_set_issuer_name(cert, X509_get_subject_name(ca->cert)) != 1 ||
	    !add_ext(cert, ca->cert, NID_basic_constraints, "critical,CA:FALSE") ||
	    !add_ext(cert, ca->cert, NID_key_usage, "critical,digitalSignature") ||
	    !add_ext(cert, ca->cert, NID_ext_key_usage,
	    wish->for_server ? "serverAuth" : "clientAuth") ||
	    !add_ext(cert, ca->cert, NID_subject_key_identifier, "hash") ||
	    !add_ext(cert, ca->cert, NID_authority_key_identifier, "keyid:always") ||
	    !add_sans(cert, wish) || X509_sign(cert, ca->key, EVP_sha256()) == 0 ||
	    (text = pem_write_cert(cert)) == NULL)
		rc = fail(e, -EIO, "cannot sign the certificate");
	else
		*cert_pem_out = text;
out:
	X509_free(cert);
	X509_REQ_free(req);
	ERR_clear_error();	/* of the attempt to read DER as PEM */
	return rc;
}

/* --- reading certificates --------------------------------------------------------------------- */

static bool
name_parse(const char *uri, size_t len, struct pki_name *out)
{
	static const struct {
		const char *prefix;
		enum pki_subject kind;
	} kinds[] = { { SAN_NODE, PKI_NODE }, { SAN_ROLE, PKI_ROLE } };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t n = strlen(kinds[i].prefix);

		if (len <= n || len - n > PKI_ID_MAX || memcmp(uri, kinds[i].prefix, n) != 0 ||
		    memchr(uri, '\0', len) != NULL)
			continue;
		out->kind = kinds[i].kind;
		memcpy(out->id, uri + n, len - n);
		out->id[len - n] = '\0';
		return true;
	}
	return false;
}

/*
 * Fills the litevpn name, where there is one. Two of them (who would it be?), or one that is no
 * name that we give, is an error: it must not count as a certificate without a name.
 */
static int
read_name(X509 *cert, struct pki_name *out, struct err *e)
{
	int crit;
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, &crit, NULL);
	unsigned found = 0;
	bool bad = names == NULL && crit != -1;	/* -1: it has no such extension */

	for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *gn = sk_GENERAL_NAME_value(names, i);
		const char *uri;
		size_t len;

		if (gn->type != GEN_URI)
			continue;
		uri = (const char *) ASN1_STRING_get0_data(gn->d.ia5);
		len = (size_t) ASN1_STRING_length(gn->d.ia5);
		if (len < strlen(SAN_SCHEME) ||
		    strncasecmp(uri, SAN_SCHEME, strlen(SAN_SCHEME)) != 0)
			continue;
		found++;
		bad = bad || !name_parse(uri, len, out);
	}
	GENERAL_NAMES_free(names);
	if (bad || found > 1)
		return err_set(e, -EBADMSG, bad ? "the certificate's litevpn name cannot be read"
						: "the certificate carries two litevpn names");
	return 0;
}

int
pki_cert_look(X509 *x, struct pki_cert *out, struct err *e)
{
	struct pki_cert c = { 0 };
	uint32_t usage = X509_get_extended_key_usage(x);
	int rc;

	if ((rc = read_name(x, &c.name, e)) == 0 &&
	    (rc = hash_spki(X509_get_X509_PUBKEY(x), c.spki)) < 0)
		fail(e, rc, "the certificate's key cannot be read");
	if (rc == 0) {
		c.not_before = time_of(X509_get0_notBefore(x));
		c.not_after = time_of(X509_get0_notAfter(x));
		c.is_ca = X509_check_ca(x) == 1;
		c.for_server = usage != UINT32_MAX && (usage & XKU_SSL_SERVER) != 0;
		c.for_client = usage != UINT32_MAX && (usage & XKU_SSL_CLIENT) != 0;
		*out = c;
	}
	ERR_clear_error();
	return rc;
}

int
pki_cert_read(const void *cert, size_t len, struct pki_cert *out, struct err *e)
{
	X509 *x = pem_read_cert(cert, len);
	int rc;

	if (x == NULL)
		return fail(e, -EBADMSG, "not a certificate");
	rc = pki_cert_look(x, out, e);
	X509_free(x);
	return rc;
}

int64_t
pki_renew_at(const struct pki_cert *cert)
{
	int64_t begin = cert->not_before + PKI_BACKDATE_S;

	/* One of another tool, shorter than that. */
	if (begin >= cert->not_after)
		begin = cert->not_before;
	return cert->not_after - (cert->not_after - begin) / 3;
}

int
pki_first_end(const char *certs_pem, int64_t *out, struct err *e)
{
	BIO *bio = BIO_new_mem_buf(certs_pem, -1);
	int64_t first = INT64_MAX, end;
	X509 *cert;

	while (bio != NULL && (cert = pem_next_cert(bio)) != NULL) {
		end = time_of(X509_get0_notAfter(cert));
		first = end < first ? end : first;
		X509_free(cert);
	}
	BIO_free(bio);
	ERR_clear_error();
	if (first == INT64_MAX)
		return err_set(e, -EBADMSG, "holds no PEM certificate");
	*out = first;
	return 0;
}

int
pki_pair_check(const char *cert_pem, const char *key_pem, struct err *e)
{
	X509 *cert = pem_read_cert(cert_pem, strlen(cert_pem));
	EVP_PKEY *key = pem_read_key(key_pem);
	int rc = 0;

	if (cert == NULL)
		rc = fail(e, -EBADMSG, "not a PEM certificate");
	else if (key == NULL)
		rc = fail(e, -EBADMSG, "not a PEM key without a passphrase");
	else if (X509_check_private_key(cert, key) != 1)
		rc = fail(e, -EINVAL, "the key does not belong to the certificate");
	X509_free(cert);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return rc;
}

void
pki_fingerprint(const uint8_t spki[PKI_SPKI_LEN], char out[PKI_FINGERPRINT_MAX])
{
	size_t n = (size_t) snprintf(out, PKI_FINGERPRINT_MAX, "sha256:");

	for (size_t i = 0; i < PKI_SPKI_LEN; i++)
		n += (size_t) snprintf(out + n, PKI_FINGERPRINT_MAX - n, "%02x", spki[i]);
}

int
pki_fingerprint_parse(const char *text, uint8_t spki_out[PKI_SPKI_LEN])
{
	uint8_t spki[PKI_SPKI_LEN];
	size_t n = 0;

	if (strncmp(text, "sha256:", 7) != 0 || strlen(text + 7) != 2 * PKI_SPKI_LEN ||
	    OPENSSL_hexstr2buf_ex(spki, sizeof(spki), &n, text + 7, '\0') != 1 ||
	    n != sizeof(spki)) {
		ERR_clear_error();
		return -EINVAL;
	}
	memcpy(spki_out, spki, sizeof(spki));
	return 0;
}
