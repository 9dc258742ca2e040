/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/complete.h"

#include <string.h>

#include "cli/connect.h"
#include "cli/message.h"
#include "litevpn/v1/address.pb-c.h"
#include "litevpn/v1/network.pb-c.h"
#include "litevpn/v1/node.pb-c.h"
#include "litevpn/v1/token.pb-c.h"

#define ASK_MS 1000	/* who presses a key does not wait longer */

/* How the things of a kind are listed. The first page is enough to choose from. */
static const struct kind {
	enum names names;
	struct rpc_method list;
	const ProtobufCMessageDescriptor *request;
	const char *help;	/* the field that people know it by */
} kinds[] = {
	{ NAMES_NODE, { &litevpn__v1__node__descriptor, "ListNodes" },
	    &litevpn__v1__list_nodes_request__descriptor, "display_name" },
	{ NAMES_NETWORK, { &litevpn__v1__network__descriptor, "ListNetworks" },
	    &litevpn__v1__list_networks_request__descriptor, "address" },
	{ NAMES_TOKEN, { &litevpn__v1__token__descriptor, "ListTokens" },
	    &litevpn__v1__list_tokens_request__descriptor, "network" },
	{ NAMES_ADDRESS, { &litevpn__v1__address__descriptor, "ListAddresses" },
	    &litevpn__v1__list_addresses_request__descriptor, "display_name" },
};

/* Room for any of the requests. */
union request {
	ProtobufCMessage base;
	Litevpn__V1__ListNodesRequest nodes;
	Litevpn__V1__ListNetworksRequest networks;
	Litevpn__V1__ListTokensRequest tokens;
	Litevpn__V1__ListAddressesRequest addresses;
};

static const struct kind *
find(enum names names)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].names == names)
			return &kinds[i];
	}
	return NULL;
}

static void
print_page(const ProtobufCMessage *page, const struct kind *kind, const struct complete_word *word,
    FILE *to)
{
	struct message_items list = message_items(page);

	for (size_t i = 0; i < *list.n; i++) {
		const ProtobufCMessage *item = (*list.items)[i];
		const char *name = message_name(item), *slash = strchr(name, '/');

		complete_print(word, slash == NULL ? name : slash + 1,
		    message_text(item, kind->help), to);
	}
}

void
complete_names(const struct cli *typed, enum names names, const struct complete_word *word,
    FILE *to)
{
	const struct kind *kind = find(names);
	ProtobufCMessage *page;
	struct rpc_stream *s = NULL;
	union request request;
	struct rpc *rpc = NULL;
	struct rpc_error error;
	struct err e;

	if (kind == NULL || args_option(typed->args.tables, "socket", strlen("socket")) == NULL ||
	    connect_open(typed, &rpc) != CLI_OK)
		return;
	protobuf_c_message_init(kind->request, &request);
	if (rpc_stream_open(rpc, &kind->list, &request.base, ASK_MS, &s, &e) == 0 &&
	    rpc_stream_next(s, -1, &page, &error) == RPC_MESSAGE) {
		print_page(page, kind, word, to);
		protobuf_c_message_free_unpacked(page, NULL);
	}
	rpc_stream_close(s);
	rpc_close(rpc);
}
