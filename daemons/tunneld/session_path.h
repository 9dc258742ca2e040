/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_SESSION_PATH_H
#define TUNNELD_SESSION_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "daemons/tunneld/session.h"

/*
 * By which path a session sends, and where its peer is: probe.h decides, this asks and answers in
 * its name. Workers learn both from the carrier. What changes something is for session.c, which
 * sets its timer anew afterwards.
 */

/* Does it send ESP in UDP now (else inside of TLS). */
bool session_path_on_udp(const struct session *s);

/* Where the peer is; NULL: not known. Borrowed until the loop goes on. */
const struct udp_end *session_path_end(const struct session *s);

/*
 * An echo request of `len` inner bytes, by a worker that has an SA. whole: alone, and not to be
 * fragmented; MAIL_REFUSED comes where our own link does not take it.
 */
void session_path_ask(struct session *s, uint64_t nonce, unsigned len, bool whole);

/* Tells the workers, whenever something of it may have changed: the connection, the answers. */
void session_path_publish(struct session *s);

/* What workers have received and sent since the last look becomes what the probe knows. */
void session_path_catch_up(struct session *s);

/* When session_path_tick is due, in microseconds; INT64_MAX: there is nowhere to ask. */
int64_t session_path_due(const struct session *s);

/* The next question over UDP, or the end of waiting for an answer. */
void session_path_tick(struct session *s);

/* The way to the peer may be another one: asks at once. */
void session_path_look(struct session *s);

/* The peer is here, as it is known beforehand (client). */
void session_path_set_end(struct session *s, const struct udp_end *end);

/* Something authentic came from elsewhere (MAIL_MOVED). */
void session_path_follow(struct session *s, const struct mail *m);

/* An echo was answered (MAIL_ECHO). */
void session_path_answered(struct session *s, uint64_t nonce, const struct mail *m);

#endif
