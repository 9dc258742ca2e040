/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_TUNNEL_H
#define LV_CLI_TUNNEL_H

#include <sys/types.h>

#include "common/err.h"

/*
 * The tunneld that `client up` starts on a node: a process known by the pid file that it writes to
 * runDir/node.pid. One that somebody else has started has another file, or none.
 */

#define TUNNEL_PATH_MAX 4096

/* A descriptor of the running process (pidfd_open(2)); -ENOENT: none runs. */
int tunnel_find(const char *run_dir);

/* Starts it in the background; returns when it says that it is ready. */
int tunnel_start(const char *program, const char *config, const char *run_dir, struct err *e);

/* Sends a signal to it. 0 or a negative errno. */
int tunnel_signal(int pidfd, int signal);

/* Waits until it has ended. -ETIMEDOUT. */
int tunnel_wait(int pidfd, int timeout_ms);

#endif
