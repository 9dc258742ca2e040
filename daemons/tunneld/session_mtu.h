/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_SESSION_MTU_H
#define TUNNELD_SESSION_MTU_H

#include "daemons/tunneld/session.h"

/*
 * How long the inner packets of a session may be: mtu.h decides, this asks and answers in its name.
 * Workers learn it from the carrier: what is longer than fits one datagram goes inside of TLS if its
 * sender cannot make it shorter, and is refused otherwise. For session.c.
 */

/* For a session that begins. top: as in session_conf.mtu_top. */
void session_mtu_begin(struct session *s, unsigned top);

/* Something is to be asked now. */
void session_mtu_tick(struct session *s);

/* Our own link has not taken the question with this nonce. */
void session_mtu_refused(struct session *s, uint64_t nonce);

/* An echo was answered. */
void session_mtu_answered(struct session *s, uint64_t nonce);

/* When session_mtu_tick is due, in microseconds; INT64_MAX: not while it is like this. */
int64_t session_mtu_due(const struct session *s);

/* What packets of an IP version are told to keep to. */
unsigned session_mtu(const struct session *s, bool ipv6);

#endif
