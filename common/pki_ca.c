/* SPDX-License-Identifier: Apache-2.0 */
#include "common/pki_ca.h"

#include <errno.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/ip.h"
#include "common/pem.h"
#include "common/pki_inside.h"
#include "common/reason.h"
#include "common/secret.h"
#include "common/ssl_fail.h"

struct pki_ca {
	X509 *cert;
	char *pem;	/* of it */
	EVP_PKEY *key;
};

/* --- the parts of a certificate --------------------------------------------------------------- */

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
	char uri[PKI_URI_MAX];
	int ok = names != NULL;

	if (ok && wish->name.kind != PKI_NONE) {
		pki_name_uri(&wish->name, uri);
		ok = add_general_name(names, GEN_URI, uri, (int) strlen(uri));
	}
	for (size_t i = 0; ok && i < wish->nhosts; i++)
		ok = add_host(names, wish->hosts[i]);
	if (ok && sk_GENERAL_NAME_num(names) > 0)
		ok = X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1;
	GENERAL_NAMES_free(names);
	return ok;
}

/* The key as it stands in the request: to encode it anew takes as long as to verify a signature. */
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

/* --- the CA ----------------------------------------------------------------------------------- */

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
		rc = ssl_fail(e, -EIO, "cannot make a CA");
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
		ssl_fail(e, -EBADMSG, "the CA's key cannot be read");
	else if ((ca->cert = find_cert(certs_pem, ca->key)) == NULL)
		ssl_fail(e, -EBADMSG, "the CA's certificate cannot be read");
	else if (X509_check_private_key(ca->cert, ca->key) != 1)
		ssl_fail(e, -EINVAL, "the CA's key does not belong to its certificate");
	else if (X509_check_ca(ca->cert) != 1)
		ssl_fail(e, -EINVAL, "the CA's certificate is not a CA's");
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

/* --- signing ---------------------------------------------------------------------------------- */

int
pki_issue(const struct pki_ca *ca, const void *csr, size_t len, const struct pki_wish *wish,
    char **cert_pem_out, struct err *e)
{
	uint8_t spki[PKI_SPKI_LEN];
	X509_REQ *req = pki_csr_open(csr, len, spki, e);
	X509 *cert = NULL;
	char *text = NULL;
	int64_t now = clock_utc_s(), end = pki_time(X509_get0_notAfter(ca->cert));
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
		rc = ssl_fail(e, -EIO, "cannot sign the certificate");
	else
		*cert_pem_out = text;
out:
	X509_free(cert);
	X509_REQ_free(req);
	ERR_clear_error();	/* of the attempt to read DER as PEM */
	return rc;
}
