/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_OFFLOAD_SPLIT_H
#define TUNNELD_OFFLOAD_SPLIT_H

#include <stdbool.h>

#include "daemons/tunneld/offload.h"

/*
 * Cuts what was read from a TUN device into packets as the kernel itself would: lengths, IPv4
 * identification, TCP sequence numbers; FIN and PSH only on the last one, CWR only on the first one;
 * checksums. Pure.
 */
struct offload_split {
	uint8_t *pkt;		/* without its virtio_net_hdr; borrowed */
	size_t len;
	size_t parts;		/* how many packets */
	/* For more than one: */
	size_t l4, head;	/* where the transport header begins, where the payload begins */
	size_t part;		/* payload bytes of each packet but the last */
	bool udp;
};

/*
 * buf: a virtio_net_hdr and what follows it. A checksum that is open is finished in place. False
 * when it is nothing that the kernel sends.
 */
bool offload_split_init(struct offload_split *s, uint8_t *buf, size_t len);

/*
 * The i-th packet. It is written to `room` (of s->head + s->part bytes), unless there is only one:
 * that one stays where it is.
 */
uint8_t *offload_split_part(const struct offload_split *s, size_t i, uint8_t *room,
    size_t *len_out);

#endif
