/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/node_view.h"

#include "common/clock.h"
#include "daemons/ctld/moments.h"

_Static_assert((int) IPAM_NEVER == (int) LITEVPN__V1__NODE_INFO__STATE__NEVER &&
    (int) IPAM_IDLE == (int) LITEVPN__V1__NODE_INFO__STATE__IDLE, "states have the API's numbers");

static void
set_session(struct node_view *v, const struct tunneld_session *s)
{
	Litevpn__V1__Session *pb = &v->session;

	litevpn__v1__session__init(pb);
	pb->endpoint = (char *) s->endpoint;
	pb->transport = s->over_udp ? LITEVPN__V1__SESSION__TRANSPORT__UDP
				    : LITEVPN__V1__SESSION__TRANSPORT__TLS;
	pb->start_time = moments_time(&v->start_time, s->since_s);
	pb->rx_packets = s->rx_packets;
	pb->rx_bytes = s->rx_bytes;
	pb->tx_packets = s->tx_packets;
	pb->tx_bytes = s->tx_bytes;
	pb->silence = moments_span(&v->silence, s->last_rx_ms * 1000);
	pb->round_trip = s->rtt_us == 0 ? NULL : moments_span(&v->round_trip, s->rtt_us);
	pb->certificate_expire_time = moments_time(&v->cert_expire_time, s->cert_expire_s);
	pb->cipher = (char *) s->cipher;
	pb->version = (char *) s->version;
	pb->mtu = (int32_t) s->mtu;
	v->info.session = pb;
}

static void
set_labels(struct node_view *v, const struct ipam_node *node)
{
	for (size_t i = 0; i < node->nlabels; i++) {
		litevpn__v1__node_info__labels_entry__init(&v->labels[i]);
		v->labels[i].key = (char *) node->labels[i].key;
		v->labels[i].value = (char *) node->labels[i].value;
		v->label_list[i] = &v->labels[i];
	}
	v->info.n_labels = node->nlabels;
	v->info.labels = v->label_list;
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
	v->info.create_time = moments_time(&v->create_time, node->create_s);
	v->info.state_time = moments_time(&v->state_time, node->seen_s);
	v->info.address_fixed = node->fixed;
	set_labels(v, node);
	if (session != NULL)
		set_session(v, session);
	v->info.last_seen_time = moments_time(&v->last_seen_time, session == NULL ? node->seen_s
	    : clock_utc_s() - session->last_rx_ms / 1000);
}
