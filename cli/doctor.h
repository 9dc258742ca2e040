/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_DOCTOR_H
#define LV_CLI_DOCTOR_H

#include "cli/cli.h"
#include "cli/machine.h"

/*
 * What can be wrong with a machine: each check looks at one thing and says a line about it, with
 * what to do where it is not as it should be. Nothing is changed.
 */

enum doctor_verdict { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL, DOCTOR_VERDICTS };

struct doctor {
	const struct cli *cli;
	const struct machine *m;
	unsigned said[DOCTOR_VERDICTS];
};

/* "ok    what  text", and where it is not ok a line with the remedy (NULL: there is none). */
void doctor_say(struct doctor *d, enum doctor_verdict v, const char *what, const char *remedy,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

typedef void doctor_check(struct doctor *d);

/* On every machine (doctor_host.c). */
doctor_check doctor_certificates, doctor_tun, doctor_sandbox;

/* On a server (doctor_server.c). */
doctor_check doctor_sockets, doctor_ports, doctor_forwarding, doctor_server_info,
    doctor_server_paths;

/* On a node (doctor_node.c). */
doctor_check doctor_token, doctor_node_device, doctor_dns, doctor_reach, doctor_session;

/* A network device: 0 with its MTU and whether it is up, or a negative errno (doctor_host.c). */
int doctor_device(const char *name, int *mtu_out, bool *up_out);

#endif
