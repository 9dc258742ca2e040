/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc_peer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"

#define STRANGER_LOG_MS 60000	/* one that is rejected comes back for ever: one line a minute */

uid_t
ipc_peer_uid(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 ? (uid_t) -1 : cred.uid;
}

int
ipc_connect(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc;

	if (fd < 0)
		return -errno;
	memcpy(sun.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *) &sun, sizeof(sun)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int
ipc_check_path(const char *path, struct err *e)
{
	if (strlen(path) >= sizeof(((struct sockaddr_un *) 0)->sun_path))
		return err_set(e, -ENAMETOOLONG, "%s: longer than a socket's path may be", path);
	return 0;
}

struct ipc_stats
ipc_counters_read(const struct ipc_counters *c)
{
	return (struct ipc_stats){
		.requests = atomic_load(&c->requests),
		.malformed = atomic_load(&c->malformed),
		.strangers = atomic_load(&c->strangers),
	};
}

void
ipc_stranger(struct ipc_counters *c, uid_t uid, const char *path)
{
	int64_t now = clock_mono_ms();

	atomic_fetch_add(&c->strangers, 1);
	if (c->stranger_logged_ms != 0 && now - c->stranger_logged_ms < STRANGER_LOG_MS)
		return;
	c->stranger_logged_ms = now;
	log_warn("ipc_stranger", "socket=%s uid=%d", path, (int) uid);
}

ProtobufCMessage *
ipc_unpack(struct ipc_counters *c, const uint8_t *body, size_t len,
    const ProtobufCMessageDescriptor *d)
{
	ProtobufCMessage *msg = protobuf_c_message_unpack(d, NULL, len, body);

	if (msg == NULL)
		atomic_fetch_add(&c->malformed, 1);
	return msg;
}
