/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_IDENTITY_H
#define LV_CTLD_IDENTITY_H

#include <stdint.h>

#include "common/err.h"
#include "common/ev.h"
#include "common/pki.h"

/*
 * The server's certificate with its key, and the CAs that clients are verified with: read, checked,
 * and read again when the files change. Files that do not fit together change nothing.
 */

#define IDENTITY_WARN_DAYS 30	/* before a certificate ends the log says so, each day */

struct identity;

struct identity_pems {
	char *ca, *cert, *key;
};

struct identity_facts {
	char ca_fingerprint[PKI_FINGERPRINT_MAX];
	int64_t ca_expire_s, cert_expire_s;	/* UTC; of the first CA in the file */
};

/* dir: kept. Before the sandbox: it begins to watch the directory here. */
int identity_new(const char *dir, struct identity **out, struct err *e);
void identity_free(struct identity *id);	/* wipes the key; NULL is fine */

/* renewed: on the loop, when identity_pems gives something new. */
int identity_start(struct identity *id, struct ev *ev, void (*renewed)(void *arg), void *arg,
    struct err *e);

/* Reads the files now. On the loop. */
void identity_reload(struct identity *id);

/* What holds now; borrowed until the loop goes on. */
const struct identity_pems *identity_pems(const struct identity *id);

/* From any thread. */
struct identity_facts identity_facts(struct identity *id);

#endif
