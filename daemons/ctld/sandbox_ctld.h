/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_SANDBOX_H
#define LV_CTLD_SANDBOX_H

#include "common/err.h"
#include "common/sandbox.h"

/* Restrict ctld's two processes for good, after they have become who they are, and try it. */

/*
 * admin_dir: where its socket for administrators is. What it reads again: conf_dir, of server.yml,
 * and cert_dir, of the grpc PKI, where only its user's own key can be opened.
 */
int sandbox_front(const char *admin_dir, const char *conf_dir, const char *cert_dir,
    enum sandbox_mode mode, struct err *e);

/* The directories of both PKIs, and the one where grant.pub is. */
int sandbox_signer(const char *grpc_dir, const char *vpn_dir, const char *grant_dir,
    enum sandbox_mode mode, struct err *e);

#endif
