/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/ask_stats.h"

#include <errno.h>
#include <stdlib.h>

#include "common/codec_stats.h"
#include "common/ipc.h"
#include "ipc/ipam.pb-c.h"
#include "ipc/tunneld.pb-c.h"

/* One peer, with the question that is under way. */
struct peer {
	enum backend_peer id;
	struct ipc_client *client;
	struct metrics *to;
	ask_stats_done *done;
	void *arg;
};

struct ask_stats {
	struct peer peers[BACKEND_PEERS];
};

static const Litevpn__Stats__Stats *
of_ipamd(const ProtobufCMessage *msg)
{
	const Litevpn__Ipam__Reply *r = (const Litevpn__Ipam__Reply *) msg;

	return r->body_case == LITEVPN__IPAM__REPLY__BODY_STATS ? r->stats : NULL;
}

static const Litevpn__Stats__Stats *
of_tunneld(const ProtobufCMessage *msg)
{
	const Litevpn__Tunneld__Reply *r = (const Litevpn__Tunneld__Reply *) msg;

	return r->body_case == LITEVPN__TUNNELD__REPLY__BODY_STATS ? r->stats : NULL;
}

static const struct {
	const char *name;
	const ProtobufCMessageDescriptor *request, *reply;
	const Litevpn__Stats__Stats *(*stats)(const ProtobufCMessage *reply);
} kinds[BACKEND_PEERS] = {
	[BACKEND_IPAMD] = { "ipamd", &litevpn__ipam__request__descriptor,
	    &litevpn__ipam__reply__descriptor, of_ipamd },
	[BACKEND_TUNNELD] = { "tunneld", &litevpn__tunneld__request__descriptor,
	    &litevpn__tunneld__reply__descriptor, of_tunneld },
};

int
ask_stats_new(struct ev *ev, const struct places *places, const uid_t uids[BACKEND_PEERS],
    struct ask_stats **out, struct err *e)
{
	const char *const paths[BACKEND_PEERS] = { places->ipamd_rpc, places->tunneld_control };
	struct ask_stats *a = calloc(1, sizeof(*a));
	int rc = 0;

	if (a == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	for (enum backend_peer p = 0; p < BACKEND_PEERS && rc == 0; p++) {
		struct ipc_client_conf conf = {
			.path = paths[p],
			.uid = uids[p],
			.request = kinds[p].request,
			.reply = kinds[p].reply,
		};

		a->peers[p].id = p;
		rc = ipc_client_new(ev, &conf, &a->peers[p].client, e);
	}
	if (rc < 0)
		ask_stats_free(a);
	else
		*out = a;
	return rc;
}

void
ask_stats_free(struct ask_stats *a)
{
	if (a == NULL)
		return;
	for (enum backend_peer p = 0; p < BACKEND_PEERS; p++)
		ipc_client_free(a->peers[p].client);
	free(a);
}

const char *
ask_stats_name(enum backend_peer peer)
{
	return kinds[peer].name;
}

static void
on_reply(void *arg, int rc, const ProtobufCMessage *reply)
{
	struct peer *p = arg;
	const Litevpn__Stats__Stats *stats = rc < 0 ? NULL : kinds[p->id].stats(reply);

	if (stats != NULL)
		codec_stats_read(stats, kinds[p->id].name, p->to);
	p->done(p->arg, p->id, stats != NULL);
}

bool
ask_stats(struct ask_stats *a, enum backend_peer peer, bool per_node, struct metrics *to,
    ask_stats_done *done, void *arg)
{
	Litevpn__Stats__GetStats get = LITEVPN__STATS__GET_STATS__INIT;
	Litevpn__Ipam__Request ipam = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Tunneld__Request tunneld = LITEVPN__TUNNELD__REQUEST__INIT;
	const ProtobufCMessage *const requests[BACKEND_PEERS] = { &ipam.base, &tunneld.base };
	struct peer *p = &a->peers[peer];

	get.per_node = per_node;
	ipam.body_case = LITEVPN__IPAM__REQUEST__BODY_GET_STATS;
	ipam.get_stats = &get;
	tunneld.body_case = LITEVPN__TUNNELD__REQUEST__BODY_GET_STATS;
	tunneld.get_stats = &get;
	p->to = to;
	p->done = done;
	p->arg = arg;
	return ipc_client_is_up(p->client) &&
	    ipc_ask(p->client, requests[peer], ASK_STATS_MS, on_reply, p) == 0;
}
