/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/netcfg_talk.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define DUMPS_MAX 16	/* of a table that changes each time while it is read */

struct nlmsghdr *
netcfg_begin(struct netcfg *n, uint16_t type, uint16_t flags, const void *header, size_t header_len)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(n->buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t) (NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = ++n->seq;
	memcpy(mnl_nlmsg_put_extra_header(nlh, header_len), header, header_len);
	return nlh;
}

/* What is left of an answer that was not read to its end would be taken for the next one's. */
static void
drain(struct netcfg *n)
{
	char rest;

	while (recv(mnl_socket_get_fd(n->sock), &rest, sizeof(rest), MSG_DONTWAIT) >= 0 ||
	    errno == EINTR || errno == ENOBUFS)
		continue;
}

static ssize_t
receive(struct netcfg *n)
{
	ssize_t len;

	do
		len = mnl_socket_recvfrom(n->sock, n->buf, sizeof(n->buf));
	while (len < 0 && errno == EINTR);
	return len;
}

int
netcfg_talk(struct netcfg *n, const struct nlmsghdr *nlh, mnl_cb_t take, void *arg)
{
	unsigned portid = mnl_socket_get_portid(n->sock), seq = n->seq;
	ssize_t len;
	int rc;

	drain(n);
	if (mnl_socket_sendto(n->sock, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		if ((len = receive(n)) < 0)
			return -errno;
		rc = mnl_cb_run(n->buf, (size_t) len, seq, portid, take, arg);
	} while (rc > MNL_CB_STOP);
	return rc < 0 ? -errno : 0;
}

int
netcfg_dump(struct netcfg *n, uint16_t type, uint8_t family, void (*forget)(void *arg),
    mnl_cb_t take, void *arg)
{
	struct rtgenmsg gen = { .rtgen_family = family };
	const struct nlmsghdr *nlh;
	int rc = -EINTR;

	for (unsigned i = 0; i < DUMPS_MAX && rc == -EINTR; i++) {
		forget(arg);
		nlh = netcfg_begin(n, type, NLM_F_DUMP, &gen, sizeof(gen));
		rc = netcfg_talk(n, nlh, take, arg);
	}
	return rc;
}

/* --- attributes ------------------------------------------------------------------------------- */

static int
store(const struct nlattr *attr, void *arg)
{
	struct netcfg_attrs *a = arg;
	uint16_t type = mnl_attr_get_type(attr);

	if (type < NETCFG_ATTRS)
		a->by_type[type] = attr;
	return MNL_CB_OK;
}

struct netcfg_attrs
netcfg_attrs(const struct nlmsghdr *nlh, size_t header_len)
{
	struct netcfg_attrs a = { 0 };

	mnl_attr_parse(nlh, (unsigned) header_len, store, &a);
	return a;
}

struct netcfg_attrs
netcfg_attrs_in(const void *piece, size_t len)
{
	struct netcfg_attrs a = { 0 };

	mnl_attr_parse_payload(piece, len, store, &a);
	return a;
}

void
netcfg_put_addr(struct nlmsghdr *nlh, uint16_t attr, const struct ip_addr *addr)
{
	mnl_attr_put(nlh, attr, ip_bits(addr) / 8, addr->b);
}
