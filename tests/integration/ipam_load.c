/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks ipamd through its socket, many requests at a time, and holds it to what it has answered:
 *
 *     ipam_load SOCKET FACTS COUNT PID
 *
 * First it compares what ipamd says now with the FACTS of the runs before. Then it enrolls,
 * attaches, reports and deletes, until COUNT answers have come; then ipamd, process PID, is killed
 * with all that is under way. FACTS says what is known then. It ends with 1 when ipamd has lied.
 *
 * PID 0: nobody is killed. It is tunneld to one connection and ctld to another: run it as root.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/ev.h"
#include "common/ipc.h"
#include "common/priv.h"
#include "common/reason.h"
#include "config.h"
#include "ipc/ipam.pb-c.h"
#include "tests/integration/facts.h"
#include "tests/unit/dice.h"

#define TIMEOUT_MS 20000
#define FLIGHT 48
#define SPKI_LEN 32
#define PAGE 1000	/* nodes */
#define EVENTS 500
#define END_MS 8	/* after the last answer that counts, at most */
#define USES 10000	/* of a bootstrap token: as many as there can be */

struct load;

/* One that asks, waits for the answer, and asks again. */
struct caller {
	struct load *load;
	size_t fact;
	bool attached;		/* just now: what comes of the session is reported next */
	uint64_t epoch;
	void (*answer)(struct caller *c, struct fact *x, const Litevpn__Ipam__Reply *r);
};

struct load {
	struct ev *ev;
	struct ipc_client *tunneld, *ctld;	/* how ipamd sees them */
	struct facts facts;
	struct dice dice;
	uint64_t epoch;		/* all of this run are above that */
	void (*next)(struct caller *c);		/* what a caller does after an answer */
	size_t again;		/* facts from that on need not be asked for again */
	uint64_t count, answers;
	pid_t pid;
	struct ev_timer end;
	bool over;		/* no more is asked, or answered */
	unsigned idle;		/* callers that have nothing under way any more */
	struct caller callers[FLIGHT];
};

static void
lie(struct load *l, const char *what, int result)
{
	facts_lie(&l->facts, "%s: %d", what, result);
}

/* --- one request at a time -------------------------------------------------------------------- */

struct wait {
	struct load *load;
	void (*answer)(struct load *l, const Litevpn__Ipam__Reply *r, void *arg);
	void *arg;
};

static void
on_awaited(void *arg, int rc, const ProtobufCMessage *msg)
{
	struct wait *w = arg;
	const Litevpn__Ipam__Reply *r = (const Litevpn__Ipam__Reply *) msg;

	if (rc == 0 && r->result == 0)
		w->answer(w->load, r, w->arg);
	ev_stop(w->load->ev, rc < 0 ? rc : -r->result);
}

static int
ask(struct load *l, Litevpn__Ipam__Request *r,
    void (*answer)(struct load *l, const Litevpn__Ipam__Reply *r, void *arg), void *arg)
{
	struct wait w = { l, answer, arg };
	struct ipc_client *as = r->body_case == LITEVPN__IPAM__REQUEST__BODY_SYNC ? l->tunneld
	    : l->ctld;
	int rc = ipc_ask(as, &r->base, TIMEOUT_MS, on_awaited, &w);

	return rc < 0 ? rc : ev_run(l->ev);
}

/* --- what ipamd says of itself ---------------------------------------------------------------- */

static void
hear_sync(struct load *l, const Litevpn__Ipam__Reply *r, void *arg)
{
	(void) l, (void) r, (void) arg;
}

/* Nobody is connected: so everybody is known to be idle. */
static int
announce_nobody(struct load *l)
{
	Litevpn__Ipam__Request r = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__Sync m = LITEVPN__IPAM__SYNC__INIT;

	m.first = m.last = true;
	r.body_case = LITEVPN__IPAM__REQUEST__BODY_SYNC;
	r.sync = &m;
	return ask(l, &r, hear_sync, NULL);
}

static void
hear_nodes(struct load *l, const Litevpn__Ipam__Reply *r, void *arg)
{
	for (size_t i = 0; i < r->nodes->n_nodes; i++) {
		const Litevpn__Ipam__Node *n = r->nodes->nodes[i];

		if (strcmp(n->id, "reserverd") != 0)
			facts_node(&l->facts, n->display_name, n->id, n->address);
	}
	*(uint64_t *) arg = r->nodes->next;
}

static int
list_nodes(struct load *l)
{
	Litevpn__Ipam__Request r = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__ListNodes m = LITEVPN__IPAM__LIST_NODES__INIT;
	int rc;

	m.page_size = PAGE;
	r.body_case = LITEVPN__IPAM__REQUEST__BODY_LIST_NODES;
	r.list_nodes = &m;
	do {
		rc = ask(l, &r, hear_nodes, &m.after);
	} while (rc == 0 && m.after != 0);
	return rc;
}

static void
hear_events(struct load *l, const Litevpn__Ipam__Reply *r, void *arg)
{
	for (size_t i = 0; i < r->events->n_events; i++) {
		const Litevpn__Ipam__Event *e = r->events->events[i];

		facts_event(&l->facts, e->revision, e->kind == LITEVPN__IPAM__EVENT__KIND__RECLAIM,
		    e->node_id);
	}
	*(bool *) arg = l->facts.revision < r->events->newest;
}

static int
list_events(struct load *l)
{
	Litevpn__Ipam__Request r = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__ListEvents m = LITEVPN__IPAM__LIST_EVENTS__INIT;
	bool more = true;
	int rc = 0;

	m.max = EVENTS;
	r.body_case = LITEVPN__IPAM__REQUEST__BODY_LIST_EVENTS;
	r.list_events = &m;
	while (rc == 0 && more) {
		m.after = l->facts.revision;
		rc = ask(l, &r, hear_events, &more);
	}
	return rc;
}

static void
hear_token(struct load *l, const Litevpn__Ipam__Reply *r, void *arg)
{
	(void) arg;
	snprintf(l->facts.bootstrap, sizeof(l->facts.bootstrap), "%s", r->token->secret);
}

static int
make_token(struct load *l)
{
	Litevpn__Ipam__Request r = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__CreateToken m = LITEVPN__IPAM__CREATE_TOKEN__INIT;

	m.uses = USES;
	m.life_s = 24 * 3600;
	r.body_case = LITEVPN__IPAM__REQUEST__BODY_CREATE_TOKEN;
	r.create_token = &m;
	return ask(l, &r, hear_token, NULL);
}

/* --- many at a time --------------------------------------------------------------------------- */

/* It falls while others are under way. */
static void
end(void *arg)
{
	struct load *l = arg;

	l->over = true;
	if (l->pid != 0 && (seteuid(0) < 0 || kill(l->pid, SIGKILL) < 0))
		lie(l, "it is dead already", errno);
}

static void
on_reply(void *arg, int rc, const ProtobufCMessage *msg)
{
	struct caller *c = arg;
	struct load *l = c->load;
	struct fact *x = &l->facts.rows[c->fact];

	x->busy = false;
	if (rc == 0)
		c->answer(c, x, (const Litevpn__Ipam__Reply *) msg);
	else if (!l->over)
		lie(l, "ipamd does not answer", rc);
	if (rc < 0)
		l->over = true;
	if (++l->answers == l->count)
		ev_timer_start(l->ev, &l->end, dice_below(&l->dice, END_MS), end, l);
	l->next(c);
}

static void
send_request(struct caller *c, struct ipc_client *as, Litevpn__Ipam__Request *r,
    void (*answer)(struct caller *c, struct fact *x, const Litevpn__Ipam__Reply *r))
{
	struct load *l = c->load;
	int rc;

	c->answer = answer;
	l->facts.rows[c->fact].busy = true;
	if ((rc = ipc_ask(as, &r->base, TIMEOUT_MS, on_reply, c)) < 0) {
		lie(l, "cannot ask", rc);
		ev_stop(l->ev, rc);
	}
}

static void
on_enrolled(struct caller *c, struct fact *x, const Litevpn__Ipam__Reply *r)
{
	struct load *l = c->load;

	if (r->result == REASON_POOL_EXHAUSTED && x->id[0] == '-') {
		x->state = FACT_GONE;
		return;
	}
	if (r->result != 0) {
		lie(l, "enrolling is refused", r->result);
		return;
	}
	if (x->id[0] != '-' && strcmp(x->id, r->redeemed->node->id) != 0)
		facts_lie(&l->facts, "the keys of %s are those of %s", x->id,
		    r->redeemed->node->id);
	if (x->address[0] != '-' && strcmp(x->address, r->redeemed->node->address) != 0)
		facts_lie(&l->facts, "%s had %s, and has %s now", x->id, x->address,
		    r->redeemed->node->address);
	x->state = FACT_THERE;
	snprintf(x->id, sizeof(x->id), "%s", r->redeemed->node->id);
	snprintf(x->token, sizeof(x->token), "%s", r->redeemed->node_token);
	snprintf(x->address, sizeof(x->address), "%s", r->redeemed->node->address);
}

static void
enroll(struct caller *c, size_t fact)
{
	Litevpn__Ipam__Request r = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__Redeem m = LITEVPN__IPAM__REDEEM__INIT;
	uint8_t grpc[SPKI_LEN] = { 1 }, vpn[SPKI_LEN] = { 2 };
	struct fact *x = &c->load->facts.rows[fact];
	char name[FACT_TEXT_MAX];

	memcpy(grpc + 1, &fact, sizeof(fact));
	memcpy(vpn + 1, &fact, sizeof(fact));
	snprintf(name, sizeof(name), "k%zu", fact);
	m.bootstrap_token = c->load->facts.bootstrap;
	m.display_name = name;
	m.grpc_spki = (ProtobufCBinaryData){ sizeof(grpc), grpc };
	m.vpn_spki = (ProtobufCBinaryData){ sizeof(vpn), vpn };
	r.body_case = LITEVPN__IPAM__REQUEST__BODY_REDEEM;
	r.redeem = &m;
	c->fact = fact;
	x->state = FACT_ASKED;
	send_request(c, c->load->ctld, &r, on_enrolled);
}

static void
enroll_new(struct caller *c)
{
	struct facts *f = &c->load->facts;

	if (f->n == FACTS_MAX) {
		lie(c->load, "there are too many facts", 0);
		ev_stop(c->load->ev, 1);
		return;
	}
	f->rows[f->n] = (struct fact){ .id = "-", .token = "-", .address = "-" };
	enroll(c, f->n++);
}

static void
on_attached(struct caller *c, struct fact *x, const Litevpn__Ipam__Reply *r)
{
	struct load *l = c->load;
	size_t len = strlen(x->address);

	if (r->result == REASON_NODE_RECLAIMED) {
		x->state = FACT_TAKEN;
		return;
	}
	if (r->result != 0) {
		lie(l, "attaching is refused", r->result);
		return;
	}
	if (strncmp(r->attached->address, x->address, len) != 0 || r->attached->address[len] != '/')
		facts_lie(&l->facts, "%s has %s, not %s", x->id, r->attached->address, x->address);
	if (r->attached->epoch <= l->epoch)
		facts_lie(&l->facts, "epoch %" PRIu64 " was handed out before", r->attached->epoch);
	if (r->attached->epoch > l->facts.epoch)
		l->facts.epoch = r->attached->epoch;
	c->attached = true;
	c->epoch = r->attached->epoch;
}

static void
attach(struct caller *c, size_t fact)
{
	Litevpn__Ipam__Request r = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__Attach m = LITEVPN__IPAM__ATTACH__INIT;
	struct fact *x = &c->load->facts.rows[fact];

	m.node_token = x->token;
	m.cert_node_id = x->id;
	r.body_case = LITEVPN__IPAM__REQUEST__BODY_ATTACH;
	r.attach = &m;
	c->fact = fact;
	send_request(c, c->load->tunneld, &r, on_attached);
}

static void
on_reported(struct caller *c, struct fact *x, const Litevpn__Ipam__Reply *r)
{
	(void) c, (void) x, (void) r;
}

/* Mostly it leaves: who stays connected cannot be reclaimed before ipamd starts again. */
static void
report(struct caller *c)
{
	Litevpn__Ipam__Request r = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__Report m = LITEVPN__IPAM__REPORT__INIT;

	m.node_id = c->load->facts.rows[c->fact].id;
	m.epoch = c->epoch;
	m.state = dice_below(&c->load->dice, 4) == 0 ? LITEVPN__IPAM__REPORT__STATE__CONNECTED
	    : LITEVPN__IPAM__REPORT__STATE__IDLE;
	r.body_case = LITEVPN__IPAM__REQUEST__BODY_REPORT;
	r.report = &m;
	c->attached = false;
	send_request(c, c->load->tunneld, &r, on_reported);
}

static void
on_deleted(struct caller *c, struct fact *x, const Litevpn__Ipam__Reply *r)
{
	if (r->result == 0)
		x->state = FACT_GONE;
	else if (r->result == REASON_NODE_UNKNOWN)
		x->state = FACT_TAKEN;
	else
		lie(c->load, "deleting is refused", r->result);
}

static void
delete(struct caller *c, size_t fact)
{
	Litevpn__Ipam__Request r = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__DeleteNode m = LITEVPN__IPAM__DELETE_NODE__INIT;
	struct fact *x = &c->load->facts.rows[fact];

	m.id = x->id;
	r.body_case = LITEVPN__IPAM__REQUEST__BODY_DELETE_NODE;
	r.delete_node = &m;
	c->fact = fact;
	x->state = FACT_LEAVING;
	send_request(c, c->load->ctld, &r, on_deleted);
}

/* A node that is there, and that nobody else asks about; n: there is none. */
static size_t
some_node(struct load *l)
{
	size_t n = l->facts.n, at = n == 0 ? 0 : dice_below(&l->dice, (unsigned) n);

	for (size_t i = 0; i < n; i++, at = (at + 1) % n) {
		if (l->facts.rows[at].state == FACT_THERE && !l->facts.rows[at].busy &&
		    l->facts.rows[at].token[0] != '-')
			return at;
	}
	return n;
}

/* What was asked in the run before, and not answered. */
static void
ask_again(struct caller *c)
{
	struct load *l = c->load;

	while (l->again > 0 && !l->over) {
		if (l->facts.rows[--l->again].state == FACT_ASKED) {
			enroll(c, l->again);
			return;
		}
	}
	ev_stop(l->ev, 0);
}

static void
ask_any(struct caller *c)
{
	struct load *l = c->load;
	size_t node = some_node(l);

	if (l->over) {
		if (++l->idle == FLIGHT)
			ev_stop(l->ev, 0);
	} else if (c->attached) {
		report(c);
	} else if (node == l->facts.n || dice_below(&l->dice, 8) < 4) {
		enroll_new(c);
	} else if (dice_below(&l->dice, 4) > 0) {
		attach(c, node);
	} else {
		delete(c, node);
	}
}

/* --- a run ------------------------------------------------------------------------------------ */

static int
compare(struct load *l)
{
	int rc;

	if ((rc = announce_nobody(l)) < 0 ||
	    (rc = list_nodes(l)) < 0 ||
	    (rc = list_events(l)) < 0)
		return rc;
	facts_compare(&l->facts);
	return 0;
}

/* Each run has a bootstrap token of its own: it has a maximum of uses. */
static int
ask_many(struct load *l)
{
	int rc;

	for (unsigned i = 0; i < FLIGHT; i++)
		l->callers[i].load = l;
	l->epoch = l->facts.epoch;
	l->again = l->facts.n;
	l->next = ask_again;
	ask_again(l->callers);
	if ((rc = ev_run(l->ev)) < 0 || (rc = make_token(l)) < 0)
		return rc;
	l->next = ask_any;
	for (unsigned i = 0; i < FLIGHT; i++)
		ask_any(&l->callers[i]);
	return ev_run(l->ev);
}

static void
print(const struct load *l)
{
	unsigned there = 0, open = 0;

	for (size_t i = 0; i < l->facts.n; i++) {
		enum fact_state state = l->facts.rows[i].state;

		there += state == FACT_THERE;
		open += state == FACT_ASKED || state == FACT_LEAVING;
	}
	printf("%" PRIu64 " answers, %zu nodes were asked for, %u are there, %u are open, %u "
	    "lies\n", l->answers, l->facts.n, there, open, l->facts.lies);
}

static void
on_up(void *arg)
{
	ev_stop(arg, 0);
}

/* Whom ipamd takes us for is decided when the connection is made. */
static int
connect_as(struct load *l, const char *path, const char *name, struct ipc_client **out)
{
	struct ipc_client_conf conf = {
		.path = path,
		.request = &litevpn__ipam__request__descriptor,
		.reply = &litevpn__ipam__reply__descriptor,
		.up = on_up,
		.arg = l->ev,
	};
	struct priv_user user;
	struct stat st;
	struct err e;
	int rc;

	if (stat(path, &st) < 0)
		return -errno;
	conf.uid = st.st_uid;
	if (seteuid(0) < 0)
		return -errno;
	if ((rc = priv_user(name, &user, &e)) < 0)
		return rc;
	if (setegid(user.gid) < 0 || seteuid(user.uid) < 0)
		return -errno;
	rc = ipc_client_new(l->ev, &conf, out, &e);
	return rc < 0 ? rc : ev_run(l->ev);
}

static int
run(struct load *l, const char *path, const char *facts)
{
	int rc;

	if ((rc = facts_read(&l->facts, facts)) < 0 || (rc = ev_new(&l->ev)) < 0 ||
	    (rc = connect_as(l, path, LV_USER_TUNNELD, &l->tunneld)) < 0 ||
	    (rc = connect_as(l, path, LV_USER_CTLD, &l->ctld)) < 0)
		return rc;
	if ((rc = compare(l)) < 0)
		lie(l, "it does not say what there is", rc);
	else if (l->count > 0 && (rc = ask_many(l)) < 0)
		lie(l, "it cannot be asked", rc);
	print(l);
	if (rc == 0)
		rc = seteuid(0) < 0 ? -errno : facts_write(&l->facts, facts);
	return rc < 0 || l->facts.lies > 0 ? 1 : 0;
}

int
main(int argc, char **argv)
{
	static struct load l;
	int rc;

	if (argc != 5) {
		fprintf(stderr, "usage: ipam_load SOCKET FACTS COUNT PID\n");
		return 64;
	}
	l.count = strtoull(argv[3], NULL, 10);
	l.pid = (pid_t) strtol(argv[4], NULL, 10);
	l.dice = dice_new(dice_seed());
	if ((rc = run(&l, argv[1], argv[2])) < 0)
		fprintf(stderr, "ipam_load: %s\n", strerror(-rc));
	ipc_client_free(l.tunneld);
	ipc_client_free(l.ctld);
	ev_free(l.ev);
	facts_free(&l.facts);
	return rc == 0 ? 0 : 1;
}
