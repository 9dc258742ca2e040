/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/method.h"

#include <string.h>

#include "daemons/ctld/svc.h"
#include "daemons/ctld/watch.h"
#include "grpc/health/v1/health.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "litekube/network_controller.pb-c.h"
#include "litevpn/v1/address.pb-c.h"
#include "litevpn/v1/enrollment.pb-c.h"
#include "litevpn/v1/event.pb-c.h"
#include "litevpn/v1/network.pb-c.h"
#include "litevpn/v1/node.pb-c.h"
#include "litevpn/v1/server.pb-c.h"
#include "litevpn/v1/token.pb-c.h"

/* Doors. */
#define CONTROL   (1u << LISTENER_CONTROL)
#define BOOTSTRAP (1u << LISTENER_BOOTSTRAP)
#define ADMIN     (1u << LISTENER_ADMIN)

#define API(type) &litevpn__v1__##type##__descriptor
#define LITEKUBE(type) &pb__##type##__descriptor
#define HEALTH(type) &grpc__health__v1__##type##__descriptor
/* v1alpha has the same messages on the wire under other names; one set of types serves both. */
#define REFLECTION \
	&grpc__reflection__v1__server_reflection_request__descriptor, \
	&grpc__reflection__v1__server_reflection_response__descriptor

/* clang-format off */
static const struct method methods[] = {
	/* path, kind, doors, { least role, or the node itself }, traits, subject, types, handlers */
	{ "/litevpn.v1.Enrollment/Enroll", CALL_UNARY, BOOTSTRAP, { ROLE_NONE, NODE_AS_OTHERS },
	    CALL_CHANGES | CALL_GUESSABLE, NULL, API(enroll_request), API(enroll_response),
	    enrollment_enroll, NULL, NULL },
	{ "/litevpn.v1.Enrollment/GetEnrollmentInfo", CALL_UNARY, CONTROL | BOOTSTRAP | ADMIN,
	    { ROLE_NONE, NODE_AS_OTHERS }, 0, NULL, API(get_enrollment_info_request),
	    API(enrollment_info), enrollment_get_info, NULL, NULL },
	{ "/litevpn.v1.Enrollment/RenewCertificate", CALL_UNARY, CONTROL,
	    { ROLE_NODE, NODE_ONLY }, CALL_CHANGES, NULL, API(renew_certificate_request),
	    API(renew_certificate_response), enrollment_renew_certificate, NULL, NULL },
	{ "/litevpn.v1.Enrollment/GetSelf", CALL_UNARY, CONTROL, { ROLE_NODE, NODE_ONLY },
	    0, NULL, API(get_self_request), API(node_info), enrollment_get_self, NULL, NULL },
	{ "/litevpn.v1.Enrollment/Unregister", CALL_UNARY, CONTROL, { ROLE_NODE, NODE_ONLY },
	    CALL_CHANGES, NULL, API(unregister_request), &google__protobuf__empty__descriptor,
	    enrollment_unregister, NULL, NULL },
	{ "/litevpn.v1.Token/CreateToken", CALL_UNARY, CONTROL | ADMIN, { ROLE_OPERATOR, NODE_AS_OTHERS },
	    CALL_CHANGES, NULL, API(create_token_request), API(bootstrap_token), token_create,
	    NULL, NULL },
	{ "/litevpn.v1.Token/GetToken", CALL_UNARY, CONTROL | ADMIN,
	    { ROLE_VIEWER, NODE_AS_OTHERS }, 0, NULL, API(get_token_request),
	    API(bootstrap_token), token_get, NULL, NULL },
	{ "/litevpn.v1.Token/ListTokens", CALL_UNARY, CONTROL | ADMIN,
	    { ROLE_VIEWER, NODE_AS_OTHERS }, 0, NULL, API(list_tokens_request),
	    API(list_tokens_response), token_list, NULL, NULL },
	{ "/litevpn.v1.Token/DeleteToken", CALL_UNARY, CONTROL | ADMIN,
	    { ROLE_OPERATOR, NODE_AS_OTHERS }, CALL_CHANGES, NULL, API(delete_token_request),
	    &google__protobuf__empty__descriptor, token_delete, NULL, NULL },
	{ "/litevpn.v1.Node/GetNode", CALL_UNARY, CONTROL | ADMIN, { ROLE_VIEWER, NODE_ITSELF },
	    0, node_get_subject, API(get_node_request), API(node_info), node_get, NULL, NULL },
	{ "/litevpn.v1.Node/ListNodes", CALL_UNARY, CONTROL | ADMIN, { ROLE_VIEWER, NODE_AS_OTHERS },
	    0, NULL, API(list_nodes_request), API(list_nodes_response), node_list, NULL, NULL },
	{ "/litevpn.v1.Node/UpdateNode", CALL_UNARY, CONTROL | ADMIN,
	    { ROLE_OPERATOR, NODE_AS_OTHERS }, CALL_CHANGES, NULL, API(update_node_request),
	    API(node_info), node_update, NULL, NULL },
	{ "/litevpn.v1.Node/DisconnectNode", CALL_UNARY, CONTROL | ADMIN,
	    { ROLE_OPERATOR, NODE_AS_OTHERS }, CALL_CHANGES, NULL, API(disconnect_node_request),
	    API(disconnect_node_response), node_disconnect, NULL, NULL },
	{ "/litevpn.v1.Node/DeleteNode", CALL_UNARY, CONTROL | ADMIN, { ROLE_OPERATOR, NODE_ITSELF },
	    CALL_CHANGES, node_delete_subject, API(delete_node_request),
	    &google__protobuf__empty__descriptor, node_delete, NULL, NULL },
	{ "/litevpn.v1.Node/WatchNodes", CALL_STREAM, CONTROL | ADMIN, { ROLE_VIEWER, NODE_AS_OTHERS },
	    0, NULL, API(watch_nodes_request), API(watch_nodes_response), node_watch,
	    node_watch_sent, watch_closed },
	{ "/litevpn.v1.Event/ListEvents", CALL_UNARY, CONTROL | ADMIN, { ROLE_VIEWER, NODE_AS_OTHERS },
	    0, NULL, API(list_events_request), API(list_events_response), event_list, NULL, NULL },
	{ "/litevpn.v1.Event/WatchEvents", CALL_STREAM, CONTROL | ADMIN, { ROLE_VIEWER, NODE_AS_OTHERS },
	    0, NULL, API(watch_events_request), API(watch_events_response), event_watch,
	    watch_sent, watch_closed },
	{ "/litevpn.v1.Address/ListAddresses", CALL_UNARY, CONTROL | ADMIN,
	    { ROLE_VIEWER, NODE_AS_OTHERS }, 0, NULL, API(list_addresses_request),
	    API(list_addresses_response), address_list, NULL, NULL },
	{ "/litevpn.v1.Address/ReserveAddress", CALL_UNARY, CONTROL | ADMIN,
	    { ROLE_OPERATOR, NODE_AS_OTHERS }, CALL_CHANGES, NULL, API(reserve_address_request),
	    API(address_info), address_reserve, NULL, NULL },
	{ "/litevpn.v1.Address/ReleaseAddress", CALL_UNARY, CONTROL | ADMIN,
	    { ROLE_OPERATOR, NODE_AS_OTHERS }, CALL_CHANGES, NULL, API(release_address_request),
	    API(address_info), address_release, NULL, NULL },
	{ "/litevpn.v1.Address/GetUsage", CALL_UNARY, CONTROL | ADMIN,
	    { ROLE_VIEWER, NODE_AS_OTHERS }, 0, NULL, API(get_usage_request),
	    API(get_usage_response), address_get_usage, NULL, NULL },
	{ "/litevpn.v1.Address/ReclaimAddresses", CALL_UNARY, CONTROL | ADMIN,
	    { ROLE_OPERATOR, NODE_AS_OTHERS }, CALL_CHANGES, NULL, API(reclaim_addresses_request),
	    API(reclaim_addresses_response), address_reclaim, NULL, NULL },
	{ "/litevpn.v1.Network/CreateNetwork", CALL_UNARY, CONTROL | ADMIN,
	    { ROLE_ADMIN, NODE_AS_OTHERS }, CALL_CHANGES, NULL, API(create_network_request),
	    API(network_info), network_create, NULL, NULL },
	{ "/litevpn.v1.Network/GetNetwork", CALL_UNARY, CONTROL | ADMIN,
	    { ROLE_VIEWER, NODE_AS_OTHERS }, 0, NULL, API(get_network_request),
	    API(network_info), network_get, NULL, NULL },
	{ "/litevpn.v1.Network/ListNetworks", CALL_UNARY, CONTROL | ADMIN,
	    { ROLE_VIEWER, NODE_AS_OTHERS }, 0, NULL, API(list_networks_request),
	    API(list_networks_response), network_list, NULL, NULL },
	{ "/litevpn.v1.Network/RecreateNetwork", CALL_UNARY, CONTROL | ADMIN,
	    { ROLE_ADMIN, NODE_AS_OTHERS }, CALL_CHANGES, NULL, API(recreate_network_request),
	    API(recreate_network_response), network_recreate, NULL, NULL },
	{ "/litevpn.v1.Network/SetNetToken", CALL_UNARY, CONTROL | ADMIN,
	    { ROLE_ADMIN, NODE_AS_OTHERS }, CALL_CHANGES, NULL, API(set_net_token_request),
	    API(network_info), network_set_token, NULL, NULL },
	{ "/litevpn.v1.Network/DeleteNetwork", CALL_UNARY, CONTROL | ADMIN,
	    { ROLE_ADMIN, NODE_AS_OTHERS }, CALL_CHANGES, NULL, API(delete_network_request),
	    &google__protobuf__empty__descriptor, network_delete, NULL, NULL },
	{ "/litevpn.v1.Server/GetServerInfo", CALL_UNARY, CONTROL | ADMIN, { ROLE_VIEWER, NODE_AS_OTHERS },
	    0, NULL, API(get_server_info_request), API(server_info), server_get_info, NULL, NULL },
	{ "/pb.LiteKubeNCService/HelloWorld", CALL_UNARY, CONTROL, { ROLE_NONE, NODE_AS_OTHERS },
	    0, NULL, LITEKUBE(hello_world_request), LITEKUBE(hello_world_response),
	    litekube_hello_world, NULL, NULL },
	{ "/pb.LiteKubeNCService/HealthCheck", CALL_UNARY, CONTROL, { ROLE_NONE, NODE_AS_OTHERS },
	    0, NULL, LITEKUBE(health_check_request), LITEKUBE(health_check_response),
	    litekube_health_check, NULL, NULL },
	{ "/pb.LiteKubeNCService/GetBootStrapToken", CALL_UNARY, CONTROL,
	    { ROLE_OPERATOR, NODE_AS_OTHERS }, CALL_CHANGES, NULL,
	    LITEKUBE(get_boot_strap_token_request), LITEKUBE(get_boot_strap_token_response),
	    litekube_get_bootstrap_token, NULL, NULL },
	{ "/pb.LiteKubeNCService/CheckConnState", CALL_UNARY, CONTROL, { ROLE_VIEWER, NODE_LATER },
	    0, NULL, LITEKUBE(check_conn_state_request), LITEKUBE(check_conn_response),
	    litekube_check_conn_state, NULL, NULL },
	{ "/pb.LiteKubeNCService/UnRegister", CALL_UNARY, CONTROL, { ROLE_OPERATOR, NODE_LATER },
	    CALL_CHANGES, NULL, LITEKUBE(un_register_request), LITEKUBE(un_register_response),
	    litekube_unregister, NULL, NULL },
	{ "/pb.LiteKubeNCService/GetRegistedIp", CALL_UNARY, CONTROL, { ROLE_VIEWER, NODE_LATER },
	    0, NULL, LITEKUBE(get_registed_ip_request), LITEKUBE(get_registed_ip_response),
	    litekube_get_registed_ip, NULL, NULL },
	{ "/pb.LiteKubeNCBootstrapService/HealthCheck", CALL_UNARY, BOOTSTRAP,
	    { ROLE_NONE, NODE_AS_OTHERS }, 0, NULL, LITEKUBE(health_check_request),
	    LITEKUBE(health_check_response), litekube_health_check, NULL, NULL },
	{ "/pb.LiteKubeNCBootstrapService/GetToken", CALL_UNARY, BOOTSTRAP,
	    { ROLE_NONE, NODE_AS_OTHERS }, CALL_CHANGES | CALL_GUESSABLE, NULL,
	    LITEKUBE(get_token_request), LITEKUBE(get_token_response), litekube_get_token,
	    NULL, NULL },
	{ "/litevpn.v1.Server/CheckConfig", CALL_UNARY, CONTROL | ADMIN, { ROLE_ADMIN, NODE_AS_OTHERS },
	    0, NULL, API(check_config_request), API(check_config_response), server_check_config,
	    NULL, NULL },
	{ "/litevpn.v1.Server/Reload", CALL_UNARY, CONTROL | ADMIN, { ROLE_ADMIN, NODE_AS_OTHERS },
	    CALL_CHANGES, NULL, API(reload_request), API(reload_response), server_reload,
	    NULL, NULL },
	{ "/litevpn.v1.Server/SetLogLevel", CALL_UNARY, CONTROL | ADMIN, { ROLE_ADMIN, NODE_AS_OTHERS },
	    CALL_CHANGES, NULL, API(set_log_level_request), API(set_log_level_response),
	    server_set_log_level, NULL, NULL },
	{ "/litevpn.v1.Server/BackupDatabase", CALL_STREAM, CONTROL | ADMIN,
	    { ROLE_ADMIN, NODE_AS_OTHERS }, CALL_CHANGES, NULL, API(backup_database_request),
	    API(backup_database_response), server_backup, server_backup_sent, server_backup_closed },
	{ "/grpc.health.v1.Health/Check", CALL_UNARY, CONTROL | BOOTSTRAP | ADMIN,
	    { ROLE_NONE, NODE_AS_OTHERS }, 0, NULL, HEALTH(health_check_request),
	    HEALTH(health_check_response), health_check, NULL, NULL },
	{ "/grpc.health.v1.Health/Watch", CALL_STREAM, CONTROL | BOOTSTRAP | ADMIN,
	    { ROLE_NONE, NODE_AS_OTHERS }, 0, NULL, HEALTH(health_check_request),
	    HEALTH(health_check_response), health_watch, health_watch_sent, health_watch_closed },
	{ "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", CALL_DIALOG,
	    CONTROL | ADMIN, { ROLE_NONE, NODE_AS_OTHERS }, 0, NULL, REFLECTION, reflection_info,
	    NULL, NULL },
	{ "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", CALL_DIALOG,
	    CONTROL | ADMIN, { ROLE_NONE, NODE_AS_OTHERS }, 0, NULL, REFLECTION, reflection_info,
	    NULL, NULL },
};
/* clang-format on */

#define NMETHODS (sizeof(methods) / sizeof(methods[0]))

const struct method *
method_find(const char *path, enum listener from)
{
	for (size_t i = 0; i < NMETHODS; i++) {
		if (strcmp(methods[i].path, path) == 0)
			return (methods[i].listeners >> from & 1) != 0 ? &methods[i] : NULL;
	}
	return NULL;
}

int
method_add_all(struct grpc *g, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < NMETHODS; i++) {
		const struct method *m = &methods[i];

		for (enum listener at = 0; at < LISTENERS && rc == 0; at++) {
			if (m->kind == CALL_UNARY && (m->listeners >> at & 1) != 0)
				rc = grpc_add(g, at, m->path, m, e);
		}
	}
	return rc;
}

const struct method *
method_at(size_t n)
{
	return n < NMETHODS ? &methods[n] : NULL;
}
