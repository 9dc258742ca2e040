/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_NODE_WISH_H
#define LV_CTLD_NODE_WISH_H

#include "common/pki.h"
#include "daemons/ctld/ask_ipam.h"
#include "litevpn/v1/node.pb-c.h"

/*
 * What an UpdateNodeRequest wants changed, by its mask (AIP-134, AIP-161). Returns NULL with the
 * node's id and the wish, which borrows texts from the request; or the field that is wrong, and in
 * *why_out what would be right. Pure.
 */
const char *node_wish_read(const Litevpn__V1__UpdateNodeRequest *req, char id_out[PKI_ID_MAX + 1],
    struct ipam_node_wish *out, const char **why_out);

#endif
