/* SPDX-License-Identifier: Apache-2.0 */
#include "common/pem.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

/* The text of a memory BIO as a string of its own; NULL when out of memory. */
static char *
bio_text(BIO *bio)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	char *text = malloc((size_t) len + 1);

	if (text == NULL)
		return NULL;
	memcpy(text, data, (size_t) len);
	text[len] = '\0';
	return text;
}

char *
pem_write_key(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text = NULL;

	if (bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1)
		text = bio_text(bio);
	BIO_free(bio);
	return text;
}

char *
pem_write_cert(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;

	if (bio != NULL && PEM_write_bio_X509(bio, cert) == 1)
		text = bio_text(bio);
	BIO_free(bio);
	return text;
}

char *
pem_write_csr(X509_REQ *req)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;

	if (bio != NULL && PEM_write_bio_X509_REQ(bio, req) == 1)
		text = bio_text(bio);
	BIO_free(bio);
	return text;
}

/* No passphrase is ever asked for: a daemon has nobody to ask. */
static int
no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	(void) buf, (void) size, (void) rwflag, (void) arg;
	return -1;
}

EVP_PKEY *
pem_read_key(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key =
	    bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);

	BIO_free(bio);
	return key;
}

X509 *
pem_next_cert(BIO *bio)
{
	return PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
}

X509 *
pem_read_cert(const void *data, size_t len)
{
	const unsigned char *der = data;
	BIO *bio = BIO_new_mem_buf(data, (int) len);
	X509 *cert = bio == NULL ? NULL : pem_next_cert(bio);

	BIO_free(bio);
	if (cert == NULL)
		cert = d2i_X509(NULL, &der, (long) len);
	return cert;
}

X509_REQ *
pem_read_csr(const void *data, size_t len)
{
	const unsigned char *der = data;
	BIO *bio = BIO_new_mem_buf(data, (int) len);
	X509_REQ *req = bio == NULL ? NULL : PEM_read_bio_X509_REQ(bio, NULL, no_passphrase, NULL);

	BIO_free(bio);
	if (req == NULL)
		req = d2i_X509_REQ(NULL, &der, (long) len);
	return req;
}
