/* SPDX-License-Identifier: Apache-2.0 */
#include "common/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

void
secret_wipe(void *p, size_t len)
{
	OPENSSL_cleanse(p, len);
}

void
secret_free(char *text)
{
	if (text == NULL)
		return;
	secret_wipe(text, strlen(text));
	free(text);
}

bool
secret_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void
secret_random(void *out, size_t n)
{
	uint8_t *p = out;

	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort();	/* no key may ever be made without randomness */
		p += got;
		n -= (size_t) got;
	}
}

static void
format_token(const uint8_t raw[SECRET_TOKEN_LEN / 2], char out[SECRET_TOKEN_LEN + 1])
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < SECRET_TOKEN_LEN / 2; i++) {
		out[2 * i] = hex[raw[i] >> 4];
		out[2 * i + 1] = hex[raw[i] & 15];
	}
	out[SECRET_TOKEN_LEN] = '\0';
}

void
secret_token(char out[SECRET_TOKEN_LEN + 1])
{
	uint8_t raw[SECRET_TOKEN_LEN / 2];

	secret_random(raw, sizeof(raw));
	format_token(raw, out);
	secret_wipe(raw, sizeof(raw));
}

void
secret_token_of(const uint8_t hash[SECRET_HASH_LEN], char out[SECRET_TOKEN_LEN + 1])
{
	format_token(hash, out);
}

void
secret_hash_bytes(const void *bytes, size_t len, uint8_t out[SECRET_HASH_LEN])
{
	SHA256(bytes, len, out);
}

void
secret_hash(const char *text, uint8_t out[SECRET_HASH_LEN])
{
	secret_hash_bytes(text, strlen(text), out);
}

int
secret_read_fd(int fd, const char *name, bool private, char **text_out, struct err *e)
{
	struct stat st;
	char *text;
	size_t len = 0;
	ssize_t n = 0;

	if (fstat(fd, &st) < 0)
		return err_set(e, -errno, "%s: %s", name, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EBADMSG, "%s: not a regular file", name);
	if (private && (st.st_mode & S_IROTH) != 0)
		return err_set(e, -EPERM, "%s: others can read this secret; chmod o= it", name);
	if (st.st_size > SECRET_FILE_MAX)
		return err_set(e, -EFBIG, "%s: larger than %d bytes", name, SECRET_FILE_MAX);
	if ((text = calloc(1, SECRET_FILE_MAX + 1)) == NULL)
		return err_set(e, -ENOMEM, "%s: out of memory", name);
	while (len < SECRET_FILE_MAX &&
	    (n = pread(fd, text + len, SECRET_FILE_MAX - len, (off_t) len)) > 0)
		len += (size_t) n;
	if (n < 0) {
		n = -errno;
		secret_wipe(text, len);
		free(text);
		return err_set(e, (int) n, "%s: %s", name, strerror((int) -n));
	}
	*text_out = text;
	return (int) len;
}

int
secret_read_file(const char *path, bool private, char **text_out, struct err *e)
{
	/* Non-blocking: a FIFO of that name must not hold the caller. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int rc;

	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	rc = secret_read_fd(fd, path, private, text_out, e);
	close(fd);
	return rc;
}

void
secret_chomp(char *text)
{
	size_t n = strlen(text);

	while (n > 0 && strchr(" \t\r\n", text[n - 1]) != NULL)
		text[--n] = '\0';
}
