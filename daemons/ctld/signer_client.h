/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_SIGNER_CLIENT_H
#define LV_CTLD_SIGNER_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/ev.h"
#include "daemons/ctld/backend.h"
#include "daemons/ctld/call.h"

/*
 * The front's side of the signer. Requests come from the queue's thread; the channel and all else
 * belong to the loop's thread.
 */

#define SIGNER_WAITING_MAX 256	/* requests that were not answered yet */
#define SIGNER_WINDOW 8		/* of them at the signer: it does one at a time */

struct signer_client;

struct signer_client_conf {
	int fd;				/* the channel, borrowed; -1: there is no signer */
	const char *none_because;	/* with fd -1: why */
	void (*gone)(void *arg);	/* the signer has died; on the loop */
	void *arg;
};

/* Waits until the signer says that it is ready, and whether it can sign. */
int signer_client_new(struct ev *ev, const struct signer_client_conf *conf,
    struct signer_client **out, struct err *e);
void signer_client_free(struct signer_client *sc);	/* NULL is fine; after the calls are gone */

/* Why nothing can be signed; NULL: it can. Any thread. */
const char *signer_client_trouble(const struct signer_client *sc);

struct signed_cert {
	char *certificate;	/* with its chain */
	char *ca;
};

void signed_cert_fini(struct signed_cert *cert);

/* Asks for one certificate; `next` as in backend.h, -REASON_NO_SIGNER where there is none. */
void signer_client_sign(struct signer_client *sc, struct call *c, const uint8_t *grant,
    size_t grant_len, const char *csr, struct signed_cert *out, backend_next *next);

/*
 * The same for the loop's own purposes: on the loop's thread, where `done` is called, once and never
 * from inside, with e->rc 0 and a certificate that is borrowed for the call. Returns 0, or negative
 * with *e: `done` is not called then.
 */
typedef void signer_client_done(void *arg, const struct err *e, const struct signed_cert *cert);
int signer_client_sign_here(struct signer_client *sc, const uint8_t *grant, size_t grant_len,
    const char *csr, int64_t timeout_ms, signer_client_done *done, void *arg, struct err *e);

#endif
