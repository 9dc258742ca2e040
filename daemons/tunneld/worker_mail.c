/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/worker_mail.h"

bool
worker_post(struct worker *w, unsigned to, const struct carrier *c, struct mail m,
    const void *bytes)
{
	m.spi = c->sas[0].rx.spi;
	m.now_us = ev_now_us(w->ev);
	return mail_put(&w->env->mail, w->number, to, &m, bytes);
}

void
worker_report(struct worker *w, struct carrier_sa *sa, struct carrier *c, unsigned news,
    struct mail m)
{
	static const struct {
		unsigned news;
		enum mail_kind kind;
	} kinds[] = {
		{ CARRIER_HEARD, MAIL_HEARD },
		{ CARRIER_WAITING, MAIL_WAITING },
		{ CARRIER_MOVED, MAIL_MOVED },
		{ CARRIER_REFUSED, MAIL_UNSENT },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if ((news & kinds[i].news) == 0)
			continue;
		m.kind = kinds[i].kind;
		/* Before it is said: the control thread takes it back when it has heard of it. */
		carrier_tell(sa, c, kinds[i].news, true, ev_now_us(w->ev));
		if (!worker_post(w, w->env->nworkers, c, m, NULL))
			carrier_tell(sa, c, kinds[i].news, false, 0);
	}
}
