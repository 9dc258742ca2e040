/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/service.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/reason.h"
#include "daemons/ipamd/codec.h"
#include "daemons/ipamd/counts.h"

#define REFUSAL_LOG_MS 60000	/* a daemon that asks what it may not is told of once a minute */

struct service {
	struct codec_env env;
	struct counts counts;
	struct batch *batch;
	struct ipc_server *server;
	struct answer answers[IPC_CALLS_MAX];	/* of the round under way */
	unsigned n;
	int64_t refusal_logged_ms;	/* 0: never */
};

static void
log_refusal(struct service *s, const struct answer *a)
{
	int64_t now = clock_mono_ms();

	if (s->refusal_logged_ms != 0 && now - s->refusal_logged_ms < REFUSAL_LOG_MS)
		return;
	s->refusal_logged_ms = now;
	log_warn("request_refused", "peer=%s request=%s",
	    ipc_call_peer(a->call) == PEER_TUNNELD ? "tunneld" : "ctld", codec_name(a));
}

/* All has been done as it was asked: that was the question. Nothing of it stays. */
static int
undo(struct service *s)
{
	int rc = ledger_answer(s->env.ledger, -ECANCELED);

	return rc == -ECANCELED ? 0 : rc;
}

static int
perform(struct service *s, const ProtobufCMessage *msg, struct answer *a)
{
	int rc = codec_admit(msg, ipc_call_peer(a->call), a);

	if (rc < 0) {
		log_refusal(s, a);
		return rc;
	}
	rc = a->firm ? ledger_request_firm(s->env.ledger, clock_utc_s())
	    : ledger_request(s->env.ledger, clock_utc_s());
	if (rc < 0)
		return rc;
	rc = codec_perform(&s->env, msg, ipc_call_peer(a->call), a);
	return rc == 0 && a->validate_only ? undo(s) : ledger_answer(s->env.ledger, rc);
}

static void
on_request(void *arg, struct ipc_call *call, const ProtobufCMessage *msg)
{
	struct service *s = arg;
	struct answer *a = &s->answers[s->n++];

	assert(s->n <= IPC_CALLS_MAX);	/* the server has no more calls than that */
	*a = (struct answer){ .call = call };
	a->rc = perform(s, msg, a);
	log_debug("request", "request=%s result=%s", codec_name(a), err_name(a->rc));
}

/* The round is over. Where the commit fails, refusals fall too: they were made on its grounds. */
static void
on_requests_done(void *arg)
{
	struct service *s = arg;
	int rc = batch_settle(s->batch);

	for (unsigned i = 0; i < s->n; i++) {
		struct answer *a = &s->answers[i];

		if (rc < 0)
			a->rc = rc;
		if (a->rc < 0)
			tally_add(&s->counts.refusals, -a->rc);
		codec_reply(&s->env, a);
	}
	s->n = 0;
}

int
service_new(struct ev *ev, const struct service_conf *conf, struct service **out, struct err *e)
{
	/* Where all daemons are one user's, one peer has both parts. */
	bool one = conf->tunneld == conf->ctld;
	struct ipc_peer peers[] = {
		{ conf->tunneld, one ? PEER_TUNNELD | PEER_CTLD : PEER_TUNNELD },
		{ conf->ctld, PEER_CTLD },
	};
	struct service *s = calloc(1, sizeof(*s));
	struct ipc_server_conf server = {
		.path = conf->path,
		.request = codec_request_type,
		.reply = codec_reply_type,
		.peers = peers,
		.npeers = one ? 1 : 2,
		.handle = on_request,
		.handled = on_requests_done,
		.arg = s,
	};
	int rc;

	if (s == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	s->env = (struct codec_env){ conf->ledger, conf->granter, &s->counts, conf->upkeep };
	s->batch = conf->batch;
	if ((rc = ipc_server_new(ev, &server, &s->server, e)) < 0) {
		free(s);
		return rc;
	}
	s->counts.ledger = conf->ledger;
	s->counts.batch = conf->batch;
	s->counts.usage = conf->usage;
	s->counts.server = s->server;
	*out = s;
	return 0;
}

void
service_free(struct service *s)
{
	if (s == NULL)
		return;
	ipc_server_free(s->server);
	free(s);
}

struct ipc_stats
service_stats(const struct service *s)
{
	return ipc_server_stats(s->server);
}
