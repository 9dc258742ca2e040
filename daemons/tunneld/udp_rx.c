/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/udp_rx.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

union control {
	struct cmsghdr align;
	char buf[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo)) +
	    CMSG_SPACE(sizeof(int))];
};

void
udp_rx_init(struct udp_rx *rx, enum conf_offload offload)
{
	rx->joined = offload == CONF_OFFLOAD_AUTO;
	rx->many = offload != CONF_OFFLOAD_OFF;
	rx->n = 0;
}

void
udp_rx_add(struct udp_rx *rx, const struct udp *udp, unsigned socket)
{
	int on = rx->joined, off = 0;

	if (setsockopt(udp->fds[socket], IPPROTO_UDP, UDP_GRO, &on, sizeof(on)) == 0)
		return;
	rx->joined = false;
	for (unsigned i = 0; i < socket; i++)
		setsockopt(udp->fds[i], IPPROTO_UDP, UDP_GRO, &off, sizeof(off));
}

/* Which of our addresses was asked, and the length of each datagram (0: there is only one). */
static void
read_control(struct msghdr *mh, struct ip_addr *local_out, size_t *each_out)
{
	*local_out = (struct ip_addr){ 0 };
	*each_out = 0;
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR(mh, cm)) {
		struct in6_pktinfo info6;
		struct in_pktinfo info4;
		int each;

		if (cm->cmsg_level == IPPROTO_IPV6 && cm->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info6, CMSG_DATA(cm), sizeof(info6));
			*local_out = ip_from_bytes(AF_INET6, info6.ipi6_addr.s6_addr);
		} else if (cm->cmsg_level == IPPROTO_IP && cm->cmsg_type == IP_PKTINFO) {
			memcpy(&info4, CMSG_DATA(cm), sizeof(info4));
			*local_out = ip_from_bytes(AF_INET, (const uint8_t *) &info4.ipi_addr);
		} else if (cm->cmsg_level == IPPROTO_UDP && cm->cmsg_type == UDP_GRO) {
			memcpy(&each, CMSG_DATA(cm), sizeof(each));
			*each_out = each > 0 ? (size_t) each : 0;
		}
	}
}

/* Adds the datagrams of one message. */
static void
take(struct udp_rx *rx, struct msghdr *mh, size_t len, unsigned socket, struct udp_end *end)
{
	uint8_t *bytes = mh->msg_iov->iov_base;
	size_t each;

	end->socket = socket;
	end->peer_len = mh->msg_namelen;
	read_control(mh, &end->local, &each);
	if (each == 0)
		each = len;
	do {
		size_t n = each < len ? each : len;

		rx->packets[rx->n++] = (struct udp_packet){ bytes, n, end };
		bytes += n;
		len -= n;
	} while (len > 0 && rx->n < UDP_RX_PACKETS);
}

int
udp_rx_recv(struct udp_rx *rx, const struct udp *udp, unsigned socket)
{
	/* One large message, or many small ones, in the same memory. */
	unsigned slots = rx->many && !rx->joined ? UDP_RX_SLOTS : 1;
	size_t size = slots > 1 ? UDP_RX_SLOT : sizeof(rx->buf);
	struct mmsghdr msgs[UDP_RX_SLOTS];
	struct iovec iov[UDP_RX_SLOTS];
	union control control[UDP_RX_SLOTS];
	int n;

	rx->n = 0;
	for (unsigned i = 0; i < slots; i++) {
		iov[i] = (struct iovec){ rx->buf[i], size };
		msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &rx->ends[i].peer,
			.msg_namelen = sizeof(rx->ends[i].peer),
			.msg_iov = &iov[i],
			.msg_iovlen = 1,
			.msg_control = control[i].buf,
			.msg_controllen = sizeof(control[i].buf),
		};
	}
	n = recvmmsg(udp->fds[socket], msgs, slots, MSG_DONTWAIT, NULL);
	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++)
		take(rx, &msgs[i].msg_hdr, msgs[i].msg_len, socket, &rx->ends[i]);
	return 0;
}
