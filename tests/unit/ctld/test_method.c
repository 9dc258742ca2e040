/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/method.h"

#include <check.h>
#include <string.h>

#include "litevpn/v1/node.pb-c.h"
#include "tests/unit/kit.h"

/* Doors as the API promises them: c control, b bootstrap, a admin. */
static const struct {
	const char *path, *doors;
	enum role least;
	enum authz_node node;
	unsigned traits;
} rows[] = {
	{ "/litevpn.v1.Enrollment/Enroll", "b", ROLE_NONE, NODE_AS_OTHERS,
	    CALL_CHANGES | CALL_GUESSABLE },
	{ "/litevpn.v1.Enrollment/GetEnrollmentInfo", "cba", ROLE_NONE, NODE_AS_OTHERS, 0 },
	{ "/litevpn.v1.Enrollment/RenewCertificate", "c", ROLE_NODE, NODE_ONLY, CALL_CHANGES },
	{ "/litevpn.v1.Enrollment/GetSelf", "c", ROLE_NODE, NODE_ONLY, 0 },
	{ "/litevpn.v1.Enrollment/Unregister", "c", ROLE_NODE, NODE_ONLY, CALL_CHANGES },
	{ "/litevpn.v1.Token/CreateToken", "ca", ROLE_OPERATOR, NODE_AS_OTHERS, CALL_CHANGES },
	{ "/litevpn.v1.Token/GetToken", "ca", ROLE_VIEWER, NODE_AS_OTHERS, 0 },
	{ "/litevpn.v1.Token/ListTokens", "ca", ROLE_VIEWER, NODE_AS_OTHERS, 0 },
	{ "/litevpn.v1.Token/DeleteToken", "ca", ROLE_OPERATOR, NODE_AS_OTHERS, CALL_CHANGES },
	{ "/litevpn.v1.Node/GetNode", "ca", ROLE_VIEWER, NODE_ITSELF, 0 },
	{ "/litevpn.v1.Node/ListNodes", "ca", ROLE_VIEWER, NODE_AS_OTHERS, 0 },
	{ "/litevpn.v1.Node/UpdateNode", "ca", ROLE_OPERATOR, NODE_AS_OTHERS, CALL_CHANGES },
	{ "/litevpn.v1.Node/DisconnectNode", "ca", ROLE_OPERATOR, NODE_AS_OTHERS, CALL_CHANGES },
	{ "/litevpn.v1.Node/DeleteNode", "ca", ROLE_OPERATOR, NODE_ITSELF, CALL_CHANGES },
	{ "/litevpn.v1.Node/WatchNodes", "ca", ROLE_VIEWER, NODE_AS_OTHERS, 0 },
	{ "/litevpn.v1.Event/ListEvents", "ca", ROLE_VIEWER, NODE_AS_OTHERS, 0 },
	{ "/litevpn.v1.Event/WatchEvents", "ca", ROLE_VIEWER, NODE_AS_OTHERS, 0 },
	{ "/litevpn.v1.Address/ListAddresses", "ca", ROLE_VIEWER, NODE_AS_OTHERS, 0 },
	{ "/litevpn.v1.Address/ReserveAddress", "ca", ROLE_OPERATOR, NODE_AS_OTHERS, CALL_CHANGES },
	{ "/litevpn.v1.Address/ReleaseAddress", "ca", ROLE_OPERATOR, NODE_AS_OTHERS, CALL_CHANGES },
	{ "/litevpn.v1.Address/GetUsage", "ca", ROLE_VIEWER, NODE_AS_OTHERS, 0 },
	{ "/litevpn.v1.Address/ReclaimAddresses", "ca", ROLE_OPERATOR, NODE_AS_OTHERS, CALL_CHANGES },
	{ "/litevpn.v1.Network/CreateNetwork", "ca", ROLE_ADMIN, NODE_AS_OTHERS, CALL_CHANGES },
	{ "/litevpn.v1.Network/GetNetwork", "ca", ROLE_VIEWER, NODE_AS_OTHERS, 0 },
	{ "/litevpn.v1.Network/ListNetworks", "ca", ROLE_VIEWER, NODE_AS_OTHERS, 0 },
	{ "/litevpn.v1.Network/RecreateNetwork", "ca", ROLE_ADMIN, NODE_AS_OTHERS, CALL_CHANGES },
	{ "/litevpn.v1.Network/SetNetToken", "ca", ROLE_ADMIN, NODE_AS_OTHERS, CALL_CHANGES },
	{ "/litevpn.v1.Network/DeleteNetwork", "ca", ROLE_ADMIN, NODE_AS_OTHERS, CALL_CHANGES },
	{ "/litevpn.v1.Server/GetServerInfo", "ca", ROLE_VIEWER, NODE_AS_OTHERS, 0 },
	{ "/pb.LiteKubeNCService/HelloWorld", "c", ROLE_NONE, NODE_AS_OTHERS, 0 },
	{ "/pb.LiteKubeNCService/HealthCheck", "c", ROLE_NONE, NODE_AS_OTHERS, 0 },
	{ "/pb.LiteKubeNCService/GetBootStrapToken", "c", ROLE_OPERATOR, NODE_AS_OTHERS,
	    CALL_CHANGES },
	{ "/pb.LiteKubeNCService/CheckConnState", "c", ROLE_VIEWER, NODE_LATER, 0 },
	{ "/pb.LiteKubeNCService/UnRegister", "c", ROLE_OPERATOR, NODE_LATER, CALL_CHANGES },
	{ "/pb.LiteKubeNCService/GetRegistedIp", "c", ROLE_VIEWER, NODE_LATER, 0 },
	{ "/pb.LiteKubeNCBootstrapService/HealthCheck", "b", ROLE_NONE, NODE_AS_OTHERS, 0 },
	{ "/pb.LiteKubeNCBootstrapService/GetToken", "b", ROLE_NONE, NODE_AS_OTHERS,
	    CALL_CHANGES | CALL_GUESSABLE },
	{ "/litevpn.v1.Server/CheckConfig", "ca", ROLE_ADMIN, NODE_AS_OTHERS, 0 },
	{ "/litevpn.v1.Server/Reload", "ca", ROLE_ADMIN, NODE_AS_OTHERS, CALL_CHANGES },
	{ "/litevpn.v1.Server/SetLogLevel", "ca", ROLE_ADMIN, NODE_AS_OTHERS, CALL_CHANGES },
	{ "/litevpn.v1.Server/BackupDatabase", "ca", ROLE_ADMIN, NODE_AS_OTHERS, CALL_CHANGES },
	{ "/grpc.health.v1.Health/Check", "cba", ROLE_NONE, NODE_AS_OTHERS, 0 },
	{ "/grpc.health.v1.Health/Watch", "cba", ROLE_NONE, NODE_AS_OTHERS, 0 },
	{ "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "ca", ROLE_NONE, NODE_AS_OTHERS, 0 },
	{ "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "ca", ROLE_NONE,
	    NODE_AS_OTHERS, 0 },
};

static const struct {
	enum listener listener;
	char letter;
} doors[] = {
	{ LISTENER_CONTROL, 'c' },
	{ LISTENER_BOOTSTRAP, 'b' },
	{ LISTENER_ADMIN, 'a' },
};

START_TEST(each_method_is_served_where_it_should)
{
	for (size_t d = 0; d < sizeof(doors) / sizeof(doors[0]); d++) {
		const struct method *m = method_find(rows[_i].path, doors[d].listener);

		ck_assert_int_eq(m != NULL, strchr(rows[_i].doors, doors[d].letter) != NULL);
		if (m == NULL)
			continue;
		ck_assert_int_eq(m->rule.least, rows[_i].least);
		ck_assert_int_eq(m->rule.node, rows[_i].node);
		ck_assert_uint_eq(m->traits, rows[_i].traits);
		ck_assert_int_eq(m->subject != NULL, rows[_i].node == NODE_ITSELF);
		ck_assert_ptr_nonnull(m->handle);
		ck_assert_ptr_nonnull(m->request);
		ck_assert_ptr_nonnull(m->reply);
	}
}
END_TEST

START_TEST(there_are_no_others)
{
	size_t n = 0;

	while (method_at(n) != NULL)
		n++;
	ck_assert_uint_eq(n, sizeof(rows) / sizeof(rows[0]));
	ck_assert_ptr_null(method_find("", LISTENER_ADMIN));
	ck_assert_ptr_null(method_find("/litevpn.v1.Node/getnode", LISTENER_ADMIN));
	ck_assert_ptr_null(method_find("litevpn.v1.Node/GetNode", LISTENER_ADMIN));
	ck_assert_ptr_null(method_find("/litevpn.v1.Node/GetNode/", LISTENER_ADMIN));
}
END_TEST

START_TEST(a_call_is_about_the_node_that_it_names)
{
	const struct method *get = method_find("/litevpn.v1.Node/GetNode", LISTENER_CONTROL);
	const struct method *del = method_find("/litevpn.v1.Node/DeleteNode", LISTENER_CONTROL);
	Litevpn__V1__GetNodeRequest greq = LITEVPN__V1__GET_NODE_REQUEST__INIT;
	Litevpn__V1__DeleteNodeRequest dreq = LITEVPN__V1__DELETE_NODE_REQUEST__INIT;

	ck_assert_ptr_null(get->subject(&greq.base));
	greq.name = dreq.name = (char *) "nodes/n-1";
	ck_assert_str_eq(get->subject(&greq.base), "n-1");
	ck_assert_str_eq(del->subject(&dreq.base), "n-1");
	greq.name = dreq.name = (char *) "n-1";
	ck_assert_ptr_null(get->subject(&greq.base));
	ck_assert_ptr_null(del->subject(&dreq.base));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("method");

	KIT_ROWS(tc, each_method_is_served_where_it_should, rows);
	tcase_add_test(tc, there_are_no_others);
	tcase_add_test(tc, a_call_is_about_the_node_that_it_names);
	return kit_run("method", tc);
}
