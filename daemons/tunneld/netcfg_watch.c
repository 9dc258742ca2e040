/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/netcfg_watch.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int
netcfg_watch(struct err *e)
{
	struct sockaddr_nl me = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_IPV4_IFADDR |
		RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *) &me, sizeof(me)) < 0) {
		int rc = err_set(e, -errno, "rtnetlink: %s", strerror(errno));

		if (fd >= 0)
			close(fd);
		return rc;
	}
	return fd;
}

bool
netcfg_watch_drain(int fd)
{
	char rest;
	bool any = false;

	/* ENOBUFS: so much that not all was kept, which is something too. */
	while (recv(fd, &rest, sizeof(rest), MSG_DONTWAIT) >= 0 || errno == EINTR || errno == ENOBUFS)
		any = true;
	return any;
}
