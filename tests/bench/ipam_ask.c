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
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/clock.h"
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
	struct ipc_client *client;
	const struct kind *kind;
	uint64_t first, count;
	atomic_uint_fast64_t begun;	/* requests, and those beyond count that were not made */
	atomic_uint_fast64_t wrong;	/* answers */
	atomic_int first_wrong;		/* its result */
	int64_t *took_us;		/* of each request */
	sem_t up;			/* connected */
	sem_t through;			/* a caller has no more to ask */
	char secret[SECRET_MAX];	/* of the bootstrap token that is redeemed */
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

static void on_reply(void *arg, int rc, const ProtobufCMessage *reply);

static void
ask_next(struct caller *c)
{
	struct bench *b = c->bench;
	Litevpn__Ipam__Request r = LITEVPN__IPAM__REQUEST__INIT;

	c->at = atomic_fetch_add(&b->begun, 1);
	if (c->at >= b->count) {
		sem_post(&b->through);
		return;
	}
	b->kind->fill(c, b->first + c->at, &r);
	c->began_us = clock_mono_us();
	if (ipc_ask(b->client, &r.base, TIMEOUT_MS, on_reply, c) < 0) {
		atomic_fetch_add(&b->wrong, 1);
		sem_post(&b->through);
	}
}

/* On the client's thread. A caller has one request at a time. */
static void
on_reply(void *arg, int rc, const ProtobufCMessage *reply)
{
	struct caller *c = arg;
	struct bench *b = c->bench;

	b->took_us[c->at] = clock_mono_us() - c->began_us;
	if (rc == 0)
		rc = ((const Litevpn__Ipam__Reply *) reply)->result;
	if (rc != b->kind->result && atomic_fetch_add(&b->wrong, 1) == 0)
		b->first_wrong = rc;
	ask_next(c);
}

static void
on_up(void *arg)
{
	sem_post(&((struct bench *) arg)->up);
}

static void
on_token(void *arg, int rc, const ProtobufCMessage *reply)
{
	struct bench *b = arg;
	const Litevpn__Ipam__Reply *r = (const Litevpn__Ipam__Reply *) reply;

	if (rc == 0 && r->body_case == LITEVPN__IPAM__REPLY__BODY_TOKEN)
		snprintf(b->secret, sizeof(b->secret), "%s", r->token->secret);
	sem_post(&b->through);
}

/* A bootstrap token with enough uses. */
static bool
make_token(struct bench *b)
{
	Litevpn__Ipam__CreateToken m = LITEVPN__IPAM__CREATE_TOKEN__INIT;
	Litevpn__Ipam__Request r = LITEVPN__IPAM__REQUEST__INIT;

	m.uses = (uint32_t) b->count;
	r.body_case = LITEVPN__IPAM__REQUEST__BODY_CREATE_TOKEN;
	r.create_token = &m;
	if (ipc_ask(b->client, &r.base, TIMEOUT_MS, on_token, b) < 0)
		return false;
	sem_wait(&b->through);
	return b->secret[0] != '\0';
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
run(struct bench *b, unsigned flight)
{
	struct caller callers[IPC_CALLS_MAX];
	int64_t begin_us;

	if (b->kind->fill == fill_redeem && !make_token(b)) {
		fprintf(stderr, "ipam_ask: no bootstrap token can be had\n");
		return 1;
	}
	begin_us = clock_mono_us();
	for (unsigned i = 0; i < flight; i++) {
		callers[i].bench = b;
		ask_next(&callers[i]);
	}
	for (unsigned i = 0; i < flight; i++)
		sem_wait(&b->through);
	if (b->wrong == 0)
		print(b, clock_mono_us() - begin_us);
	else
		fprintf(stderr, "ipam_ask: %" PRIuFAST64 " wrong answers, the first is %d\n",
		    b->wrong, b->first_wrong);
	return b->wrong == 0 ? 0 : 1;
}

static int
connect_to(struct bench *b, const char *path)
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

	if (stat(path, &st) < 0) {
		perror(path);
		return -1;
	}
	conf.uid = st.st_uid;
	if (ipc_client_new(NULL, &conf, &b->client, &e) < 0) {
		fprintf(stderr, "ipam_ask: %s\n", e.text);
		return -1;
	}
	sem_wait(&b->up);
	return 0;
}

int
main(int argc, char **argv)
{
	struct bench b = { 0 };
	unsigned flight;
	int status = 64;

	if (argc != 6) {
		fprintf(stderr, "usage: ipam_ask SOCKET WHAT FIRST COUNT FLIGHT\n");
		return status;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, argv[2]) == 0)
			b.kind = &kinds[i];
	}
	b.first = strtoull(argv[3], NULL, 10);
	b.count = strtoull(argv[4], NULL, 10);
	flight = (unsigned) strtoul(argv[5], NULL, 10);
	if (b.kind == NULL || b.count == 0 || flight == 0 || flight > IPC_CALLS_MAX)
		return status;
	sem_init(&b.up, 0, 0);
	sem_init(&b.through, 0, 0);
	b.took_us = calloc(b.count, sizeof(b.took_us[0]));
	status = b.took_us != NULL && connect_to(&b, argv[1]) == 0 ? run(&b, flight) : 1;
	ipc_client_free(b.client);
	free(b.took_us);
	return status;
}
