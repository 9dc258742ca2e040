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

#include "common/pem.h"
#include "common/pki_inside.h"
#include "common/reason.h"
#include "common/ssl_fail.h"

#define SAN_SCHEME "litevpn:"
#define SAN_NODE "litevpn://node/"
#define SAN_ROLE "litevpn://role/"

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
		return ssl_fail(e, -EIO, "cannot make a key");
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
		rc = ssl_fail(e, -EINVAL, "cannot make a certificate request");
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

X509_REQ *
pki_csr_open(const void *csr, size_t len, uint8_t spki_out[PKI_SPKI_LEN], struct err *e)
{
	X509_REQ *req = pem_read_csr(csr, len);
	EVP_PKEY *key = req == NULL ? NULL : X509_REQ_get0_pubkey(req);
	const int rc = -REASON_CSR_INVALID;

	if (key == NULL)
		ssl_fail(e, rc, "not a PKCS#10 certificate request");
	else if (!key_is_good(key) || !is_named(X509_REQ_get_X509_PUBKEY(req)))
		ssl_fail(e, rc, "the request's key is not ECDSA P-256, P-384 or Ed25519");
	else if (X509_REQ_verify(req, key) != 1)
		ssl_fail(e, rc, "the request is not signed by its own key");
	else if (hash_spki(X509_REQ_get_X509_PUBKEY(req), spki_out) < 0)
		ssl_fail(e, rc, "the request's key cannot be read");
	else
		return req;
	X509_REQ_free(req);
	return NULL;
}

int
pki_csr_check(const void *csr, size_t len, uint8_t spki_out[PKI_SPKI_LEN], struct err *e)
{
	X509_REQ *req = pki_csr_open(csr, len, spki_out, e);

	X509_REQ_free(req);
	ERR_clear_error();	/* of the attempt to read DER as PEM */
	return req == NULL ? -REASON_CSR_INVALID : 0;
}

/* --- reading certificates --------------------------------------------------------------------- */

int64_t
pki_time(const ASN1_TIME *t)
{
	struct tm tm = { 0 };

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t) timegm(&tm) : 0;
}

void
pki_name_uri(const struct pki_name *name, char out[PKI_URI_MAX])
{
	snprintf(out, PKI_URI_MAX, "%s%s", name->kind == PKI_NODE ? SAN_NODE : SAN_ROLE, name->id);
}

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
		ssl_fail(e, rc, "the certificate's key cannot be read");
	if (rc == 0) {
		c.not_before = pki_time(X509_get0_notBefore(x));
		c.not_after = pki_time(X509_get0_notAfter(x));
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
		return ssl_fail(e, -EBADMSG, "not a certificate");
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
		end = pki_time(X509_get0_notAfter(cert));
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
		rc = ssl_fail(e, -EBADMSG, "not a PEM certificate");
	else if (key == NULL)
		rc = ssl_fail(e, -EBADMSG, "not a PEM key without a passphrase");
	else if (X509_check_private_key(cert, key) != 1)
		rc = ssl_fail(e, -EINVAL, "the key does not belong to the certificate");
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
