/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_SECRET_H
#define LV_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* Keys, tokens and other things that must not be seen: wiped after use, kept out of core dumps. */

#define SECRET_FILE_MAX (64 * 1024)	/* a chain of certificates with its key is far smaller */

/* Overwrites the bytes in a way that the compiler keeps. */
void secret_wipe(void *p, size_t len);

/* Wipes a string and frees it. NULL is fine. */
void secret_free(char *text);

/* Compares in a time that depends on len only. */
bool secret_equal(const void *a, const void *b, size_t len);

/* n bytes from the system's random source (getrandom(2)); it never fails once the system is up. */
void secret_random(void *out, size_t n);

/* 16 lower-case hex digits of randomness and a NUL: the form of node tokens. */
#define SECRET_TOKEN_LEN 16
void secret_token(char out[SECRET_TOKEN_LEN + 1]);

/* SHA-256, of a text: how a secret is kept that only has to be recognised. */
#define SECRET_HASH_LEN 32
void secret_hash(const char *text, uint8_t out[SECRET_HASH_LEN]);
void secret_hash_bytes(const void *bytes, size_t len, uint8_t out[SECRET_HASH_LEN]);

/* The same form as secret_token's, of the first bytes of a hash: for one that can be made again. */
void secret_token_of(const uint8_t hash[SECRET_HASH_LEN], char out[SECRET_TOKEN_LEN + 1]);

/*
 * Reads a whole file into a NUL-terminated buffer that the caller ends with secret_free (after
 * secret_wipe of the whole length where it is not text: secret_free stops at the first NUL).
 * `private`: refuse a file that others can read. name: for error texts. Closes nothing.
 * Returns the length, or a negative errno: -EFBIG over SECRET_FILE_MAX, -EPERM too open,
 * -EBADMSG not a file.
 */
int secret_read_fd(int fd, const char *name, bool private, char **text_out, struct err *e);
int secret_read_file(const char *path, bool private, char **text_out, struct err *e);

/* Cuts spaces and line ends off the end: a token file may end in a newline. */
void secret_chomp(char *text);

#endif
