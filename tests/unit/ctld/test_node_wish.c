/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/node_wish.h"

#include <check.h>
#include <string.h>

#include "tests/unit/kit.h"

#define PATHS_MAX 3

/* A wish as text: what the name becomes, "-KEY" that goes, "+KEY=VALUE" that comes, "*" for all. */
static const char *
text_of(const struct ipam_node_wish *w)
{
	static char text[1024];

	snprintf(text, sizeof(text), "%s%s%s", w->rename ? "=" : "",
	    w->rename ? w->display_name : "", w->drop_all ? "*" : "");
	for (size_t i = 0; i < w->ndrop; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "-%s", w->drop[i]);
	for (size_t i = 0; i < w->nset; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "+%s=%s",
		    w->set[i].key, w->set[i].value);
	return text;
}

/* The node of the request is called n and has the labels b=2, a=0, a=1, in that order. */
static const struct {
	const char *paths[PATHS_MAX];
	const char *wish, *wrong;	/* either */
} masks[] = {
	{ { "display_name" }, "=n", NULL },
	{ { "labels" }, "*+a=1+b=2", NULL },
	{ { "labels.b" }, "+b=2", NULL },
	{ { "labels.c" }, "-c", NULL },
	{ { "labels.a", "labels.c", "display_name" }, "=n-c+a=1", NULL },
	{ { "labels.c", "labels" }, "*-c+a=1+b=2", NULL },
	{ { "labels", "labels.c" }, "*+a=1+b=2", NULL },
	{ { "*" }, "=n*+a=1+b=2", NULL },
	{ { NULL }, "=n*+a=1+b=2", NULL },
	{ { "name" }, NULL, "update_mask" },
	{ { "" }, NULL, "update_mask" },
	{ { "address" }, NULL, "update_mask" },
	{ { "labelsx" }, NULL, "update_mask" },
	{ { "display_name", "state" }, NULL, "update_mask" },
};

START_TEST(a_mask_says_what_changes)
{
	Litevpn__V1__NodeInfo__LabelsEntry a = LITEVPN__V1__NODE_INFO__LABELS_ENTRY__INIT, b = a;
	Litevpn__V1__NodeInfo__LabelsEntry before = a, *labels[] = { &b, &before, &a };
	Litevpn__V1__NodeInfo node = LITEVPN__V1__NODE_INFO__INIT;
	Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
	Litevpn__V1__UpdateNodeRequest req = LITEVPN__V1__UPDATE_NODE_REQUEST__INIT;
	char id[PKI_ID_MAX + 1] = "untouched";
	struct ipam_node_wish wish;
	const char *why, *wrong;

	before.key = a.key = (char *) "a";
	before.value = (char *) "0";
	a.value = (char *) "1";
	b.key = (char *) "b";
	b.value = (char *) "2";
	node.name = (char *) "nodes/n-1";
	node.display_name = (char *) "n";
	node.n_labels = 3;
	node.labels = labels;
	req.node = &node;
	req.update_mask = &mask;
	mask.paths = (char **) masks[_i].paths;
	while (mask.n_paths < PATHS_MAX && mask.paths[mask.n_paths] != NULL)
		mask.n_paths++;
	wrong = node_wish_read(&req, id, &wish, &why);
	if (masks[_i].wrong != NULL) {
		ck_assert_str_eq(wrong, masks[_i].wrong);
		ck_assert_str_ne(why, "");
		ck_assert_str_eq(id, "untouched");
	} else {
		ck_assert_ptr_null(wrong);
		ck_assert_str_eq(id, "n-1");
		ck_assert_str_eq(text_of(&wish), masks[_i].wish);
	}
}
END_TEST

START_TEST(without_a_mask_counts_what_is_there)
{
	Litevpn__V1__NodeInfo node = LITEVPN__V1__NODE_INFO__INIT;
	Litevpn__V1__UpdateNodeRequest req = LITEVPN__V1__UPDATE_NODE_REQUEST__INIT;
	char id[PKI_ID_MAX + 1];
	struct ipam_node_wish wish;
	const char *why;

	ck_assert_str_eq(node_wish_read(&req, id, &wish, &why), "node.name");
	req.node = &node;
	ck_assert_str_eq(node_wish_read(&req, id, &wish, &why), "node.name");
	node.name = (char *) "nodes/n-1";
	ck_assert_str_eq(node_wish_read(&req, id, &wish, &why), "update_mask");
	node.display_name = (char *) "edge";
	ck_assert_ptr_null(node_wish_read(&req, id, &wish, &why));
	ck_assert_str_eq(text_of(&wish), "=edge");
}
END_TEST

START_TEST(there_are_not_too_many_labels)
{
	Litevpn__V1__NodeInfo__LabelsEntry entries[IPAM_LABELS_MAX + 1];
	Litevpn__V1__NodeInfo__LabelsEntry *labels[IPAM_LABELS_MAX + 1];
	char keys[IPAM_LABELS_MAX + 1][2];
	char *paths[IPAM_LABELS_MAX + 1];
	Litevpn__V1__NodeInfo node = LITEVPN__V1__NODE_INFO__INIT;
	Google__Protobuf__FieldMask mask = GOOGLE__PROTOBUF__FIELD_MASK__INIT;
	Litevpn__V1__UpdateNodeRequest req = LITEVPN__V1__UPDATE_NODE_REQUEST__INIT;
	char id[PKI_ID_MAX + 1];
	struct ipam_node_wish wish;
	const char *why;

	for (size_t i = 0; i < IPAM_LABELS_MAX + 1; i++) {
		litevpn__v1__node_info__labels_entry__init(&entries[i]);
		keys[i][0] = (char) ('z' - i);
		keys[i][1] = '\0';
		entries[i].key = keys[i];
		labels[i] = &entries[i];
		paths[i] = (char *) "labels.other";
	}
	node.name = (char *) "nodes/n-1";
	node.labels = labels;
	req.node = &node;
	node.n_labels = IPAM_LABELS_MAX;
	ck_assert_ptr_null(node_wish_read(&req, id, &wish, &why));
	node.n_labels++;
	ck_assert_str_eq(node_wish_read(&req, id, &wish, &why), "node.labels");
	req.update_mask = &mask;
	mask.paths = paths;
	mask.n_paths = IPAM_LABELS_MAX;
	ck_assert_ptr_null(node_wish_read(&req, id, &wish, &why));
	ck_assert_uint_eq(wish.ndrop, IPAM_LABELS_MAX);
	mask.n_paths++;
	ck_assert_str_eq(node_wish_read(&req, id, &wish, &why), "node.labels");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("node_wish");

	KIT_ROWS(tc, a_mask_says_what_changes, masks);
	tcase_add_test(tc, without_a_mask_counts_what_is_there);
	tcase_add_test(tc, there_are_not_too_many_labels);
	return kit_run("node_wish", tc);
}
