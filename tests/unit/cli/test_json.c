/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/json.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "google/protobuf/descriptor.pb-c.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/empty.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "ipc/ipam.pb-c.h"
#include "litevpn/v1/node.pb-c.h"
#include "litevpn/v1/server.pb-c.h"
#include "tests/unit/kit.h"

/* The caller frees it. */
static char *
print(const ProtobufCMessage *msg)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	json_print(f, msg);
	fclose(f);
	return text;
}

static void
must_print(const ProtobufCMessage *msg, const char *expected)
{
	char *text = print(msg);

	ck_assert_str_eq(text, expected);
	free(text);
}

static void
must_contain(const ProtobufCMessage *msg, const char *part)
{
	char *text = print(msg);

	ck_assert_msg(strstr(text, part) != NULL, "%s in %s", part, text);
	free(text);
}

START_TEST(defaults_are_there_and_unset_messages_are_not)
{
	Litevpn__V1__NodeInfo n = LITEVPN__V1__NODE_INFO__INIT;
	Google__Protobuf__Empty empty = GOOGLE__PROTOBUF__EMPTY__INIT;

	must_print(&n.base, "{\n"
	    "  \"name\": \"\",\n"
	    "  \"displayName\": \"\",\n"
	    "  \"network\": \"\",\n"
	    "  \"address\": \"\",\n"
	    "  \"state\": \"STATE_UNSPECIFIED\",\n"
	    "  \"labels\": {},\n"
	    "  \"addressFixed\": false\n"
	    "}\n");
	must_print(&empty.base, "{}\n");
}
END_TEST

START_TEST(a_line_has_no_line_ends)
{
	Litevpn__V1__Session session = LITEVPN__V1__SESSION__INIT;
	Litevpn__V1__NodeInfo n = LITEVPN__V1__NODE_INFO__INIT;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	n.session = &session;
	json_print_line(f, &n.base);
	fclose(f);
	ck_assert_ptr_eq(strchr(text, '\n'), text + len - 1);
	ck_assert_ptr_nonnull(strstr(text, "\"session\": {\"endpoint\": \"\","));
	free(text);
}
END_TEST

START_TEST(messages_nest_and_enums_have_names)
{
	Litevpn__V1__Session s = LITEVPN__V1__SESSION__INIT;
	Litevpn__V1__NodeInfo n = LITEVPN__V1__NODE_INFO__INIT, *list[] = { &n, &n };
	Litevpn__V1__ListNodesResponse l = LITEVPN__V1__LIST_NODES_RESPONSE__INIT;

	s.transport = LITEVPN__V1__SESSION__TRANSPORT__TLS;
	s.rx_packets = UINT64_MAX;
	n.session = &s;
	n.state = LITEVPN__V1__NODE_INFO__STATE__LOST;
	must_contain(&n.base, "\"state\": \"LOST\"");
	must_contain(&n.base,
	    "\"session\": {\n    \"endpoint\": \"\",\n    \"transport\": \"TLS\"");
	must_contain(&n.base, "\"rxPackets\": \"18446744073709551615\"");
	must_print(&l.base, "{\n  \"nodes\": [],\n  \"nextPageToken\": \"\"\n}\n");
	l.n_nodes = 2;
	l.nodes = list;
	must_contain(&l.base, "\"nodes\": [\n    {\n      \"name\": \"\"");
	must_contain(&l.base, "    },\n    {\n");
	n.state = (Litevpn__V1__NodeInfo__State) 77;	/* of a newer server */
	must_contain(&n.base, "\"state\": 77");
}
END_TEST

static const struct {
	const char *text, *json;
} strings[] = {
	{ "plain", "\"plain\"" },
	{ "a\"b\\c/d", "\"a\\\"b\\\\c/d\"" },
	{ "\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\"" },
	{ "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" },
	{ "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\"" },
	{ "\xff", "\"\\ufffd\"" },
	{ "\xc3(", "\"\\ufffd(\"" },
	{ "a\xe2\x82", "\"a\\ufffd\\ufffd\"" },
	{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },	/* a surrogate */
};

START_TEST(strings_are_escaped)
{
	Litevpn__V1__GetNodeRequest req = LITEVPN__V1__GET_NODE_REQUEST__INIT;
	char expected[256];

	req.name = (char *) strings[_i].text;
	snprintf(expected, sizeof(expected), "{\n  \"name\": %s\n}\n", strings[_i].json);
	must_print(&req.base, expected);
}
END_TEST

static const struct {
	int64_t seconds;
	int32_t nanos;
	const char *timestamp, *duration;
} times[] = {
	{ 0, 0, "\"1970-01-01T00:00:00Z\"\n", "\"0s\"\n" },
	{ 1, 500000000, "\"1970-01-01T00:00:01.500Z\"\n", "\"1.500s\"\n" },
	{ 1, 1000, "\"1970-01-01T00:00:01.000001Z\"\n", "\"1.000001s\"\n" },
	{ 1, 1, "\"1970-01-01T00:00:01.000000001Z\"\n", "\"1.000000001s\"\n" },
	{ 1767225599, 0, "\"2025-12-31T23:59:59Z\"\n", "\"1767225599s\"\n" },
	{ -1, 0, "\"1969-12-31T23:59:59Z\"\n", "\"-1s\"\n" },
};

START_TEST(times_are_text)
{
	Google__Protobuf__Timestamp t = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Google__Protobuf__Duration d = GOOGLE__PROTOBUF__DURATION__INIT;

	t.seconds = d.seconds = times[_i].seconds;
	t.nanos = d.nanos = times[_i].nanos;
	must_print(&t.base, times[_i].timestamp);
	must_print(&d.base, times[_i].duration);
}
END_TEST

START_TEST(negative_durations_have_one_sign)
{
	Google__Protobuf__Duration d = GOOGLE__PROTOBUF__DURATION__INIT;

	d.nanos = -500000000;
	must_print(&d.base, "\"-0.500s\"\n");
	d.seconds = -3;
	must_print(&d.base, "\"-3.500s\"\n");
}
END_TEST

START_TEST(maps_are_objects)
{
	Litevpn__V1__ServerInfo info = LITEVPN__V1__SERVER_INFO__INIT;
	Litevpn__V1__ServerInfo__DropsEntry a = LITEVPN__V1__SERVER_INFO__DROPS_ENTRY__INIT, b = a,
	    *list[] = { &a, &b };

	must_contain(&info.base, "\"drops\": {}");
	a.key = (char *) "replay";
	a.value = 3;
	b.key = (char *) "odd \"key\"";
	info.n_drops = 2;
	info.drops = list;
	must_contain(&info.base,
	    "\"drops\": {\n    \"replay\": \"3\",\n    \"odd \\\"key\\\"\": \"0\"\n  }");
}
END_TEST

static const struct {
	const char *bytes, *base64;
} binaries[] = {
	{ "", "\"\"" },
	{ "f", "\"Zg==\"" },
	{ "fo", "\"Zm8=\"" },
	{ "foo", "\"Zm9v\"" },
	{ "foob", "\"Zm9vYg==\"" },
	{ "fooba", "\"Zm9vYmE=\"" },
	{ "foobar", "\"Zm9vYmFy\"" },	/* RFC 4648, 10 */
	{ "\xfb\xff\xfe", "\"+//+\"" },
};

START_TEST(bytes_are_base64)
{
	Litevpn__Ipam__Redeemed r = LITEVPN__IPAM__REDEEMED__INIT;
	char expected[64];

	r.grpc_grant.data = (uint8_t *) binaries[_i].bytes;
	r.grpc_grant.len = strlen(binaries[_i].bytes);
	snprintf(expected, sizeof(expected), "\"grpcGrant\": %s", binaries[_i].base64);
	must_contain(&r.base, expected);
}
END_TEST

START_TEST(of_a_oneof_only_the_set_one_is_there)
{
	Grpc__Reflection__V1__ServerReflectionRequest r =
	    GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

	must_print(&r.base, "{\n  \"host\": \"\"\n}\n");
	r.message_request_case =
	    GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES;
	r.list_services = (char *) "*";
	must_print(&r.base, "{\n  \"host\": \"\",\n  \"listServices\": \"*\"\n}\n");
}
END_TEST

/* proto2 has presence for everything, and fields that are numbers, reals and bools. */
START_TEST(optional_fields_are_left_out)
{
	Google__Protobuf__UninterpretedOption o = GOOGLE__PROTOBUF__UNINTERPRETED_OPTION__INIT;
	Google__Protobuf__FieldDescriptorProto f = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__INIT;
	char *text = print(&f.base);

	ck_assert_ptr_null(strstr(text, "number"));
	free(text);
	f.has_number = 1;
	f.number = -7;
	f.has_proto3_optional = 1;
	must_contain(&f.base, "\"number\": -7");
	must_contain(&f.base, "\"proto3Optional\": false");
	o.has_double_value = 1;
	o.double_value = 0.1;
	must_contain(&o.base, "\"doubleValue\": 0.1000000000000000");
	o.double_value = __builtin_inf();
	must_contain(&o.base, "\"doubleValue\": \"Infinity\"");
	o.double_value = -__builtin_inf();
	must_contain(&o.base, "\"doubleValue\": \"-Infinity\"");
	o.double_value = __builtin_nan("");
	must_contain(&o.base, "\"doubleValue\": \"NaN\"");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("json");

	tcase_add_test(tc, defaults_are_there_and_unset_messages_are_not);
	tcase_add_test(tc, a_line_has_no_line_ends);
	tcase_add_test(tc, messages_nest_and_enums_have_names);
	KIT_ROWS(tc, strings_are_escaped, strings);
	KIT_ROWS(tc, times_are_text, times);
	tcase_add_test(tc, negative_durations_have_one_sign);
	tcase_add_test(tc, maps_are_objects);
	KIT_ROWS(tc, bytes_are_base64, binaries);
	tcase_add_test(tc, of_a_oneof_only_the_set_one_is_there);
	tcase_add_test(tc, optional_fields_are_left_out);
	return kit_run("json", tc);
}
