/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/message.h"

#include <check.h>
#include <string.h>

#include "litevpn/v1/address.pb-c.h"
#include "litevpn/v1/node.pb-c.h"
#include "tests/unit/kit.h"

START_TEST(fields_are_found_by_name_and_type)
{
	Litevpn__V1__ListNodesRequest m = LITEVPN__V1__LIST_NODES_REQUEST__INIT;
	int32_t *size = message_field(&m.base, "page_size", PROTOBUF_C_TYPE_INT32);

	ck_assert_ptr_eq(size, &m.page_size);
	ck_assert_ptr_null(message_field(&m.base, "page_size", PROTOBUF_C_TYPE_STRING));
	ck_assert_ptr_null(message_field(&m.base, "nothing", PROTOBUF_C_TYPE_INT32));
	m.page_token = (char *) "next";
	ck_assert_str_eq(message_text(&m.base, "page_token"), "next");
	ck_assert_str_eq(message_text(&m.base, "page_size"), "");
}
END_TEST

START_TEST(a_list_has_items)
{
	Litevpn__V1__NodeInfo node = LITEVPN__V1__NODE_INFO__INIT, *nodes[] = { &node };
	Litevpn__V1__ListNodesResponse m = LITEVPN__V1__LIST_NODES_RESPONSE__INIT;
	struct message_items items;

	m.nodes = nodes;
	m.n_nodes = 1;
	items = message_items(&m.base);
	ck_assert_uint_eq(*items.n, 1);
	ck_assert_ptr_eq((*items.items)[0], &node.base);
}
END_TEST

/* The most particular name that there is. */
START_TEST(things_have_names)
{
	Litevpn__V1__NodeInfo node = LITEVPN__V1__NODE_INFO__INIT;
	Litevpn__V1__AddressInfo address = LITEVPN__V1__ADDRESS_INFO__INIT;
	Litevpn__V1__NetworkUsage usage = LITEVPN__V1__NETWORK_USAGE__INIT;
	Litevpn__V1__Victim victim = LITEVPN__V1__VICTIM__INIT;

	node.name = (char *) "nodes/a";
	node.address = (char *) "10.1.1.2";
	ck_assert_str_eq(message_name(&node.base), "nodes/a");
	address.address = (char *) "10.1.1.3";
	address.node = (char *) "nodes/a";
	ck_assert_str_eq(message_name(&address.base), "10.1.1.3");
	usage.network = (char *) "networks/lab";
	ck_assert_str_eq(message_name(&usage.base), "networks/lab");
	ck_assert_str_eq(message_name(&victim.base), "");
	victim.node = &node;
	ck_assert_str_eq(message_name(&victim.base), "nodes/a");
}
END_TEST

START_TEST(changes_can_be_tried_and_repeated)
{
	static const struct opt *const tables[] = { message_try_options, message_change_options,
		NULL };
	char *argv[] = { (char *) "--dry-run", (char *) "--request-id", (char *) "x", NULL };
	Litevpn__V1__ReserveAddressRequest reserve = LITEVPN__V1__RESERVE_ADDRESS_REQUEST__INIT;
	Litevpn__V1__DeleteNodeRequest delete = LITEVPN__V1__DELETE_NODE_REQUEST__INIT;
	struct args a;
	struct err e;

	ck_assert_int_eq(args_parse(tables, 0, argv, &a, &e), 0);
	message_change(&reserve.base, &a);
	ck_assert(!reserve.validate_only);
	ck_assert_str_eq(reserve.request_id, "");
	ck_assert_int_eq(args_parse(tables, 3, argv, &a, &e), 0);
	message_change(&reserve.base, &a);
	ck_assert(reserve.validate_only);
	ck_assert_str_eq(reserve.request_id, "x");
	message_change(&delete.base, &a);	/* has no request_id */
	ck_assert(delete.validate_only);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("message");

	tcase_add_test(tc, fields_are_found_by_name_and_type);
	tcase_add_test(tc, a_list_has_items);
	tcase_add_test(tc, things_have_names);
	tcase_add_test(tc, changes_can_be_tried_and_repeated);
	return kit_run("message", tc);
}
