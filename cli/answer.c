/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/answer.h"

#include <stdio.h>
#include <string.h>

#include "cli/connect.h"
#include "cli/json.h"
#include "cli/message.h"

const char *
answer_cell(const char *text)
{
	return text[0] == '\0' ? "-" : text;
}

const char *
answer_id(const char *name)
{
	const char *slash = strchr(name, '/');

	return answer_cell(slash == NULL ? name : slash + 1);
}

const char *
answer_word(const ProtobufCEnumDescriptor *d, int number)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(d, number);

	return v == NULL ? "?" : v->name;
}

static void
print_name(const ProtobufCMessage *msg)
{
	output_text(stdout, message_name(msg));
	putchar('\n');
}

enum cli_exit
answer_show(const struct cli *cli, const ProtobufCMessage *answer, answer_print *print)
{
	enum output_form form = output_form(&cli->args);

	if (form == OUTPUT_JSON)
		json_print(stdout, answer);
	else if (form == OUTPUT_NAME && message_name(answer)[0] != '\0')
		print_name(answer);
	else
		print(cli, answer);
	return CLI_OK;
}

/* --- lists ------------------------------------------------------------------------------------ */

static enum cli_exit
print_table(const ProtobufCMessage *all, const struct answer_view *view)
{
	struct message_items list = message_items(all);
	struct table *t = NULL;
	struct err e;
	size_t n = 0;
	int rc;

	while (view->heads[n] != NULL)
		n++;
	rc = table_new(view->heads, n, &t);
	for (size_t i = 0; i < *list.n && rc == 0; i++)
		rc = view->add_row(t, (*list.items)[i]);
	if (rc == 0)
		table_print(t, stdout);
	table_free(t);
	if (rc == 0)
		return CLI_OK;
	err_set(&e, rc, "%s", err_text(rc));
	return cli_fail(&e);
}

enum cli_exit
answer_show_list(const struct cli *cli, const ProtobufCMessage *all,
    const struct answer_view *view)
{
	struct message_items list = message_items(all);

	switch (output_form(&cli->args)) {
	case OUTPUT_JSON:
		json_print(stdout, all);
		break;
	case OUTPUT_NAME:
		for (size_t i = 0; i < *list.n; i++)
			print_name((*list.items)[i]);
		break;
	case OUTPUT_TABLE:
		return print_table(all, view);
	}
	return CLI_OK;
}

enum cli_exit
answer_list(const struct cli *cli, const struct rpc_method *method, ProtobufCMessage *request,
    const struct answer_view *view)
{
	ProtobufCMessage *all;
	enum cli_exit status = connect_pages(cli, method, request, &all);

	if (status != CLI_OK)
		return status;
	status = answer_show_list(cli, all, view);
	protobuf_c_message_free_unpacked(all, NULL);
	return status;
}

/* --- single things ---------------------------------------------------------------------------- */

enum cli_exit
answer_one(const struct cli *cli, const struct rpc_method *method, const ProtobufCMessage *request,
    answer_print *print)
{
	ProtobufCMessage *answer;
	enum cli_exit status = connect_call(cli, method, request, &answer);

	if (status != CLI_OK)
		return status;
	status = answer_show(cli, answer, print);
	protobuf_c_message_free_unpacked(answer, NULL);
	return status;
}

enum cli_exit
answer_done(const struct cli *cli, const struct rpc_method *method,
    const ProtobufCMessage *request, const char *name, const char *done)
{
	protobuf_c_boolean *only = message_field(request, "validate_only", PROTOBUF_C_TYPE_BOOL);
	bool tried = only != NULL && *only;
	ProtobufCMessage *answer;
	enum cli_exit status = connect_call(cli, method, request, &answer);

	if (status != CLI_OK)
		return status;
	switch (output_form(&cli->args)) {
	case OUTPUT_JSON:
		json_print(stdout, answer);
		break;
	case OUTPUT_NAME:
		printf("%s\n", name);
		break;
	case OUTPUT_TABLE:
		printf("%s %s%s\n", name, tried ? "can be " : "", done);
		break;
	}
	protobuf_c_message_free_unpacked(answer, NULL);
	return CLI_OK;
}
