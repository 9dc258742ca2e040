/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CONF_CLIENT_H
#define LV_CONF_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conf.h"
#include "common/log.h"

/* client.yml: read by tunneld on a node and by `litevpnctl client`. */

#define CONF_CLIENT_PATH "/etc/litevpn/client.yml"

enum conf_transport { CONF_TRANSPORT_AUTO, CONF_TRANSPORT_UDP, CONF_TRANSPORT_TLS };

struct conf_client {
	char *vpn_cert_dir, *grpc_cert_dir;
	int64_t grpc_port, bootstrap_port, port;
	char *server_addr;		/* host; "" where `servers` has them */
	struct conf_list servers;	/* char *: hosts, tried in order */
	int64_t mtu;			/* bytes; 0: what the server says */
	char *token;			/* the node token itself; "" where token_file has it */
	char *token_file, *net_token_file, *bootstrap_token_file;
	bool redirect_gateway, accept_routes;
	int transport;			/* enum conf_transport */
	int cipher;			/* enum conf_cipher */
	int offload;			/* enum conf_offload */
	int64_t workers;		/* threads that carry packets; 0: auto */
	char *device;
	int64_t reconnect_min_ms, reconnect_max_ms;
	char *state_dir, *run_dir;
	int log_level, log_format;
	char *log_target;
};

extern const struct conf_schema conf_client_schema;

struct log_conf conf_client_log(const struct conf_client *c);

/* The servers in order, serverAddr first: the n-th one, NULL past the last. Borrows from c. */
const char *conf_client_server(const struct conf_client *c, unsigned n);

#endif
