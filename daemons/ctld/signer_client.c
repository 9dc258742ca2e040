/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/signer_client.h"

/*
 * A request is in one place at a time: in `inbox` (under the lock), where the queue's thread has
 * put it; in `waiting`, until there is room in the window; in `asked`, until the signer answers or
 * its time is over. From the last one call_resume takes it back to its call, or the loop's own are
 * done there. Replies come in the
 * order of the requests; one for a request that is not there any more only opens the window again.
 */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>

#include "common/chan.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/reason.h"
#include "daemons/ctld/signer_process.h"
#include "ipc/signer.pb-c.h"

#define READY_MS 10000	/* it reads four files and loads two filters */

struct request {
	uint64_t number;
	int64_t deadline_ms;
	uint8_t *body;		/* packed */
	size_t len;
	struct call *call;	/* whose it is; NULL: the loop's own */
	struct signed_cert *out;	/* the call's, or: */
	struct signed_cert own;
	backend_next *next;	/* of a call */
	signer_client_done *done;	/* of the loop */
	void *arg;
	struct err err;
	TAILQ_ENTRY(request) link;
};

TAILQ_HEAD(request_list, request);

struct signer_client {
	struct ev *ev;
	struct signer_client_conf conf;
	struct err trouble;	/* rc 0: it can sign. Constant once it is ready */
	struct ev_io io;
	struct ev_waker waker;
	struct ev_timer timer;	/* for the first deadline in `waiting` and `asked` */
	pthread_mutex_t lock;	/* of `inbox`, `count` */
	struct request_list inbox;
	unsigned count;		/* requests in all three places */
	struct request_list waiting, asked;
	unsigned window;	/* requests that the signer has not answered */
	_Atomic uint64_t next_number;
	struct chan_msg msg;
};

/* --- the end of a request --------------------------------------------------------------------- */

void
signed_cert_fini(struct signed_cert *cert)
{
	free(cert->certificate);
	free(cert->ca);
	*cert = (struct signed_cert){ 0 };
}

static void
free_request(struct request *r)
{
	signed_cert_fini(&r->own);
	free(r->body);
	free(r);
}

/* On the queue's thread. */
static void
finish(struct call *c, void *arg)
{
	struct request *r = arg;

	r->next(c, &r->err);
	free_request(r);
}

/* consumes: r, which is in no list any more */
static void
complete(struct signer_client *sc, struct request *r)
{
	pthread_mutex_lock(&sc->lock);
	sc->count--;
	pthread_mutex_unlock(&sc->lock);
	if (r->call != NULL) {
		call_resume(r->call, finish, r);
		return;
	}
	r->done(r->arg, &r->err, &r->own);
	free_request(r);
}

/* --- the loop's side -------------------------------------------------------------------------- */

/* Ends what has waited too long; returns when the next one will have. */
static int64_t
expire(struct signer_client *sc, struct request_list *list, int64_t now)
{
	int64_t next_ms = INT64_MAX;
	struct request *r, *after;

	for (r = TAILQ_FIRST(list); r != NULL; r = after) {
		after = TAILQ_NEXT(r, link);
		if (r->deadline_ms > now) {
			next_ms = r->deadline_ms < next_ms ? r->deadline_ms : next_ms;
			continue;
		}
		TAILQ_REMOVE(list, r, link);
		err_set(&r->err, -REASON_DEADLINE, "the signer did not answer in time");
		complete(sc, r);
	}
	return next_ms;
}

static void
on_timer(void *arg)
{
	struct signer_client *sc = arg;
	int64_t now = clock_mono_ms();
	int64_t waiting_ms = expire(sc, &sc->waiting, now);
	int64_t asked_ms = expire(sc, &sc->asked, now);
	int64_t next_ms = waiting_ms < asked_ms ? waiting_ms : asked_ms;

	if (next_ms != INT64_MAX)
		ev_timer_start(sc->ev, &sc->timer, next_ms - now, on_timer, sc);
}

/* As many as fit into the window. */
static void
send_waiting(struct signer_client *sc)
{
	struct request *r;

	while (sc->window < SIGNER_WINDOW && (r = TAILQ_FIRST(&sc->waiting)) != NULL) {
		/* A full channel empties with a reply; a broken one is seen by on_channel. */
		if (chan_send(sc->conf.fd, SIGNER_REQUEST, r->body, r->len, NULL, 0) < 0)
			break;
		TAILQ_REMOVE(&sc->waiting, r, link);
		TAILQ_INSERT_TAIL(&sc->asked, r, link);
		sc->window++;
	}
	on_timer(sc);
}

static void
on_inbox(void *arg, uint32_t events)
{
	struct signer_client *sc = arg;

	(void) events;
	pthread_mutex_lock(&sc->lock);
	TAILQ_CONCAT(&sc->waiting, &sc->inbox, link);
	pthread_mutex_unlock(&sc->lock);
	send_waiting(sc);
}

static struct request *
take_asked(struct signer_client *sc, uint64_t number)
{
	struct request *r;

	TAILQ_FOREACH(r, &sc->asked, link) {
		if (r->number == number) {
			TAILQ_REMOVE(&sc->asked, r, link);
			return r;
		}
	}
	return NULL;
}

static int
read_cert(const Litevpn__Signer__SignReply *reply, struct signed_cert *out, struct err *e)
{
	struct signed_cert cert = { strdup(reply->certificate), strdup(reply->ca) };
	int rc = backend_result(reply->result, reply->detail, e);

	if (rc == 0 && (cert.certificate == NULL || cert.ca == NULL))
		rc = err_set(e, -REASON_OVERLOADED, "out of memory");
	if (rc < 0)
		signed_cert_fini(&cert);
	else
		*out = cert;
	return rc;
}

static int
take_reply(struct signer_client *sc)
{
	Litevpn__Signer__SignReply *reply;
	struct request *r;

	chan_msg_close(&sc->msg);
	if (sc->msg.type != SIGNER_REPLY || sc->window == 0)
		return -EBADMSG;
	reply = litevpn__signer__sign_reply__unpack(NULL, sc->msg.len, sc->msg.body);
	if (reply == NULL)
		return -EBADMSG;
	sc->window--;
	if ((r = take_asked(sc, reply->number)) != NULL) {
		r->err.rc = read_cert(reply, r->out, &r->err);
		complete(sc, r);
	}
	litevpn__signer__sign_reply__free_unpacked(reply, NULL);
	return 0;
}

static void
on_channel(void *arg, uint32_t events)
{
	struct signer_client *sc = arg;
	int rc;

	(void) events;
	while ((rc = chan_recv(sc->conf.fd, &sc->msg)) > 0 && (rc = take_reply(sc)) == 0)
		continue;
	if (rc == -EAGAIN) {
		send_waiting(sc);
		return;
	}
	log_err("signer_gone", "error=%s", rc == 0 ? "EOF" : err_name(rc));
	ev_io_del(sc->ev, &sc->io);
	sc->conf.gone(sc->conf.arg);
}

/* --- the calls' side -------------------------------------------------------------------------- */

const char *
signer_client_trouble(const struct signer_client *sc)
{
	return sc->trouble.rc == 0 ? NULL : sc->trouble.text;
}

static int
pack_request(struct request *r, const uint8_t *grant, size_t grant_len, const char *csr)
{
	Litevpn__Signer__SignRequest req = LITEVPN__SIGNER__SIGN_REQUEST__INIT;

	req.number = r->number;
	req.grant = (ProtobufCBinaryData){ grant_len, (uint8_t *) grant };
	req.csr = (ProtobufCBinaryData){ strlen(csr), (uint8_t *) csr };
	r->len = litevpn__signer__sign_request__get_packed_size(&req);
	if (r->len > CHAN_BODY_MAX)
		return err_set(&r->err, -REASON_CSR_INVALID, "the request is too long");
	if ((r->body = malloc(r->len)) == NULL)
		return err_set(&r->err, -REASON_OVERLOADED, "out of memory");
	litevpn__signer__sign_request__pack(&req, r->body);
	return 0;
}

/* -REASON_OVERLOADED when too many wait. */
static int
put_inbox(struct signer_client *sc, struct request *r)
{
	bool room;

	pthread_mutex_lock(&sc->lock);
	room = sc->count < SIGNER_WAITING_MAX;
	if (room) {
		TAILQ_INSERT_TAIL(&sc->inbox, r, link);
		sc->count++;
	}
	pthread_mutex_unlock(&sc->lock);
	if (!room)
		return err_set(&r->err, -REASON_OVERLOADED, "too many wait for the signer");
	ev_wake(&sc->waker);
	return 0;
}

void
signer_client_sign(struct signer_client *sc, struct call *c, const uint8_t *grant,
    size_t grant_len, const char *csr, struct signed_cert *out, backend_next *next)
{
	struct request *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		call_fail(c, &(struct status){ .reason = REASON_OVERLOADED });
		return;
	}
	r->number = sc->next_number++;
	r->call = c;
	r->deadline_ms = clock_mono_ms() + call_left_ms(c);
	r->out = out;
	r->next = next;
	r->err = sc->trouble;
	call_hold(c);
	if (r->err.rc < 0 || pack_request(r, grant, grant_len, csr) < 0 || put_inbox(sc, r) < 0)
		call_resume(c, finish, r);
}

int
signer_client_sign_here(struct signer_client *sc, const uint8_t *grant, size_t grant_len,
    const char *csr, int64_t timeout_ms, signer_client_done *done, void *arg, struct err *e)
{
	struct request *r;
	int rc;

	if (sc->trouble.rc < 0)
		return err_set(e, sc->trouble.rc, "%s", sc->trouble.text);
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return err_set(e, -REASON_OVERLOADED, "out of memory");
	r->number = sc->next_number++;
	r->deadline_ms = clock_mono_ms() + timeout_ms;
	r->out = &r->own;
	r->done = done;
	r->arg = arg;
	if ((rc = pack_request(r, grant, grant_len, csr)) < 0 || (rc = put_inbox(sc, r)) < 0) {
		err_set(e, rc, "%s", r->err.text);
		free_request(r);
	}
	return rc;
}

/* --- begin and end ---------------------------------------------------------------------------- */

/* The first message. */
static int
await_ready(struct signer_client *sc, struct err *e)
{
	struct chan_msg *msg = &sc->msg;
	Litevpn__Signer__SignReply *reply = NULL;
	int rc = chan_wait(sc->conf.fd, READY_MS);

	if (rc == 0 && (rc = chan_recv(sc->conf.fd, msg)) > 0) {
		chan_msg_close(msg);
		if (msg->type == SIGNER_READY)
			reply = litevpn__signer__sign_reply__unpack(NULL, msg->len, msg->body);
	}
	if (reply == NULL)
		return err_set(e, rc < 0 ? rc : -EPIPE, "the signer did not start; see its log");
	backend_result(reply->result, reply->detail, &sc->trouble);
	litevpn__signer__sign_reply__free_unpacked(reply, NULL);
	return 0;
}

int
signer_client_new(struct ev *ev, const struct signer_client_conf *conf,
    struct signer_client **out, struct err *e)
{
	struct signer_client *sc = calloc(1, sizeof(*sc));
	int rc;

	if (sc == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	sc->ev = ev;
	sc->conf = *conf;
	pthread_mutex_init(&sc->lock, NULL);
	TAILQ_INIT(&sc->inbox);
	TAILQ_INIT(&sc->waiting);
	TAILQ_INIT(&sc->asked);
	if (conf->fd < 0) {
		err_set(&sc->trouble, -REASON_NO_SIGNER, "%s", conf->none_because);
		*out = sc;
		return 0;
	}
	if ((rc = await_ready(sc, e)) == 0 &&
	    ((rc = ev_waker_init(ev, &sc->waker, on_inbox, sc)) < 0 ||
	    (rc = ev_io_add(ev, &sc->io, conf->fd, EPOLLIN, on_channel, sc)) < 0))
		err_set(e, rc, "event loop: %s", err_text(rc));
	if (rc < 0)
		signer_client_free(sc);
	else
		*out = sc;
	return rc;
}

/* The calls' own are gone with them. */
static void
free_own(struct request_list *list)
{
	struct request *r;

	while ((r = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, r, link);
		free_request(r);
	}
}

void
signer_client_free(struct signer_client *sc)
{
	if (sc == NULL)
		return;
	ev_timer_stop(sc->ev, &sc->timer);
	ev_io_del(sc->ev, &sc->io);
	ev_waker_fini(sc->ev, &sc->waker);
	free_own(&sc->inbox);
	free_own(&sc->waiting);
	free_own(&sc->asked);
	pthread_mutex_destroy(&sc->lock);
	free(sc);
}
