/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TUN_PATH "/dev/net/tun"

static int
explain(const char *name, int rc, struct err *e)
{
	switch (-rc) {
	case EPERM:
		return err_set(e, rc, "device %s: not permitted (start as root, with "
		    "CAP_NET_ADMIN)", name);
	case EBUSY:
		return err_set(e, rc, "device %s: is in use (does another tunneld run?)", name);
	case EINVAL:
		return err_set(e, rc, "device %s: exists and is not a TUN device of ours; choose "
		    "another name by `device`", name);
	default:
		return err_set(e, rc, "device %s: %s", name, strerror(-rc));
	}
}

int
tun_open(const char *name, uid_t owner, bool persistent, struct err *e)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open(TUN_PATH, O_RDWR | O_CLOEXEC | O_NONBLOCK), rc;

	if (fd < 0)
		return err_set(e, -errno, TUN_PATH ": %s%s", strerror(errno),
		    errno == ENOENT || errno == ENODEV ? " (modprobe tun; in a container, pass the "
		    "device in)" : "");
	strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0 ||
	    ioctl(fd, TUNSETOWNER, (unsigned long) owner) < 0 ||
	    ioctl(fd, TUNSETPERSIST, persistent ? 1UL : 0UL) < 0) {
		rc = explain(name, -errno, e);
		close(fd);
		return rc;
	}
	return fd;
}
