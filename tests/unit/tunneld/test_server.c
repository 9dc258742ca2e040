/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/server.h"

#include <check.h>

#include "common/reason.h"
#include "daemons/tunneld/ipam.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/certs.h"
#include "tests/unit/tunneld/serverrig.h"

#define TOKEN "0123456789abcdef"

static struct serverrig r;	/* too large for a stack; each test is a process */

/* Two connections of one node whose attaches ipamd has not answered yet: epochs 1 and 2. */
static void
hold_two(void)
{
	r.holds = true;
	for (unsigned i = 0; i < 2; i++) {
		guest_hello(serverrig_guest(&r, i, certs()->node), TOKEN);
		LOOP_UNTIL(r.ev, r.nheld == i + 1);
	}
}

/* --- joining ---------------------------------------------------------------------------------- */

START_TEST(a_node_comes_and_goes)
{
	struct guest *g;

	serverrig_init(&r);
	g = serverrig_join(&r, 0, certs()->node, TOKEN);
	ck_assert_str_eq(g->welcome.node_id, CERTS_NODE);
	ck_assert_uint_eq(server_peer(r.server, CERTS_NODE)->current->epoch, 1);
	conn_free(g->conn);
	g->conn = NULL;
	LOOP_UNTIL(r.ev, serverrig_reported(&r, CERTS_NODE, 1, IPAM_LOST));
	ck_assert_ptr_null(server_peer(r.server, CERTS_NODE));
	serverrig_fini(&r);
}
END_TEST

/* The node was deleted while ipamd's answer to its attach was on the way. */
START_TEST(an_attach_in_flight_is_cut)
{
	serverrig_init(&r);
	hold_two();
	ck_assert(!server_cut(r.server, CERTS_NODE, 1, REASON_NODE_DELETED));
	serverrig_answer(&r, 0);
	LOOP_UNTIL(r.ev, r.guests[0].closed);
	ck_assert(!r.guests[0].welcomed);
	ck_assert_str_eq(r.guests[0].refused.reason, "NODE_DELETED");
	serverrig_answer(&r, 1);	/* a newer one is not meant */
	LOOP_UNTIL(r.ev, r.guests[1].welcomed);
	serverrig_fini(&r);
}
END_TEST

/* --- the newest epoch wins ---------------------------------------------------------------------- */

/* Whether the newer one is up, or begins only. */
START_TEST(an_older_attach_is_refused)
{
	serverrig_init(&r);
	hold_two();
	serverrig_answer(&r, 1);
	LOOP_UNTIL(r.ev, r.guests[1].welcomed);
	if (_i == 1) {
		guest_keepalive(&r.guests[1]);
		LOOP_UNTIL(r.ev, server_peer(r.server, CERTS_NODE) != NULL);
	}
	serverrig_answer(&r, 0);
	LOOP_UNTIL(r.ev, r.guests[0].closed);
	ck_assert_str_eq(r.guests[0].refused.reason, "SUPERSEDED");
	guest_keepalive(&r.guests[1]);
	LOOP_UNTIL(r.ev, server_peer(r.server, CERTS_NODE) != NULL);
	ck_assert_uint_eq(server_peer(r.server, CERTS_NODE)->current->epoch, 2);
	serverrig_fini(&r);
}
END_TEST

START_TEST(of_those_that_begin_one_is_left)
{
	serverrig_init(&r);
	serverrig_join(&r, 0, certs()->node, TOKEN);
	for (unsigned i = 1; i < SERVERRIG_GUESTS; i++) {
		guest_hello(serverrig_guest(&r, i, certs()->node), TOKEN);
		LOOP_UNTIL(r.ev, r.guests[i].welcomed);
	}
	LOOP_UNTIL(r.ev, r.guests[SERVERRIG_GUESTS - 2].closed);
	for (unsigned i = 1; i < SERVERRIG_GUESTS - 1; i++)
		ck_assert_str_eq(r.guests[i].goodbye, "SUPERSEDED");
	/* Nor is the one that is up at their mercy. */
	ck_assert(!r.guests[0].closed && !r.guests[SERVERRIG_GUESTS - 1].closed);
	ck_assert_uint_eq(server_peer(r.server, CERTS_NODE)->current->epoch, 1);
	serverrig_fini(&r);
}
END_TEST

/* How many sessions the node has, in whatever state. */
static unsigned
count_sessions(void)
{
	const struct session *s;
	unsigned n = 0;

	LIST_FOREACH(s, &server_peer(r.server, CERTS_NODE)->sessions, link)
		n++;
	return n;
}

START_TEST(of_those_that_were_replaced_one_is_left)
{
	serverrig_init(&r);
	for (unsigned i = 0; i < SERVERRIG_GUESTS; i++)
		serverrig_join(&r, i, certs()->node, TOKEN);
	ck_assert_uint_eq(count_sessions(), 2);
	serverrig_fini(&r);
}
END_TEST

START_TEST(a_newer_session_replaces_an_older_one)
{
	serverrig_init(&r);
	serverrig_join(&r, 0, certs()->node, TOKEN);
	serverrig_join(&r, 1, certs()->node, TOKEN);
	LOOP_UNTIL(r.ev, r.guests[0].closed);
	ck_assert_str_eq(r.guests[0].goodbye, "SUPERSEDED");
	ck_assert_uint_eq(server_peer(r.server, CERTS_NODE)->current->epoch, 2);
	serverrig_fini(&r);
}
END_TEST

/* --- attaches of which nothing comes ------------------------------------------------------------ */

START_TEST(a_full_server_tells_ipamd)
{
	struct guest *g;

	serverrig_init(&r);
	r.d.sc.max_clients = 1;
	serverrig_join(&r, 0, certs()->nameless, "n-1");
	g = serverrig_guest(&r, 1, certs()->nameless);
	guest_hello(g, "n-2");
	LOOP_UNTIL(r.ev, g->closed);
	ck_assert_str_eq(g->refused.reason, "SERVER_FULL");
	LOOP_UNTIL(r.ev, serverrig_reported(&r, "n-2", 2, IPAM_IDLE));
	serverrig_fini(&r);
}
END_TEST

START_TEST(a_stopping_server_tells_ipamd)
{
	serverrig_init(&r);
	hold_two();
	server_stop(r.server);
	serverrig_answer(&r, 1);
	LOOP_UNTIL(r.ev, r.guests[1].closed);
	ck_assert_str_eq(r.guests[1].refused.reason, "SHUTTING_DOWN");
	LOOP_UNTIL(r.ev, serverrig_reported(&r, CERTS_NODE, 2, IPAM_IDLE));
	serverrig_fini(&r);
}
END_TEST

START_TEST(a_node_that_does_not_wait_is_reported)
{
	serverrig_init(&r);
	hold_two();
	conn_free(r.guests[1].conn);
	r.guests[1].conn = NULL;
	loop_for(r.ev, 50);
	serverrig_answer(&r, 1);
	LOOP_UNTIL(r.ev, serverrig_reported(&r, CERTS_NODE, 2, IPAM_IDLE));
	serverrig_fini(&r);
}
END_TEST

/* Its row must not become free for others. */
START_TEST(unless_it_has_a_session)
{
	serverrig_init(&r);
	hold_two();
	serverrig_answer(&r, 1);
	LOOP_UNTIL(r.ev, r.guests[1].welcomed);
	serverrig_answer(&r, 0);
	LOOP_UNTIL(r.ev, r.guests[0].closed);
	loop_for(r.ev, 50);
	ck_assert_uint_eq(r.nreports, 0);
	serverrig_fini(&r);
}
END_TEST

/* --- who may join ------------------------------------------------------------------------------- */

static const struct {
	bool required;		/* requireNodeCert */
	bool admin;		/* else a certificate that names nobody */
	const char *reason;	/* "" : it may */
} names[] = {
	{ true, true, "CERT_MISMATCH" },
	{ false, true, "CERT_MISMATCH" },
	{ true, false, "CERT_MISMATCH" },
	{ false, false, "" },
};

START_TEST(the_certificate_must_be_a_nodes)
{
	struct guest *g;

	serverrig_init(&r);
	r.d.sc.require_node_cert = names[_i].required;
	g = serverrig_guest(&r, 0, names[_i].admin ? certs()->admin : certs()->nameless);
	guest_hello(g, TOKEN);
	LOOP_UNTIL(r.ev, g->closed || g->welcomed);
	ck_assert_str_eq(g->refused.reason, names[_i].reason);
	ck_assert(g->welcomed == (names[_i].reason[0] == '\0'));
	serverrig_fini(&r);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("server");

	tcase_add_unchecked_fixture(tc, certs_setup, certs_teardown);
	tcase_add_test(tc, a_node_comes_and_goes);
	tcase_add_test(tc, an_attach_in_flight_is_cut);
	tcase_add_loop_test(tc, an_older_attach_is_refused, 0, 2);
	tcase_add_test(tc, of_those_that_begin_one_is_left);
	tcase_add_test(tc, of_those_that_were_replaced_one_is_left);
	tcase_add_test(tc, a_newer_session_replaces_an_older_one);
	tcase_add_test(tc, a_full_server_tells_ipamd);
	tcase_add_test(tc, a_stopping_server_tells_ipamd);
	tcase_add_test(tc, a_node_that_does_not_wait_is_reported);
	tcase_add_test(tc, unless_it_has_a_session);
	KIT_ROWS(tc, the_certificate_must_be_a_nodes, names);
	return kit_run("tunneld/server", tc);
}
