/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/hello.h"

#include <errno.h>
#include <string.h>

#include "config.h"

static void
put_ciphers(struct control_hello *h, enum conf_cipher wanted)
{
	static const enum aead_alg forced[] = {
		[CONF_CIPHER_AES256GCM] = AEAD_AES_256_GCM,
		[CONF_CIPHER_CHACHA20POLY1305] = AEAD_CHACHA20_POLY1305,
	};
	enum aead_alg best = aead_preferred();

	if (wanted != CONF_CIPHER_AUTO) {
		h->ciphers[h->nciphers++] = (int) forced[wanted];
		return;
	}
	h->ciphers[h->nciphers++] = (int) best;
	h->ciphers[h->nciphers++] = best == AEAD_AES_256_GCM ? AEAD_CHACHA20_POLY1305
							     : AEAD_AES_256_GCM;
}

void
hello_make(struct control_hello *h, const struct conf_client *conf, const struct identity *identity,
    const struct session *s)
{
	memset(h, 0, sizeof(*h));
	put_ciphers(h, conf->cipher);
	strncpy(h->node_token, identity->token, sizeof(h->node_token) - 1);
	strncpy(h->net_token, identity->net_token, sizeof(h->net_token) - 1);
	strncpy(h->version, PACKAGE_VERSION, sizeof(h->version) - 1);
	h->workers = s->carrier->nlanes;
	if (conf->transport != CONF_TRANSPORT_TLS)
		h->nspis = session_spis(s, h->spis);
}

int
hello_answered(const struct control_welcome *w, const struct conf_client *conf, struct peer *peer,
    struct session_conf *out)
{
	if (aead_name((enum aead_alg) w->cipher) == NULL)
		return -ENOTSUP;
	*out = (struct session_conf){
		.peer = peer,
		.epoch = w->epoch,
		.server = false,
		.cipher = (enum aead_alg) w->cipher,
		.peer_workers = w->workers,
		.peer_spis = w->spis,
		.npeer_spis = conf->transport == CONF_TRANSPORT_TLS ? 0 : w->nspis,
		.roams = false,
		.tls_allowed = conf->transport != CONF_TRANSPORT_UDP,
		.mtu = w->mtu,
		.mtu_top = conf->mtu == 0 ? w->mtu_top : 0,
		.keepalive_ms = w->keepalive_ms,
		.dead_after_ms = w->dead_after_ms,
		.version = w->version,
	};
	return 0;
}
