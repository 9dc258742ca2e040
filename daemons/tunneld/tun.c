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

/* Linux 6.2; not in Debian 12's headers. Only both together are accepted. */
#define F_USO (0x20u | 0x40u)
#define F_TSO (TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)

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

/* The first attempt that the kernel takes. */
static void
set_offloads(int fd, struct tun_features *f)
{
	f->tso = f->uso = ioctl(fd, TUNSETOFFLOAD, (unsigned long) (TUN_F_CSUM | F_TSO | F_USO)) == 0;
	if (!f->uso)
		f->tso = ioctl(fd, TUNSETOFFLOAD, (unsigned long) (TUN_F_CSUM | F_TSO)) == 0;
	if (!f->tso)
		ioctl(fd, TUNSETOFFLOAD, 0UL);
}

/* Always with IFF_MULTI_QUEUE: a device that was left is taken over with another number of queues. */
static int
attach(int fd, const char *name, bool offload)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE };

	if (offload)
		ifr.ifr_flags |= IFF_VNET_HDR;
	strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
	return ioctl(fd, TUNSETIFF, &ifr);
}

/* A queue of the device; *vnet: tried with IFF_VNET_HDR, and whether that worked. */
static int
open_queue(const char *name, uid_t owner, bool *vnet, struct err *e)
{
	int fd = open(TUN_PATH, O_RDWR | O_CLOEXEC | O_NONBLOCK), rc;

	if (fd < 0)
		return err_set(e, -errno, TUN_PATH ": %s%s", strerror(errno),
		    errno == ENOENT || errno == ENODEV ? " (modprobe tun; in a container, pass the "
		    "device in)" : "");
	*vnet = *vnet && attach(fd, name, true) == 0;
	if ((!*vnet && attach(fd, name, false) < 0) ||
	    ioctl(fd, TUNSETOWNER, (unsigned long) owner) < 0) {
		rc = explain(name, -errno, e);
		close(fd);
		return rc;
	}
	return fd;
}

int
tun_open(const char *name, uid_t owner, bool offload, unsigned n, int *fds_out,
    struct tun_features *features_out, struct err *e)
{
	struct tun_features f = { .vnet = offload };
	int fds[TUN_QUEUES_MAX], rc = 0;
	unsigned i;

	for (i = 0; i < n; i++) {	/* the first one decides for all */
		if ((fds[i] = open_queue(name, owner, &f.vnet, e)) < 0) {
			rc = fds[i];
			break;
		}
	}
	while (rc < 0 && i-- > 0)
		close(fds[i]);
	if (rc < 0)
		return rc;
	if (f.vnet)
		set_offloads(fds[0], &f);
	else	/* a device that a crashed one has left */
		ioctl(fds[0], TUNSETOFFLOAD, 0UL);
	memcpy(fds_out, fds, n * sizeof(fds[0]));
	*features_out = f;
	return 0;
}

int
tun_persist(int fd, bool persistent)
{
	return ioctl(fd, TUNSETPERSIST, persistent ? 1UL : 0UL) < 0 ? -errno : 0;
}
