/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/reflect.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemons/ctld/descriptors.h"
#include "daemons/ctld/method.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "tests/unit/kit.h"

/* The set that the program carries, and the index over it. */
struct rig {
	Google__Protobuf__FileDescriptorSet *set;
	struct reflect *r;
};

static struct rig
open_rig(void)
{
	struct rig rig = { 0 };
	struct err e;

	rig.set = google__protobuf__file_descriptor_set__unpack(NULL, descriptors_len(),
	    descriptors_bytes());
	ck_assert_ptr_nonnull(rig.set);
	ck_assert_int_eq(reflect_new(descriptors_bytes(), descriptors_len(), &rig.r, &e), 0);
	ck_assert_uint_eq(reflect_count(rig.r), rig.set->n_file);
	return rig;
}

static void
close_rig(struct rig *rig)
{
	reflect_free(rig->r);
	google__protobuf__file_descriptor_set__free_unpacked(rig->set, NULL);
}

static void
must_find(const struct rig *rig, const char *scope, const char *name, int file)
{
	char full[512];

	snprintf(full, sizeof(full), ".%s.%s", scope, name);
	ck_assert_msg(reflect_by_symbol(rig->r, full) == file, "%s", full);
	ck_assert_msg(reflect_by_symbol(rig->r, full + 1) == file, "%s", full);
	strcat(full, "x");
	ck_assert_int_eq(reflect_by_symbol(rig->r, full), -ENOENT);
}

static void
check_enum(const struct rig *rig, const char *scope,
    const Google__Protobuf__EnumDescriptorProto *en, int file)
{
	must_find(rig, scope, en->name, file);
	for (size_t i = 0; i < en->n_value; i++)
		must_find(rig, scope, en->value[i]->name, file);
}

static void
check_message(const struct rig *rig, const char *scope,
    const Google__Protobuf__DescriptorProto *msg, int file)
{
	char full[256];

	snprintf(full, sizeof(full), "%s.%s", scope, msg->name);
	must_find(rig, scope, msg->name, file);
	for (size_t i = 0; i < msg->n_field; i++)
		must_find(rig, full, msg->field[i]->name, file);
	for (size_t i = 0; i < msg->n_enum_type; i++)
		check_enum(rig, full, msg->enum_type[i], file);
	for (size_t i = 0; i < msg->n_nested_type; i++)
		check_message(rig, full, msg->nested_type[i], file);
}

static void
check_service(const struct rig *rig, const char *scope,
    const Google__Protobuf__ServiceDescriptorProto *svc, int file)
{
	char full[256];

	snprintf(full, sizeof(full), "%s.%s", scope, svc->name);
	must_find(rig, scope, svc->name, file);
	ck_assert(reflect_has_service(rig->r, full));
	for (size_t i = 0; i < svc->n_method; i++)
		must_find(rig, full, svc->method[i]->name, file);
}

START_TEST(every_symbol_is_found_in_its_file)
{
	struct rig rig = open_rig();

	for (size_t n = 0; n < rig.set->n_file; n++) {
		const Google__Protobuf__FileDescriptorProto *fd = rig.set->file[n];

		ck_assert_int_eq(reflect_by_name(rig.r, fd->name), (int) n);
		for (size_t i = 0; i < fd->n_message_type; i++)
			check_message(&rig, fd->package, fd->message_type[i], (int) n);
		for (size_t i = 0; i < fd->n_enum_type; i++)
			check_enum(&rig, fd->package, fd->enum_type[i], (int) n);
		for (size_t i = 0; i < fd->n_service; i++)
			check_service(&rig, fd->package, fd->service[i], (int) n);
	}
	close_rig(&rig);
}
END_TEST

START_TEST(a_file_comes_with_all_that_it_needs)
{
	struct rig rig = open_rig();
	struct reflect_file *files = calloc(rig.set->n_file, sizeof(*files));

	for (size_t n = 0; n < rig.set->n_file; n++) {
		size_t count = reflect_closure(rig.r, (int) n, files);

		ck_assert_uint_ge(count, 1);
		ck_assert_uint_le(count, rig.set->n_file);
		for (size_t i = 0; i < count; i++) {
			Google__Protobuf__FileDescriptorProto *fd =
			    google__protobuf__file_descriptor_proto__unpack(NULL, files[i].len,
			    files[i].bytes);

			ck_assert_ptr_nonnull(fd);
			if (i == 0)
				ck_assert_str_eq(fd->name, rig.set->file[n]->name);
			/* Each import of a file is in the list, and nothing is in it twice. */
			for (size_t d = 0; d < fd->n_dependency; d++)
				ck_assert_int_ge(reflect_by_name(rig.r, fd->dependency[d]), 0);
			for (size_t k = 0; k < i; k++)
				ck_assert_ptr_ne(files[k].bytes, files[i].bytes);
			google__protobuf__file_descriptor_proto__free_unpacked(fd, NULL);
		}
	}
	free(files);
	close_rig(&rig);
}
END_TEST

START_TEST(node_needs_the_time)
{
	struct rig rig = open_rig();
	struct reflect_file *files = calloc(rig.set->n_file, sizeof(*files));
	int file = reflect_by_symbol(rig.r, "litevpn.v1.Node");

	ck_assert_int_ge(file, 0);
	/* node.proto imports duration, empty, field_mask and timestamp. */
	ck_assert_uint_eq(reflect_closure(rig.r, file, files), 5);
	free(files);
	close_rig(&rig);
}
END_TEST

/* grpcurl describe shows them. */
START_TEST(the_api_explains_itself)
{
	struct rig rig = open_rig();
	struct reflect_file *files = calloc(rig.set->n_file, sizeof(*files));
	Google__Protobuf__FileDescriptorProto *fd;
	bool explained = false;

	ck_assert_uint_ge(reflect_closure(rig.r, reflect_by_symbol(rig.r, "litevpn.v1.Token"), files),
	    1);
	fd = google__protobuf__file_descriptor_proto__unpack(NULL, files[0].len, files[0].bytes);
	ck_assert_ptr_nonnull(fd);
	ck_assert_ptr_nonnull(fd->source_code_info);
	for (size_t i = 0; i < fd->source_code_info->n_location; i++) {
		const Google__Protobuf__SourceCodeInfo__Location *l =
		    fd->source_code_info->location[i];

		ck_assert(l->leading_comments != NULL || l->trailing_comments != NULL);
		explained |= l->leading_comments != NULL &&
		    strstr(l->leading_comments, "Revokes a token") != NULL;
	}
	ck_assert(explained);
	google__protobuf__file_descriptor_proto__free_unpacked(fd, NULL);
	free(files);
	close_rig(&rig);
}
END_TEST

static const char *const unknown[] = {
	"", ".", "litevpn", "litevpn.v1", "litevpn.v1.", "..litevpn.v1.Node", "Node",
	"litevpn.v1.Node.", "litevpn.v1.Node.getnode", "\xff",
};

START_TEST(what_is_unknown_is_not_found)
{
	struct rig rig = open_rig();

	ck_assert_int_eq(reflect_by_symbol(rig.r, unknown[_i]), -ENOENT);
	ck_assert_int_eq(reflect_by_name(rig.r, unknown[_i]), -ENOENT);
	ck_assert_int_eq(reflect_by_extension(rig.r, unknown[_i], 1), -ENOENT);
	ck_assert_uint_eq(reflect_extensions(rig.r, unknown[_i], NULL, 0), 0);
	ck_assert(!reflect_has_service(rig.r, unknown[_i]));
	close_rig(&rig);
}
END_TEST

START_TEST(every_method_is_described_and_every_service_served)
{
	struct rig rig = open_rig();
	const struct method *m;
	const char *service;
	char symbol[256];

	for (size_t i = 0; (m = method_at(i)) != NULL; i++) {
		snprintf(symbol, sizeof(symbol), "%s", m->path + 1);
		*strchr(symbol, '/') = '.';
		ck_assert_msg(reflect_by_symbol(rig.r, symbol) >= 0, "%s", symbol);
	}
	for (size_t n = 0; (service = reflect_service_at(rig.r, n)) != NULL; n++) {
		bool served = false;

		for (size_t i = 0; (m = method_at(i)) != NULL; i++)
			served = served || strncmp(m->path + 1, service, strlen(service)) == 0;
		ck_assert_msg(served, "%s", service);
	}
	close_rig(&rig);
}
END_TEST

/* An extension, which our own files do not have: of .t.M by number 100, beside and inside of it. */
static struct reflect *
make_extended(void)
{
	Google__Protobuf__FileDescriptorSet set = GOOGLE__PROTOBUF__FILE_DESCRIPTOR_SET__INIT;
	Google__Protobuf__FileDescriptorProto fd = GOOGLE__PROTOBUF__FILE_DESCRIPTOR_PROTO__INIT;
	Google__Protobuf__DescriptorProto msg = GOOGLE__PROTOBUF__DESCRIPTOR_PROTO__INIT;
	Google__Protobuf__FieldDescriptorProto ext = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__INIT;
	Google__Protobuf__FieldDescriptorProto inner = ext, *exts[] = { &ext };
	Google__Protobuf__FieldDescriptorProto *inners[] = { &inner };
	Google__Protobuf__FileDescriptorProto *files[] = { &fd };
	Google__Protobuf__DescriptorProto *msgs[] = { &msg };
	struct reflect *r;
	struct err e;
	uint8_t buf[512];
	size_t len;

	fd.name = (char *) "t.proto";
	fd.package = (char *) "t";
	msg.name = (char *) "M";
	ext.name = (char *) "outer";
	inner.name = (char *) "inner";
	ext.extendee = inner.extendee = (char *) ".t.M";
	ext.has_number = inner.has_number = 1;
	ext.number = 100;
	inner.number = 101;
	msg.n_extension = fd.n_extension = fd.n_message_type = set.n_file = 1;
	msg.extension = inners;
	fd.extension = exts;
	fd.message_type = msgs;
	set.file = files;
	len = google__protobuf__file_descriptor_set__get_packed_size(&set);
	ck_assert_uint_lt(len, sizeof(buf));
	google__protobuf__file_descriptor_set__pack(&set, buf);
	ck_assert_int_eq(reflect_new(buf, len, &r, &e), 0);
	return r;
}

START_TEST(extensions_are_found_by_number)
{
	struct reflect *r = make_extended();
	int32_t numbers[4] = { 0 };

	ck_assert_int_eq(reflect_by_extension(r, "t.M", 100), 0);
	ck_assert_int_eq(reflect_by_extension(r, ".t.M", 101), 0);
	ck_assert_int_eq(reflect_by_extension(r, "t.M", 102), -ENOENT);
	ck_assert_int_eq(reflect_by_extension(r, "t.N", 100), -ENOENT);
	ck_assert_int_eq(reflect_by_symbol(r, "t.outer"), 0);
	ck_assert_int_eq(reflect_by_symbol(r, "t.M.inner"), 0);
	ck_assert_uint_eq(reflect_extensions(r, ".t.M", numbers, 4), 2);
	ck_assert_int_eq(numbers[0] + numbers[1], 201);
	ck_assert_uint_eq(reflect_extensions(r, "t.M", numbers, 1), 1);
	reflect_free(r);
}
END_TEST

START_TEST(what_is_no_set_is_refused)
{
	struct reflect *r = NULL;
	struct err e;

	ck_assert_int_eq(reflect_new((const uint8_t *) "\xff\xff", 2, &r, &e), -EBADMSG);
	ck_assert_ptr_null(r);
	ck_assert_int_eq(reflect_new((const uint8_t *) "", 0, &r, &e), 0);
	ck_assert_ptr_null(reflect_service_at(r, 0));
	ck_assert_int_eq(reflect_by_symbol(r, "a"), -ENOENT);
	reflect_free(r);
	reflect_free(NULL);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("reflect");

	tcase_add_test(tc, every_symbol_is_found_in_its_file);
	tcase_add_test(tc, a_file_comes_with_all_that_it_needs);
	tcase_add_test(tc, node_needs_the_time);
	tcase_add_test(tc, the_api_explains_itself);
	KIT_ROWS(tc, what_is_unknown_is_not_found, unknown);
	tcase_add_test(tc, every_method_is_described_and_every_service_served);
	tcase_add_test(tc, extensions_are_found_by_number);
	tcase_add_test(tc, what_is_no_set_is_refused);
	return kit_run("reflect", tc);
}
