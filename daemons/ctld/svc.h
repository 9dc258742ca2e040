/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_SVC_H
#define LV_CTLD_SVC_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <sys/queue.h>

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

/* litevpn.v1.Node */
void node_get(struct call *c);
void node_list(struct call *c);
void node_delete(struct call *c);
/* The same for a node that the request does not name. */
void node_get_by_id(struct call *c, const char *id);
void node_delete_by_id(struct call *c, const char *id);
/* To a node that is not registered any more: its certificate is worth nothing. */
void node_fail(struct call *c, const struct err *e);
/* The node that a GetNodeRequest or DeleteNodeRequest is about; NULL: its name is no node's. */
const char *node_get_subject(const ProtobufCMessage *request);
const char *node_delete_subject(const ProtobufCMessage *request);

/* litevpn.v1.Server */
void server_get_info(struct call *c);

/* grpc.health.v1.Health */
void health_check(struct call *c);
void health_watch(struct call *c);
void health_watch_sent(struct call *c);
void health_watch_closed(struct call *c);

#define HEALTH_WATCHES_MAX 512	/* half of CALLS_MAX: watchers leave room for calls */

struct health {	/* on the queue's thread */
	LIST_HEAD(, watch) watches;
	unsigned n;
	bool stopping;	/* every service is NOT_SERVING, and the watches end */
};
void health_init(struct health *h);
void health_stop(struct health *h);

/* grpc.reflection.v1.ServerReflection, and v1alpha, which is the same on the wire */
void reflection_info(struct call *c);

#endif
