/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/join.h"

#include <check.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/certs.h"
#include "tests/unit/tunneld/loop.h"
#include "tests/unit/tunneld/netns.h"

/*
 * Strangers that say nothing, each over a socket pair: how many there may be, and who has to go.
 */
#define FEW_DESCRIPTORS "the machine does not allow that many descriptors"

struct rig {
	struct ev *ev;
	struct conn_env conns;
	struct identity identity;
	struct conf_server conf;
	struct joins joins;
	int ends[JOIN_STRANGERS_MAX + 8];	/* the strangers' */
	unsigned n;
};

static struct rig r;	/* each test is a process */

static void
on_joined(void *arg, const struct join_result *result)
{
	(void) arg, (void) result;
	ck_abort_msg("a stranger has come through");
}

static void
rig_init(void)
{
	log_set_level(LOG_LV_ERR);
	ck_assert_int_eq(ev_new(&r.ev), 0);
	conn_env_init(&r.conns, r.ev);
	r.identity.tls = certs()->server;
	r.joins = (struct joins){ .ev = r.ev, .conns = &r.conns, .identity = &r.identity,
		.conf = &r.conf, .joined = on_joined };
	joins_init(&r.joins);
}

static void
rig_fini(void)
{
	joins_fini(&r.joins);
	conn_env_fini(&r.conns);
	for (unsigned i = 0; i < r.n; i++)
		close(r.ends[i]);
	ev_free(r.ev);
}

/* The number of the new one. */
static unsigned
come(const struct ip_addr *from)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	r.ends[r.n] = fds[1];
	join_accept(&r.joins, fds[0], from);
	loop_round(r.ev);
	return r.n++;
}

static bool
has_ended(unsigned i)
{
	char byte;

	return recv(r.ends[i], &byte, 1, MSG_DONTWAIT) == 0 || errno != EAGAIN;
}

/* --- a source's share ------------------------------------------------------------------------- */

static const struct {
	struct ip_prefix one;	/* a source: its addresses take turns */
	const char *other;
} sources[] = {
	{ { { AF_INET, { 192, 0, 2, 1 } }, 32 }, "192.0.2.2" },
	{ { { AF_INET6, { 0x20, 1, 0xd, 0xb8 } }, 64 }, "2001:db8:0:1::1" },
};

START_TEST(a_source_has_a_share)
{
	struct ip_addr from, other = netns_addr(sources[_i].other);
	unsigned hosts = ip_bits(&sources[_i].one.addr) == 32 ? 1 : JOIN_STRANGERS_MAX;

	rig_init();
	for (unsigned i = 0; i < JOIN_STRANGERS_PER_SOURCE; i++) {
		from = ip_prefix_at(&sources[_i].one, i % hosts);
		ck_assert(!has_ended(come(&from)));
	}
	from = ip_prefix_at(&sources[_i].one, JOIN_STRANGERS_PER_SOURCE % hosts);
	ck_assert(has_ended(come(&from)));
	ck_assert(!has_ended(come(&other)));
	close(r.ends[0]);
	r.ends[0] = dup(r.ends[1]);
	LOOP_UNTIL(r.ev, r.joins.n == JOIN_STRANGERS_PER_SOURCE);
	ck_assert(!has_ended(come(&from)));	/* there is room again */
	rig_fini();
}
END_TEST

/* --- all places taken ------------------------------------------------------------------------- */

static bool
raise_descriptors(void)
{
	struct rlimit lim;

	getrlimit(RLIMIT_NOFILE, &lim);
	lim.rlim_cur = lim.rlim_max;
	return lim.rlim_max >= 2 * JOIN_STRANGERS_MAX + 64 && setrlimit(RLIMIT_NOFILE, &lim) == 0;
}

START_TEST(the_oldest_makes_room)
{
	struct ip_prefix all = netns_prefix("10.0.0.0/8");
	struct ip_addr from;

	KIT_SKIP_UNLESS(raise_descriptors(), FEW_DESCRIPTORS);
	rig_init();
	for (unsigned i = 0; i < JOIN_STRANGERS_MAX; i++) {
		from = ip_prefix_at(&all, i);
		come(&from);
	}
	ck_assert(!has_ended(0));
	for (unsigned i = 0; i < 3; i++) {
		from = ip_prefix_at(&all, JOIN_STRANGERS_MAX + i);
		ck_assert(!has_ended(come(&from)));
		ck_assert_uint_eq(r.joins.n, JOIN_STRANGERS_MAX);
		ck_assert(has_ended(i));
		ck_assert(!has_ended(i + 1));
	}
	rig_fini();
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("join");

	tcase_add_unchecked_fixture(tc, certs_setup, certs_teardown);
	KIT_ROWS(tc, a_source_has_a_share, sources);
	tcase_add_test(tc, the_oldest_makes_room);
	return kit_run("tunneld/join", tc);
}
