/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_MODEL_INSIDE_H
#define LV_TEST_MODEL_INSIDE_H

#include <string.h>

#include "tests/unit/ipamd/model.h"

/* What the model's own files share. */

#define MODEL_REMOVE(array, n, at)                                                                 \
	memmove((array) + (at), (array) + (at) + 1, (--(n) - (at)) * sizeof((array)[0]))

void model_copy(char out[MODEL_TEXT], const char *text);
struct model_node *model_owner(struct model *m, int net, const struct ip_addr *addr);
struct model_hold *model_hold_at(struct model *m, int net, const struct ip_addr *addr);
struct model_hold *model_hold_named(struct model *m, int net, const char *name);
struct model_token *model_promise_at(struct model *m, int net, const struct ip_addr *addr);
bool model_lowest_free(const struct model *m, int net, struct ip_addr *out);
void model_remove_node(struct model *m, struct model_node *n);
void model_leave(struct model *m, const struct model_node *was);
void model_expire(struct model *m);
int model_claim(struct model *m, int net, const struct ip_addr *addr, const char *name);

/* An address for a node of that name, and whether it is kept for it. */
int model_choose(struct model *m, int net, const char *name, bool *fixed, struct model_result *r);

bool model_is_expired(const struct model *m, const struct model_node *n);
bool model_is_live(const struct model_node *n);

#endif
