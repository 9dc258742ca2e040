/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_IPCRIG_H
#define LV_TEST_IPCRIG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ev.h"
#include "common/ipc.h"

/*
 * A server and a client of ipc.h on one loop, with the signer's messages. What the handler does
 * with a request is said by its number.
 */

enum rig_number {
	RIG_ANSWER = 1,		/* the reply carries number + 1 */
	RIG_KEEP,		/* no answer until rig_answer_kept */
	RIG_ANSWER_TOO_LARGE,
	RIG_DIE,		/* the process ends by SIGKILL */
};

struct rig {
	struct ev *ev;
	const char *path;
	struct ipc_server *server;
	struct ipc_client *client;

	/* seen by the server */
	unsigned peer, handled;
	size_t csr_len;
	struct ipc_call *kept[IPC_CALLS_MAX];
	unsigned nkept;

	/* seen by the client */
	unsigned ups, done;
	int rc;			/* of the last completion */
	uint64_t number;	/* of the last reply */
};

#define RIG_PEER_ID 7

/* The loop, and the socket's path. */
void rig_init(struct rig *r);
void rig_fini(struct rig *r);

void rig_serve(struct rig *r);		/* peers: our own uid */
void rig_connect(struct rig *r);	/* to a listener of our own uid */
void rig_connect_to(struct rig *r, uid_t uid);

/* Asks with that number and a csr of that many bytes; returns ipc_ask's result. */
int rig_ask(struct rig *r, enum rig_number number, size_t csr_len, int64_t timeout_ms);

/* Asks, waits for the completion and returns its rc. */
int rig_ask_and_wait(struct rig *r, enum rig_number number, size_t csr_len, int64_t timeout_ms);

/* Answers all requests that were kept. */
void rig_answer_kept(struct rig *r);

/* Runs the loop until the condition holds; the test fails when that takes five seconds. */
void rig_wait(struct rig *r, bool (*holds)(struct rig *r));

bool rig_is_idle(struct rig *r);	/* every request that was sent is done */
bool rig_is_up(struct rig *r);
bool rig_is_down(struct rig *r);

#endif
