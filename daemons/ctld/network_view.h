/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_NETWORK_VIEW_H
#define LV_CTLD_NETWORK_VIEW_H

#include "daemons/ctld/ask_net.h"
#include "daemons/ctld/names.h"
#include "litevpn/v1/network.pb-c.h"

/* A network as the API shows it. */
struct network_view {
	Litevpn__V1__NetworkInfo info;	/* points into the other fields, and what it was made of */
	Litevpn__V1__NetworkUsage usage;
	Google__Protobuf__Timestamp create_time;
	char name[NAMES_MAX];
	char *exclude[IPAM_EXCLUDE_MAX];
};

/* n is borrowed for as long as the view is used. */
void network_view_init(struct network_view *v, const struct ipam_network *n);

#endif
