/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_WELCOME_H
#define TUNNELD_WELCOME_H

#include "common/conf_server.h"
#include "daemons/tunneld/control.h"
#include "daemons/tunneld/identity.h"
#include "daemons/tunneld/ipam.h"
#include "daemons/tunneld/join.h"
#include "daemons/tunneld/session.h"

/* What a server makes of a node's Hello, and what it answers. device_mtu: of its own device. */

/* How the session is to be; r and peer are borrowed for as long as *out is used. */
void welcome_session(const struct join_result *r, const struct conf_server *conf,
    unsigned device_mtu, struct peer *peer, struct session_conf *out);

/* The Welcome for a session that has begun. */
void welcome_make(struct control_welcome *w, const struct session *s, const struct ipam_attached *a,
    const struct conf_server *conf, unsigned device_mtu, const struct identity *identity);

#endif
