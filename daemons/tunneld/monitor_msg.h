/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_MONITOR_MSG_H
#define TUNNELD_MONITOR_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/ip.h"
#include "daemons/tunneld/control.h"
#include "daemons/tunneld/tun.h"
#include "daemons/tunneld/tunneld.h"
#include "daemons/tunneld/udp.h"

/*
 * What monitor, spawner and engine say to each other, over common/chan. Fixed-size structs of one
 * program: the privileged side checks the size and re-checks the contents, and parses nothing.
 */
enum monitor_msg {
	/* Spawner to monitor: a new engine runs; the descriptor is the channel to it. No body. */
	MONITOR_ENGINE = 1,

	/* Monitor to engine. */
	MONITOR_INIT,		/* struct monitor_init and descriptors */
	MONITOR_FILES,		/* struct monitor_files and descriptors: after a reload */
	MONITOR_LOG_LEVEL,	/* struct monitor_level */
	MONITOR_STOP,		/* no body: say goodbye, then exit with 0 */
	MONITOR_CONFIGURED,	/* struct monitor_configured: the answer to MONITOR_CONFIGURE */
	MONITOR_WAY_DONE,	/* struct monitor_way_done: the answer to MONITOR_WAY */
	MONITOR_MOVED,		/* no body: an address or a route of the host has changed (node) */
	MONITOR_CERT_PUT,	/* struct monitor_cert_put: the answer to MONITOR_PUT_CERT */
	MONITOR_RELOADED,	/* struct monitor_done: the answer to MONITOR_RELOAD */

	/* Engine to monitor. */
	MONITOR_READY,		/* no body */
	MONITOR_FAILED,		/* struct monitor_done: it cannot begin; rc is an exit status */
	MONITOR_DEVICE_LOST,	/* no body: the TUN device is there no more */
	MONITOR_CONFIGURE,	/* struct monitor_configure (node) */
	MONITOR_WAY,		/* struct monitor_way (node) */
	MONITOR_PUT_CERT,	/* struct monitor_put_cert (node) */
	MONITOR_RELOAD,		/* no body (server): as SIGHUP */
	MONITOR_WANT_LEVEL,	/* struct monitor_level (server): the log's, for now */
};

/* Which descriptors follow, in the order of enum tunneld_file: bit i for file i. */
struct monitor_files {
	uint32_t mask;
};

/*
 * Descriptors: a TUN queue per worker, then ntcp listening sockets, then for each worker in turn its
 * nudp UDP sockets, then the files.
 */
struct monitor_init {
	uint32_t nworkers, ntcp, nudp;
	struct tun_features tun;
	uint32_t mtu;		/* of the device (server) */
	struct monitor_files files;
};

struct monitor_level {
	uint32_t level;		/* enum log_level */
};

/* How the node's device and routes shall be. Sent again when anything of it changes. */
struct monitor_configure {
	uint32_t number;	/* of the question, for the answer */
	struct ip_prefix address;
	uint32_t mtu;
	uint32_t nroutes;
	struct ip_prefix routes[CONTROL_ROUTES_MAX];
	struct ip_addr server;	/* outside: where its packets must go past redirectGateway's routes */
};

struct monitor_done {
	int32_t rc;
	char text[ERR_TEXT_MAX];
};

struct monitor_configured {
	uint32_t number;	/* as it was asked */
	struct monitor_done done;
};

/*
 * A renewed certificate and the CAs for the files of the node's identity: nothing that the monitor
 * reads. Each has from 1 to CONTROL_PEM_MAX bytes.
 */
struct monitor_put_cert {
	bool grpc;		/* those of the control API, else of the tunnel */
	uint32_t cert_len, ca_len;
	char cert[CONTROL_PEM_MAX], ca[CONTROL_PEM_MAX];
};

struct monitor_cert_put {
	bool grpc;		/* as it was asked */
	struct monitor_done done;
};

/* A server that is going to be connected to: the tunnel must not catch the packets to it. */
struct monitor_way {
	struct ip_addr server;
};

struct monitor_way_done {
	struct ip_addr server;	/* as it was asked for */
	struct monitor_done done;
};

#endif
