/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/node_view.h"

_Static_assert((int) IPAM_NEVER == (int) LITEVPN__V1__NODE_INFO__STATE__NEVER &&
    (int) IPAM_IDLE == (int) LITEVPN__V1__NODE_INFO__STATE__IDLE, "states have the API's numbers");

static Google__Protobuf__Timestamp *
set_time(Google__Protobuf__Timestamp *t, int64_t utc_s)
{
	google__protobuf__timestamp__init(t);
	t->seconds = utc_s;
	return utc_s == 0 ? NULL : t;
}

static Google__Protobuf__Duration *
set_duration(Google__Protobuf__Duration *d, int64_t us)
{
	google__protobuf__duration__init(d);
	d->seconds = us / 1000000;
	d->nanos = (int32_t) (us % 1000000) * 1000;
	return d;
}

static void
set_session(struct node_view *v, const struct tunneld_session *s)
{
	Litevpn__V1__Session *pb = &v->session;

	litevpn__v1__session__init(pb);
	pb->endpoint = (char *) s->endpoint;
	pb->transport = s->over_udp ? LITEVPN__V1__SESSION__TRANSPORT__UDP
				    : LITEVPN__V1__SESSION__TRANSPORT__TLS;
	pb->start_time = set_time(&v->start_time, s->since_s);
	pb->rx_packets = s->rx_packets;
	pb->rx_bytes = s->rx_bytes;
	pb->tx_packets = s->tx_packets;
	pb->tx_bytes = s->tx_bytes;
	pb->silence = set_duration(&v->silence, s->last_rx_ms * 1000);
	pb->round_trip = s->rtt_us == 0 ? NULL : set_duration(&v->round_trip, s->rtt_us);
	pb->mtu = (int32_t) s->mtu;
	pb->cipher = (char *) s->cipher;
	pb->version = (char *) s->version;
	v->info.session = pb;
}

void
node_view_init(struct node_view *v, const struct ipam_node *node,
    const struct tunneld_session *session)
{
	litevpn__v1__node_info__init(&v->info);
	v->info.name = (char *) names_format("nodes", node->id, v->name);
	v->info.display_name = (char *) node->display_name;
	v->info.network = (char *) names_format("networks", node->network, v->network);
	v->info.address = (char *) node->address;
	v->info.state = (Litevpn__V1__NodeInfo__State) node->state;
	v->info.create_time = set_time(&v->create_time, node->create_s);
	v->info.state_time = set_time(&v->state_time, node->seen_s);
	if (session != NULL)
		set_session(v, session);
}
