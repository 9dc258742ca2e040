/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/node_wish.h"

#include <string.h>

#include "daemons/ctld/names.h"

#define LABEL_PATH "labels."

static const char too_many[] = "a node has at most 16 labels";

static void
rename_to(struct ipam_node_wish *w, const Litevpn__V1__NodeInfo *node)
{
	w->rename = true;
	w->display_name = node->display_name;
}

static const Litevpn__V1__NodeInfo__LabelsEntry *
find_label(const Litevpn__V1__NodeInfo *node, const char *key)
{
	for (size_t i = node->n_labels; i-- > 0;) {
		if (strcmp(node->labels[i]->key, key) == 0)
			return node->labels[i];
	}
	return NULL;
}

/*
 * In the order of keys, each once, the last one counts: the entries of a map come in any order, and
 * a request that is repeated must be the same to ipamd.
 */
static bool
set_label(struct ipam_node_wish *w, const Litevpn__V1__NodeInfo__LabelsEntry *label)
{
	size_t i = 0;

	while (i < w->nset && strcmp(w->set[i].key, label->key) < 0)
		i++;
	if (i == w->nset || strcmp(w->set[i].key, label->key) != 0) {
		if (w->nset == IPAM_LABELS_MAX)
			return false;
		memmove(&w->set[i + 1], &w->set[i], (w->nset++ - i) * sizeof(w->set[0]));
	}
	w->set[i] = (struct ipam_label_text){ label->key, label->value };
	return true;
}

static bool
replace_labels(struct ipam_node_wish *w, const Litevpn__V1__NodeInfo *node)
{
	w->drop_all = true;
	w->nset = 0;
	for (size_t i = 0; i < node->n_labels; i++) {
		if (!set_label(w, node->labels[i]))
			return false;
	}
	return true;
}

static bool
change_label(struct ipam_node_wish *w, const Litevpn__V1__NodeInfo *node, const char *key)
{
	const Litevpn__V1__NodeInfo__LabelsEntry *label = find_label(node, key);

	if (w->drop_all)
		return true;	/* all of them are what the node has already */
	if (label != NULL)
		return set_label(w, label);
	if (w->ndrop == IPAM_LABELS_MAX)
		return false;
	w->drop[w->ndrop++] = key;
	return true;
}

/* One path of the mask. NULL, or why it cannot be. */
static const char *
read_path(const char *path, const Litevpn__V1__NodeInfo *node, struct ipam_node_wish *w)
{
	bool all = strcmp(path, "*") == 0, name = strcmp(path, "display_name") == 0;

	if (all || name)
		rename_to(w, node);
	if (all || strcmp(path, "labels") == 0)
		return replace_labels(w, node) ? NULL : too_many;
	if (strncmp(path, LABEL_PATH, strlen(LABEL_PATH)) == 0)
		return change_label(w, node, path + strlen(LABEL_PATH)) ? NULL : too_many;
	return name ? NULL : "must name display_name, labels or labels.KEY";
}

/* Without a mask: what is there. */
static const char *
read_filled(const Litevpn__V1__NodeInfo *node, struct ipam_node_wish *w)
{
	if (node->display_name[0] != '\0')
		rename_to(w, node);
	if (node->n_labels > 0 && !replace_labels(w, node))
		return too_many;
	return w->rename || w->nset > 0 ? NULL : "must be there, where node has nothing to change";
}

const char *
node_wish_read(const Litevpn__V1__UpdateNodeRequest *req, char id_out[PKI_ID_MAX + 1],
    struct ipam_node_wish *out, const char **why_out)
{
	const Google__Protobuf__FieldMask *mask = req->update_mask;
	struct ipam_node_wish w = { .display_name = "" };
	const char *why = NULL;
	char id[PKI_ID_MAX + 1];

	if (req->node == NULL || names_parse("nodes", req->node->name, id) < 0) {
		*why_out = "must be nodes/ID";
		return "node.name";
	}
	if (mask == NULL || mask->n_paths == 0)
		why = read_filled(req->node, &w);
	for (size_t i = 0; mask != NULL && i < mask->n_paths && why == NULL; i++)
		why = read_path(mask->paths[i], req->node, &w);
	if (why != NULL) {
		*why_out = why;
		return why == too_many ? "node.labels" : "update_mask";
	}
	strcpy(id_out, id);
	*out = w;
	return NULL;
}
