/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/http.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"

#define PAUSE_MS 200	/* without descriptors: who comes waits in the backlog */

enum stage {
	READING,	/* the request */
	WAITING,	/* for the page */
	WRITING,	/* the answer */
	ENDING,		/* all is said: what still comes is thrown away until the peer has closed */
};

struct visit {
	struct http *http;
	int fd;
	struct ev_io io;
	struct ev_timer deadline;
	enum stage stage;
	char request[HTTP_REQUEST_MAX + 1];
	size_t got;
	char *answer;
	size_t len, sent;
	TAILQ_ENTRY(visit) link;
};

struct http {
	struct ev *ev;
	struct http_conf conf;
	int fd;
	struct ev_io io;
	struct ev_timer pause;
	TAILQ_HEAD(, visit) visits;	/* the oldest first */
	unsigned n;
};

static void
visit_free(struct visit *v)
{
	struct http *h = v->http;

	ev_timer_stop(h->ev, &v->deadline);
	ev_io_del(h->ev, &v->io);
	close(v->fd);
	TAILQ_REMOVE(&h->visits, v, link);
	h->n--;
	free(v->answer);
	free(v);
}

/* --- answering -------------------------------------------------------------------------------- */

/* False: the visit is over. */
static bool
write_more(struct visit *v)
{
	while (v->sent < v->len) {
		ssize_t n = send(v->fd, v->answer + v->sent, v->len - v->sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0) {
			visit_free(v);
			return false;
		}
		v->sent += (size_t) n;
	}
	/* Closing at once could take back what has not arrived yet (RFC 9112, 9.6). */
	shutdown(v->fd, SHUT_WR);
	v->stage = ENDING;
	ev_io_mod(v->http->ev, &v->io, EPOLLIN);
	return true;
}

/* status: "404 Not Found"; extra: further fields, each with its line end. */
static void
answer(struct visit *v, const char *status, const char *extra, const char *body, size_t len)
{
	int head = asprintf(&v->answer, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s"
	    "Connection: close\r\n\r\n", status, len, extra);
	char *all = head < 0 ? NULL : realloc(v->answer, (size_t) head + len);

	if (all == NULL) {
		if (head < 0)
			v->answer = NULL;
		visit_free(v);
		return;
	}
	memcpy(all + head, body, len);
	v->answer = all;
	v->len = (size_t) head + len;
	v->stage = WRITING;
	ev_io_mod(v->http->ev, &v->io, EPOLLOUT);
}

static void
refuse(struct visit *v, const char *status, const char *extra)
{
	char body[64];
	int len = snprintf(body, sizeof(body), "%s\n", status);

	answer(v, status, extra, body, (size_t) len);
}

void
http_page(struct http *h, const char *text, size_t len)
{
	struct visit *v, *next;
	char type[128];

	snprintf(type, sizeof(type), "Content-Type: %s\r\n", h->conf.type);
	for (v = TAILQ_FIRST(&h->visits); v != NULL; v = next) {
		next = TAILQ_NEXT(v, link);
		if (v->stage != WAITING)
			continue;
		if (text == NULL)
			refuse(v, "503 Service Unavailable", "");
		else
			answer(v, "200 OK", type, text, len);
	}
}

/* --- requests --------------------------------------------------------------------------------- */

/* Fields may say what they want: there is one page, in one form. */
static void
on_request(struct visit *v)
{
	struct http *h = v->http;
	char *save = NULL, *method = strtok_r(v->request, " ", &save);
	char *path = strtok_r(NULL, " ", &save), *version = strtok_r(NULL, " \r\n", &save);
	const struct visit *other;
	bool first = true;

	if (method == NULL || path == NULL || version == NULL ||
	    strncmp(version, "HTTP/1.", strlen("HTTP/1.")) != 0) {
		refuse(v, "400 Bad Request", "");
		return;
	}
	path[strcspn(path, "?")] = '\0';
	if (strcmp(path, h->conf.path) != 0) {
		refuse(v, "404 Not Found", "");
		return;
	}
	if (strcmp(method, "GET") != 0) {
		refuse(v, "405 Method Not Allowed", "Allow: GET\r\n");
		return;
	}
	TAILQ_FOREACH(other, &h->visits, link)
		first = first && other->stage != WAITING;
	v->stage = WAITING;
	if (first)
		h->conf.wanted(h->conf.arg);
}

/* The line of the request, alone: what follows it are fields. */
static void
look_for_end(struct visit *v)
{
	v->request[v->got] = '\0';
	if (strstr(v->request, "\r\n\r\n") != NULL || strstr(v->request, "\n\n") != NULL) {
		v->request[strcspn(v->request, "\r\n")] = '\0';
		on_request(v);
	} else if (memchr(v->request, '\0', v->got) != NULL) {
		refuse(v, "400 Bad Request", "");
	} else if (v->got == HTTP_REQUEST_MAX) {
		refuse(v, "431 Request Header Fields Too Large", "");
	}
}

static void
read_request(struct visit *v)
{
	ssize_t n = recv(v->fd, v->request + v->got, HTTP_REQUEST_MAX - v->got, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		visit_free(v);
		return;
	}
	v->got += (size_t) n;
	look_for_end(v);
}

/* After its request a client has nothing more to say; that it has gone is seen here, too. */
static void
throw_away(struct visit *v)
{
	char rest[1024];
	ssize_t n = recv(v->fd, rest, sizeof(rest), 0);

	if (n == 0 || (n < 0 && errno != EAGAIN))
		visit_free(v);
}

static void
on_visit(void *arg, uint32_t events)
{
	struct visit *v = arg;

	if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
		visit_free(v);
		return;
	}
	if (v->stage == WRITING && (events & EPOLLOUT) != 0)
		write_more(v);
	else if (v->stage == READING)
		read_request(v);
	else if ((events & EPOLLIN) != 0)
		throw_away(v);
}

static void
on_deadline(void *arg)
{
	visit_free(arg);
}

/* --- accepting -------------------------------------------------------------------------------- */

/* consumes: fd */
static void
welcome(struct http *h, int fd)
{
	struct visit *v = calloc(1, sizeof(*v));

	if (v == NULL) {
		close(fd);
		return;
	}
	if (h->n == HTTP_PLACES)
		visit_free(TAILQ_FIRST(&h->visits));
	v->http = h;
	v->fd = fd;
	TAILQ_INSERT_TAIL(&h->visits, v, link);
	h->n++;
	if (ev_io_add(h->ev, &v->io, fd, EPOLLIN, on_visit, v) < 0 ||
	    ev_timer_start(h->ev, &v->deadline, HTTP_DEADLINE_MS, on_deadline, v) < 0)
		visit_free(v);
}

static void
resume(void *arg)
{
	struct http *h = arg;

	ev_io_mod(h->ev, &h->io, EPOLLIN);
}

static void
on_door(void *arg, uint32_t events)
{
	struct http *h = arg;
	int fd = accept4(h->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void) events;
	if (fd >= 0) {
		welcome(h, fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		log_warn("accept_paused", "listener=metrics error=%s", err_name(-errno));
		ev_io_mod(h->ev, &h->io, 0);
		ev_timer_start(h->ev, &h->pause, PAUSE_MS, resume, h);
	}
}

int
http_new(struct ev *ev, int fd, const struct http_conf *conf, struct http **out)
{
	struct http *h = calloc(1, sizeof(*h));
	int rc = -ENOMEM;

	if (h == NULL) {
		close(fd);
		return rc;
	}
	h->ev = ev;
	h->conf = *conf;
	h->fd = fd;
	TAILQ_INIT(&h->visits);
	if ((rc = ev_io_add(ev, &h->io, fd, EPOLLIN, on_door, h)) < 0)
		http_free(h);
	else
		*out = h;
	return rc;
}

void
http_free(struct http *h)
{
	struct visit *v, *next;

	if (h == NULL)
		return;
	for (v = TAILQ_FIRST(&h->visits); v != NULL; v = next) {
		next = TAILQ_NEXT(v, link);
		visit_free(v);
	}
	ev_timer_stop(h->ev, &h->pause);
	ev_io_del(h->ev, &h->io);
	close(h->fd);
	free(h);
}
