/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/tlsctx.h"

#define READ_MAX 16384		/* a TLS record */
#define READ_ROUNDS 16		/* reads per wake-up: others want their turn */
#define LINGER_MS 2000		/* how long the last words may take */
#define RECORDS_PER_KEY ((uint64_t) 1 << 23)	/* then KeyUpdate (RFC 8446, 5.5 allows 2^24.5) */

struct tls {
	struct tls_env *env;
	LIST_ENTRY(tls) link;	/* in env->rest, once dead */
	SSL *ssl;
	int fd;
	char *host;		/* of a client: the server's name */
	struct ev_io io;
	struct ev_timer later;	/* frees it, or reports a failed write, outside of its callers */
	const struct tls_ops *ops;
	void *arg;
	struct waiter waiter;	/* a server's handshake goes on when it is this one's */
	bool begun;		/* it has had its first */
	bool handshaken;
	bool dead;		/* tls_free was called; nothing of it is touched any more */
	bool failed;		/* a write has failed: `closed` is due */
	bool want_write;
	uint64_t records;	/* written since the last KeyUpdate */
};

static void on_io(void *arg, uint32_t events);

static uint32_t
wanted(const struct tls *t)
{
	return EPOLLIN | (t->want_write ? EPOLLOUT : 0);
}

static int
begin_watch(struct tls *t)
{
	return ev_io_add(t->env->ev, &t->io, t->fd, wanted(t), on_io, t);
}

static void
watch(struct tls *t)
{
	ev_io_mod(t->env->ev, &t->io, wanted(t));
}

/* --- a client's tickets ------------------------------------------------------------------------ */

static void
forget_ticket(struct tls_memory *m)
{
	SSL_SESSION_free(m->ticket);
	SSL_CTX_free(m->ctx);
	free(m->host);
	*m = (struct tls_memory){ .ticket = NULL };
}

/* A new one, for next time. Takes it, which the return value says. */
static int
keep_ticket(SSL *ssl, SSL_SESSION *ticket)
{
	struct tls *t = SSL_get_app_data(ssl);
	struct tls_memory *m = &t->env->memory;
	SSL_CTX *ctx = SSL_get_SSL_CTX(ssl);
	char *host = t->dead ? NULL : strdup(t->host);

	if (host == NULL)
		return 0;
	forget_ticket(m);
	SSL_CTX_up_ref(ctx);
	*m = (struct tls_memory){ .ticket = ticket, .ctx = ctx, .host = host };
	return 1;
}

/* The server's certificate is not looked at again: it must still be good. */
static bool
is_good(const SSL_SESSION *ticket)
{
	const X509 *cert = SSL_SESSION_get0_peer((SSL_SESSION *) ticket);

	return cert != NULL && X509_cmp_current_time(X509_get0_notAfter(cert)) > 0;
}

static void
use_ticket(struct tls *t, SSL_CTX *ctx)
{
	struct tls_memory *m = &t->env->memory;

	SSL_set_app_data(t->ssl, t);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, keep_ticket);
	if (m->ticket == NULL || m->ctx != ctx || strcmp(m->host, t->host) != 0)
		return;
	if (is_good(m->ticket))
		SSL_set_session(t->ssl, m->ticket);
	forget_ticket(m);
}

/* --- a server's -------------------------------------------------------------------------------- */

/* Takes it, which the return value says. */
static int
put_ticket(SSL *ssl, SSL_SESSION *s)
{
	struct tls *t = SSL_get_app_data(ssl);

	return tickets_put(&t->env->tickets, SSL_get_SSL_CTX(ssl), s, clock_utc_s()) == 0;
}

static SSL_SESSION *
take_ticket(SSL *ssl, const unsigned char *id, int len, int *copy)
{
	struct tls *t = SSL_get_app_data(ssl);

	*copy = 0;	/* it is OpenSSL's now */
	return tickets_take(&t->env->tickets, SSL_get_SSL_CTX(ssl), id, (size_t) len);
}

static void
offer_tickets(struct tls *t, SSL_CTX *ctx)
{
	SSL_set_app_data(t->ssl, t);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, put_ticket);
	SSL_CTX_sess_set_get_cb(ctx, take_ticket);
}

bool
tls_resumed(const struct tls *t)
{
	return SSL_session_reused(t->ssl) == 1;
}

/* --- life -------------------------------------------------------------------------------------- */

static void
begin_server(struct tls *t, SSL_CTX *ctx)
{
	SSL_set_accept_state(t->ssl);
	offer_tickets(t, ctx);
}

static int
begin_client(struct tls *t, SSL_CTX *ctx, const char *host, struct err *e)
{
	t->want_write = true;	/* it speaks first, when its socket is connected */
	SSL_set_connect_state(t->ssl);
	if ((t->host = strdup(host)) == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	use_ticket(t, ctx);
	return tlsctx_expect_host(t->ssl, host, e);
}

int
tls_new(struct tls_env *env, SSL_CTX *ctx, int fd, const char *host,
    const struct tls_ops *ops, void *arg, struct tls **out, struct err *e)
{
	struct tls *t = calloc(1, sizeof(*t));
	int rc = -ENOMEM;

	if (t == NULL || (t->ssl = SSL_new(ctx)) == NULL || SSL_set_fd(t->ssl, fd) != 1) {
		err_set(e, rc, "out of memory");
		goto fail;
	}
	t->env = env;
	t->fd = fd;
	t->ops = ops;
	t->arg = arg;
	if (host == NULL)
		begin_server(t, ctx);
	else if ((rc = begin_client(t, ctx, host, e)) < 0)
		goto fail;
	if ((rc = begin_watch(t)) < 0) {
		err_set(e, rc, "epoll: %s", strerror(-rc));
		goto fail;
	}
	*out = t;
	return 0;
fail:
	if (t != NULL) {
		SSL_free(t->ssl);
		free(t->host);
	}
	free(t);
	close(fd);
	return rc;
}

static void
release(void *arg)
{
	struct tls *t = arg;

	ev_timer_stop(t->env->ev, &t->later);
	ev_io_del(t->env->ev, &t->io);
	LIST_REMOVE(t, link);
	close(t->fd);
	/* OpenSSL lets nobody resume a session whose connection it saw end in another way. */
	SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN);
	SSL_free(t->ssl);
	free(t->host);
	free(t);
}

/* What still comes is read and forgotten, until the peer has closed as well. */
static void
on_rest(void *arg, uint32_t events)
{
	struct tls *t = arg;
	uint8_t buf[4096];
	ssize_t n = 1;

	(void) events;
	for (int i = 0; i < READ_ROUNDS && n > 0; i++)
		n = recv(t->fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		release(t);
}

void
tls_free(struct tls *t)
{
	bool linger;

	if (t == NULL || t->dead)
		return;
	t->dead = true;
	linger = t->handshaken && !t->failed;
	gate_leave(&t->env->gate, &t->waiter);
	ev_io_del(t->env->ev, &t->io);
	LIST_INSERT_HEAD(&t->env->rest, t, link);
	if (linger) {
		SSL_shutdown(t->ssl);
		ERR_clear_error();
		linger = shutdown(t->fd, SHUT_WR) == 0 &&
		    ev_io_add(t->env->ev, &t->io, t->fd, EPOLLIN, on_rest, t) == 0;
	}
	/* Never at once: callers further up the stack still look at t->dead. */
	ev_timer_start(t->env->ev, &t->later, linger ? LINGER_MS : 0, release, t);
}

void
tls_env_init(struct tls_env *env, struct ev *ev)
{
	env->ev = ev;
	gate_init(&env->gate, ev);
	LIST_INIT(&env->rest);
	env->memory = (struct tls_memory){ .ticket = NULL };
	tickets_init(&env->tickets);
}

void
tls_env_fini(struct tls_env *env)
{
	while (!LIST_EMPTY(&env->rest))	/* release takes it off the list */
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		release(LIST_FIRST(&env->rest));
	gate_fini(&env->gate);
	forget_ticket(&env->memory);
	tickets_fini(&env->tickets);
}

static void
report_closed(struct tls *t, const char *why)
{
	ev_io_del(t->env->ev, &t->io);
	t->failed = true;
	t->ops->closed(t->arg, why);
}

static void
report_failed_write(void *arg)
{
	struct tls *t = arg;

	report_closed(t, "writing failed");
}

/* What to do after an SSL call did not succeed: wait, or the end. True to wait. */
static bool
wait_or_end(struct tls *t, int rc)
{
	int soerr = errno, want = SSL_get_error(t->ssl, rc);
	char why[160] = "";

	if (want == SSL_ERROR_WANT_READ || want == SSL_ERROR_WANT_WRITE) {
		t->want_write = want == SSL_ERROR_WANT_WRITE;
		ERR_clear_error();
		return true;
	}
	if (want == SSL_ERROR_SYSCALL && soerr != 0 && ERR_peek_error() == 0)
		strncpy(why, strerror(soerr), sizeof(why) - 1);
	else if (want != SSL_ERROR_ZERO_RETURN)
		tlsctx_explain(t->ssl, why, sizeof(why));
	else if (!t->handshaken)
		strcpy(why, "closed during the handshake");
	ERR_clear_error();
	report_closed(t, why);
	return false;
}

static bool
do_handshake(struct tls *t)
{
	int rc;

	ERR_clear_error();
	errno = 0;
	rc = SSL_do_handshake(t->ssl);
	if (rc != 1) {
		if (wait_or_end(t, rc))
			watch(t);
		return false;
	}
	t->handshaken = true;
	t->want_write = false;
	watch(t);
	t->ops->ready(t->arg);
	return !t->dead && !t->failed;
}

static void
do_read(struct tls *t)
{
	uint8_t buf[READ_MAX];

	for (int i = 0; i < READ_ROUNDS; i++) {
		bool before = t->want_write;
		int n;

		ERR_clear_error();
		errno = 0;
		n = SSL_read(t->ssl, buf, sizeof(buf));
		if (n <= 0) {
			/* Waiting to read says nothing about a write that waits. */
			if (!wait_or_end(t, n))
				return;
			t->want_write |= before;
			if (t->want_write != before)
				watch(t);
			return;
		}
		t->ops->data(t->arg, buf, (size_t) n);
		if (t->dead || t->failed)
			return;
	}
}

/* A client has one handshake at a time, a server has as many as there are strangers. */
static void
on_turn(void *arg)
{
	struct tls *t = arg;

	t->begun = true;
	if (begin_watch(t) < 0)
		report_closed(t, "out of memory");
	else
		do_handshake(t);
}

static void
on_io(void *arg, uint32_t events)
{
	struct tls *t = arg;

	if (!t->handshaken && SSL_is_server(t->ssl)) {
		ev_io_del(t->env->ev, &t->io);
		gate_wait(&t->env->gate, &t->waiter, !t->begun, on_turn, t);
		return;
	}
	if (!t->handshaken && !do_handshake(t))
		return;
	if ((events & EPOLLOUT) != 0 && t->want_write) {
		t->want_write = false;
		watch(t);
		t->ops->writable(t->arg);
		if (t->dead || t->failed)
			return;
	}
	do_read(t);	/* a record at a time: OpenSSL holds back none that epoll would not know of */
}

int
tls_write(struct tls *t, const uint8_t *data, size_t len)
{
	int n;

	if (t->dead || t->failed || !t->handshaken)
		return t->handshaken ? -ECONNRESET : 0;
	if (t->records >= RECORDS_PER_KEY) {
		SSL_key_update(t->ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
		t->records = 0;
	}
	ERR_clear_error();
	n = SSL_write(t->ssl, data, (int) len);
	if (n > 0) {
		t->records++;
		return n;
	}
	if (SSL_get_error(t->ssl, n) == SSL_ERROR_WANT_WRITE ||
	    SSL_get_error(t->ssl, n) == SSL_ERROR_WANT_READ) {
		t->want_write = true;
		watch(t);
		return 0;
	}
	ERR_clear_error();
	t->failed = true;
	ev_io_del(t->env->ev, &t->io);
	ev_timer_start(t->env->ev, &t->later, 0, report_failed_write, t);
	return -ECONNRESET;
}

int
tls_export(struct tls *t, const char *label, const uint8_t *context, size_t context_len,
    uint8_t *out, size_t len)
{
	return SSL_export_keying_material(t->ssl, out, len, label, strlen(label), context,
	    context_len, 1) == 1 ? 0 : -EIO;
}

bool
tls_speaks(struct tls *t, const char *protocol)
{
	const unsigned char *selected;
	unsigned len;

	SSL_get0_alpn_selected(t->ssl, &selected, &len);
	return len == strlen(protocol) && memcmp(selected, protocol, len) == 0;
}

int
tls_peer_cert(struct tls *t, struct pki_cert *out, struct err *e)
{
	X509 *cert = SSL_get0_peer_certificate(t->ssl);

	if (cert == NULL)
		return err_set(e, -EBADMSG, "the peer has no certificate");
	return pki_cert_look(cert, out, e);
}
