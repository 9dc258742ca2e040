/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define HOST_MAX 256

struct resolver {
	struct ev *ev;
	struct ev_waker waker;
	bool busy;
	pthread_t thread;
	resolve_fn *fn;
	void *arg;
	/* The job: the thread's alone from pthread_create to ev_wake, ours before and after. */
	char host[HOST_MAX];
	struct ip_addr addrs[RESOLVE_MAX];
	unsigned n;
	const char *why;
};

static void *
look_up(void *arg)
{
	struct resolver *r = arg;
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
	int rc = getaddrinfo(r->host, NULL, &hints, &list);

	r->why = rc == 0 ? "" : gai_strerror(rc);
	for (struct addrinfo *ai = list; ai != NULL && r->n < RESOLVE_MAX; ai = ai->ai_next)
		r->addrs[r->n++] = ip_from_sockaddr(ai->ai_addr);
	if (list != NULL)
		freeaddrinfo(list);
	ev_wake(&r->waker);
	return NULL;
}

static void
on_done(void *arg, uint32_t events)
{
	struct resolver *r = arg;

	(void) events;
	if (!r->busy)
		return;
	pthread_join(r->thread, NULL);
	r->busy = false;
	r->fn(r->arg, r->addrs, r->n, r->why);
}

int
resolver_new(struct ev *ev, struct resolver **out)
{
	struct resolver *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return -ENOMEM;
	r->ev = ev;
	if ((rc = ev_waker_init(ev, &r->waker, on_done, r)) < 0) {
		free(r);
		return rc;
	}
	*out = r;
	return 0;
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	if (r->busy)
		pthread_join(r->thread, NULL);
	ev_waker_fini(r->ev, &r->waker);
	free(r);
}

int
resolve(struct resolver *r, const char *host, resolve_fn *fn, void *arg)
{
	int rc;

	if (r->busy)
		return -EBUSY;
	if (strlen(host) >= sizeof(r->host))
		return -ENAMETOOLONG;
	strcpy(r->host, host);
	r->fn = fn;
	r->arg = arg;
	r->n = 0;
	if ((rc = pthread_create(&r->thread, NULL, look_up, r)) != 0)
		return -rc;
	r->busy = true;
	return 0;
}
