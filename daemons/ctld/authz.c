/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/authz.h"

#include <string.h>

#include "common/reason.h"

static const char *const role_names[] = {
	[ROLE_NONE] = "none",
	[ROLE_NODE] = "node",
	[ROLE_VIEWER] = "viewer",
	[ROLE_OPERATOR] = "operator",
	[ROLE_ADMIN] = "admin",
};

const char *
authz_role_name(enum role role)
{
	return role_names[role];
}

/* An administrator's role by its word in the certificate; other words give nothing. */
static enum role
role_of_word(const char *word)
{
	for (enum role r = ROLE_VIEWER; r <= ROLE_ADMIN; r++) {
		if (strcmp(word, role_names[r]) == 0)
			return r;
	}
	return ROLE_NONE;
}

/* For every call: without printf. */
static void
write_key(const uint8_t *spki, char key[AUTHZ_KEY_MAX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < AUTHZ_KEY_MAX - 1; i++)
		key[i] = digits[spki[i / 2] >> (i % 2 == 0 ? 4 : 0) & 0xf];
	key[AUTHZ_KEY_MAX - 1] = '\0';
}

int
authz_from_cert(const struct pki_cert *cert, int64_t now, struct caller *out, struct err *e)
{
	struct caller caller = { .role = ROLE_NONE };

	if (now < cert->not_before || now >= cert->not_after)
		return err_set(e, -REASON_CERT_INVALID, "the client certificate %s",
		    now < cert->not_before ? "is not valid yet" : "has expired");
	if (!cert->for_client)
		return err_set(e, -REASON_CERT_INVALID, "the certificate is not a client's");
	if (cert->name.kind == PKI_ROLE)
		caller.role = role_of_word(cert->name.id);
	if (cert->name.kind == PKI_NODE) {
		caller.role = ROLE_NODE;
		memcpy(caller.node_id, cert->name.id, sizeof(caller.node_id));
	}
	write_key(cert->spki, caller.key);
	*out = caller;
	return 0;
}

int
authz_check(const struct authz_rule *rule, const struct caller *caller, const char *subject,
    struct err *e)
{
	if (caller->role == ROLE_NODE && (rule->node == NODE_ONLY || rule->node == NODE_LATER))
		return 0;
	if (rule->node == NODE_ONLY)
		return err_set(e, -REASON_ROLE_REQUIRED, "only a node may ask this, for itself");
	if (caller->role >= rule->least)
		return 0;
	if (caller->role != ROLE_NODE || rule->node != NODE_ITSELF)
		return err_set(e, -REASON_ROLE_REQUIRED,
		    "the call needs the role %s, the caller has %s", authz_role_name(rule->least),
		    authz_role_name(caller->role));
	if (subject == NULL || strcmp(subject, caller->node_id) != 0)
		return err_set(e, -REASON_ROLE_REQUIRED, "a node may only ask about itself");
	return 0;
}
