/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/common/ipcrig.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "ipc/signer.pb-c.h"
#include "tests/unit/kit.h"

#define WAIT_MS 5000
#define LOOK_MS 2

void
rig_init(struct rig *r)
{
	static char path[KIT_PATH_MAX];

	*r = (struct rig){ .path = kit_path("rpc.sock", path) };
	unlink(path);
	ck_assert_int_eq(ev_new(&r->ev), 0);
}

void
rig_fini(struct rig *r)
{
	ipc_client_free(r->client);
	ipc_server_free(r->server);
	ev_free(r->ev);
}

static void
answer(struct ipc_call *call, uint64_t number, size_t len)
{
	Litevpn__Signer__SignReply reply = LITEVPN__SIGNER__SIGN_REPLY__INIT;
	char *text = calloc(1, len + 1);

	memset(text, 'x', len);
	reply.number = number;
	reply.certificate = text;
	ipc_reply(call, &reply.base);
	free(text);
}

static void
on_request(void *arg, struct ipc_call *call, const ProtobufCMessage *msg)
{
	const Litevpn__Signer__SignRequest *req = (const Litevpn__Signer__SignRequest *) msg;
	struct rig *r = arg;

	r->peer = ipc_call_peer(call);
	r->csr_len = req->csr.len;
	switch (req->number) {
	case RIG_KEEP:
		r->kept[r->nkept++] = call;
		break;
	case RIG_ANSWER_TOO_LARGE:
		answer(call, req->number, IPC_MESSAGE_MAX);
		break;
	case RIG_DIE:
		raise(SIGKILL);
		break;
	default:
		answer(call, req->number + 1, 0);
		break;
	}
}

static void
on_handled(void *arg)
{
	struct rig *r = arg;

	r->handled++;
}

void
rig_serve(struct rig *r)
{
	struct ipc_peer peer = { .uid = geteuid(), .id = RIG_PEER_ID };
	struct ipc_server_conf conf = {
		.path = r->path,
		.request = &litevpn__signer__sign_request__descriptor,
		.reply = &litevpn__signer__sign_reply__descriptor,
		.peers = &peer,
		.npeers = 1,
		.handle = on_request,
		.handled = on_handled,
		.arg = r,
	};
	struct err e = { 0 };

	ck_assert_msg(ipc_server_new(r->ev, &conf, &r->server, &e) == 0, "%s", e.text);
}

static void
on_up(void *arg)
{
	struct rig *r = arg;

	r->ups++;
}

void
rig_connect_to(struct rig *r, uid_t uid)
{
	struct ipc_client_conf conf = {
		.path = r->path,
		.uid = uid,
		.request = &litevpn__signer__sign_request__descriptor,
		.reply = &litevpn__signer__sign_reply__descriptor,
		.up = on_up,
		.arg = r,
	};
	struct err e = { 0 };

	ck_assert_msg(ipc_client_new(r->ev, &conf, &r->client, &e) == 0, "%s", e.text);
}

void
rig_connect(struct rig *r)
{
	rig_connect_to(r, geteuid());
}

static void
on_done(void *arg, int rc, const ProtobufCMessage *reply)
{
	struct rig *r = arg;

	ck_assert_int_eq(rc == 0, reply != NULL);
	r->done++;
	r->rc = rc;
	r->number = rc == 0 ? ((const Litevpn__Signer__SignReply *) reply)->number : 0;
}

int
rig_ask(struct rig *r, enum rig_number number, size_t csr_len, int64_t timeout_ms)
{
	Litevpn__Signer__SignRequest req = LITEVPN__SIGNER__SIGN_REQUEST__INIT;
	unsigned done = r->done;
	int rc;

	req.number = number;
	req.csr.data = calloc(1, csr_len + 1);
	req.csr.len = csr_len;
	rc = ipc_ask(r->client, &req.base, timeout_ms, on_done, r);
	free(req.csr.data);
	ck_assert_uint_eq(r->done, done);	/* never from inside */
	return rc;
}

bool
rig_is_idle(struct rig *r)
{
	return r->done == ipc_client_stats(r->client).requests;
}

int
rig_ask_and_wait(struct rig *r, enum rig_number number, size_t csr_len, int64_t timeout_ms)
{
	ck_assert_int_eq(rig_ask(r, number, csr_len, timeout_ms), 0);
	rig_wait(r, rig_is_idle);
	return r->rc;
}

void
rig_answer_kept(struct rig *r)
{
	while (r->nkept > 0)
		answer(r->kept[--r->nkept], RIG_KEEP + 1, 0);
}

struct look {
	struct rig *rig;
	bool (*holds)(struct rig *r);
	struct ev_timer timer;
	int64_t deadline_ms;
};

static void
look(void *arg)
{
	struct look *l = arg;

	if (l->holds(l->rig))
		ev_stop(l->rig->ev, 1);
	else if (clock_mono_ms() > l->deadline_ms)
		ev_stop(l->rig->ev, 0);
	else
		ev_timer_start(l->rig->ev, &l->timer, LOOK_MS, look, l);
}

void
rig_wait(struct rig *r, bool (*holds)(struct rig *r))
{
	struct look l = { .rig = r, .holds = holds, .deadline_ms = clock_mono_ms() + WAIT_MS };

	ev_timer_start(r->ev, &l.timer, 0, look, &l);
	ck_assert_msg(ev_run(r->ev) == 1, "waited in vain");
}

bool
rig_is_up(struct rig *r)
{
	return r->ups > 0 && ipc_client_is_up(r->client);
}

bool
rig_is_down(struct rig *r)
{
	return !ipc_client_is_up(r->client);
}
