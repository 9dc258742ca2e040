/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/granter.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/places.h"

/* Whole and on the disk under its name, or not there at all. */
static int
write_file(const char *path, const uint8_t bytes[GRANT_KEY_LEN], mode_t mode, struct err *e)
{
	char tmp[PLACES_PATH_MAX + 8];
	int fd, rc = 0;

	snprintf(tmp, sizeof(tmp), "%s.new", path);
	unlink(tmp);	/* of a start that was interrupted */
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(e, -errno, "%s: %s", tmp, strerror(errno));
	if (write(fd, bytes, GRANT_KEY_LEN) != GRANT_KEY_LEN || fchmod(fd, mode) < 0 ||
	    fsync(fd) < 0 || rename(tmp, path) < 0)
		rc = err_set(e, errno == 0 ? -EIO : -errno, "%s: cannot write it: %s", path,
		    strerror(errno));
	close(fd);
	return rc;
}

static int
read_file(const char *path, bool private, uint8_t out[GRANT_KEY_LEN], struct err *e)
{
	char *bytes;
	int n;

	if ((n = secret_read_file(path, private, &bytes, e)) < 0)
		return n;
	if (n == GRANT_KEY_LEN)
		memcpy(out, bytes, GRANT_KEY_LEN);
	secret_wipe(bytes, (size_t) n);
	secret_free(bytes);
	if (n != GRANT_KEY_LEN)
		return err_set(e, -EBADMSG, "%s: is not a grant key: %d bytes instead of %d",
		    path, n, GRANT_KEY_LEN);
	return 0;
}

int
granter_open(struct granter *g, const char *key_path, const char *pub_path, struct err *e)
{
	uint8_t public[GRANT_KEY_LEN], shown[GRANT_KEY_LEN];
	struct err ignored;
	int rc = read_file(key_path, true, g->key, e);

	if (rc == -ENOENT) {
		if ((rc = grant_key_new(g->key, public)) < 0)
			return err_set(e, rc, "cannot make a grant key");
		rc = write_file(key_path, g->key, 0600, e);
	} else if (rc == 0 && (rc = grant_key_public(g->key, public)) < 0) {
		err_set(e, rc, "%s: is not a grant key", key_path);
	}
	if (rc == 0 && (read_file(pub_path, false, shown, &ignored) < 0 ||
	    memcmp(shown, public, sizeof(public)) != 0))
		rc = write_file(pub_path, public, 0444, e);
	if (rc < 0)
		granter_close(g);
	return rc;
}

void
granter_close(struct granter *g)
{
	secret_wipe(g, sizeof(*g));
}

int
granter_sign(const struct granter *g, const struct granter_wish *wish,
    uint8_t wire_out[GRANT_WIRE_LEN])
{
	struct grant grant = {
		.pki = wish->pki,
		.subject = wish->subject,
		.not_after = wish->not_after,
		.expires = wish->now_s + GRANT_LIFE_S,
	};

	snprintf(grant.node_id, sizeof(grant.node_id), "%s", wish->node_id);
	memcpy(grant.spki, wish->spki, sizeof(grant.spki));
	secret_random(grant.id, sizeof(grant.id));
	return grant_sign(&grant, g->key, wire_out);
}

/* The label keeps what is made here apart from every other use of the key. */
void
granter_secret(const struct granter *g, const void *seed, size_t len,
    char out[SECRET_TOKEN_LEN + 1])
{
	static const char label[] = "litevpn secret";
	uint8_t all[sizeof(label) + GRANT_KEY_LEN + GRANTER_SEED_MAX], hash[SECRET_HASH_LEN];

	assert(len <= GRANTER_SEED_MAX);
	memcpy(all, label, sizeof(label));
	memcpy(all + sizeof(label), g->key, GRANT_KEY_LEN);
	memcpy(all + sizeof(label) + GRANT_KEY_LEN, seed, len);
	secret_hash_bytes(all, sizeof(label) + GRANT_KEY_LEN + len, hash);
	secret_token_of(hash, out);
	secret_wipe(all, sizeof(all));
	secret_wipe(hash, sizeof(hash));
}
