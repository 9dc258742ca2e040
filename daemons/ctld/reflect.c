/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/reflect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "google/protobuf/descriptor.pb-c.h"

struct symbol {
	char *name;	/* full, without a dot before it */
	int file;
};

struct extension {
	const char *type;	/* full name of the extended message, without a dot; in `set` */
	int32_t number;
	int file;
};

struct file {
	struct reflect_file packed;
	uint8_t *bytes;
};

struct reflect {
	Google__Protobuf__FileDescriptorSet *set;
	struct file *files;	/* as many as `set` has */
	struct symbol *symbols;	/* sorted by name once it is built */
	size_t nsymbols;
	struct extension *extensions;
	size_t nextensions;
	char **services;
	size_t nservices;
	bool failed;		/* out of memory while it is built */
};

/* --- building --------------------------------------------------------------------------------- */

/* "scope.name", or NULL with r->failed. */
static char *
join(struct reflect *r, const char *scope, const char *name)
{
	char *full = NULL;

	if (asprintf(&full, "%s%s%s", scope, scope[0] == '\0' ? "" : ".", name) < 0) {
		r->failed = true;
		return NULL;
	}
	return full;
}

/* Makes room for one more at the end; NULL with r->failed. */
static void *
grow(struct reflect *r, void *items, size_t n, size_t size)
{
	void *more = reallocarray(items, n + 1, size);

	if (more == NULL)
		r->failed = true;
	return more;
}

/* Adds scope.name; returns the full name, which lives in the index, or NULL. */
static const char *
add(struct reflect *r, const char *scope, const char *name, int file)
{
	char *full = join(r, scope, name);
	struct symbol *more = grow(r, r->symbols, r->nsymbols, sizeof(*more));

	if (more != NULL)
		r->symbols = more;
	if (r->failed) {
		free(full);
		return NULL;
	}
	r->symbols[r->nsymbols++] = (struct symbol){ full, file };
	return full;
}

static void
add_extension(struct reflect *r, const char *scope,
    const Google__Protobuf__FieldDescriptorProto *field, int file)
{
	struct extension *more = grow(r, r->extensions, r->nextensions, sizeof(*more));

	add(r, scope, field->name, file);
	if (more == NULL)
		return;
	r->extensions = more;
	r->extensions[r->nextensions++] = (struct extension){
		.type = field->extendee + (field->extendee[0] == '.'),
		.number = field->number,
		.file = file,
	};
}

/* The values of an enum stand beside it, not inside (as in C++). */
static void
add_enum(struct reflect *r, const char *scope, const Google__Protobuf__EnumDescriptorProto *en,
    int file)
{
	add(r, scope, en->name, file);
	for (size_t i = 0; i < en->n_value; i++)
		add(r, scope, en->value[i]->name, file);
}

static void
add_message(struct reflect *r, const char *scope, const Google__Protobuf__DescriptorProto *msg,
    int file)
{
	const char *full = add(r, scope, msg->name, file);

	if (full == NULL)
		return;
	for (size_t i = 0; i < msg->n_field; i++)
		add(r, full, msg->field[i]->name, file);
	for (size_t i = 0; i < msg->n_oneof_decl; i++)
		add(r, full, msg->oneof_decl[i]->name, file);
	for (size_t i = 0; i < msg->n_enum_type; i++)
		add_enum(r, full, msg->enum_type[i], file);
	for (size_t i = 0; i < msg->n_extension; i++)
		add_extension(r, full, msg->extension[i], file);
	for (size_t i = 0; i < msg->n_nested_type; i++)
		add_message(r, full, msg->nested_type[i], file);
}

static void
add_service(struct reflect *r, const char *scope,
    const Google__Protobuf__ServiceDescriptorProto *svc, int file)
{
	const char *full = add(r, scope, svc->name, file);
	char **more = grow(r, r->services, r->nservices, sizeof(*more));

	if (more != NULL)
		r->services = more;
	if (r->failed)
		return;
	r->services[r->nservices++] = (char *) full;
	for (size_t i = 0; i < svc->n_method; i++)
		add(r, full, svc->method[i]->name, file);
}

/*
 * Of the source the comments are of use, by which clients explain the API. Where each word of it
 * stands is left out: that is more than all the rest.
 */
static void
keep_comments(Google__Protobuf__SourceCodeInfo *info)
{
	size_t kept = 0;

	for (size_t i = 0; i < info->n_location; i++) {
		Google__Protobuf__SourceCodeInfo__Location *l = info->location[i];

		if (l->leading_comments != NULL || l->trailing_comments != NULL)
			info->location[kept++] = l;
		else
			protobuf_c_message_free_unpacked(&l->base, NULL);
	}
	info->n_location = kept;
}

static void
add_file(struct reflect *r, int number)
{
	const Google__Protobuf__FileDescriptorProto *fd = r->set->file[number];
	const char *package = fd->package == NULL ? "" : fd->package;
	struct file *f = &r->files[number];

	if (fd->source_code_info != NULL)
		keep_comments(fd->source_code_info);
	f->bytes = malloc(google__protobuf__file_descriptor_proto__get_packed_size(fd) + 1);
	if (f->bytes == NULL) {
		r->failed = true;
		return;
	}
	f->packed.bytes = f->bytes;
	f->packed.len = google__protobuf__file_descriptor_proto__pack(fd, f->bytes);
	for (size_t i = 0; i < fd->n_message_type; i++)
		add_message(r, package, fd->message_type[i], number);
	for (size_t i = 0; i < fd->n_enum_type; i++)
		add_enum(r, package, fd->enum_type[i], number);
	for (size_t i = 0; i < fd->n_extension; i++)
		add_extension(r, package, fd->extension[i], number);
	for (size_t i = 0; i < fd->n_service; i++)
		add_service(r, package, fd->service[i], number);
}

static int
compare_symbols(const void *a, const void *b)
{
	const struct symbol *sa = a, *sb = b;

	return strcmp(sa->name, sb->name);
}

int
reflect_new(const uint8_t *set, size_t len, struct reflect **out, struct err *e)
{
	struct reflect *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	r->set = google__protobuf__file_descriptor_set__unpack(NULL, len, set);
	if (r->set == NULL) {
		reflect_free(r);
		return err_set(e, -EBADMSG, "the API's descriptors cannot be read");
	}
	r->files = calloc(r->set->n_file + 1, sizeof(*r->files));
	r->failed = r->files == NULL;
	for (size_t i = 0; i < r->set->n_file && !r->failed; i++)
		add_file(r, (int) i);
	if (r->failed) {
		reflect_free(r);
		return err_set(e, -ENOMEM, "out of memory");
	}
	if (r->nsymbols > 0)
		qsort(r->symbols, r->nsymbols, sizeof(*r->symbols), compare_symbols);
	*out = r;
	return 0;
}

void
reflect_free(struct reflect *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->nsymbols; i++)
		free(r->symbols[i].name);
	for (size_t i = 0; r->files != NULL && i < r->set->n_file; i++)
		free(r->files[i].bytes);
	if (r->set != NULL)
		google__protobuf__file_descriptor_set__free_unpacked(r->set, NULL);
	free(r->files);
	free(r->symbols);
	free(r->extensions);
	free(r->services);
	free(r);
}

/* --- asking ----------------------------------------------------------------------------------- */

const char *
reflect_service_at(const struct reflect *r, size_t n)
{
	return n < r->nservices ? r->services[n] : NULL;
}

bool
reflect_has_service(const struct reflect *r, const char *name)
{
	for (size_t i = 0; i < r->nservices; i++) {
		if (strcmp(r->services[i], name) == 0)
			return true;
	}
	return false;
}

int
reflect_by_name(const struct reflect *r, const char *file_name)
{
	for (size_t i = 0; i < r->set->n_file; i++) {
		if (strcmp(r->set->file[i]->name, file_name) == 0)
			return (int) i;
	}
	return -ENOENT;
}

int
reflect_by_symbol(const struct reflect *r, const char *symbol)
{
	struct symbol key = { .name = (char *) symbol + (symbol[0] == '.') };
	const struct symbol *found = NULL;

	if (r->nsymbols > 0)
		found = bsearch(&key, r->symbols, r->nsymbols, sizeof(key), compare_symbols);
	return found == NULL ? -ENOENT : found->file;
}

int
reflect_by_extension(const struct reflect *r, const char *type, int32_t number)
{
	type += type[0] == '.';
	for (size_t i = 0; i < r->nextensions; i++) {
		if (r->extensions[i].number == number && strcmp(r->extensions[i].type, type) == 0)
			return r->extensions[i].file;
	}
	return -ENOENT;
}

size_t
reflect_extensions(const struct reflect *r, const char *type, int32_t *numbers_out, size_t max)
{
	size_t n = 0;

	type += type[0] == '.';
	for (size_t i = 0; i < r->nextensions && n < max; i++) {
		if (strcmp(r->extensions[i].type, type) == 0)
			numbers_out[n++] = r->extensions[i].number;
	}
	return n;
}

/* A file once: what is in the list already is found by its bytes. */
static size_t
collect(const struct reflect *r, int file, struct reflect_file *out, size_t n)
{
	const Google__Protobuf__FileDescriptorProto *fd = r->set->file[file];

	for (size_t i = 0; i < n; i++) {
		if (out[i].bytes == r->files[file].bytes)
			return n;
	}
	out[n++] = r->files[file].packed;
	for (size_t i = 0; i < fd->n_dependency; i++) {
		int dep = reflect_by_name(r, fd->dependency[i]);

		if (dep >= 0)
			n = collect(r, dep, out, n);
	}
	return n;
}

size_t
reflect_closure(const struct reflect *r, int file, struct reflect_file *files_out)
{
	return collect(r, file, files_out, 0);
}

size_t
reflect_count(const struct reflect *r)
{
	return r->set->n_file;
}
