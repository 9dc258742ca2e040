/* SPDX-License-Identifier: Apache-2.0 */
#include "common/codec_stats.h"
#include "common/reason.h"
#include "daemons/ipamd/codec_methods.h"
#include "daemons/ipamd/counts.h"

int
codec_get_stats(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	struct metrics stats = { 0 };
	int rc = counts_show(env->counts, &stats);

	(void) req;	/* nothing here is there once for each node */
	if (rc < 0)
		metrics_fini(&stats);
	else
		a->stats = stats;
	return rc;
}

void
codec_got_stats(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Stats__Stats *stats = codec_stats_pack(&a->stats);

	(void) env;
	if (stats == NULL) {
		r->result = REASON_OVERLOADED;
	} else {
		r->body_case = LITEVPN__IPAM__REPLY__BODY_STATS;
		r->stats = stats;
	}
	codec_put(a, r);
	codec_stats_free(stats);
}

void
codec_release_stats(struct answer *a)
{
	metrics_fini(&a->stats);
}
