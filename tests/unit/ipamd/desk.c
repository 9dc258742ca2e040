/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/desk.h"

#include <check.h>
#include <unistd.h>

#include "common/log.h"
#include "common/reason.h"
#include "daemons/ipamd/codec.h"
#include "tests/unit/kit.h"

#define LIMIT_MS 20000

/* --- asking ----------------------------------------------------------------------------------- */

static void
on_reply(void *arg, int rc, const ProtobufCMessage *reply)
{
	struct desk_asked *a = arg;

	a->rc = rc;
	if (reply != NULL) {
		a->len = protobuf_c_message_get_packed_size(reply);
		ck_assert_uint_le(a->len, sizeof(a->bytes));
		protobuf_c_message_pack(reply, a->bytes);
	}
	if (--a->desk->under_way == 0)
		ev_stop(a->desk->ev, 0);
}

static void
on_limit(void *arg)
{
	struct desk *d = arg;

	ev_stop(d->ev, -1);
}

int
desk_loop(struct desk *d)
{
	struct ev_timer limit = { 0 };
	int rc;

	ck_assert_int_eq(ev_timer_start(d->ev, &limit, LIMIT_MS, on_limit, d), 0);
	rc = ev_run(d->ev);
	ev_timer_stop(d->ev, &limit);
	ck_assert_int_ne(rc, -1);
	return rc;
}

void
desk_ask(struct desk *d, const Litevpn__Ipam__Request *req, struct desk_asked *out)
{
	out->desk = d;
	out->rc = 1;
	d->under_way++;
	ck_assert_int_eq(ipc_ask(d->client, &req->base, LIMIT_MS, on_reply, out), 0);
}

Litevpn__Ipam__Reply *
desk_reply(const struct desk_asked *a)
{
	Litevpn__Ipam__Reply *r;

	ck_assert_msg(a->rc == 0, "%s", err_name(a->rc));
	r = litevpn__ipam__reply__unpack(NULL, a->len, a->bytes);
	ck_assert_ptr_nonnull(r);
	return r;
}

Litevpn__Ipam__Reply *
desk_answer(struct desk *d, const Litevpn__Ipam__Request *req)
{
	static struct desk_asked a;

	desk_ask(d, req, &a);
	desk_loop(d);
	return desk_reply(&a);
}

int
desk_result(struct desk *d, const Litevpn__Ipam__Request *req)
{
	Litevpn__Ipam__Reply *r = desk_answer(d, req);
	int result = r->result;

	if (result != 0)
		ck_assert_str_ne(r->detail, "");
	litevpn__ipam__reply__free_unpacked(r, NULL);
	return result;
}

/* --- the service ------------------------------------------------------------------------------ */

void
desk_open(struct desk *d, uid_t tunneld, uid_t ctld)
{
	struct service_conf conf = { .tunneld = tunneld, .ctld = ctld, .ledger = &d->book.ledger,
		.batch = &d->batch, .granter = &d->book.granter, .usage = &d->usage };
	struct ipc_client_conf dial = { .uid = geteuid(), .request = codec_request_type,
		.reply = codec_reply_type };
	struct err e = { .text = "" };

	log_set_level(LOG_LV_ERR);
	*d = (struct desk){ .usage = USAGE_NONE };
	book_init(&d->book, "10.1.1.1/29");
	conf.path = dial.path = KIT_PATH("rpc.sock");
	ck_assert_int_eq(ev_new(&d->ev), 0);
	batch_init(&d->batch, d->ev, &d->book.ledger);
	ck_assert_msg(service_new(d->ev, &conf, &d->service, &e) == 0, "%s", e.text);
	ck_assert_int_eq(ipc_client_new(d->ev, &dial, &d->client, &e), 0);
}

void
desk_close(struct desk *d)
{
	ipc_client_free(d->client);
	service_free(d->service);
	batch_fini(&d->batch);
	book_fini(&d->book);
	ev_free(d->ev);
}
