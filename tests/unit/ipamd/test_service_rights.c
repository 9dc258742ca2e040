/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/service.h"

#include <check.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <stdio.h>
#include <unistd.h>

#include "common/reason.h"
#include "tests/unit/ipamd/desk.h"
#include "tests/unit/kit.h"

/* Who may ask for what, and what becomes of what nobody may ask for. */

static struct desk desk;

static Litevpn__Ipam__Attach attach_m = LITEVPN__IPAM__ATTACH__INIT;
static Litevpn__Ipam__Report report_m = LITEVPN__IPAM__REPORT__INIT;
static Litevpn__Ipam__Sync sync_m = LITEVPN__IPAM__SYNC__INIT;
static Litevpn__Ipam__CreateToken create_m = LITEVPN__IPAM__CREATE_TOKEN__INIT;
static Litevpn__Ipam__Redeem redeem_m = LITEVPN__IPAM__REDEEM__INIT;
static Litevpn__Ipam__GetNode get_m = LITEVPN__IPAM__GET_NODE__INIT;
static Litevpn__Ipam__ListNodes list_m = LITEVPN__IPAM__LIST_NODES__INIT;
static Litevpn__Ipam__DeleteNode delete_m = LITEVPN__IPAM__DELETE_NODE__INIT;
static Litevpn__Ipam__GetInfo info_m = LITEVPN__IPAM__GET_INFO__INIT;
static Litevpn__Ipam__ListEvents events_m = LITEVPN__IPAM__LIST_EVENTS__INIT;
static Litevpn__Ipam__GetToken get_token_m = LITEVPN__IPAM__GET_TOKEN__INIT;
static Litevpn__Ipam__ListTokens tokens_m = LITEVPN__IPAM__LIST_TOKENS__INIT;
static Litevpn__Ipam__DeleteToken revoke_m = LITEVPN__IPAM__DELETE_TOKEN__INIT;
static Litevpn__Ipam__UpdateNode update_m = LITEVPN__IPAM__UPDATE_NODE__INIT;
static Litevpn__Ipam__Reclaim reclaim_m = LITEVPN__IPAM__RECLAIM__INIT;
static Litevpn__Ipam__ListAddresses addresses_m = LITEVPN__IPAM__LIST_ADDRESSES__INIT;

static const struct {
	const Litevpn__Ipam__Request req;
	int tunneld, ctld;	/* the result for each, with empty fields */
} rights[] = {
	{ DESK_REQUEST(ATTACH, attach, &attach_m), REASON_TOKEN_UNKNOWN, REASON_ROLE_REQUIRED },
	{ DESK_REQUEST(REPORT, report, &report_m), REASON_FIELD_INVALID, REASON_ROLE_REQUIRED },
	{ DESK_REQUEST(SYNC, sync, &sync_m), REASON_FIELD_INVALID, REASON_ROLE_REQUIRED },
	{ DESK_REQUEST(CREATE_TOKEN, create_token, &create_m), REASON_ROLE_REQUIRED, 0 },
	{ DESK_REQUEST(REDEEM, redeem, &redeem_m), REASON_ROLE_REQUIRED, REASON_FIELD_INVALID },
	{ DESK_REQUEST(GET_NODE, get_node, &get_m), REASON_ROLE_REQUIRED, REASON_NODE_UNKNOWN },
	{ DESK_REQUEST(LIST_NODES, list_nodes, &list_m), REASON_ROLE_REQUIRED, 0 },
	{ DESK_REQUEST(DELETE_NODE, delete_node, &delete_m), REASON_ROLE_REQUIRED,
	    REASON_NODE_UNKNOWN },
	{ DESK_REQUEST(GET_INFO, get_info, &info_m), REASON_ROLE_REQUIRED, 0 },
	{ DESK_REQUEST(LIST_EVENTS, list_events, &events_m), 0, 0 },
	{ DESK_REQUEST(GET_TOKEN, get_token, &get_token_m), REASON_ROLE_REQUIRED,
	    REASON_TOKEN_NOT_FOUND },
	{ DESK_REQUEST(LIST_TOKENS, list_tokens, &tokens_m), REASON_ROLE_REQUIRED, 0 },
	{ DESK_REQUEST(DELETE_TOKEN, delete_token, &revoke_m), REASON_ROLE_REQUIRED,
	    REASON_TOKEN_NOT_FOUND },
	{ DESK_REQUEST(UPDATE_NODE, update_node, &update_m), REASON_ROLE_REQUIRED,
	    REASON_NODE_UNKNOWN },
	{ DESK_REQUEST(RECLAIM, reclaim, &reclaim_m), REASON_ROLE_REQUIRED, REASON_FIELD_INVALID },
	{ DESK_REQUEST(LIST_ADDRESSES, list_addresses, &addresses_m), REASON_ROLE_REQUIRED, 0 },
	{ LITEVPN__IPAM__REQUEST__INIT, REASON_PROTOCOL_ERROR, REASON_PROTOCOL_ERROR },
};

START_TEST(each_daemon_asks_only_its_own)
{
	desk_open(&desk, geteuid(), geteuid() + 1);
	ck_assert_int_eq(desk_result(&desk, &rights[_i].req), rights[_i].tunneld);
	desk_close(&desk);
	desk_open(&desk, geteuid() + 1, geteuid());
	ck_assert_int_eq(desk_result(&desk, &rights[_i].req), rights[_i].ctld);
	desk_close(&desk);
}
END_TEST

START_TEST(a_report_has_a_state_that_is_known)
{
	Litevpn__Ipam__Report m = LITEVPN__IPAM__REPORT__INIT;
	Litevpn__Ipam__Request req = DESK_REQUEST(REPORT, report, &m);
	static const int states[] = { 0, 4, -1, INT32_MAX, INT32_MIN };

	desk_open(&desk, geteuid(), geteuid());
	m.node_id = (char *) "reserverd";
	for (unsigned i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		m.state = (Litevpn__Ipam__Report__State) states[i];
		ck_assert_int_eq(desk_result(&desk, &req), REASON_FIELD_INVALID);
	}
	desk_close(&desk);
}
END_TEST

START_TEST(malformed_bytes_close_their_pipe_only)
{
	Litevpn__Ipam__GetInfo m = LITEVPN__IPAM__GET_INFO__INIT;
	Litevpn__Ipam__Request req = DESK_REQUEST(GET_INFO, get_info, &m);
	static const char garbage[] = "\xff\xff\xff\xff this is no protobuf";
	nng_socket s;
	char url[160];

	desk_open(&desk, geteuid(), geteuid());
	snprintf(url, sizeof(url), "ipc://%s", KIT_PATH("rpc.sock"));
	ck_assert_int_eq(nng_req0_open(&s), 0);
	nng_socket_set_ms(s, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE);
	ck_assert_int_eq(nng_dial(s, url, NULL, 0), 0);
	ck_assert_int_eq(nng_send(s, (void *) (uintptr_t) garbage, sizeof(garbage), 0), 0);
	while (service_stats(desk.service).malformed == 0)
		ck_assert_int_eq(desk_result(&desk, &req), 0);
	ck_assert_int_eq(desk_result(&desk, &req), 0);
	nng_close(s);
	desk_close(&desk);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("service_rights");

	tcase_set_timeout(tc, 60);	/* every commit waits for the disk */
	KIT_ROWS(tc, each_daemon_asks_only_its_own, rights);
	tcase_add_test(tc, a_report_has_a_state_that_is_known);
	tcase_add_test(tc, malformed_bytes_close_their_pipe_only);
	return kit_run("ipamd/service_rights", tc);
}
