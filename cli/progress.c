/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cli/output.h"

struct progress {
	char text[160];
	pthread_t thread;
	pthread_mutex_t lock;	/* over `over` */
	pthread_cond_t ended;
	bool over;
};

static void
draw(const struct progress *p, unsigned seconds)
{
	fputc('\r', stderr);
	output_text(stderr, p->text);
	fprintf(stderr, " ... %us\x1b[K", seconds);
	fflush(stderr);
}

static void *
run(void *arg)
{
	struct progress *p = arg;
	unsigned seconds = 0;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	pthread_mutex_lock(&p->lock);
	while (!p->over) {
		next.tv_sec++;
		while (!p->over && pthread_cond_timedwait(&p->ended, &p->lock, &next) == 0)
			;
		if (!p->over)
			draw(p, ++seconds);
	}
	pthread_mutex_unlock(&p->lock);
	if (seconds > 0)
		fputs("\r\x1b[K", stderr);
	return NULL;
}

static void
init_sync(struct progress *p)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->ended, &attr);
	pthread_condattr_destroy(&attr);
}

static void
fini(struct progress *p)
{
	pthread_cond_destroy(&p->ended);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

struct progress *
progress_begin(const char *fmt, ...)
{
	struct progress *p;
	va_list ap;

	if (!isatty(STDERR_FILENO) || (p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(p->text, sizeof(p->text), fmt, ap);
	va_end(ap);
	init_sync(p);
	if (pthread_create(&p->thread, NULL, run, p) != 0) {
		fini(p);
		return NULL;
	}
	return p;
}

void
progress_end(struct progress *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->over = true;
	pthread_cond_signal(&p->ended);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	fini(p);
}
