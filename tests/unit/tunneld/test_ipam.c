/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/ipam.h"

#include <check.h>
#include <unistd.h>

#include "ipc/ipam.pb-c.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/loop.h"

static unsigned ups;

static void
on_up(void *arg)
{
	(void) arg;
	ups++;
}

static void
answer(void *arg, struct ipc_call *call, const ProtobufCMessage *msg)
{
	Litevpn__Ipam__Reply reply = LITEVPN__IPAM__REPLY__INIT;

	(void) arg, (void) msg;
	ipc_reply(call, &reply.base);
}

static void
on_attached(void *arg, int rc, const struct ipam_attached *a, const char *detail)
{
	(void) arg, (void) rc, (void) a, (void) detail;
}

/* Nobody answers: ipamd is not there. */
START_TEST(reports_leave_room_for_those_that_come)
{
	struct err e = { 0 };
	char path[KIT_PATH_MAX];
	unsigned attaches = 0;
	struct ipam *i;
	struct ev *ev;

	kit_path("rpc.sock", path);
	ck_assert_int_eq(ev_new(&ev), 0);
	ck_assert_msg(ipam_new(ev, path, getuid(), on_up, NULL, &i, &e) == 0, "%s", e.text);
	for (unsigned n = 0; n < 2 * IPC_CALLS_MAX; n++)
		ipam_report(i, "n-1", n, IPAM_LOST);
	while (attaches <= IPC_CALLS_MAX && ipam_attach(i, "t-1", "", "n-1", on_attached, NULL) == 0)
		attaches++;
	ck_assert_uint_eq(attaches, IPC_CALLS_MAX - IPAM_REPORTS_MAX);
	ipam_free(i);
	ev_free(ev);
}
END_TEST

START_TEST(a_sync_follows_reports_that_did_not_fit)
{
	struct ipc_peer self = { .uid = getuid() };
	char path[KIT_PATH_MAX];
	struct ipc_server_conf conf = { .path = kit_path("rpc.sock", path),
		.request = &litevpn__ipam__request__descriptor,
		.reply = &litevpn__ipam__reply__descriptor, .peers = &self, .npeers = 1,
		.handle = answer };
	struct ipc_server *ipamd;
	struct err e = { 0 };
	struct ipam *i;
	struct ev *ev;

	ck_assert_int_eq(ev_new(&ev), 0);
	ck_assert_msg(ipc_server_new(ev, &conf, &ipamd, &e) == 0, "%s", e.text);
	ck_assert_msg(ipam_new(ev, path, self.uid, on_up, NULL, &i, &e) == 0, "%s", e.text);
	LOOP_UNTIL(ev, ups == 1);
	for (unsigned n = 0; n < IPAM_REPORTS_MAX; n++)
		ipam_report(i, "n-1", n, IPAM_LOST);
	loop_for(ev, 100);
	ck_assert_uint_eq(ups, 1);	/* all did */
	for (unsigned n = 0; n <= IPAM_REPORTS_MAX; n++)
		ipam_report(i, "n-1", n, IPAM_LOST);
	LOOP_UNTIL(ev, ups == 2);
	ipam_free(i);
	ipc_server_free(ipamd);
	ev_free(ev);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ipam");

	tcase_add_test(tc, reports_leave_room_for_those_that_come);
	tcase_add_test(tc, a_sync_follows_reports_that_did_not_fit);
	return kit_run("tunneld/ipam", tc);
}
