/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_IPAMD_CODEC_EVENT_H
#define LV_IPAMD_CODEC_EVENT_H

#include <protobuf-c/protobuf-c.h>

#include "daemons/ipamd/events.h"

/* Events as a message (proto/ipc/ipam.proto, Events): the answer to ListEvents, and what is told. */

struct codec_events;

/* page: borrowed until codec_events_free. 0 or -ENOMEM. */
int codec_events_new(const struct event_page *page, struct codec_events **out);
void codec_events_free(struct codec_events *c);	/* NULL is fine */

/* The message; lives as long as c. */
const ProtobufCMessage *codec_events_message(const struct codec_events *c);

#endif
