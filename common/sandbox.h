/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_SANDBOX_H
#define LV_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/*
 * What a process may ask of the kernel, as two tables: system calls (seccomp(2)) and paths
 * (landlock(7)). Each process has its tables in one file, sandbox_NAME.c, with the reason in each
 * row. Loaded after privileges are dropped and before the first thread, then tried: what must fail
 * has to fail, or the process does not start.
 */

enum sandbox_act {
	SANDBOX_ALLOW,
	SANDBOX_DENY,	/* EACCES, also in kill mode: a library tries it and can live without */
	SANDBOX_ABSENT,	/* ENOSYS, also in kill mode: a library then uses an older call */
};

struct sandbox_call {
	int nr;			/* SCMP_SYS(name) */
	const char *why;
	enum sandbox_act act;
	bool by_arg;		/* only where argument `arg` masked with `mask` is `value` */
	unsigned arg;
	uint64_t mask, value;
	unsigned more;		/* and where argument `more` is `equals`; 0: no further condition */
	uint64_t equals;
};

#define SANDBOX_OK(name, why)	{ SCMP_SYS(name), why, SANDBOX_ALLOW, false, 0, 0, 0, 0, 0 }
#define SANDBOX_NO(name, why)	{ SCMP_SYS(name), why, SANDBOX_DENY, false, 0, 0, 0, 0, 0 }
#define SANDBOX_OLD(name, why)	{ SCMP_SYS(name), why, SANDBOX_ABSENT, false, 0, 0, 0, 0, 0 }
#define SANDBOX_ARG(name, n, mask, value, why) \
	{ SCMP_SYS(name), why, SANDBOX_ALLOW, true, n, mask, value, 0, 0 }
#define SANDBOX_NO_ARG(name, n, mask, value, why) \
	{ SCMP_SYS(name), why, SANDBOX_DENY, true, n, mask, value, 0, 0 }
/* A socket of one protocol of its family. */
#define SANDBOX_SOCKET_OF(family, protocol, why) \
	{ SCMP_SYS(socket), why, SANDBOX_ALLOW, true, 0, ~(uint64_t) 0, family, 2, protocol }
#define SANDBOX_END		{ -1, NULL, SANDBOX_DENY, false, 0, 0, 0, 0, 0 }

/* Rights below a path. */
enum {
	SANDBOX_READ = 1,	/* read files, list directories */
	SANDBOX_WRITE = 2,	/* write, create, rename, remove and truncate files */
	SANDBOX_SOCKET = 4,	/* make and remove unix sockets */
};

#define SANDBOX_PATHS_MAX 12

struct sandbox_path {
	const char *path;	/* one that is not there, or out of reach, is left out */
	unsigned rights;
};

struct sandbox {
	const char *name;
	const struct sandbox_call *const *calls;	/* tables, the last pointer NULL */
	const struct sandbox_path *paths;
	size_t npaths;
	bool tcp;		/* may bind and connect TCP */
};

/* The calls that every process needs: memory, clocks, its own end. Ends with SANDBOX_END. */
extern const struct sandbox_call sandbox_base[];
/* What threads, epoll and the sockets between the daemons (nng) need on top. */
extern const struct sandbox_call sandbox_threads[];

enum sandbox_mode {
	SANDBOX_ERRNO,	/* an unlisted call fails with EPERM */
	SANDBOX_KILL,	/* it ends the process: for tests, and for those who prefer it */
};

/*
 * Restricts this process for good. A kernel without Landlock gives a warning, one without seccomp
 * is an error.
 */
int sandbox_load(const struct sandbox *sb, enum sandbox_mode mode, struct err *e);

/*
 * Tries what no process of ours may do (run a program, make namespaces, use io_uring, trace
 * another process, open a file that is not its own) and fails when one of them works. Only in
 * SANDBOX_ERRNO mode, where trying is not deadly; else it returns 0.
 */
int sandbox_verify(const struct sandbox *sb, enum sandbox_mode mode, struct err *e);

#endif
