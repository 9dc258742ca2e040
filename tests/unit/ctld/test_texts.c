/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/texts.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "litevpn/v1/enrollment.pb-c.h"
#include "litevpn/v1/node.pb-c.h"
#include "litevpn/v1/server.pb-c.h"
#include "litevpn/v1/token.pb-c.h"
#include "tests/unit/kit.h"

#define API(type) &litevpn__v1__##type##__descriptor
#define BYTES(text) text, sizeof(text) - 1

static const struct {
	const ProtobufCMessageDescriptor *type;
	const char *bytes;
	size_t len;
	const char *field;	/* NULL: all is well */
} rows[] = {
	{ API(delete_node_request), BYTES(""), NULL },
	{ API(delete_node_request), BYTES("\x0a\x00"), NULL },
	{ API(delete_node_request), BYTES("\x0a\x09nodes/n-1"), NULL },
	{ API(delete_node_request), BYTES("\x0a\x0enodes/n-1\0rest"), "name" },
	{ API(delete_node_request), BYTES("\x0a\x0anodes/n-1\0"), "name" },
	{ API(delete_node_request), BYTES("\x0a\x01\0"), "name" },
	/* the last one counts for protobuf-c, but neither may be cut */
	{ API(delete_node_request), BYTES("\x0a\x02\0x\x0a\x01y"), "name" },
	{ API(delete_node_request), BYTES("\x0a\x01y\x0a\x02\0x"), "name" },
	/* unknown fields of each wire type: nobody reads them */
	{ API(delete_node_request), BYTES("\x7a\x01\0\x0a\x01y"), NULL },
	{ API(delete_node_request), BYTES("\x78\x96\x01\x0a\x01\0"), "name" },
	{ API(delete_node_request), BYTES("\x79\0\0\0\0\0\0\0\0\x0a\x01\0"), "name" },
	{ API(delete_node_request), BYTES("\x7d\0\0\0\0\x0a\x01\0"), "name" },
	/* a length in two bytes; a field past fifteen, whose tag has two */
	{ API(delete_node_request), BYTES("\x0a\x83\x00\x61\0c"), "name" },
	{ API(delete_node_request), BYTES("\x82\x01\x01\0\x0a\x01\0"), "name" },
	/* numbers are no text; the second field is one */
	{ API(list_nodes_request), BYTES("\x08\x00"), NULL },
	{ API(list_nodes_request), BYTES("\x08\x00\x12\x02\0a"), "page_token" },
	/* in a message of the message: network of token, then beside it */
	{ API(create_token_request), BYTES("\x0a\x05\x1a\x03" "abc"), NULL },
	{ API(create_token_request), BYTES("\x0a\x05\x1a\x03" "a\0c"), "network" },
	{ API(create_token_request), BYTES("\x0a\x02\x30\x00\x0a\x05\x1a\x03" "a\0c"), "network" },
	/* each of a repeated one; the key of a map */
	{ API(enroll_response), BYTES("\x3a\x01" "a\x3a\x01" "\0"), "server_addresses" },
	{ API(server_info), BYTES("\x62\x03\x0a\x01\0"), "key" },
	/* what protobuf-c does not take ends the search, inside of the bytes */
	{ API(delete_node_request), BYTES("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" "a"), NULL },
	{ API(delete_node_request), BYTES("\x0a\x05" "a"), NULL },
	{ API(delete_node_request), BYTES("\x7b\x0a\x01\0"), NULL },
};

START_TEST(a_nul_is_found)
{
	/* A copy of that length: the sanitizers watch its end. */
	size_t len = rows[_i].len;
	char *bytes = malloc(len == 0 ? 1 : len);
	const char *field;

	memcpy(bytes, rows[_i].bytes, len);
	field = texts_find_nul(rows[_i].type, bytes, len);
	if (rows[_i].field == NULL)
		ck_assert_msg(field == NULL, "%s", field);
	else
		ck_assert_str_eq(field, rows[_i].field);
	free(bytes);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("texts");

	KIT_ROWS(tc, a_nul_is_found, rows);
	return kit_run("texts", tc);
}
