/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/svc.h"

#include <stdlib.h>

#include "common/utf8.h"
#include "daemons/ctld/ctld.h"
#include "grpc/reflection/v1/reflection.pb-c.h"

#define EXTENSIONS_MAX 64

#define ASKS(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##name
#define TELLS(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##name

/* What every answer begins with: the question, which the client gets back. */
static Grpc__Reflection__V1__ServerReflectionResponse
begin_answer(const struct call *c)
{
	Grpc__Reflection__V1__ServerReflectionResponse rep =
	    GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__INIT;
	const Grpc__Reflection__V1__ServerReflectionRequest *req = call_request(c);

	rep.valid_host = req->host;
	rep.original_request = (Grpc__Reflection__V1__ServerReflectionRequest *) req;
	return rep;
}

/* --- each sends the one answer to a request --------------------------------------------------- */

static void
send_error(struct call *c, enum rpc_code code, const char *text)
{
	Grpc__Reflection__V1__ServerReflectionResponse rep = begin_answer(c);
	Grpc__Reflection__V1__ErrorResponse error = GRPC__REFLECTION__V1__ERROR_RESPONSE__INIT;

	error.error_code = (int32_t) code;
	error.error_message = (char *) text;
	rep.message_response_case = TELLS(ERROR_RESPONSE);
	rep.error_response = &error;
	call_send(c, &rep.base);
}

/* file: a number of the index, or what it says when there is none. */
static void
send_file(struct call *c, int file)
{
	Grpc__Reflection__V1__ServerReflectionResponse rep = begin_answer(c);
	Grpc__Reflection__V1__FileDescriptorResponse files =
	    GRPC__REFLECTION__V1__FILE_DESCRIPTOR_RESPONSE__INIT;
	const struct reflect *r = call_ctld(c)->reflect;
	struct reflect_file *list = NULL;
	ProtobufCBinaryData *bytes = NULL;

	if (file < 0) {
		send_error(c, RPC_NOT_FOUND, "nothing of this name is described here");
		return;
	}
	list = calloc(reflect_count(r), sizeof(*list));
	bytes = calloc(reflect_count(r), sizeof(*bytes));
	if (list == NULL || bytes == NULL) {
		call_fail(c, &(struct status){ .reason = REASON_OVERLOADED });
		goto out;
	}
	files.n_file_descriptor_proto = reflect_closure(r, file, list);
	for (size_t i = 0; i < files.n_file_descriptor_proto; i++)
		bytes[i] = (ProtobufCBinaryData){ list[i].len, (uint8_t *) list[i].bytes };
	files.file_descriptor_proto = bytes;
	rep.message_response_case = TELLS(FILE_DESCRIPTOR_RESPONSE);
	rep.file_descriptor_response = &files;
	call_send(c, &rep.base);
out:
	free(list);
	free(bytes);
}

static void
send_extensions(struct call *c, const char *type)
{
	Grpc__Reflection__V1__ServerReflectionResponse rep = begin_answer(c);
	Grpc__Reflection__V1__ExtensionNumberResponse numbers =
	    GRPC__REFLECTION__V1__EXTENSION_NUMBER_RESPONSE__INIT;
	const struct reflect *r = call_ctld(c)->reflect;
	int32_t list[EXTENSIONS_MAX];

	if (reflect_by_symbol(r, type) < 0) {
		send_error(c, RPC_NOT_FOUND, "no message of this name is described here");
		return;
	}
	numbers.base_type_name = (char *) type;
	numbers.n_extension_number = reflect_extensions(r, type, list, EXTENSIONS_MAX);
	numbers.extension_number = list;
	rep.message_response_case = TELLS(ALL_EXTENSION_NUMBERS_RESPONSE);
	rep.all_extension_numbers_response = &numbers;
	call_send(c, &rep.base);
}

#define SERVICES_MAX 32

static void
send_services(struct call *c)
{
	Grpc__Reflection__V1__ServerReflectionResponse rep = begin_answer(c);
	Grpc__Reflection__V1__ListServiceResponse list =
	    GRPC__REFLECTION__V1__LIST_SERVICE_RESPONSE__INIT;
	Grpc__Reflection__V1__ServiceResponse services[SERVICES_MAX], *pointers[SERVICES_MAX];
	const char *name;

	while (list.n_service < SERVICES_MAX &&
	    (name = reflect_service_at(call_ctld(c)->reflect, list.n_service)) != NULL) {
		Grpc__Reflection__V1__ServiceResponse *svc = &services[list.n_service];

		grpc__reflection__v1__service_response__init(svc);
		svc->name = (char *) name;
		pointers[list.n_service++] = svc;
	}
	list.service = pointers;
	rep.message_response_case = TELLS(LIST_SERVICES_RESPONSE);
	rep.list_services_response = &list;
	call_send(c, &rep.base);
}

/* The text that a request asks with: it goes back to the client as part of the answer. */
static const char *
text_of(const Grpc__Reflection__V1__ServerReflectionRequest *req)
{
	switch (req->message_request_case) {
	case ASKS(FILE_BY_FILENAME):
		return req->file_by_filename;
	case ASKS(FILE_CONTAINING_SYMBOL):
		return req->file_containing_symbol;
	case ASKS(FILE_CONTAINING_EXTENSION):
		return req->file_containing_extension->containing_type;
	case ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE):
		return req->all_extension_numbers_of_type;
	case ASKS(LIST_SERVICES):
		return req->list_services;
	default:
		return "";
	}
}

void
reflection_info(struct call *c)
{
	const Grpc__Reflection__V1__ServerReflectionRequest *req = call_request(c);
	const struct reflect *r = call_ctld(c)->reflect;
	const char *text = text_of(req);

	if (!utf8_valid(req->host) || !utf8_valid(text)) {
		call_fail_field(c, "message_request", "must be UTF-8");
		return;
	}
	switch (req->message_request_case) {
	case ASKS(FILE_BY_FILENAME):
		send_file(c, reflect_by_name(r, text));
		break;
	case ASKS(FILE_CONTAINING_SYMBOL):
		send_file(c, reflect_by_symbol(r, text));
		break;
	case ASKS(FILE_CONTAINING_EXTENSION):
		send_file(c, reflect_by_extension(r, text,
		    req->file_containing_extension->extension_number));
		break;
	case ASKS(ALL_EXTENSION_NUMBERS_OF_TYPE):
		send_extensions(c, text);
		break;
	case ASKS(LIST_SERVICES):
		send_services(c);
		break;
	default:
		send_error(c, RPC_INVALID_ARGUMENT, "the request asks for nothing");
		break;
	}
}
