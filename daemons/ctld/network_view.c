/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/network_view.h"

#include "daemons/ctld/moments.h"

static void
set_usage(struct network_view *v, const struct ipam_network *n)
{
	Litevpn__V1__NetworkUsage *pb = &v->usage;

	litevpn__v1__network_usage__init(pb);
	pb->network = v->name;
	pb->size = n->addresses;
	pb->used = n->used;
	pb->nodes = n->nodes;
	pb->bound = n->bound;
	pb->connected = n->connected;
	pb->promised = n->promised;
	pb->reserved = n->reserved;
	pb->resting = n->resting;
	pb->full = n->full;
}

void
network_view_init(struct network_view *v, const struct ipam_network *n)
{
	Litevpn__V1__NetworkInfo *pb = &v->info;

	litevpn__v1__network_info__init(pb);
	names_format("networks", n->name, v->name);
	set_usage(v, n);
	for (size_t i = 0; i < n->nexclude; i++)
		v->exclude[i] = (char *) n->exclude[i];
	pb->name = v->name;
	pb->address = (char *) n->address;
	pb->n_exclude = n->nexclude;
	pb->exclude = v->exclude;
	pb->open = !n->has_token;
	pb->net_token = (char *) n->net_token;
	pb->origin = n->from_conf ? LITEVPN__V1__NETWORK_INFO__ORIGIN__CONFIGURATION
				  : LITEVPN__V1__NETWORK_INFO__ORIGIN__RUN_TIME;
	pb->create_time = moments_time(&v->create_time, n->create_s);
	pb->usage = &v->usage;
}
