/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/signer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/pki.h"
#include "common/pki_ca.h"
#include "common/reason.h"
#include "common/secret.h"
#include "daemons/ctld/used.h"

enum { GRPC, VPN, PKIS };

struct signer {
	struct {
		struct pki_ca *ca;
		char *ca_pem;
	} pkis[PKIS];
	struct used *used;
};

int
signer_new(const struct signer_pki *grpc, const struct signer_pki *vpn, struct signer **out,
    struct err *e)
{
	const struct signer_pki *from[PKIS] = { [GRPC] = grpc, [VPN] = vpn };
	struct signer *s = calloc(1, sizeof(*s));
	int rc = 0;

	if (s == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	if ((s->used = used_new()) == NULL)
		rc = err_set(e, -ENOMEM, "out of memory");
	for (size_t i = 0; i < PKIS && rc == 0; i++) {
		rc = pki_ca_load(from[i]->ca_pem, from[i]->key_pem, &s->pkis[i].ca, e);
		if (rc < 0)
			err_prefix(e, "%s", from[i]->dir);
		else if ((s->pkis[i].ca_pem = strdup(from[i]->ca_pem)) == NULL)
			rc = err_set(e, -ENOMEM, "out of memory");
	}
	if (rc < 0)
		signer_free(s);
	else
		*out = s;
	return rc;
}

void
signer_free(struct signer *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < PKIS; i++) {
		pki_ca_free(s->pkis[i].ca);
		free(s->pkis[i].ca_pem);
	}
	used_free(s->used);
	free(s);
}

static int
check_unused(struct signer *s, const struct grant *g, int64_t now, struct err *e)
{
	_Static_assert(sizeof(g->id) == USED_ID_LEN, "the table holds grants' ids");

	switch (used_add(s->used, g->id, g->expires, now)) {
	case 0:
		return 0;
	case -EEXIST:
		return err_set(e, -REASON_GRANT_REFUSED, "the grant was used before");
	default:
		return err_set(e, -REASON_OVERLOADED, "more grants in a minute than can be kept");
	}
}

/* The leaf, then its CA: what a peer needs that knows the root only. */
static int
join_chain(const char *leaf, const char *ca, char **out, struct err *e)
{
	if (asprintf(out, "%s%s", leaf, ca) < 0)
		return err_set(e, -ENOMEM, "out of memory");
	return 0;
}

/* Who it is of, for people and for programs of LiteKube. For ours the litevpn name counts alone. */
static void
name_subject(const struct grant *g, size_t pki, struct pki_wish *wish)
{
	static const struct {
		const char *common_name, *organization;
	} litekube[PKIS] = {
		[GRPC] = { "network-controller-grpc-client", "lknm:register" },
		[VPN] = { "network-controller-client", "lknm:join" },
	};

	wish->common_name = g->node_id;
	if (g->subject == GRANT_SUBJECT_LITEKUBE) {
		wish->common_name = litekube[pki].common_name;
		wish->organization = litekube[pki].organization;
	}
}

int
signer_sign(struct signer *s, const uint8_t grant_key[GRANT_KEY_LEN],
    const struct signer_request *req, int64_t now, char **cert_pem_out, const char **ca_pem_out,
    struct err *e)
{
	struct grant g;
	struct pki_wish wish = { .name.kind = PKI_NODE };
	char *leaf = NULL, *chain;
	size_t pki;
	int rc;

	if ((rc = grant_verify(req->grant, req->grant_len, grant_key, now, &g, e)) < 0)
		return rc;
	pki = g.pki == GRANT_PKI_GRPC ? GRPC : VPN;
	name_subject(&g, pki, &wish);
	memcpy(wish.name.id, g.node_id, sizeof(wish.name.id));
	wish.not_after = g.not_after;
	wish.spki = g.spki;	/* the key that ipamd has granted */
	/* A grant is used up by what leaves: a certificate that is not given to anybody is none. */
	if ((rc = pki_issue(s->pkis[pki].ca, req->csr, req->csr_len, &wish, &leaf, e)) == 0 &&
	    (rc = check_unused(s, &g, now, e)) == 0 &&
	    (rc = join_chain(leaf, pki_ca_pem(s->pkis[pki].ca), &chain, e)) == 0) {
		*cert_pem_out = chain;
		*ca_pem_out = s->pkis[pki].ca_pem;
	}
	free(leaf);
	return rc;
}
