/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/chores.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

struct chore {
	struct call *call;
	void (*work)(struct call *c);
	call_next *next;
	STAILQ_ENTRY(chore) link;
};

/* Calls are at most CALLS_MAX, and each has one chore at a time. */
struct chores {
	struct ev *ev;
	struct ev_waker waker;
	pthread_mutex_t lock;
	STAILQ_HEAD(, chore) list;	/* under the lock */
};

static struct chore *
take(struct chores *ch)
{
	struct chore *x;

	pthread_mutex_lock(&ch->lock);
	if ((x = STAILQ_FIRST(&ch->list)) != NULL)
		STAILQ_REMOVE_HEAD(&ch->list, link);
	pthread_mutex_unlock(&ch->lock);
	return x;
}

static void
on_wake(void *arg, uint32_t events)
{
	struct chore *x;

	(void) events;
	while ((x = take(arg)) != NULL) {
		x->work(x->call);
		call_resume(x->call, x->next, NULL);
		free(x);
	}
}

int
chores_new(struct ev *ev, struct chores **out, struct err *e)
{
	struct chores *ch = calloc(1, sizeof(*ch));
	int rc;

	if (ch == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	if ((rc = ev_waker_init(ev, &ch->waker, on_wake, ch)) < 0) {
		free(ch);
		return err_set(e, rc, "cannot make a waker");
	}
	ch->ev = ev;
	pthread_mutex_init(&ch->lock, NULL);
	STAILQ_INIT(&ch->list);
	*out = ch;
	return 0;
}

void
chores_free(struct chores *ch)
{
	if (ch == NULL)
		return;
	ev_waker_fini(ch->ev, &ch->waker);
	pthread_mutex_destroy(&ch->lock);
	free(ch);
}

void
chores_do(struct chores *ch, struct call *c, void (*work)(struct call *c), call_next *next)
{
	struct chore *x = calloc(1, sizeof(*x));

	if (x == NULL) {
		call_fail(c, &(struct status){ .reason = REASON_OVERLOADED });
		return;
	}
	*x = (struct chore){ .call = c, .work = work, .next = next };
	call_hold(c);
	pthread_mutex_lock(&ch->lock);
	STAILQ_INSERT_TAIL(&ch->list, x, link);
	pthread_mutex_unlock(&ch->lock);
	ev_wake(&ch->waker);
}
