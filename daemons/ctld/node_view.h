/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_NODE_VIEW_H
#define LV_CTLD_NODE_VIEW_H

#include "daemons/ctld/ask_ipam.h"
#include "daemons/ctld/ask_tunneld.h"
#include "daemons/ctld/names.h"
#include "litevpn/v1/node.pb-c.h"

/* A node as the API shows it: ipamd's row and, where there is one, tunneld's session. */
struct node_view {
	Litevpn__V1__NodeInfo info;	/* points into the other fields, and what it was made of */
	Litevpn__V1__Session session;
	Google__Protobuf__Timestamp create_time, state_time, last_seen_time, start_time,
	    cert_expire_time;
	Google__Protobuf__Duration silence, round_trip;
	Litevpn__V1__NodeInfo__LabelsEntry labels[IPAM_LABELS_MAX], *label_list[IPAM_LABELS_MAX];
	char name[NAMES_MAX], network[NAMES_MAX];
};

/* session: NULL if there is none. Both are borrowed for as long as the view is used. */
void node_view_init(struct node_view *v, const struct ipam_node *node,
    const struct tunneld_session *session);

#endif
