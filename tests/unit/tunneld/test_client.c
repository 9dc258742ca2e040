/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/client.h"

#include <check.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/reason.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/certs.h"
#include "tests/unit/tunneld/netns.h"
#include "tests/unit/tunneld/serverrig.h"

/* A client with a real server; the test is its monitor. */
#define OTHER_ADDR "127.0.0.7"	/* where no server is */
#define CONFIGURES_MAX 64

static struct serverrig r;	/* too large for a stack; each test is a process */
static struct workers workers;
static struct identity identity;
static struct conf_client conf;
static struct client *client;
static char *servers[] = { (char *) CERTS_ADDR, (char *) OTHER_ADDR };
static int tun;

static uint32_t numbers[CONFIGURES_MAX];	/* of the questions to configure */
static unsigned nasked, nothers;
static bool answers;			/* the monitor does */

static void
answer(uint32_t number, int rc)
{
	client_configured(client, &(struct monitor_configured){ .number = number,
	    .done = { .rc = rc, .text = "test" } });
}

static void
on_configure(void *arg, const struct monitor_configure *want)
{
	(void) arg;
	ck_assert_uint_lt(nasked, CONFIGURES_MAX);
	numbers[nasked++] = want->number;
	if (answers)
		answer(want->number, 0);
}

static void
on_ask_way(void *arg, const struct ip_addr *server)
{
	struct monitor_way_done way = { .server = *server };
	struct ip_addr other = netns_addr(OTHER_ADDR);

	(void) arg;
	nothers += ip_equal(server, &other);
	client_way(client, &way);
}

static unsigned nconnected, ncerts;
static char last_reason[CONTROL_ID_MAX + 1];

static void
on_connected(void *arg, const uint8_t *ca_hash)
{
	(void) arg;
	nconnected += ca_hash != NULL;
}

static void
on_cert(void *arg, const struct control_cert *cert)
{
	(void) arg;
	ncerts++;
	strcpy(last_reason, cert->reason);
}

static struct session *
current(void)
{
	return client_session(client);
}

static void
begin(int64_t rekey_ms)
{
	struct client_parts parts = { .conf = &conf, .conns = &r.conns, .workers = &workers,
		.identity = &identity, .configure = on_configure, .ask_way = on_ask_way,
		.connected = on_connected, .cert = on_cert };
	struct err e = { 0 };
	int ends[2];

	serverrig_init(&r);
	r.d.sc.rekey_ms = rekey_ms;
	identity = (struct identity){ .tls = certs()->node, .token = (char *) "0123456789abcdef",
		.net_token = (char *) "" };
	conf = (struct conf_client){ .port = r.port, .device = (char *) "lv0",
		.servers = { .items = servers, .n = 2 }, .server_addr = (char *) "",
		.transport = CONF_TRANSPORT_TLS, .reconnect_min_ms = 10, .reconnect_max_ms = 30 };
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	tun = ends[1];
	ck_assert_int_eq(workers_init(&workers, r.ev, &(struct workers_parts){ .n = 1,
	    .tuns = ends, .offload = CONF_OFFLOAD_OFF, .in_loop = true }), 0);
	parts.ev = r.ev;
	ck_assert_msg(client_new(&parts, &client, &e) == 0, "%s", e.text);
}

static void
end(void)
{
	client_free(client);
	workers_fini(&workers);
	close(tun);
	serverrig_fini(&r);
}

/* Connected, with the question of the next session before the monitor; what is current then. */
static struct session *
reach_second(void)
{
	begin(100);
	LOOP_UNTIL(r.ev, nasked == 1);
	answer(numbers[0], 0);
	ck_assert_ptr_nonnull(current());
	LOOP_UNTIL(r.ev, nasked == 2);
	return current();
}

START_TEST(a_new_session_that_breaks_at_once_leaves_the_old_one)
{
	struct session *old = reach_second();

	answer(numbers[1], 0);
	ck_assert_ptr_ne(current(), old);
	current()->env->ops->dead(current(), "broken");
	ck_assert_ptr_eq(current(), old);
	ck_assert(!old->retired);
	LOOP_UNTIL(r.ev, nasked == 3);	/* and it is tried again */
	end();
}
END_TEST

START_TEST(the_old_one_ends_when_the_new_one_is_up)
{
	struct session *old = reach_second();

	answer(numbers[1], 0);
	ck_assert(!old->retired);
	current()->env->ops->up(current());
	ck_assert(old->retired);
	ck_assert_ptr_ne(current(), old);
	end();
}
END_TEST

/* A refusal when the session shall be renewed says nothing about another server. */
START_TEST(a_healthy_node_stays_with_its_server)
{
	begin(100);
	answers = true;
	LOOP_UNTIL(r.ev, current() != NULL);
	r.d.sc.cipher = CONF_CIPHER_CHACHA20POLY1305;
	conf.cipher = CONF_CIPHER_AES256GCM;
	loop_for(r.ev, 600);
	ck_assert_uint_eq(nothers, 0);
	ck_assert_ptr_nonnull(current());
	r.d.sc.cipher = CONF_CIPHER_AUTO;
	nasked = 0;
	LOOP_UNTIL(r.ev, nasked > 0);	/* it has gone on trying */
	end();
}
END_TEST

START_TEST(without_a_session_it_tries_the_next)
{
	begin(0);
	r.d.sc.cipher = CONF_CIPHER_CHACHA20POLY1305;
	conf.cipher = CONF_CIPHER_AES256GCM;
	LOOP_UNTIL(r.ev, nothers > 0);
	end();
}
END_TEST

/* The monitor's answer comes when its attempt has failed and another one waits. */
START_TEST(an_answer_belongs_to_its_question)
{
	begin(0);
	LOOP_UNTIL(r.ev, nasked == 1);
	ck_assert(server_cut(r.server, CERTS_NODE, 1, REASON_SHUTTING_DOWN));
	LOOP_UNTIL(r.ev, nasked == 2);
	answer(numbers[0], -EIO);
	ck_assert_ptr_null(current());
	answer(numbers[1], 0);
	ck_assert_ptr_nonnull(current());
	end();
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("client");

	tcase_add_unchecked_fixture(tc, certs_setup, certs_teardown);
	tcase_add_test(tc, a_new_session_that_breaks_at_once_leaves_the_old_one);
	tcase_add_test(tc, the_old_one_ends_when_the_new_one_is_up);
	tcase_add_test(tc, a_healthy_node_stays_with_its_server);
	tcase_add_test(tc, without_a_session_it_tries_the_next);
	tcase_add_test(tc, an_answer_belongs_to_its_question);
	return kit_run("tunneld/client", tc);
}
