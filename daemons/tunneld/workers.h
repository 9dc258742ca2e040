/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_WORKERS_H
#define TUNNELD_WORKERS_H

#include "daemons/tunneld/worker.h"

/*
 * The data path of an engine as the control thread has it: the workers, each a thread with a loop of
 * its own, and the tables that they read. The control thread (TLS, messages, timers, decisions) is
 * the only one that changes a table, makes or frees anything, or logs.
 */
struct workers {
	struct ev *ev;		/* the control thread's */
	unsigned n;
	struct worker_thread *threads;
	struct grave grave;
	struct worker_env env;
	struct stats stats;	/* the control thread's own */
	/* What a worker says about a session (mail.h). For the role; before workers_start. */
	void (*hear)(void *arg, struct mail *m);
	void *hear_arg;
	/* The TUN device is there no more, and is not read from now on. Once. May be NULL. */
	void (*lost)(void *arg);
	void *lost_arg;
	bool is_lost;
};

#define WORKERS_MAX CONTROL_WORKERS_MAX

struct workers_parts {
	unsigned n;
	const int *tuns;		/* n queues of the device */
	struct tun_features features;	/* of the device, as it was opened */
	const int *udp;			/* n times nudp: all sockets of a worker beside each other */
	unsigned nudp;
	enum conf_offload offload;
	/* Run on the control thread's loop, not in threads: where one thing at a time is wanted. */
	bool in_loop;
};

/* Takes the descriptors over, also on failure. Nothing is read before workers_start. */
int workers_init(struct workers *ws, struct ev *ev, const struct workers_parts *parts);
int workers_start(struct workers *ws);	/* after the sandbox has been entered */

/* Ends the threads. All sessions must have been ended. */
void workers_fini(struct workers *ws);

/* The i-th, for who looks at its parts. */
struct worker *workers_get(const struct workers *ws, unsigned i);

/* What became of packets, of all threads together. */
void workers_stats(const struct workers *ws, struct stats *out);

/* The socket of a family that sessions send from (udp_end); -EAFNOSUPPORT. */
int workers_socket(const struct workers *ws, int family, unsigned *socket_out);

/*
 * Says something to a worker: m names the session. The workers hear of it at workers_wake. False when
 * it does not keep up.
 */
bool workers_tell(struct workers *ws, unsigned worker, const struct mail *m, const void *bytes);

/* For conn_env.flush: wakes the workers for which there is mail. arg is the struct workers. */
void workers_wake(void *arg);

/* Which offloads are in use, in words. */
const char *workers_describe(const struct workers *ws, char buf[WORKER_TEXT_MAX]);

#endif
