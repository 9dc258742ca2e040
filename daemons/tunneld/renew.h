/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_RENEW_H
#define TUNNELD_RENEW_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ev.h"
#include "daemons/tunneld/control.h"
#include "daemons/tunneld/identity.h"

/*
 * A certificate of a node is renewed over the tunnel when a third of its life is left; that of the
 * tunnel also when the server has other CAs than the node, which is how a node learns of a new one
 * before it needs it. The node has one of these for each of its two certificates.
 *
 * The key stays. So one file is replaced and not two that belong together, which a crash could part;
 * no key is made in this process nor crosses it to the disk; and the server can grant the renewal for
 * the key of the enrollment alone, so that whoever takes over a daemon there gets certificates for no
 * other. A machine that needs another key enrolls again.
 */
struct renew;

struct renew_parts {
	struct ev *ev;
	bool grpc;		/* the certificate of the control API, else that of the tunnel */
	const struct identity *identity;	/* borrowed; read each time: it may be renewed */
	/* Asks the server; false: there is no connection to it now. */
	bool (*ask)(void *arg, bool grpc, const char *csr);
	/* Has the monitor store both; renew_stored brings the answer. */
	void (*store)(void *arg, const struct control_cert *cert);
	void *arg;
};

int renew_new(const struct renew_parts *parts, struct renew **out);
void renew_free(struct renew *r);	/* NULL is fine */

/* Connected, anew or again. ca_hash: of the server's CAs; NULL: it does not say. */
void renew_connected(struct renew *r, const uint8_t *ca_hash);

/* The server's answer, which may come unasked. */
void renew_answer(struct renew *r, const struct control_cert *cert);

/* rc 0: the files are there. `why` in words. */
void renew_stored(struct renew *r, int rc, const char *why);

/* The identity was read anew; maybe for the sake of the other certificate. */
void renew_changed(struct renew *r);

#endif
