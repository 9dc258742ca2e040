/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/join.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/reason.h"
#include "common/secret.h"

#define RETRY_MS 1000	/* for refusals that pass: ipamd is away, the server is full */

static ipam_attach_fn on_attached;

struct join {
	struct joins *all;
	TAILQ_ENTRY(join) link;
	struct ip_addr from, source;
	struct conn *conn;		/* NULL once it has ended while ipamd is being asked */
	bool attaching;			/* ipamd has a pointer to this */
	bool waits;			/* until ipamd can be asked one thing more */
	struct ev_timer deadline;
	struct pki_cert cert;
	struct control_hello hello;
	enum aead_alg cipher;
};

static void
join_free(struct join *j)
{
	ev_timer_stop(j->all->ev, &j->deadline);
	conn_free(j->conn);
	j->conn = NULL;
	if (j->attaching)
		return;		/* on_attached comes and ends it */
	TAILQ_REMOVE(&j->all->list, j, link);
	j->all->n--;
	j->all->waiting -= j->waits;
	secret_wipe(&j->hello, sizeof(j->hello));
	free(j);
}

/* --- refusing --------------------------------------------------------------------------------- */

static bool
passes(int reason)
{
	return reason == REASON_IPAM_DOWN || reason == REASON_SERVER_FULL ||
	    reason == REASON_STORE_FAILED || reason == REASON_OVERLOADED ||
	    reason == REASON_SHUTTING_DOWN;
}

void
join_refuse(struct joins *all, struct conn *conn, const char *node_id, int reason, const char *detail)
{
	struct control msg = { .type = CONTROL_REFUSE };

	tally_add(&all->refusals, reason);
	strncpy(msg.refuse.reason, reason_name(reason), sizeof(msg.refuse.reason) - 1);
	strncpy(msg.refuse.message, detail, sizeof(msg.refuse.message) - 1);
	msg.refuse.retry_after_ms = passes(reason) ? RETRY_MS : 0;
	log_info("node_refused", "reason=%s node=%s peer=%s detail=%s", reason_name(reason),
	    LOG_Q(node_id), SOCK_TEXT(conn_peer(conn)), LOG_Q(detail));
	conn_send(conn, &msg);
	conn_free(conn);
}

static void
refuse(struct join *j, int reason, const char *detail)
{
	struct conn *conn = j->conn;

	j->conn = NULL;
	join_refuse(j->all, conn, j->cert.name.id, reason, detail);
	join_free(j);
}

/* --- ipamd is asked --------------------------------------------------------------------------- */

/* What was a handshake's work is not thrown away when ipamd has much to do: those wait in turn. */
static void
ask(struct join *j)
{
	int rc = ipam_attach(j->all->ipam, j->hello.node_token, j->hello.net_token,
	    j->cert.name.kind == PKI_NODE ? j->cert.name.id : "", on_attached, j);

	j->waits = rc == -ENOBUFS;
	j->all->waiting += j->waits;
	j->attaching = rc == 0;
	if (rc < 0 && !j->waits)
		refuse(j, (int) reason_of(rc, REASON_IPAM_DOWN), "ipamd cannot be asked");
}

static void
ask_next(struct joins *all)
{
	struct join *j = all->waiting == 0 ? NULL : TAILQ_FIRST(&all->list);

	while (j != NULL && !j->waits)
		j = TAILQ_NEXT(j, link);
	if (j == NULL)
		return;
	all->waiting--;
	ask(j);
}

/* --- the answer of ipamd ---------------------------------------------------------------------- */

static void
on_attached(void *arg, int rc, const struct ipam_attached *a, const char *detail)
{
	struct join *j = arg;
	struct join_result r;

	j->attaching = false;
	ask_next(j->all);
	if (j->conn == NULL) {	/* the node has gone meanwhile */
		if (rc == 0)
			j->all->left(j->all->arg, a);
		join_free(j);
		return;
	}
	if (rc < 0) {
		refuse(j, (int) reason_of(rc, REASON_IPAM_DOWN), detail);
		return;
	}
	/* ipamd has compared them too; a mistake there must not open the door here. */
	if (j->cert.name.kind == PKI_NODE && strcmp(j->cert.name.id, a->node_id) != 0) {
		refuse(j, REASON_CERT_MISMATCH, reason_text(REASON_CERT_MISMATCH));
		return;
	}
	r = (struct join_result){ .conn = j->conn, .hello = &j->hello, .attached = a,
		.cipher = j->cipher, .cert_expire_s = j->cert.not_after };
	j->conn = NULL;
	j->all->joined(j->all->arg, &r);
	join_free(j);
}

/* --- Hello ------------------------------------------------------------------------------------ */

/* The first of the node's ciphers that we have and may use. */
static bool
choose_cipher(const struct joins *all, const struct control_hello *h, enum aead_alg *out)
{
	static const enum aead_alg forced[] = {
		[CONF_CIPHER_AES256GCM] = AEAD_AES_256_GCM,
		[CONF_CIPHER_CHACHA20POLY1305] = AEAD_CHACHA20_POLY1305,
	};

	for (unsigned i = 0; i < h->nciphers; i++) {
		enum aead_alg alg = (enum aead_alg) h->ciphers[i];

		if (aead_name(alg) == NULL || (all->conf->cipher != CONF_CIPHER_AUTO &&
		    forced[all->conf->cipher] != alg))
			continue;
		*out = alg;
		return true;
	}
	return false;
}

static void
on_control(void *owner, const struct control *msg)
{
	struct join *j = owner;

	if (msg->type != CONTROL_HELLO || j->attaching || j->waits) {
		refuse(j, REASON_PROTOCOL_ERROR, "the first message must be Hello, and the only one");
		return;
	}
	j->hello = msg->hello;
	if (!choose_cipher(j->all, &j->hello, &j->cipher)) {
		refuse(j, REASON_CIPHER_MISMATCH, reason_text(REASON_CIPHER_MISMATCH));
		return;
	}
	if (!ipam_is_up(j->all->ipam)) {
		refuse(j, REASON_IPAM_DOWN, reason_text(REASON_IPAM_DOWN));
		return;
	}
	ask(j);
}

/* --- the certificate: at every connection, resumed or not -------------------------------------- */

static void
on_ready(void *owner)
{
	struct join *j = owner;
	struct err e = { 0 };
	int64_t now = clock_utc_s();

	if (tls_peer_cert(conn_tls(j->conn), &j->cert, &e) < 0) {
		refuse(j, REASON_CERT_INVALID, e.text);
	} else if (!j->cert.for_client || now < j->cert.not_before || now > j->cert.not_after) {
		refuse(j, REASON_CERT_INVALID, "the certificate is not valid now, or not for a node");
	} else if (j->cert.name.kind == PKI_ROLE) {
		refuse(j, REASON_CERT_MISMATCH, "the certificate is an administrator's");
	} else if (j->cert.name.kind == PKI_NONE && j->all->conf->require_node_cert) {
		refuse(j, REASON_CERT_MISMATCH, "the certificate names no node, which "
		    "requireNodeCert wants");
	}
}

/* A stranger's fault is told once per connection, at a level that a scanner cannot fill disks with. */
static void
on_closed(void *owner, const char *why)
{
	struct join *j = owner;

	log_debug("stranger_gone", "peer=%s why=%s", IP_TEXT(&j->from), LOG_Q(why));
	join_free(j);
}

static void
on_packet(void *owner, const uint8_t *pkt, size_t len)
{
	(void) owner, (void) pkt, (void) len;	/* conn lets none through before conn_trust */
}

static const struct conn_ops conn_ops = {
	.ready = on_ready,
	.control = on_control,
	.packet = on_packet,
	.closed = on_closed,
};

static void
on_deadline(void *arg)
{
	struct join *j = arg;

	j->all->slow++;
	log_debug("stranger_slow", "peer=%s", IP_TEXT(&j->from));
	join_free(j);
}

/* --- accepting -------------------------------------------------------------------------------- */

static struct ip_addr
source_of(const struct ip_addr *from)
{
	struct ip_prefix p = { *from, from->family == AF_INET6 ? 64 : 32 };

	return ip_prefix_network(&p).addr;
}

static bool
has_share_left(const struct joins *all, const struct ip_addr *source)
{
	const struct join *j;
	unsigned same = 0;

	TAILQ_FOREACH(j, &all->list, link)
		same += ip_equal(&j->source, source);
	return same < JOIN_STRANGERS_PER_SOURCE;
}

/* Those that ipamd is asked about are no strangers any more; they are IPC_CALLS_MAX at most. */
static void
end_oldest(struct joins *all)
{
	struct join *j = TAILQ_FIRST(&all->list);

	while (j != NULL && j->attaching)
		j = TAILQ_NEXT(j, link);
	if (j == NULL)
		return;
	all->pushed_out++;
	log_debug("stranger_pushed_out", "peer=%s", IP_TEXT(&j->from));
	join_free(j);
}

void
join_accept(void *arg, int fd, const struct ip_addr *from)
{
	struct joins *all = arg;
	struct ip_addr source = source_of(from);
	struct join *j = has_share_left(all, &source) ? calloc(1, sizeof(*j)) : NULL;
	struct err e = { 0 };

	if (j == NULL) {
		all->over_share++;
		close(fd);
		return;
	}
	j->all = all;
	j->from = *from;
	j->source = source;
	if (all->n == JOIN_STRANGERS_MAX)
		end_oldest(all);
	TAILQ_INSERT_TAIL(&all->list, j, link);
	all->n++;
	all->accepted++;
	if (conn_new(all->conns, all->identity->tls, fd, NULL, &conn_ops, j, &j->conn, &e) < 0 ||
	    ev_timer_start(all->ev, &j->deadline, JOIN_DEADLINE_MS, on_deadline, j) < 0) {
		log_warn("accept_failed", "error=%s", LOG_Q(e.text));
		join_free(j);
	}
}

void
joins_init(struct joins *j)
{
	TAILQ_INIT(&j->list);
	j->n = j->waiting = 0;
}

void
joins_fini(struct joins *j)
{
	struct join *one;

	while ((one = TAILQ_FIRST(&j->list)) != NULL) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): join_free takes it off the list */
		one->attaching = false;
		join_free(one);
	}
}
