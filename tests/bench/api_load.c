/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the control API answers a client with a certificate:
 *
 *     api_load ADDRESS CA CERT KEY INFLIGHT SECONDS node NAME        GetNode, for so many seconds
 *     api_load ADDRESS CA -    -   INFLIGHT COUNT   enroll TOKEN     so many machines enroll
 *
 * One connection, INFLIGHT calls at once. Prints "RATE P50_MS P99_MS FAILED": answers per second,
 * the time of one, and how many calls did not end well. The keys of those that enroll are made
 * before the clock runs.
 */
#include <grpc/byte_buffer.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/time.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/pki.h"
#include "common/secret.h"
#include "litevpn/v1/enrollment.pb-c.h"

#define INFLIGHT_MAX 256
#define ANSWERS_MAX 10000000
#define CALL_S 30	/* a call that takes longer has failed */

struct request {
	uint8_t *bytes;
	size_t len;
};

struct load;

struct slot {
	struct load *load;
	grpc_call *call;
	grpc_byte_buffer *request, *reply;
	grpc_metadata_array headers, trailers;
	grpc_status_code status;
	grpc_slice text;
	int64_t begin_ns;
};

struct load {
	grpc_channel *channel;
	grpc_completion_queue *queue;
	const char *path;
	struct request *requests;	/* taken in turn */
	size_t nrequests, asked;
	size_t count;			/* of calls to make; 0: until end_ns */
	int64_t end_ns;
	float *took_ms;
	size_t answers, failed;
	struct slot slots[INFLIGHT_MAX];
};

static void
die(const char *what)
{
	fprintf(stderr, "api_load: %s\n", what);
	exit(1);
}

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000 + t.tv_nsec;
}

/* --- one call ----------------------------------------------------------------------------------- */

static void
ask(struct slot *s)
{
	struct load *l = s->load;
	const struct request *r = &l->requests[l->asked++ % l->nrequests];
	grpc_slice body = grpc_slice_from_static_buffer(r->bytes, r->len);
	grpc_op ops[6] = {
		{ .op = GRPC_OP_SEND_INITIAL_METADATA },
		{ .op = GRPC_OP_SEND_MESSAGE },
		{ .op = GRPC_OP_SEND_CLOSE_FROM_CLIENT },
		{ .op = GRPC_OP_RECV_INITIAL_METADATA },
		{ .op = GRPC_OP_RECV_MESSAGE },
		{ .op = GRPC_OP_RECV_STATUS_ON_CLIENT },
	};

	s->request = grpc_raw_byte_buffer_create(&body, 1);
	s->reply = NULL;
	grpc_metadata_array_init(&s->headers);
	grpc_metadata_array_init(&s->trailers);
	ops[1].data.send_message.send_message = s->request;
	ops[3].data.recv_initial_metadata.recv_initial_metadata = &s->headers;
	ops[4].data.recv_message.recv_message = &s->reply;
	ops[5].data.recv_status_on_client.trailing_metadata = &s->trailers;
	ops[5].data.recv_status_on_client.status = &s->status;
	ops[5].data.recv_status_on_client.status_details = &s->text;
	s->begin_ns = now_ns();
	s->call = grpc_channel_create_call(l->channel, NULL, GRPC_PROPAGATE_DEFAULTS, l->queue,
	    grpc_slice_from_static_string(l->path), NULL,
	    gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_seconds(CALL_S, GPR_TIMESPAN)),
	    NULL);
	if (grpc_call_start_batch(s->call, ops, 6, s, NULL) != GRPC_CALL_OK)
		die("gRPC refuses the call");
}

static void
take(struct slot *s, int64_t now)
{
	struct load *l = s->load;

	if (s->status != GRPC_STATUS_OK && l->failed++ == 0) {
		char *text = grpc_slice_to_c_string(s->text);

		fprintf(stderr, "api_load: the first failure: %d %s\n", (int) s->status, text);
	}
	if (s->status == GRPC_STATUS_OK && l->answers < ANSWERS_MAX)
		l->took_ms[l->answers++] = (float) (now - s->begin_ns) / 1e6f;
	grpc_byte_buffer_destroy(s->request);
	grpc_byte_buffer_destroy(s->reply);
	grpc_metadata_array_destroy(&s->headers);
	grpc_metadata_array_destroy(&s->trailers);
	grpc_slice_unref(s->text);
	grpc_call_unref(s->call);
}

static void
run(struct load *l, unsigned inflight)
{
	unsigned live = 0;

	for (; live < inflight && (l->count == 0 || l->asked < l->count); live++) {
		l->slots[live].load = l;
		ask(&l->slots[live]);
	}
	while (live > 0) {
		struct slot *s = grpc_completion_queue_next(l->queue,
		    gpr_inf_future(GPR_CLOCK_REALTIME), NULL).tag;
		int64_t now = now_ns();

		take(s, now);
		if (l->count == 0 ? now < l->end_ns : l->asked < l->count)
			ask(s);
		else
			live--;
	}
}

/* --- what is asked ------------------------------------------------------------------------------ */

static struct request
pack(const ProtobufCMessage *msg)
{
	struct request r = { malloc(protobuf_c_message_get_packed_size(msg) + 1), 0 };

	r.len = protobuf_c_message_pack(msg, r.bytes);
	return r;
}

static void
ask_for_node(struct load *l, const char *name, int seconds)
{
	Litevpn__V1__GetNodeRequest req = LITEVPN__V1__GET_NODE_REQUEST__INIT;

	req.name = (char *) name;
	l->path = "/litevpn.v1.Node/GetNode";
	l->requests = calloc(1, sizeof(*l->requests));
	l->requests[0] = pack(&req.base);
	l->nrequests = 1;
	l->end_ns = now_ns() + seconds * INT64_C(1000000000);
}

static char *
new_csr(void)
{
	char *key, *csr;
	struct err e;

	if (pki_key_new(&key, &e) < 0 || pki_csr_new(key, "bench", &csr, &e) < 0)
		die(e.text);
	secret_free(key);
	return csr;
}

static void
ask_to_enroll(struct load *l, const char *token, int count)
{
	Litevpn__V1__EnrollRequest req = LITEVPN__V1__ENROLL_REQUEST__INIT;

	req.bootstrap_token = (char *) token;
	l->path = "/litevpn.v1.Enrollment/Enroll";
	l->requests = calloc((size_t) count, sizeof(*l->requests));
	for (; l->nrequests < (size_t) count; l->nrequests++) {
		req.grpc_csr = new_csr();
		req.vpn_csr = new_csr();
		l->requests[l->nrequests] = pack(&req.base);
		free(req.grpc_csr);
		free(req.vpn_csr);
	}
	l->count = (size_t) count;
}

/* --- begin and end ------------------------------------------------------------------------------ */

static char *
read_file(const char *path)
{
	char *text;
	struct err e;

	if (secret_read_file(path, false, &text, &e) < 0)
		die(e.text);
	return text;
}

static grpc_channel *
connect_to(const char *address, const char *ca, const char *cert, const char *key)
{
	bool has_cert = strcmp(cert, "-") != 0;
	grpc_ssl_pem_key_cert_pair pair = { NULL, NULL };
	grpc_channel_credentials *creds;
	grpc_channel *channel;

	if (has_cert)
		pair = (grpc_ssl_pem_key_cert_pair){ read_file(key), read_file(cert) };
	creds = grpc_ssl_credentials_create_ex(read_file(ca), has_cert ? &pair : NULL, NULL, NULL);
	channel = grpc_channel_create(address, creds, NULL);
	grpc_channel_credentials_release(creds);
	return channel;
}

static int
compare(const void *a, const void *b)
{
	float x = *(const float *) a, y = *(const float *) b;

	return (x > y) - (x < y);
}

static void
report(struct load *l, int64_t begin_ns)
{
	double seconds = (double) (now_ns() - begin_ns) / 1e9;

	if (l->answers == 0)
		die("no call ended well");
	qsort(l->took_ms, l->answers, sizeof(l->took_ms[0]), compare);
	printf("%.0f %.3f %.3f %zu\n", (double) l->answers / seconds,
	    (double) l->took_ms[l->answers / 2], (double) l->took_ms[l->answers * 99 / 100],
	    l->failed);
}

int
main(int argc, char **argv)
{
	static struct load l;
	int64_t begin_ns;
	int inflight, amount;

	if (argc != 9 || (inflight = atoi(argv[5])) < 1 || inflight > INFLIGHT_MAX ||
	    (amount = atoi(argv[6])) < 1)
		die("ADDRESS CA CERT KEY INFLIGHT SECONDS|COUNT node|enroll NAME|TOKEN");
	grpc_init();
	l.took_ms = calloc(ANSWERS_MAX, sizeof(*l.took_ms));
	l.queue = grpc_completion_queue_create_for_next(NULL);
	l.channel = connect_to(argv[1], argv[2], argv[3], argv[4]);
	if (strcmp(argv[7], "node") == 0)
		ask_for_node(&l, argv[8], amount);
	else
		ask_to_enroll(&l, argv[8], amount);
	begin_ns = now_ns();
	run(&l, (unsigned) inflight);
	report(&l, begin_ns);
	return l.failed == 0 ? 0 : 1;
}
