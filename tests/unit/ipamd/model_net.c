/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/ipamd/model_inside.h"

#include <assert.h>
#include <string.h>

#include "common/reason.h"

/* --- kept addresses --------------------------------------------------------------------------- */

struct model_result
model_reserve(struct model *m, int net, const char *name, const struct ip_addr *addr)
{
	struct model_hold *h = m->nets[net].there ? model_hold_named(m, net, name) : NULL;
	struct model_result r = { .addr = *addr };
	struct model_node *n;

	if (!m->nets[net].there) {
		r.rc = -REASON_NETWORK_UNKNOWN;
	} else if (h != NULL) {
		r.rc = addr->family != 0 && !ip_equal(addr, &h->addr) ? -REASON_ADDRESS_TAKEN : 0;
		r.addr = h->addr;
		return r;
	} else if (addr->family == 0 && !model_lowest_free(m, net, &r.addr)) {
		model_expire(m);
		r.rc = model_lowest_free(m, net, &r.addr) ? 0 : -REASON_POOL_EXHAUSTED;
	}
	if (r.rc < 0 || (r.rc = model_claim(m, net, &r.addr, name)) < 0)
		return r;
	if ((n = model_owner(m, net, &r.addr)) != NULL) {
		n->fixed = true;
		n->use = ++m->use;
	}
	assert(m->nholds < MODEL_HOLDS);
	h = &m->holds[m->nholds++];
	*h = (struct model_hold){ .net = net, .addr = r.addr };
	model_copy(h->name, name);
	return r;
}

int
model_release(struct model *m, int net, const char *name, const struct ip_addr *addr)
{
	struct model_hold *h, was;
	struct model_node *n, left;

	if (!m->nets[net].there)
		return -REASON_NETWORK_UNKNOWN;
	if (name[0] == '\0' && model_promise_at(m, net, addr) != NULL)
		return -REASON_ADDRESS_TAKEN;
	h = name[0] != '\0' ? model_hold_named(m, net, name) : model_hold_at(m, net, addr);
	if (h == NULL)
		return -REASON_ADDRESS_UNKNOWN;
	was = *h;
	MODEL_REMOVE(m->holds, m->nholds, (size_t) (h - m->holds));
	left = (struct model_node){ .net = net, .addr = was.addr, .attached = true };
	if ((n = model_owner(m, net, &was.addr)) != NULL) {
		n->fixed = false;
		n->use = ++m->use;
	} else if (was.name[0] != '\0') {
		model_leave(m, &left);
	}
	return 0;
}

/* --- networks --------------------------------------------------------------------------------- */

static bool
overlaps(const struct model *m, int net, const struct ip_prefix *prefix)
{
	for (int i = 0; i < MODEL_NETS; i++) {
		if (i != net && m->nets[i].there && ip_prefix_overlap(&m->nets[i].prefix, prefix))
			return true;
	}
	return false;
}

static int
check_net(const struct model *m, int net, const struct ip_prefix *prefix,
    const struct ip_prefix *exclude)
{
	if (exclude->addr.family != 0 && !ip_prefix_overlap(exclude, prefix))
		return -REASON_FIELD_INVALID;
	return overlaps(m, net, prefix) ? -REASON_NETWORK_OVERLAP : 0;
}

int
model_net_create(struct model *m, int net, const char *name, const struct ip_prefix *prefix,
    const struct ip_prefix *exclude, const char *secret)
{
	int rc = check_net(m, net, prefix, exclude);

	if (rc < 0)
		return rc;
	if (m->nets[net].there)
		return -REASON_NETWORK_EXISTS;
	m->nets[net] = (struct model_net){ .there = true, .prefix = *prefix, .exclude = *exclude };
	model_copy(m->nets[net].name, name);
	model_copy(m->nets[net].secret, secret);
	return 0;
}

static int
check_own(const struct model *m, int net)
{
	if (!m->nets[net].there)
		return -REASON_NETWORK_UNKNOWN;
	return m->nets[net].from_conf ? -REASON_NETWORK_FIXED : 0;
}

/* Its nodes lose their addresses, in the order of their last use. */
static void
clear(struct model *m, int net, uint64_t epoch)
{
	int64_t until = m->use;

	for (;;) {
		struct model_node *n = NULL;

		for (size_t i = 0; i < m->nnodes; i++) {
			struct model_node *x = &m->nodes[i];

			if (x->net == net && x->use <= until && (n == NULL || x->use < n->use))
				n = x;
		}
		if (n == NULL)
			return;
		if (model_is_live(n)) {
			n->state = n->rest = NODE_IDLE;
			n->seen_s = m->now_s;
		}
		n->addr = (struct ip_addr){ 0 };
		n->fixed = false;
		n->epoch = n->epoch > epoch ? n->epoch : epoch;
		n->use = ++m->use;
	}
}

int
model_net_recreate(struct model *m, int net, const struct ip_prefix *prefix,
    const struct ip_prefix *exclude, uint64_t epoch)
{
	int rc = check_own(m, net);

	if (rc < 0 || (rc = check_net(m, net, prefix, exclude)) < 0)
		return rc;
	clear(m, net, epoch);
	for (size_t i = m->nholds; i-- > 0;) {
		if (m->holds[i].net == net && m->holds[i].name[0] == '\0')
			MODEL_REMOVE(m->holds, m->nholds, i);
	}
	m->nets[net].prefix = *prefix;
	m->nets[net].exclude = *exclude;
	m->epoch = epoch;
	return 0;
}

int
model_net_delete(struct model *m, int net, bool force)
{
	int rc = check_own(m, net);

	for (size_t i = 0; i < m->nnodes && rc == 0 && !force; i++)
		rc = m->nodes[i].net == net ? -REASON_NETWORK_IN_USE : 0;
	if (rc < 0)
		return rc;
	for (size_t i = m->nnodes; i-- > 0;) {
		if (m->nodes[i].net == net)
			model_remove_node(m, &m->nodes[i]);
	}
	for (size_t i = m->ntokens; i-- > 0;) {
		if (m->tokens[i].net == net)
			MODEL_REMOVE(m->tokens, m->ntokens, i);
	}
	for (size_t i = m->nholds; i-- > 0;) {
		if (m->holds[i].net == net)
			MODEL_REMOVE(m->holds, m->nholds, i);
	}
	m->nets[net].there = false;
	return 0;
}

int
model_net_token(struct model *m, int net, const char *secret)
{
	if (!m->nets[net].there)
		return -REASON_NETWORK_UNKNOWN;
	model_copy(m->nets[net].secret, secret);
	return 0;
}
