/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_ATTEMPT_H
#define LV_TEST_ATTEMPT_H

/*
 * Things that a confined process may try. Each returns 0 when it worked and a negative errno when
 * not; those that work leave nothing behind.
 */
int attempt_read(const char *path);
int attempt_write(const char *path);	/* makes it if it is not there */
int attempt_inet_socket(void);
int attempt_unix_socket(void);
int attempt_netlink_socket(void);
int attempt_packet_socket(void);
int attempt_exec(void);
int attempt_fork(void);
int attempt_ptrace_parent(void);
int attempt_kill_parent(void);	/* signal 0 */
int attempt_namespace(void);
int attempt_executable_memory(void);
int attempt_tun(void);			/* a device of its own */

/* Refused by a right that is missing: permission, not circumstance. */
#define REFUSED(rc) ((rc) == -EPERM || (rc) == -EACCES)

/*
 * What no process of ours may do, whatever it is. Returns 0, or 1 after it has said what worked.
 * To be called in a child (kit_child).
 */
int attempt_forbidden(void);

#endif
