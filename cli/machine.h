/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CLI_MACHINE_H
#define LV_CLI_MACHINE_H

#include "cli/args.h"
#include "common/conf_client.h"
#include "common/conf_server.h"

/*
 * What this machine is: a server where server.yml's PKIs are, a node where the certificates of
 * client.yml are; it may be both. And which certificates it has.
 */

extern const struct opt machine_options[];	/* --server-config, --client-config */

struct machine_cert {
	char path[512];
	const char *key;	/* its key's file name in the same directory; NULL: a CA */
	bool of_server;
};
#define MACHINE_CERTS_MAX 10	/* a CA, a server's and a client's of two PKIs; a node's four */

struct machine {
	bool is_server, is_node;
	const char *server_path, *client_path;
	struct conf_server server;	/* if it is one */
	struct conf_client client;
	struct machine_cert certs[MACHINE_CERTS_MAX];
	size_t ncerts;
};

/*
 * -ENOENT: it is neither. A file that was named must be good; one of the usual places may be
 * missing, and counts for nothing where its certificates are. machine_fini in any case.
 */
int machine_read(struct machine *m, const struct args *a, struct err *e);
void machine_fini(struct machine *m);

#endif
