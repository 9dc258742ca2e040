/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_DESK_H
#define LV_TEST_DESK_H

#include "common/ev.h"
#include "common/ipc.h"
#include "common/usage.h"
#include "daemons/ipamd/batch.h"
#include "daemons/ipamd/service.h"
#include "ipc/ipam.pb-c.h"
#include "tests/unit/ipamd/book.h"

/*
 * The service on a real socket, rpc.sock in the test's directory, asked over it; time here is the
 * real one. A call fails the test where there is no answer.
 */
struct desk {
	struct book book;
	struct ev *ev;
	struct batch batch;
	struct usage usage;
	struct service *service;
	struct ipc_client *client;
	unsigned under_way;	/* questions without an answer yet */
};

/* What came of a question. */
struct desk_asked {
	struct desk *desk;
	int rc;			/* of the call; 1: under way */
	uint8_t bytes[64 * 1024];
	size_t len;
};

/* Opened for daemons of these users. */
void desk_open(struct desk *d, uid_t tunneld, uid_t ctld);
void desk_close(struct desk *d);

/* Asks; the answer comes in desk_loop, which ends with the last one. `out` stays until then. */
void desk_ask(struct desk *d, const Litevpn__Ipam__Request *req, struct desk_asked *out);

/* Returns what the loop was stopped with. */
int desk_loop(struct desk *d);

/* The answer that has come. The caller frees it, as those of desk_answer. */
Litevpn__Ipam__Reply *desk_reply(const struct desk_asked *a);

/* Asks and waits: for the answer, for its result. */
Litevpn__Ipam__Reply *desk_answer(struct desk *d, const Litevpn__Ipam__Request *req);
int desk_result(struct desk *d, const Litevpn__Ipam__Request *req);

#define DESK_REQUEST(CASE, member, message)                                                        \
	{ .base = PROTOBUF_C_MESSAGE_INIT(&litevpn__ipam__request__descriptor),                    \
	    .request_id = (char *) protobuf_c_empty_string,                                        \
	    .body_case = LITEVPN__IPAM__REQUEST__BODY_##CASE, .member = (message) }

#endif
