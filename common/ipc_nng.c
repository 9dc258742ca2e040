/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc_nng.h"

#include <errno.h>
#include <nng/transport/ipc/ipc.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "common/clock.h"
#include "common/log.h"

#define STRANGER_LOG_MS 60000	/* a rejected dialer comes back for ever: one line a minute */

int
ipc_rc(int rv)
{
	switch (rv) {
	case 0:
		return 0;
	case NNG_ETIMEDOUT:
		return -ETIMEDOUT;
	case NNG_ENOMEM:
		return -ENOMEM;
	case NNG_ECANCELED:
	case NNG_ECLOSED:
		return -ECANCELED;
	case NNG_EADDRINUSE:
		return -EADDRINUSE;
	case NNG_EPERM:
		return -EPERM;
	default:
		return (rv & NNG_ESYSERR) != 0 ? -(rv & ~NNG_ESYSERR) : -ECONNRESET;
	}
}

uid_t
ipc_pipe_uid(nng_pipe p)
{
	uint64_t uid;

	return nng_pipe_get_uint64(p, NNG_OPT_IPC_PEER_UID, &uid) == 0 ? (uid_t) uid : (uid_t) -1;
}

void
ipc_reject(struct ipc_counters *st, nng_pipe p, const char *path)
{
	int64_t now = clock_mono_ms(), last = atomic_load(&st->stranger_logged_ms);

	atomic_fetch_add(&st->strangers, 1);
	if (last == 0 || now - last > STRANGER_LOG_MS) {
		atomic_store(&st->stranger_logged_ms, now);
		log_warn("ipc_stranger", "socket=%s uid=%d", path, (int) ipc_pipe_uid(p));
	}
	nng_pipe_close(p);
}

struct ipc_stats
ipc_counters_read(const struct ipc_counters *st)
{
	return (struct ipc_stats){
		.requests = atomic_load(&st->requests),
		.malformed = atomic_load(&st->malformed),
		.strangers = atomic_load(&st->strangers),
	};
}

void
ipc_malformed(struct ipc_counters *st, nng_msg *m)
{
	atomic_fetch_add(&st->malformed, 1);
	nng_pipe_close(nng_msg_get_pipe(m));
}

ProtobufCMessage *
ipc_unpack(struct ipc_counters *st, nng_msg *m, const void *bytes, size_t len,
    const ProtobufCMessageDescriptor *d)
{
	ProtobufCMessage *msg = protobuf_c_message_unpack(d, NULL, len, bytes);

	if (msg == NULL)
		ipc_malformed(st, m);
	return msg;
}

int
ipc_pack(const ProtobufCMessage *msg, nng_msg **out)
{
	size_t len = protobuf_c_message_get_packed_size(msg);
	nng_msg *m;

	if (len > IPC_MESSAGE_MAX)
		return -EMSGSIZE;
	if (nng_msg_alloc(&m, len) != 0)
		return -ENOMEM;
	protobuf_c_message_pack(msg, nng_msg_body(m));
	*out = m;
	return 0;
}

nng_msg *
ipc_take_msg(nng_aio *aio)
{
	nng_msg *m = nng_aio_get_msg(aio);

	nng_aio_set_msg(aio, NULL);
	return m;
}

int
ipc_url(const char *path, char url[IPC_URL_MAX], struct err *e)
{
	if (strlen(path) >= sizeof(((struct sockaddr_un *) 0)->sun_path))
		return err_set(e, -ENAMETOOLONG, "%s: longer than a socket's path may be", path);
	snprintf(url, IPC_URL_MAX, "ipc://%s", path);
	return 0;
}
