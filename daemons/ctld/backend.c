/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/ipc.h"
#include "common/log.h"
#include "common/reason.h"
#include "common/utf8.h"
#include "ipc/ipam.pb-c.h"
#include "ipc/tunneld.pb-c.h"

/*
 * A daemon that is not there gets this long to come back (it is reached again within 200 ms of its
 * start): a restart is not noticed, and one that is gone does not hold each call for all its time.
 */
#define DOWN_WAIT_MS 1000

struct backend {
	struct ipc_client *clients[BACKEND_PEERS];
};

static const struct {
	const char *name;
	enum reason down;
	const ProtobufCMessageDescriptor *request, *reply;
} peers[BACKEND_PEERS] = {
	[BACKEND_IPAMD] = { "ipamd", REASON_IPAM_DOWN,
	    &litevpn__ipam__request__descriptor, &litevpn__ipam__reply__descriptor },
	[BACKEND_TUNNELD] = { "tunneld", REASON_TUNNEL_DOWN,
	    &litevpn__tunneld__request__descriptor, &litevpn__tunneld__reply__descriptor },
};

int
backend_new(const struct places *places, const uid_t uids[BACKEND_PEERS], struct backend **out,
    struct err *e)
{
	const char *const paths[BACKEND_PEERS] = { places->ipamd_rpc, places->tunneld_control };
	struct backend *b = calloc(1, sizeof(*b));
	int rc = 0;

	if (b == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	for (enum backend_peer p = 0; p < BACKEND_PEERS && rc == 0; p++) {
		struct ipc_client_conf conf = {
			.path = paths[p],
			.uid = uids[p],
			.request = peers[p].request,
			.reply = peers[p].reply,
		};

		/* Without a loop: answers come on nng's threads and are read there. */
		rc = ipc_client_new(NULL, &conf, &b->clients[p], e);
	}
	if (rc < 0)
		backend_free(b);
	else
		*out = b;
	return rc;
}

void
backend_free(struct backend *b)
{
	if (b == NULL)
		return;
	for (enum backend_peer p = 0; p < BACKEND_PEERS; p++)
		ipc_client_free(b->clients[p]);
	free(b);
}

void
backend_flush(struct backend *b)
{
	for (enum backend_peer p = 0; p < BACKEND_PEERS; p++)
		ipc_client_flush(b->clients[p]);
}

void
backend_show(const struct backend *b, struct metrics *out)
{
	for (enum backend_peer p = 0; p < BACKEND_PEERS; p++) {
		struct ipc_stats s = ipc_client_stats(b->clients[p]);

		metrics_add(out, METRIC_IPC_REQUESTS, "ctld", peers[p].name, (double) s.requests);
		metrics_add(out, METRIC_IPC_MALFORMED, "ctld", peers[p].name,
		    (double) s.malformed);
		metrics_add(out, METRIC_IPC_STRANGERS, "ctld", peers[p].name,
		    (double) s.strangers);
	}
}

bool
backend_is_up(const struct backend *b, enum backend_peer peer)
{
	return ipc_client_is_up(b->clients[peer]);
}

/* One question under way. */
struct ask {
	struct call *call;
	enum backend_peer peer;
	backend_decode *decode;
	void *out;
	backend_next *next;
	struct err err;
};

static void
finish(struct call *c, void *arg)
{
	struct ask *a = arg;

	a->next(c, &a->err);
	free(a);
}

static void
fail(struct ask *a, int rc)
{
	enum reason reason = reason_of(rc, peers[a->peer].down);

	err_set(&a->err, -(int) reason, "%s", reason_text((int) reason));
}

/* On a thread of nng. */
static void
on_reply(void *arg, int rc, const ProtobufCMessage *reply)
{
	struct ask *a = arg;

	if (rc < 0)
		fail(a, rc);
	else if ((a->err.rc = a->decode(reply, a->out, &a->err)) == -REASON_INTERNAL)
		log_warn("answer_wrong", "peer=%s error=%s", peers[a->peer].name,
		    LOG_Q(a->err.text));
	call_resume(a->call, finish, a);
}

static int64_t
patience(const struct ipc_client *client, const struct call *c)
{
	int64_t left = call_left_ms(c);

	return ipc_client_is_up(client) || left < DOWN_WAIT_MS ? left : DOWN_WAIT_MS;
}

void
backend_ask(struct backend *b, enum backend_peer peer, struct call *c,
    const ProtobufCMessage *request, backend_decode *decode, void *out, backend_next *next)
{
	struct ipc_client *client = b->clients[peer];
	struct ask *a = calloc(1, sizeof(*a));
	int rc;

	if (a == NULL) {
		call_fail(c, &(struct status){ .reason = REASON_OVERLOADED });
		return;
	}
	*a = (struct ask){ c, peer, decode, out, next, { 0 } };
	call_hold(c);
	if ((rc = ipc_ask(client, request, patience(client, c), on_reply, a)) < 0) {
		fail(a, rc);
		call_resume(c, finish, a);
	}
}

int
backend_result(int32_t result, const char *detail, struct err *e)
{
	/* A number that is not in our registry becomes INTERNAL, with its text. */
	enum reason reason = reason_of(-result, REASON_INTERNAL);

	if (result == 0)
		return 0;
	return err_set(e, -(int) reason, "%s",
	    detail[0] != '\0' && utf8_valid(detail) ? detail : reason_text((int) reason));
}

int
backend_text(char *dst, size_t size, const char *src, struct err *e)
{
	size_t len = strlen(src);

	if (len >= size || !utf8_valid(src))
		return err_set(e, -REASON_INTERNAL, "an answer holds text that cannot be right");
	memcpy(dst, src, len + 1);
	return 0;
}
