/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks ipamd through its socket with many requests in flight, and says how long it took:
 *
 *     ipam_ask SOCKET WHAT FIRST COUNT FLIGHT
 *
 * WHAT is a row of `kinds`. Requests are numbered from FIRST on; number n speaks of the node that
 * tests/bench/ipam.sh registered as number n. One line comes out: requests per second, then of the
 * round trips the median, the 99th percentile and the longest, in microseconds.
 * An answer other than the expected one ends it with status 1: refusals would be quick.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/ev.h"
#include "common/ipc.h"
#include "common/reason.h"
#include "ipc/ipam.pb-c.h"
#include "tests/bench/ipam_nodes.h"

#define TIMEOUT_MS 10000
#define SECRET_MAX 64
#define SPKI_LEN 32

struct bench;

/* One that asks, waits for the answer, and asks again. */
struct caller {
	struct bench *bench;
	uint64_t at;		/* place of its request, from 0 */
	int64_t began_us;
	/* What the request points to: */
	char token[IPAM_TOKEN_LEN + 1], id[IPAM_ID_LEN + 1];
	uint8_t grpc_spki[SPKI_LEN], vpn_spki[SPKI_LEN];
	union {
		Litevpn__Ipam__Attach attach;
		Litevpn__Ipam__Sync sync;
		Litevpn__Ipam__Redeem redeem;
	};
};

struct kind {
	const char *name;
	void (*fill)(struct caller *c, uint64_t n, Litevpn__Ipam__Request *r);
	int32_t result;		/* that the answer must have: 0 or a reason */
};

struct bench {
	struct ev *ev;
	struct ipc_client *client;
	const struct kind *kind;
	unsigned flight;
	uint64_t first, count, begun;
	unsigned through;	/* callers that have no more to ask */
	uint64_t wrong;		/* answers */
	int first_wrong;	/* the result of the first of them */
	int64_t begin_us;
	int64_t *took_us;	/* by each request */
	char secret[SECRET_MAX];	/* of the bootstrap token that is redeemed */
	struct caller callers[IPC_CALLS_MAX];
};

/* --- what is asked ---------------------------------------------------------------------------- */

/* Refused before anything is looked at: the way there and back, and nothing else. */
static void
fill_empty(struct caller *c, uint64_t n, Litevpn__Ipam__Request *r)
{
	(void) c;
	(void) n;
	(void) r;
}

static void
fill_attach(struct caller *c, uint64_t n, Litevpn__Ipam__Request *r)
{
	ipam_token(n, c->token);
	ipam_id(n, c->id);
	litevpn__ipam__attach__init(&c->attach);
	c->attach.node_token = c->token;
	c->attach.cert_node_id = c->id;
	r->body_case = LITEVPN__IPAM__REQUEST__BODY_ATTACH;
	r->attach = &c->attach;
}

/* Nobody is connected: so everybody is known to be idle. */
static void
fill_sync(struct caller *c, uint64_t n, Litevpn__Ipam__Request *r)
{
	(void) n;
	litevpn__ipam__sync__init(&c->sync);
	c->sync.first = c->sync.last = true;
	r->body_case = LITEVPN__IPAM__REQUEST__BODY_SYNC;
	r->sync = &c->sync;
}

static void
fill_redeem(struct caller *c, uint64_t n, Litevpn__Ipam__Request *r)
{
	memset(c->grpc_spki, 1, SPKI_LEN);
	memset(c->vpn_spki, 2, SPKI_LEN);
	memcpy(c->grpc_spki, &n, sizeof(n));
	litevpn__ipam__redeem__init(&c->redeem);
	c->redeem.bootstrap_token = c->bench->secret;
	c->redeem.grpc_spki = (ProtobufCBinaryData){ SPKI_LEN, c->grpc_spki };
	c->redeem.vpn_spki = (ProtobufCBinaryData){ SPKI_LEN, c->vpn_spki };
	r->body_case = LITEVPN__IPAM__REQUEST__BODY_REDEEM;
	r->redeem = &c->redeem;
}

static const struct kind kinds[] = {
	{ "empty", fill_empty, REASON_PROTOCOL_ERROR },
	{ "attach", fill_attach, 0 },
	{ "sync", fill_sync, 0 },
	{ "redeem", fill_redeem, 0 },
};

/* --- asking ----------------------------------------------------------------------------------- */

static void
fail(struct bench *b, const char *what, int result)
{
	fprintf(stderr, "ipam_ask: %s (%d)\n", what, result);
	ev_stop(b->ev, 1);
}

static void on_reply(void *arg, int rc, const ProtobufCMessage *reply);

static void
ask_next(struct caller *c)
{
	struct bench *b = c->bench;
	Litevpn__Ipam__Request r = LITEVPN__IPAM__REQUEST__INIT;
	int rc;

	if (b->begun == b->count) {
		if (++b->through == b->flight)
			ev_stop(b->ev, 0);
		return;
	}
	c->at = b->begun++;
	b->kind->fill(c, b->first + c->at, &r);
	c->began_us = clock_mono_us();
	if ((rc = ipc_ask(b->client, &r.base, TIMEOUT_MS, on_reply, c)) < 0)
		fail(b, "cannot ask", rc);
}

static void
on_reply(void *arg, int rc, const ProtobufCMessage *reply)
{
	struct caller *c = arg;
	struct bench *b = c->bench;

	b->took_us[c->at] = clock_mono_us() - c->began_us;
	if (rc == 0)
		rc = ((const Litevpn__Ipam__Reply *) reply)->result;
	if (rc == b->kind->result)
		ask_next(c);
	else
		fail(b, "not the answer that was expected", rc);
}

static void
begin(struct bench *b)
{
	b->begin_us = clock_mono_us();
	for (unsigned i = 0; i < b->flight; i++) {
		b->callers[i].bench = b;
		ask_next(&b->callers[i]);
	}
}

static void
on_token(void *arg, int rc, const ProtobufCMessage *reply)
{
	struct bench *b = arg;
	const Litevpn__Ipam__Reply *r = (const Litevpn__Ipam__Reply *) reply;

	if (rc < 0 || r->body_case != LITEVPN__IPAM__REPLY__BODY_TOKEN) {
		fail(b, "no bootstrap token can be had", rc < 0 ? rc : r->result);
		return;
	}
	snprintf(b->secret, sizeof(b->secret), "%s", r->token->secret);
	begin(b);
}

/* Connected: begins, after a bootstrap token with enough uses was made if one is needed. */
static void
on_up(void *arg)
{
	struct bench *b = arg;
	Litevpn__Ipam__CreateToken m = LITEVPN__IPAM__CREATE_TOKEN__INIT;
	Litevpn__Ipam__Request r = LITEVPN__IPAM__REQUEST__INIT;

	if (b->kind->fill != fill_redeem) {
		begin(b);
		return;
	}
	m.uses = (uint32_t) b->count;
	r.body_case = LITEVPN__IPAM__REQUEST__BODY_CREATE_TOKEN;
	r.create_token = &m;
	if (ipc_ask(b->client, &r.base, TIMEOUT_MS, on_token, b) < 0)
		fail(b, "cannot ask for a bootstrap token", 0);
}

/* --- the figures ------------------------------------------------------------------------------ */

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;

	return (x > y) - (x < y);
}

static void
print(struct bench *b, int64_t us)
{
	qsort(b->took_us, b->count, sizeof(b->took_us[0]), compare);
	printf("%.0f %" PRId64 " %" PRId64 " %" PRId64 "\n", (double) b->count * 1e6 / (double) us,
	    b->took_us[b->count / 2], b->took_us[b->count * 99 / 100], b->took_us[b->count - 1]);
}

static int
run(struct bench *b, const char *path)
{
	struct ipc_client_conf conf = {
		.path = path,
		.request = &litevpn__ipam__request__descriptor,
		.reply = &litevpn__ipam__reply__descriptor,
		.up = on_up,
		.arg = b,
	};
	struct stat st;
	struct err e;
	int status;

	if (stat(path, &st) < 0) {
		perror(path);
		return 1;
	}
	conf.uid = st.st_uid;
	if (ev_new(&b->ev) < 0 || ipc_client_new(b->ev, &conf, &b->client, &e) < 0) {
		fprintf(stderr, "ipam_ask: cannot connect\n");
		return 1;
	}
	if ((status = ev_run(b->ev)) == 0)
		print(b, clock_mono_us() - b->begin_us);
	return status;
}

int
main(int argc, char **argv)
{
	static struct bench b;
	int status;

	for (size_t i = 0; argc == 6 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, argv[2]) == 0)
			b.kind = &kinds[i];
	}
	if (b.kind == NULL) {
		fprintf(stderr, "usage: ipam_ask SOCKET WHAT FIRST COUNT FLIGHT\n");
		return 64;
	}
	b.first = strtoull(argv[3], NULL, 10);
	b.count = strtoull(argv[4], NULL, 10);
	b.flight = (unsigned) strtoul(argv[5], NULL, 10);
	if (b.count == 0 || b.flight == 0 || b.flight > IPC_CALLS_MAX)
		return 64;
	b.took_us = calloc(b.count, sizeof(b.took_us[0]));
	status = b.took_us == NULL ? 1 : run(&b, argv[1]);
	ipc_client_free(b.client);
	ev_free(b.ev);
	free(b.took_us);
	return status;
}
