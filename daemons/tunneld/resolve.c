/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define HOST_MAX 256
#define THREADS_MAX 4	/* that hang in look-ups nobody waits for any more, but for one */

struct answer {
	struct ip_addr addrs[RESOLVE_MAX];
	unsigned n;
	const char *why;
};

/*
 * getaddrinfo(3) cannot be called off. A thread whose answer nobody wants any more ends when it
 * ends, perhaps after its resolver: it holds a reference, and finds out under the lock.
 */
struct resolver {
	struct ev *ev;			/* these are the loop's alone */
	struct ev_waker waker;
	resolve_fn *fn;
	void *arg;

	pthread_mutex_t lock;		/* for all below */
	unsigned threads;		/* that run */
	bool closed;			/* the owner has freed it */
	uint64_t wanted;		/* number of the job whose answer is waited for; 0: none */
	uint64_t njobs;
	char host[HOST_MAX];		/* of that job */
	struct answer answer;
	bool answered;
};

struct job {	/* the thread's own */
	struct resolver *resolver;
	uint64_t number;
	char host[HOST_MAX];
};

static void
destroy(struct resolver *r)
{
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static void
look_up(const char *host, struct answer *out)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
	int rc = getaddrinfo(host, NULL, &hints, &list);

	*out = (struct answer){ .why = rc == 0 ? "" : gai_strerror(rc) };
	for (struct addrinfo *ai = list; ai != NULL && out->n < RESOLVE_MAX; ai = ai->ai_next)
		out->addrs[out->n++] = ip_from_sockaddr(ai->ai_addr);
	if (list != NULL)
		freeaddrinfo(list);
}

static void *
run_job(void *arg)
{
	struct job *j = arg;
	struct resolver *r = j->resolver;
	struct answer answer;
	bool last;

	look_up(j->host, &answer);
	pthread_mutex_lock(&r->lock);
	r->threads--;
	if (!r->closed && r->wanted == j->number) {
		r->answer = answer;
		r->answered = true;
		ev_wake(&r->waker);
	}
	last = r->closed && r->threads == 0;
	pthread_mutex_unlock(&r->lock);
	if (last)
		destroy(r);
	free(j);
	return NULL;
}

static void
on_done(void *arg, uint32_t events)
{
	struct resolver *r = arg;
	struct answer answer;
	bool answered;

	(void) events;
	pthread_mutex_lock(&r->lock);
	answered = r->answered;
	answer = r->answer;
	if (answered) {
		r->answered = false;
		r->wanted = 0;
	}
	pthread_mutex_unlock(&r->lock);
	if (answered)
		r->fn(r->arg, answer.addrs, answer.n, answer.why);
}

int
resolver_new(struct ev *ev, struct resolver **out)
{
	struct resolver *r = calloc(1, sizeof(*r));
	int rc;

	if (r == NULL)
		return -ENOMEM;
	r->ev = ev;
	pthread_mutex_init(&r->lock, NULL);
	if ((rc = ev_waker_init(ev, &r->waker, on_done, r)) < 0) {
		destroy(r);
		return rc;
	}
	*out = r;
	return 0;
}

void
resolver_free(struct resolver *r)
{
	bool last;

	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	ev_waker_fini(r->ev, &r->waker);
	r->closed = true;
	last = r->threads == 0;
	pthread_mutex_unlock(&r->lock);
	if (last)
		destroy(r);
}

/* Under the lock. */
static int
begin_job(struct resolver *r, const char *host)
{
	struct job *j;
	pthread_t thread;
	int rc;

	if (r->threads == THREADS_MAX)
		return -EBUSY;
	if ((j = calloc(1, sizeof(*j))) == NULL)
		return -ENOMEM;
	*j = (struct job){ .resolver = r, .number = ++r->njobs };
	strcpy(j->host, host);
	if ((rc = pthread_create(&thread, NULL, run_job, j)) != 0) {
		free(j);
		return -rc;
	}
	pthread_detach(thread);
	r->threads++;
	r->wanted = r->njobs;
	r->answered = false;
	strcpy(r->host, host);
	return 0;
}

int
resolve(struct resolver *r, const char *host, resolve_fn *fn, void *arg)
{
	int rc = 0;

	if (strlen(host) >= sizeof(r->host))
		return -ENAMETOOLONG;
	pthread_mutex_lock(&r->lock);
	/* One for the same name goes on: begun anew each time, a slow one would never answer. */
	if (r->wanted == 0 || strcmp(r->host, host) != 0)
		rc = begin_job(r, host);
	pthread_mutex_unlock(&r->lock);
	if (rc < 0)
		return rc;
	r->fn = fn;
	r->arg = arg;
	return 0;
}
