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
attach(int fd, const char *name, bool offload, bool many)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };

	if (offload)
		ifr.ifr_flags |= IFF_VNET_HDR;
	if (many)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	strncpy(ifr.ifr_name, name, sizeof(ifr.ifr_name) - 1);
	return ioctl(fd, TUNSETIFF, &ifr);
}

/* *vnet, *many: tried with them, and whether that worked. */
static int
attach_somehow(int fd, const char *name, bool *vnet, bool *many)
{
	const bool wants_vnet = *vnet, wants_many = *many;

	for (*many = wants_many;; *many = false) {
		*vnet = wants_vnet && attach(fd, name, true, *many) == 0;
		if (*vnet || attach(fd, name, false, *many) == 0)
			return 0;
		if (!*many || errno != EINVAL)
			return -errno;
	}
}

/* A queue of the device. */
static int
open_queue(const char *name, uid_t owner, bool *vnet, bool *many, struct err *e)
{
	int fd = open(TUN_PATH, O_RDWR | O_CLOEXEC | O_NONBLOCK), rc;

	if (fd < 0)
		return err_set(e, -errno, TUN_PATH ": %s%s", strerror(errno),
		    errno == ENOENT || errno == ENODEV ? " (modprobe tun; in a container, pass the "
		    "device in)" : "");
	if ((rc = attach_somehow(fd, name, vnet, many)) == 0 &&
	    ioctl(fd, TUNSETOWNER, (unsigned long) owner) < 0)
		rc = -errno;
	if (rc < 0) {
		rc = explain(name, rc, e);
		close(fd);
		return rc;
	}
	return fd;
}

int
tun_open(const char *name, uid_t owner, bool offload, unsigned *n, int *fds_out,
    struct tun_features *features_out, struct err *e)
{
	struct tun_features f = { .vnet = offload };
	bool many = true;
	int fds[TUN_QUEUES_MAX], rc = 0;
	unsigned i;

	for (i = 0; i < (many ? *n : 1); i++) {	/* the first one decides for all */
		if ((fds[i] = open_queue(name, owner, &f.vnet, &many, e)) < 0) {
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
	*n = i;
	memcpy(fds_out, fds, i * sizeof(fds[0]));
	*features_out = f;
	return 0;
}

int
tun_persist(int fd, bool persistent)
{
	return ioctl(fd, TUNSETPERSIST, persistent ? 1UL : 0UL) < 0 ? -errno : 0;
}
