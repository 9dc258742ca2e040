/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/connect.h"
#include "cli/json.h"
#include "cli/output.h"
#include "litevpn/v1/node.pb-c.h"

#define PAGE_SIZE 1000

static const char *
word_of(const ProtobufCEnumDescriptor *d, int number)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(d, number);

	return v == NULL ? "?" : v->name;
}

static const char *
state_of(const Litevpn__V1__NodeInfo *n)
{
	return word_of(&litevpn__v1__node_info__state__descriptor, (int) n->state);
}

static const char *
transport_of(const Litevpn__V1__Session *s)
{
	return s == NULL ? "-" : word_of(&litevpn__v1__session__transport__descriptor,
	    (int) s->transport);
}

/* --- node list -------------------------------------------------------------------------------- */

/* The nodes of all pages: `all` borrows them from the pages, which are kept. */
struct listing {
	Litevpn__V1__ListNodesResponse all;
	ProtobufCMessage **pages;
	size_t npages;
};

static void
free_listing(struct listing *l)
{
	for (size_t i = 0; i < l->npages; i++)
		protobuf_c_message_free_unpacked(l->pages[i], NULL);
	free(l->pages);
	free(l->all.nodes);
}

/* consumes: page */
static int
add_page(struct listing *l, ProtobufCMessage *page)
{
	const Litevpn__V1__ListNodesResponse *p = (const Litevpn__V1__ListNodesResponse *) page;
	ProtobufCMessage **pages = reallocarray(l->pages, l->npages + 1, sizeof(*pages));
	Litevpn__V1__NodeInfo **nodes = reallocarray(l->all.nodes, l->all.n_nodes + p->n_nodes + 1,
	    sizeof(*nodes));

	if (pages != NULL)
		l->pages = pages;
	if (nodes != NULL)
		l->all.nodes = nodes;
	if (pages == NULL || nodes == NULL) {
		protobuf_c_message_free_unpacked(page, NULL);
		return -ENOMEM;
	}
	l->pages[l->npages++] = page;
	for (size_t i = 0; i < p->n_nodes; i++)
		l->all.nodes[l->all.n_nodes++] = p->nodes[i];
	return 0;
}

static enum cli_exit
fetch_all(const struct cli *cli, struct listing *l)
{
	Litevpn__V1__ListNodesRequest req = LITEVPN__V1__LIST_NODES_REQUEST__INIT;
	enum cli_exit status;
	ProtobufCMessage *page;
	struct err e;

	req.page_size = PAGE_SIZE;
	do {
		status = connect_call(cli, "/litevpn.v1.Node/ListNodes", &req.base,
		    &litevpn__v1__list_nodes_response__descriptor, &page);
		if (status != CLI_OK)
			return status;
		if (add_page(l, page) < 0) {
			err_set(&e, -ENOMEM, "out of memory");
			return cli_fail(&e);
		}
		req.page_token = ((Litevpn__V1__ListNodesResponse *) page)->next_page_token;
	} while (req.page_token[0] != '\0');
	return CLI_OK;
}

static int
add_row(struct table *t, const Litevpn__V1__NodeInfo *n)
{
	char age[OUTPUT_VALUE_MAX] = "-";
	const char *cells[] = {
		n->name + strcspn(n->name, "/") + 1,
		n->display_name[0] == '\0' ? "-" : n->display_name,
		n->address[0] == '\0' ? "-" : n->address,
		state_of(n),
		age,
		transport_of(n->session),
		n->session == NULL ? "-" : n->session->endpoint,
	};

	if (n->state_time != NULL)
		output_age(time(NULL) - n->state_time->seconds, age);
	return table_add(t, cells);
}

static void
print_table(const Litevpn__V1__ListNodesResponse *all)
{
	static const char *const heads[] = { "NODE", "NAME", "ADDRESS", "STATE", "FOR", "VIA",
		"ENDPOINT" };
	struct table *t;
	int rc = table_new(heads, sizeof(heads) / sizeof(heads[0]), &t);

	if (rc < 0)
		return;
	for (size_t i = 0; i < all->n_nodes && rc == 0; i++)
		rc = add_row(t, all->nodes[i]);
	table_print(t, stdout);
	table_free(t);
}

enum cli_exit
cmd_node_list(const struct cli *cli)
{
	struct listing l = { .all = LITEVPN__V1__LIST_NODES_RESPONSE__INIT };
	enum cli_exit status = fetch_all(cli, &l);

	if (status == CLI_OK) {
		switch (output_form(&cli->args)) {
		case OUTPUT_JSON:
			json_print(stdout, &l.all.base);
			break;
		case OUTPUT_NAME:
			for (size_t i = 0; i < l.all.n_nodes; i++)
				printf("%s\n", l.all.nodes[i]->name);
			break;
		case OUTPUT_TABLE:
			print_table(&l.all);
			break;
		}
	}
	free_listing(&l);
	return status;
}

/* --- node show -------------------------------------------------------------------------------- */

static int64_t
seconds_of(const Google__Protobuf__Timestamp *t)
{
	return t == NULL ? 0 : t->seconds;
}

static void
print_session(const Litevpn__V1__Session *s)
{
	char when[OUTPUT_VALUE_MAX], rx[OUTPUT_VALUE_MAX], tx[OUTPUT_VALUE_MAX];

	output_field(stdout, "endpoint", "%s", s->endpoint);
	output_field(stdout, "transport", "%s, %s", transport_of(s), s->cipher);
	output_field(stdout, "since", "%s", output_time(seconds_of(s->start_time), when));
	output_field(stdout, "received", "%" PRIu64 " packets, %s", s->rx_packets,
	    output_bytes(s->rx_bytes, rx));
	output_field(stdout, "sent", "%" PRIu64 " packets, %s", s->tx_packets,
	    output_bytes(s->tx_bytes, tx));
	if (s->silence != NULL)
		output_field(stdout, "last heard", "%s ago", output_age(s->silence->seconds, when));
	if (s->round_trip != NULL)
		output_field(stdout, "round trip", "%.3f ms",
		    (double) s->round_trip->seconds * 1e3 + s->round_trip->nanos / 1e6);
	output_field(stdout, "version", "%s", s->version);
}

static void
print_node(const Litevpn__V1__NodeInfo *n)
{
	char when[OUTPUT_VALUE_MAX];

	output_field(stdout, "node", "%s", n->name);
	output_field(stdout, "name", "%s", n->display_name);
	output_field(stdout, "network", "%s", n->network);
	output_field(stdout, "address", "%s", n->address);
	output_field(stdout, "registered", "%s", output_time(seconds_of(n->create_time), when));
	output_field(stdout, "state", "%s since %s", state_of(n),
	    output_time(seconds_of(n->state_time), when));
	if (n->session != NULL)
		print_session(n->session);
}

enum cli_exit
cmd_node_show(const struct cli *cli)
{
	Litevpn__V1__GetNodeRequest req = LITEVPN__V1__GET_NODE_REQUEST__INIT;
	ProtobufCMessage *reply;
	enum cli_exit status;
	char name[CONNECT_NAME_MAX];

	req.name = (char *) connect_resource("nodes", cli->args.operands[0], name);
	status = connect_call(cli, "/litevpn.v1.Node/GetNode", &req.base,
	    &litevpn__v1__node_info__descriptor, &reply);
	if (status != CLI_OK)
		return status;
	switch (output_form(&cli->args)) {
	case OUTPUT_JSON:
		json_print(stdout, reply);
		break;
	case OUTPUT_NAME:
		printf("%s\n", ((Litevpn__V1__NodeInfo *) reply)->name);
		break;
	case OUTPUT_TABLE:
		print_node((const Litevpn__V1__NodeInfo *) reply);
		break;
	}
	protobuf_c_message_free_unpacked(reply, NULL);
	return CLI_OK;
}

/* --- node delete ------------------------------------------------------------------------------ */

enum cli_exit
cmd_node_delete(const struct cli *cli)
{
	Litevpn__V1__DeleteNodeRequest req = LITEVPN__V1__DELETE_NODE_REQUEST__INIT;
	ProtobufCMessage *reply;
	enum cli_exit status;
	char name[CONNECT_NAME_MAX];

	req.name = (char *) connect_resource("nodes", cli->args.operands[0], name);
	status = connect_call(cli, "/litevpn.v1.Node/DeleteNode", &req.base,
	    &google__protobuf__empty__descriptor, &reply);
	if (status != CLI_OK)
		return status;
	switch (output_form(&cli->args)) {
	case OUTPUT_JSON:
		json_print(stdout, reply);
		break;
	case OUTPUT_NAME:
		printf("%s\n", name);
		break;
	case OUTPUT_TABLE:
		printf("%s deleted\n", name);
		break;
	}
	protobuf_c_message_free_unpacked(reply, NULL);
	return CLI_OK;
}
