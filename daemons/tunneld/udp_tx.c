/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/udp_tx.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
};

void
udp_tx_init(struct udp_tx *tx, const struct udp *udp, enum conf_offload offload,
    struct stats *stats)
{
	tx->udp = udp;
	tx->stats = stats;
	tx->segment = offload == CONF_OFFLOAD_AUTO;
	tx->many = offload != CONF_OFFLOAD_OFF;
	tx->closed = false;
	tx->refused = 0;
	tx->n = 0;
	tx->len = 0;
}

/* --- control messages ------------------------------------------------------------------------- */

static void
put_control(struct msghdr *mh, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *cm = (struct cmsghdr *) (void *) ((char *) mh->msg_control +
	    mh->msg_controllen);

	cm->cmsg_level = level;
	cm->cmsg_type = type;
	cm->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(cm), data, len);
	mh->msg_controllen += CMSG_SPACE(len);
}

/* Asks the kernel to send from the address that the peer knows. */
static void
put_local(struct msghdr *mh, const struct ip_addr *local)
{
	struct in6_pktinfo info6 = { .ipi6_ifindex = 0 };
	struct in_pktinfo info4 = { .ipi_ifindex = 0 };

	if (local->family == AF_INET6) {
		memcpy(&info6.ipi6_addr, local->b, sizeof(info6.ipi6_addr));
		put_control(mh, IPPROTO_IPV6, IPV6_PKTINFO, &info6, sizeof(info6));
	} else if (local->family == AF_INET) {
		memcpy(&info4.ipi_spec_dst, local->b, sizeof(info4.ipi_spec_dst));
		put_control(mh, IPPROTO_IP, IP_PKTINFO, &info4, sizeof(info4));
	}
}

static struct msghdr
make_header(const struct udp_end *to, union control *control)
{
	struct msghdr mh = {
		.msg_name = (void *) &to->peer,
		.msg_namelen = to->peer_len,
		.msg_control = control->buf,
	};

	memset(control, 0, sizeof(*control));
	put_local(&mh, &to->local);
	return mh;
}

/* --- sending ---------------------------------------------------------------------------------- */

static void
note_refusal(struct udp_tx *tx, int error)
{
	static const struct {
		int error;
		unsigned why;
	} table[] = {
		{ EMSGSIZE, UDP_TOO_LONG },
		{ ENETUNREACH, UDP_NO_WAY },
		{ EHOSTUNREACH, UDP_NO_WAY },
		{ ENETDOWN, UDP_NO_WAY },
		{ EADDRNOTAVAIL, UDP_NO_WAY },	/* nor any address to send from */
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].error == error)
			tx->refused |= table[i].why;
	}
}

unsigned
udp_tx_refused(struct udp_tx *tx)
{
	unsigned why = tx->refused;

	tx->refused = 0;
	return why;
}

/* All in one call. False when the kernel does not cut it: it goes the other way then. */
static bool
send_segmented(struct udp_tx *tx)
{
	union control control;
	struct msghdr mh = make_header(&tx->to, &control);
	struct iovec iov = { tx->buf, tx->len };
	uint16_t size = (uint16_t) tx->iov[0].iov_len;

	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	put_control(&mh, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size));
	if (sendmsg(tx->udp->fds[tx->to.socket], &mh, MSG_DONTWAIT) >= 0)
		return true;
	note_refusal(tx, errno);
	/* Larger than the path's MTU: each one is fragmented, if it goes alone. */
	if (errno == EMSGSIZE)
		return false;
	/* Neither the kernel nor the device can do it (udp(7), IP in another tunnel). */
	if (errno == EINVAL || errno == EIO || errno == ENOPROTOOPT || errno == EOPNOTSUPP) {
		atom_set(&tx->segment, false);
		return false;
	}
	stats_count(tx->stats, VERDICT_UDP_SEND_FAILED, tx->n);
	return true;
}

static void
send_each(struct udp_tx *tx)
{
	struct mmsghdr msgs[UDP_TX_PACKETS];
	union control control;
	struct msghdr mh = make_header(&tx->to, &control);
	unsigned done = 0;

	mh.msg_iovlen = 1;
	for (unsigned i = 0; i < tx->n; i++) {
		mh.msg_iov = &tx->iov[i];
		msgs[i].msg_hdr = mh;
	}
	while (done < tx->n) {
		int n = sendmmsg(tx->udp->fds[tx->to.socket], msgs + done, tx->n - done,
		    MSG_DONTWAIT);

		if (n <= 0) {	/* the first one of them: the others have their own chance */
			note_refusal(tx, errno);
			stats_count(tx->stats, VERDICT_UDP_SEND_FAILED, 1);
			n = 1;
		}
		done += (unsigned) n;
	}
}

void
udp_tx_flush(struct udp_tx *tx)
{
	if (tx->n == 0)
		return;
	if (tx->n == 1 || !tx->segment || !send_segmented(tx))
		send_each(tx);
	tx->n = 0;
	tx->len = 0;
	tx->closed = false;
}

/* Whether datagrams may be fragmented, here or on the way. What is not of the family is refused. */
static void
set_whole(int fd, bool whole)
{
	int v4 = whole ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT;
	int v6 = whole ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT, on = whole;

	setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &v4, sizeof(v4));
	setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &v6, sizeof(v6));
	setsockopt(fd, IPPROTO_IPV6, IPV6_DONTFRAG, &on, sizeof(on));
}

int
udp_tx_whole(struct udp_tx *tx, const struct udp_end *to, const uint8_t *dgram, size_t len)
{
	int fd = tx->udp->fds[to->socket], rc;
	union control control;
	struct msghdr mh = make_header(to, &control);
	struct iovec iov = { (void *) dgram, len };

	mh.msg_iov = &iov;
	mh.msg_iovlen = 1;
	udp_tx_flush(tx);
	set_whole(fd, true);
	rc = sendmsg(fd, &mh, MSG_DONTWAIT) < 0 && errno == EMSGSIZE ? -EMSGSIZE : 0;
	set_whole(fd, false);
	return rc;
}

/* --- gathering -------------------------------------------------------------------------------- */

static bool
same_end(const struct udp_end *a, const struct udp_end *b)
{
	return a->socket == b->socket && a->peer_len == b->peer_len &&
	    memcmp(&a->peer, &b->peer, a->peer_len) == 0 && ip_equal(&a->local, &b->local);
}

uint8_t *
udp_tx_room(struct udp_tx *tx, const struct udp_end *to, size_t len)
{
	if (tx->n > 0 && (tx->closed || tx->n == UDP_TX_PACKETS || tx->len + len > UDP_TX_BYTES ||
	    (tx->segment && len > tx->iov[0].iov_len) || !same_end(&tx->to, to)))
		udp_tx_flush(tx);
	if (tx->n == 0)
		tx->to = *to;
	return tx->buf + tx->len;
}

void
udp_tx_put(struct udp_tx *tx, size_t len)
{
	tx->iov[tx->n++] = (struct iovec){ tx->buf + tx->len, len };
	tx->len += len;
	tx->closed = tx->segment && len < tx->iov[0].iov_len;
	if (!tx->many)
		udp_tx_flush(tx);
}
