/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_COMMON_PARTIES_H
#define TESTS_UNIT_COMMON_PARTIES_H

/* Who meets whom over TLS: certificates of two CAs of the same name, made anew for each test. */

#define PARTIES_HOST "127.0.0.1"	/* whom a SERVER's certificate is for */

enum who { SERVER, CLIENT, STRANGER_SERVER, STRANGER_CLIENT, NEXT_DOOR, PARTIES };

struct party {
	char *key, *cert, *chain;	/* chain: the certificate, then its CA's */
};

extern struct party parties[PARTIES];
extern char *ca_cert, *other_ca_cert;

/* For tcase_add_checked_fixture. */
void parties_make(void);
void parties_free(void);

/* Both texts in one, for free(3). */
char *text_join(const char *a, const char *b);

#endif
