/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/tunq.h"

#include <errno.h>
#include <unistd.h>

static void
write_out(void *arg, const struct iovec *iov, unsigned n, unsigned packets)
{
	struct tunq *q = arg;

	if (writev(q->fd, iov, (int) n) < 0)
		stats_count(q->stats, VERDICT_TUN_WRITE_FAILED, packets);
}

void
tunq_init(struct tunq *q, int fd, const struct tun_features *features, struct stats *stats)
{
	q->fd = fd;
	q->features = *features;
	q->stats = stats;
	offload_join_init(&q->join, features->uso, write_out, q);
}

void
tunq_fini(struct tunq *q)
{
	close(q->fd);
}

int
tunq_read(struct tunq *q, struct offload_split *out)
{
	ssize_t n = read(q->fd, q->in, OFFLOAD_HEAD + OFFLOAD_LEN_MAX);

	if (n <= 0)
		return n == 0 ? -EAGAIN : -errno;
	if (q->features.vnet)
		return offload_split_init(out, q->in, (size_t) n) ? 0 : -EBADMSG;
	*out = (struct offload_split){ .pkt = q->in, .len = (size_t) n, .parts = 1 };
	return 0;
}

uint8_t *
tunq_part(struct tunq *q, const struct offload_split *s, size_t i, size_t *len_out)
{
	return offload_split_part(s, i, q->part, len_out);
}

void
tunq_write(struct tunq *q, uint8_t *pkt, size_t len)
{
	if (q->features.vnet)
		offload_join_put(&q->join, pkt, len);
	else
		write_out(q, &(struct iovec){ pkt, len }, 1, 1);
}

void
tunq_flush(struct tunq *q)
{
	if (q->features.vnet)
		offload_join_flush(&q->join);
}
