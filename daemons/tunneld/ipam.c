/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/ipam.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/ipc.h"
#include "common/log.h"
#include "common/reason.h"
#include "ipc/ipam.pb-c.h"

#define TIMEOUT_MS 5000

/* A request under way: whose it is. */
struct pending {
	bool used;
	union {
		ipam_attach_fn *attach;
		ipam_sync_fn *sync;
		ipam_renew_fn *renew;
	} fn;
	void *arg;
};

struct ipam {
	struct ipc_client *client;
	void (*up)(void *arg);
	void *arg;
	struct pending pending[IPC_CALLS_MAX];
	unsigned reports;	/* of them */
	bool missed;		/* a report found no place: a sync has to tell it */
};

static void
on_up(void *arg)
{
	struct ipam *i = arg;

	i->up(i->arg);
}

int
ipam_new(struct ev *ev, const char *path, uid_t uid, void (*up)(void *arg), void *arg,
    struct ipam **out, struct err *e)
{
	struct ipam *i = calloc(1, sizeof(*i));
	struct ipc_client_conf conf = {
		.path = path,
		.uid = uid,
		.request = &litevpn__ipam__request__descriptor,
		.reply = &litevpn__ipam__reply__descriptor,
		.up = on_up,
		.arg = i,
	};
	int rc;

	if (i == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	i->up = up;
	i->arg = arg;
	if ((rc = ipc_client_new(ev, &conf, &i->client, e)) < 0) {
		free(i);
		return rc;
	}
	*out = i;
	return 0;
}

void
ipam_free(struct ipam *i)
{
	if (i == NULL)
		return;
	ipc_client_free(i->client);
	free(i);
}

bool
ipam_is_up(const struct ipam *i)
{
	return ipc_client_is_up(i->client);
}

struct ipc_stats
ipam_stats(const struct ipam *i)
{
	return ipc_client_stats(i->client);
}

/* Sends it with a record of who waits; the completion takes the record and gives it back. */
static int
ask(struct ipam *i, const Litevpn__Ipam__Request *req, ipc_done *done, struct pending p)
{
	unsigned n = 0;
	int rc;

	while (n < IPC_CALLS_MAX && i->pending[n].used)
		n++;
	if (n == IPC_CALLS_MAX)
		return -ENOBUFS;
	i->pending[n] = p;
	i->pending[n].used = true;
	rc = ipc_ask(i->client, &req->base, TIMEOUT_MS, done, &i->pending[n]);
	if (rc < 0)
		i->pending[n].used = false;
	return rc;
}

static struct pending
take(void *arg)
{
	struct pending *p = arg;

	p->used = false;
	return *p;
}

/* The result of a call as one number: a transport failure is IPAM_DOWN. */
static int
result_of(int rc, const Litevpn__Ipam__Reply *reply)
{
	if (rc < 0)
		return -(int) reason_of(rc, REASON_IPAM_DOWN);
	return reply->result == 0 ? 0 : -(int) reason_of(-reply->result, REASON_IPAM_DOWN);
}

/* --- attach ----------------------------------------------------------------------------------- */

static int
read_attached(const Litevpn__Ipam__Reply *reply, struct ipam_attached *a)
{
	const Litevpn__Ipam__Attached *m = reply->attached;

	if (reply->body_case != LITEVPN__IPAM__REPLY__BODY_ATTACHED ||
	    strlen(m->node_id) >= sizeof(a->node_id) || m->node_id[0] == '\0' ||
	    ip_prefix_parse(m->address, &a->address) < 0)
		return -REASON_INTERNAL;
	strcpy(a->node_id, m->node_id);
	a->epoch = m->epoch;
	return 0;
}

static void
on_attached(void *arg, int rc, const ProtobufCMessage *msg)
{
	struct pending p = take(arg);
	const Litevpn__Ipam__Reply *reply = (const Litevpn__Ipam__Reply *) msg;
	struct ipam_attached a;

	rc = result_of(rc, reply);
	if (rc == 0)
		rc = read_attached(reply, &a);
	p.fn.attach(p.arg, rc, rc == 0 ? &a : NULL,
	    reply == NULL || reply->detail[0] == '\0' ? reason_text(-rc) : reply->detail);
}

int
ipam_attach(struct ipam *i, const char *node_token, const char *net_token,
    const char *cert_node_id, ipam_attach_fn *fn, void *arg)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__Attach attach = LITEVPN__IPAM__ATTACH__INIT;

	attach.node_token = (char *) node_token;
	attach.net_token = (char *) net_token;
	attach.cert_node_id = (char *) cert_node_id;
	req.body_case = LITEVPN__IPAM__REQUEST__BODY_ATTACH;
	req.attach = &attach;
	return ask(i, &req, on_attached, (struct pending){ .fn.attach = fn, .arg = arg });
}

/* --- report ----------------------------------------------------------------------------------- */

static void
on_reported(void *arg, int rc, const ProtobufCMessage *msg)
{
	struct ipam *i = take(arg).arg;

	i->reports--;
	rc = result_of(rc, (const Litevpn__Ipam__Reply *) msg);
	if (rc < 0)
		log_debug("report_lost", "error=%s", err_name(rc));
	if (i->reports == 0 && i->missed) {
		i->missed = false;
		i->up(i->arg);
	}
}

void
ipam_report(struct ipam *i, const char *node_id, uint64_t epoch, enum ipam_state state)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__Report report = LITEVPN__IPAM__REPORT__INIT;
	int rc = -ENOBUFS;

	report.node_id = (char *) node_id;
	report.epoch = epoch;
	report.state = (Litevpn__Ipam__Report__State) state;
	req.body_case = LITEVPN__IPAM__REQUEST__BODY_REPORT;
	req.report = &report;
	if (i->reports < IPAM_REPORTS_MAX)
		rc = ask(i, &req, on_reported, (struct pending){ .arg = i });
	if (rc == 0) {
		i->reports++;
	} else {
		i->missed = true;
		log_debug("report_lost", "error=%s", err_name(rc));
	}
}

/* --- sync ------------------------------------------------------------------------------------- */

static void
on_synced(void *arg, int rc, const ProtobufCMessage *msg)
{
	struct pending p = take(arg);
	const Litevpn__Ipam__Reply *reply = (const Litevpn__Ipam__Reply *) msg;

	rc = result_of(rc, reply);
	if (rc == 0 && reply->body_case != LITEVPN__IPAM__REPLY__BODY_SYNCED)
		rc = -REASON_INTERNAL;
	if (rc == 0)
		p.fn.sync(p.arg, 0, reply->synced->gone, reply->synced->n_gone);
	else
		p.fn.sync(p.arg, rc, NULL, 0);
}

int
ipam_sync(struct ipam *i, bool first, bool last, const struct ipam_session *sessions, size_t n,
    ipam_sync_fn *fn, void *arg)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__Sync sync = LITEVPN__IPAM__SYNC__INIT;
	Litevpn__Ipam__Session items[IPAM_SYNC_MAX], *ptrs[IPAM_SYNC_MAX];

	if (n > IPAM_SYNC_MAX)
		return -EMSGSIZE;
	for (size_t k = 0; k < n; k++) {
		litevpn__ipam__session__init(&items[k]);
		items[k].node_id = (char *) sessions[k].node_id;
		items[k].epoch = sessions[k].epoch;
		items[k].connected = sessions[k].connected;
		ptrs[k] = &items[k];
	}
	sync.first = first;
	sync.last = last;
	sync.n_sessions = n;
	sync.sessions = ptrs;
	req.body_case = LITEVPN__IPAM__REQUEST__BODY_SYNC;
	req.sync = &sync;
	return ask(i, &req, on_synced, (struct pending){ .fn.sync = fn, .arg = arg });
}

/* --- renew ------------------------------------------------------------------------------------ */

/* Of the one PKI that was asked for. NULL: there is none. */
static const uint8_t *
find_grant(const Litevpn__Ipam__Reply *reply)
{
	const ProtobufCBinaryData *grant;

	if (reply->body_case != LITEVPN__IPAM__REPLY__BODY_RENEWAL)
		return NULL;
	grant = reply->renewal->grpc_grant.len > 0 ? &reply->renewal->grpc_grant
						   : &reply->renewal->vpn_grant;
	return grant->len == GRANT_WIRE_LEN ? grant->data : NULL;
}

static void
on_renewed(void *arg, int rc, const ProtobufCMessage *msg)
{
	struct pending p = take(arg);
	const Litevpn__Ipam__Reply *reply = (const Litevpn__Ipam__Reply *) msg;
	const uint8_t *grant = NULL;

	rc = result_of(rc, reply);
	if (rc == 0 && (grant = find_grant(reply)) == NULL)
		rc = -REASON_INTERNAL;
	p.fn.renew(p.arg, rc, grant,
	    reply == NULL || reply->detail[0] == '\0' ? reason_text(-rc) : reply->detail);
}

int
ipam_renew(struct ipam *i, const char *node_id, bool grpc, const uint8_t spki[PKI_SPKI_LEN],
    ipam_renew_fn *fn, void *arg)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__Renew renew = LITEVPN__IPAM__RENEW__INIT;

	renew.node_id = (char *) node_id;
	*(grpc ? &renew.grpc_spki : &renew.vpn_spki) =
	    (ProtobufCBinaryData){ PKI_SPKI_LEN, (uint8_t *) spki };
	req.body_case = LITEVPN__IPAM__REQUEST__BODY_RENEW;
	req.renew = &renew;
	return ask(i, &req, on_renewed, (struct pending){ .fn.renew = fn, .arg = arg });
}
