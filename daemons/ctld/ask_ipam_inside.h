/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_ASK_IPAM_INSIDE_H
#define LV_CTLD_ASK_IPAM_INSIDE_H

#include "daemons/ctld/ask_ipam.h"
#include "ipc/ipam.pb-c.h"

/* What all questions to ipamd share. Only ask_ipam.c, ask_token.c and ask_net.c include this. */

#define BODY(name) LITEVPN__IPAM__REPLY__BODY_##name
#define ASK(name) LITEVPN__IPAM__REQUEST__BODY_##name

/* The reply behind a message, with a body of that case; else NULL and why in *e. */
const Litevpn__Ipam__Reply *ipam_open(const ProtobufCMessage *msg,
    Litevpn__Ipam__Reply__BodyCase body, struct err *e);

void ipam_ask(struct backend *b, struct call *c, const Litevpn__Ipam__Request *req,
    backend_decode *decode, void *out, backend_next *next);

/* Fills in how it is to be done. */
void ipam_ask_once(struct backend *b, struct call *c, Litevpn__Ipam__Request *req,
    const struct ipam_once *once, backend_decode *decode, void *out, backend_next *next);

/* 0, or -REASON_INTERNAL: it cannot be right. */
int ipam_read_node(const Litevpn__Ipam__Node *pb, struct ipam_node *out, struct err *e);

#endif
