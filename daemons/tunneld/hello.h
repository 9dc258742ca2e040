/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_HELLO_H
#define TUNNELD_HELLO_H

#include "common/conf_client.h"
#include "daemons/tunneld/control.h"
#include "daemons/tunneld/identity.h"
#include "daemons/tunneld/session.h"

/* What a node says first, and what it makes of the answer. */

/* s: the session to come. Holds tokens: wipe it when it was sent. */
void hello_make(struct control_hello *h, const struct conf_client *conf,
    const struct identity *identity, const struct session *s);

/*
 * How the session is to be that the server has welcomed; w and peer are borrowed for as long as *out
 * is used. -ENOTSUP: the server chose a cipher that is not known here.
 */
int hello_answered(const struct control_welcome *w, const struct conf_client *conf,
    struct peer *peer, struct session_conf *out);

#endif
