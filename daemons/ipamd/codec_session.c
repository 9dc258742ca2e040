/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/codec_methods.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/reason.h"
#include "daemons/ipamd/session.h"

/* What tunneld asks. */

int
codec_attach(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	const Litevpn__Ipam__Attach *m = req->attach;
	struct lease_wish wish = {
		.node_token = m->node_token,
		.net_token = m->net_token,
		.cert_node_id = m->cert_node_id,
		.served = m->served,
		.nserved = m->n_served,
	};

	return lease_attach(env->ledger, &wish, &a->lease, &a->err);
}

void
codec_log_attached(const struct answer *a)
{
	lease_log(a->lease.node_id, &a->lease.addr.addr, &a->lease.change);
}

void
codec_attached(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__Attached m = LITEVPN__IPAM__ATTACHED__INIT;
	char addr[IP_TEXT_MAX];

	(void) env;
	m.node_id = a->lease.node_id;
	ip_prefix_format(&a->lease.addr, addr);
	m.address = addr;
	m.epoch = a->lease.epoch;
	m.network = a->lease.network;
	r->body_case = LITEVPN__IPAM__REPLY__BODY_ATTACHED;
	r->attached = &m;
	codec_put(a, r);
}

int
codec_report(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	static const enum node_state states[] = {
		[LITEVPN__IPAM__REPORT__STATE__CONNECTED] = NODE_CONNECTED,
		[LITEVPN__IPAM__REPORT__STATE__LOST] = NODE_LOST,
		[LITEVPN__IPAM__REPORT__STATE__IDLE] = NODE_IDLE,
	};
	const Litevpn__Ipam__Report *m = req->report;
	unsigned state = (unsigned) m->state;
	struct session s = { .node_id = m->node_id, .epoch = m->epoch };

	if (state >= sizeof(states) / sizeof(states[0]) || states[state] == 0)
		return err_set(&a->err, -REASON_FIELD_INVALID, "state: is not one to report");
	s.state = states[state];
	return session_report(env->ledger, &s, &a->err);
}

void
codec_reported(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	(void) env;
	codec_put(a, r);
}

/* The ids whose node is gone; the request that they stand in does not live until the reply. */
static int
copy_gone(const struct session *sessions, const bool *gone, size_t n, struct codec_gone *out)
{
	if ((out->ids = calloc(n + 1, sizeof(char *))) == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (!gone[i])
			continue;
		if ((out->ids[out->n] = strdup(sessions[i].node_id)) == NULL)
			return -ENOMEM;
		out->n++;
	}
	return 0;
}

int
codec_sync(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	const Litevpn__Ipam__Sync *m = req->sync;
	struct session *sessions = calloc(m->n_sessions + 1, sizeof(*sessions));
	bool *gone = calloc(m->n_sessions + 1, sizeof(*gone));
	struct session_part part = { m->first, m->last, sessions, m->n_sessions };
	int rc = -ENOMEM;

	if (sessions == NULL || gone == NULL)
		goto out;
	for (size_t i = 0; i < m->n_sessions; i++) {
		sessions[i] = (struct session){
			.node_id = m->sessions[i]->node_id,
			.epoch = m->sessions[i]->epoch,
			.state = m->sessions[i]->connected ? NODE_CONNECTED : NODE_CONNECTING,
		};
	}
	rc = session_announce(env->ledger, &part, gone, &a->err);
	if (rc == 0)
		rc = copy_gone(sessions, gone, m->n_sessions, &a->gone);
out:
	free(sessions);
	free(gone);
	return rc;
}

void
codec_synced(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__Synced m = LITEVPN__IPAM__SYNCED__INIT;

	(void) env;
	m.n_gone = a->gone.n;
	m.gone = a->gone.ids;
	r->body_case = LITEVPN__IPAM__REPLY__BODY_SYNCED;
	r->synced = &m;
	codec_put(a, r);
}

void
codec_release_gone(struct answer *a)
{
	for (size_t i = 0; i < a->gone.n; i++)
		free(a->gone.ids[i]);
	free(a->gone.ids);
}
