/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_AUTHZ_H
#define LV_CTLD_AUTHZ_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/pki.h"

/* Who calls, and whether that is enough. Pure. */

/* In rising order: each may do what the ones before it may. */
enum role {
	ROLE_NONE,	/* no certificate, or one that names nobody of ours */
	ROLE_NODE,	/* a node: beyond what everybody may, only itself */
	ROLE_VIEWER,
	ROLE_OPERATOR,
	ROLE_ADMIN,
};

#define AUTHZ_KEY_MAX 17	/* 16 hex digits of the key's SHA-256 */

struct caller {
	enum role role;
	char node_id[PKI_ID_MAX + 1];	/* ROLE_NODE only, else "" */
	char key[AUTHZ_KEY_MAX];	/* the certificate's, shortened: who it is in the log */
};

/* What a method is to nodes, beside what its least role says. */
enum authz_node {
	NODE_AS_OTHERS,	/* nothing more */
	NODE_ITSELF,	/* a node, too, where the call is about itself */
	NODE_LATER,	/* likewise, but the handler has to find out what it is about */
	NODE_ONLY,	/* nobody but a node: by its nature the call is about itself */
};

/* What a method asks of its caller. */
struct authz_rule {
	enum role least;
	enum authz_node node;
};

/*
 * The caller behind a certificate that was verified against our CA. Its life is checked here, for
 * every call: a connection may outlive its certificate. -REASON_CERT_INVALID with the cause.
 */
int authz_from_cert(const struct pki_cert *cert, int64_t now, struct caller *out, struct err *e);

/*
 * subject: the node id that the call is about; NULL: about none in particular.
 * Returns 0 or -REASON_ROLE_REQUIRED with what is needed in *e.
 */
int authz_check(const struct authz_rule *rule, const struct caller *caller, const char *subject,
    struct err *e);

/* "operator", for texts. */
const char *authz_role_name(enum role role);

#endif
