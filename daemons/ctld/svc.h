/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_SVC_H
#define LV_CTLD_SVC_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "daemons/ctld/ask_ipam.h"
#include "daemons/ctld/call.h"

/*
 * The services: one file each (svc_NAME.c), one function per RPC with the steps that follow it.
 * method.c says which RPC comes here by which door.
 */

/* litevpn.v1.Enrollment */
void enrollment_get_info(struct call *c);
void enrollment_enroll(struct call *c);
void enrollment_renew_certificate(struct call *c);
void enrollment_get_self(struct call *c);
void enrollment_unregister(struct call *c);

/* litevpn.v1.Token */
void token_create(struct call *c);
void token_get(struct call *c);
void token_list(struct call *c);
void token_delete(struct call *c);

/* litevpn.v1.Node */
void node_get(struct call *c);
void node_list(struct call *c);
void node_update(struct call *c);
void node_disconnect(struct call *c);
void node_delete(struct call *c);
/* The same for a node that the request does not name. */
void node_get_by_id(struct call *c, const char *id);
void node_delete_by_id(struct call *c, const char *id);
/* To a node that is not registered any more: its certificate is worth nothing. */
void node_fail(struct call *c, const struct err *e);
/*
 * Unregisters the node and cuts its session; `next` tells how that has ended, -REASON_SESSION_NOT_CUT
 * included. The call's state begins with a node_removal, whose id and once are filled.
 */
struct node_removal {
	char id[PKI_ID_MAX + 1];
	struct ipam_once once;
	uint64_t epoch;
	bool had_session;
	backend_next *next;
};
void node_remove(struct call *c, backend_next *next);
/* The node that a GetNodeRequest or DeleteNodeRequest is about; NULL: its name is no node's. */
const char *node_get_subject(const ProtobufCMessage *request);
const char *node_delete_subject(const ProtobufCMessage *request);

/* svc_watch.c */
void node_watch(struct call *c);
void node_watch_sent(struct call *c);

/* litevpn.v1.Event */
void event_list(struct call *c);
void event_watch(struct call *c);

/* pb.LiteKubeNCService and pb.LiteKubeNCBootstrapService */
void litekube_hello_world(struct call *c);
void litekube_health_check(struct call *c);
void litekube_get_bootstrap_token(struct call *c);
void litekube_check_conn_state(struct call *c);
void litekube_unregister(struct call *c);
void litekube_get_registed_ip(struct call *c);
void litekube_get_token(struct call *c);

/* litevpn.v1.Address */
void address_list(struct call *c);
void address_reserve(struct call *c);
void address_release(struct call *c);
void address_get_usage(struct call *c);
void address_reclaim(struct call *c);

/* litevpn.v1.Network */
void network_create(struct call *c);
void network_get(struct call *c);
void network_list(struct call *c);
void network_recreate(struct call *c);
void network_set_token(struct call *c);
void network_delete(struct call *c);

/* litevpn.v1.Server */
void server_get_info(struct call *c);
/* svc_upkeep.c */
void server_check_config(struct call *c);
void server_reload(struct call *c);
void server_set_log_level(struct call *c);
/* svc_backup.c */
void server_backup(struct call *c);
void server_backup_sent(struct call *c);
void server_backup_closed(struct call *c);

/* grpc.health.v1.Health */
void health_check(struct call *c);
void health_watch(struct call *c);
void health_watch_sent(struct call *c);
void health_watch_closed(struct call *c);

#define HEALTH_WATCHES_MAX 256	/* a quarter of CALLS_MAX: with WATCHES_MAX there is room for calls */

struct health {	/* on the queue's thread */
	LIST_HEAD(, health_guest) watches;
	unsigned n;
	bool stopping;	/* every service is NOT_SERVING, and the watches end */
};
void health_init(struct health *h);
void health_stop(struct health *h);

/* grpc.reflection.v1.ServerReflection, and v1alpha, which is the same on the wire */
void reflection_info(struct call *c);

#endif
