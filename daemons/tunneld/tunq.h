/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_TUNQ_H
#define TUNNELD_TUNQ_H

#include "daemons/tunneld/esp.h"
#include "daemons/tunneld/offload_join.h"
#include "daemons/tunneld/offload_split.h"
#include "daemons/tunneld/stats.h"
#include "daemons/tunneld/tun.h"

/*
 * A queue of the TUN device. With its offloads many packets pass in one system call: what is read is
 * cut into packets, what is written is joined. Without them each packet passes alone.
 */
struct tunq {
	int fd;				/* owned */
	struct tun_features features;
	struct stats *stats;		/* borrowed: where a failed write is counted */
	struct offload_join join;
	uint8_t in[OFFLOAD_HEAD + OFFLOAD_LEN_MAX + ESP_TRAILER];
	uint8_t part[OFFLOAD_LEN_MAX + ESP_TRAILER];
};

/* consumes: fd. */
void tunq_init(struct tunq *q, int fd, const struct tun_features *features, struct stats *stats);
void tunq_fini(struct tunq *q);

/*
 * Reads once. 0 with what is to be cut, -EAGAIN when nothing is there, -EBADMSG for what is no
 * packet, or another negative errno.
 */
int tunq_read(struct tunq *q, struct offload_split *out);

/*
 * The i-th packet of what was read, with ESP_TRAILER writable bytes behind it; until the next one.
 */
uint8_t *tunq_part(struct tunq *q, const struct offload_split *s, size_t i, size_t *len_out);

/* Takes a packet, which must stay as it is until tunq_flush. What the device refuses is counted. */
void tunq_write(struct tunq *q, uint8_t *pkt, size_t len);
void tunq_flush(struct tunq *q);

#endif
