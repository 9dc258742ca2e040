/* SPDX-License-Identifier: Apache-2.0 */
#include "common/ipc_bundle.h"

#include <errno.h>

#include "common/ipc.h"
#include "common/wire.h"

#define HEAD_LEN 8	/* number, length */

int
ipc_bundle_add(nng_msg *m, uint32_t number, const ProtobufCMessage *p)
{
	size_t len = protobuf_c_message_get_packed_size(p), before = nng_msg_len(m);
	struct wire w;

	if (len > IPC_MESSAGE_MAX)
		return -EMSGSIZE;
	if (nng_msg_realloc(m, before + HEAD_LEN + len) != 0)
		return -ENOMEM;
	w = wire_writer((uint8_t *) nng_msg_body(m) + before, HEAD_LEN);
	wire_put_u32(&w, number);
	wire_put_u32(&w, (uint32_t) len);
	protobuf_c_message_pack(p, w.base + HEAD_LEN);
	return 0;
}

int
ipc_bundle_next(nng_msg *m, size_t *pos_inout, struct ipc_item *out)
{
	struct wire w = wire_reader(nng_msg_body(m), nng_msg_len(m));
	struct ipc_item item;

	w.pos = *pos_inout;
	if (w.pos == w.len)
		return 0;
	item.number = wire_get_u32(&w);
	item.len = wire_get_u32(&w);
	item.bytes = wire_get_bytes(&w, item.len);
	if (w.failed || item.len > IPC_MESSAGE_MAX)
		return -EBADMSG;
	*pos_inout = w.pos;
	*out = item;
	return 1;
}
