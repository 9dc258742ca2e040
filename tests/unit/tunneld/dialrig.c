/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tunneld/dialrig.h"

#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/unit/kit.h"
#include "tests/unit/tunneld/certs.h"
#include "tests/unit/tunneld/loop.h"
#include "tests/unit/tunneld/netns.h"

#define PORT 6441
#define NAMES "127.0.0.1 " CERTS_HOST "\n127.0.0.2 " CERTS_HOST "\n"

const char dialrig_host[] = CERTS_HOST;

/* --- a place where names are what the test says ----------------------------------------------- */

void
dialrig_names(const char *names)
{
	kit_write("hosts", names, 0644);
}

/* False where it is not permitted. What is mounted is seen by this process only. */
static bool
enter_place(void)
{
	char path[KIT_PATH_MAX];

	if (!netns_enter() || unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", "", MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	netns_do("ip link set lo up");
	dialrig_names(NAMES);
	ck_assert_int_eq(mount(kit_path("hosts", path), "/etc/hosts", "", MS_BIND, NULL), 0);
	kit_write("resolv.conf", "nameserver 127.0.0.1\noptions timeout:3 attempts:1\n", 0644);
	ck_assert_int_eq(mount(kit_path("resolv.conf", path), "/etc/resolv.conf", "", MS_BIND,
	    NULL), 0);
	return true;
}

int
dialrig_deaf_name_server(void)
{
	struct ip_addr addr = netns_addr("127.0.0.1");
	struct sockaddr_storage ss;
	socklen_t len = ip_to_sockaddr(&addr, 53, &ss);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *) &ss, len), 0);
	return fd;
}

/* --- the server ------------------------------------------------------------------------------- */

static void
on_served(void *owner, const char *why)
{
	(void) owner, (void) why;	/* freed by dialrig_close */
}

static const struct conn_ops server_ops = { .closed = on_served };

static void
on_door(void *arg, uint32_t events)
{
	struct dialrig *r = arg;
	struct err e;
	int fd;

	(void) events;
	for (int i = 0; i < 2; i++) {
		if (r->doors[i].fd < 0)
			continue;
		fd = accept4(r->doors[i].fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0 && r->slams)
			close(fd);
		else if (fd >= 0 && r->mute)
			r->silent = fd;
		else if (fd >= 0)
			ck_assert_int_eq(conn_new(&r->conns, r->server, fd, NULL, &server_ops,
			    r, &r->served[r->nserved++], &e), 0);
	}
}

void
dialrig_open(struct dialrig *r, const struct ip_addr *addr)
{
	struct dialrig_door *d = &r->doors[addr->b[3] - 1];
	struct sockaddr_storage ss;
	socklen_t len = ip_to_sockaddr(addr, PORT, &ss);

	d->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(d->fd, (struct sockaddr *) &ss, len), 0);
	ck_assert_int_eq(listen(d->fd, 5), 0);
	ck_assert_int_eq(ev_io_add(r->ev, &d->io, d->fd, EPOLLIN, on_door, r), 0);
}

void
dialrig_open_both(struct dialrig *r)
{
	struct ip_addr one = netns_addr("127.0.0.1"), two = netns_addr("127.0.0.2");

	dialrig_open(r, &one);
	dialrig_open(r, &two);
}

/* --- what the dial says ----------------------------------------------------------------------- */

static void
on_ask(void *arg, const struct ip_addr *server)
{
	struct dialrig *r = arg;

	ck_assert_uint_lt(r->asks, DIALRIG_ASKS_MAX);
	r->asked[r->asks++] = *server;
}

static void
on_ready(void *owner, struct conn *conn)
{
	struct dialrig *r = owner;

	conn_give(conn, &server_ops, r);
	r->reached = conn;
	r->readies++;
}

static void
on_failed(void *owner, const char *why)
{
	struct dialrig *r = owner;

	snprintf(r->why, sizeof(r->why), "%s", why);
	r->failures++;
}

bool
dialrig_setup(struct dialrig *r)
{
	struct dial_parts parts = { .conns = &r->conns, .identity = &r->identity, .port = PORT,
		.ask_way = on_ask, .arg = r, .ready = on_ready, .failed = on_failed, .owner = r };

	*r = (struct dialrig){ .doors = { { .fd = -1 }, { .fd = -1 } } };
	log_set_level(LOG_LV_ERR);
	if (!enter_place())
		return false;
	ck_assert_int_eq(ev_new(&r->ev), 0);
	conn_env_init(&r->conns, r->ev);
	r->identity.tls = certs()->node;
	r->server = certs()->server;
	parts.ev = r->ev;
	ck_assert_int_eq(dial_new(&parts, &r->dial), 0);
	return true;
}

void
dialrig_close(struct dialrig *r)
{
	dial_free(r->dial);
	conn_free(r->reached);
	for (unsigned i = 0; i < r->nserved; i++)
		conn_free(r->served[i]);
	for (int i = 0; i < 2; i++) {
		if (r->doors[i].fd < 0)
			continue;
		ev_io_del(r->ev, &r->doors[i].io);
		close(r->doors[i].fd);
	}
	conn_env_fini(&r->conns);
	ev_free(r->ev);
}

void
dialrig_answer(struct dialrig *r, int rc)
{
	struct monitor_way_done way = { .server = r->asked[r->asks - 1], .done = { .rc = rc } };

	dial_way(r->dial, &way);
}

void
dialrig_wait_ask(struct dialrig *r, unsigned n)
{
	LOOP_UNTIL(r->ev, r->asks == n);
}

void
dialrig_reach_once(struct dialrig *r)
{
	dialrig_open_both(r);
	dial_begin(r->dial, dialrig_host);
	dialrig_wait_ask(r, 1);
	dialrig_answer(r, 0);
	LOOP_UNTIL(r->ev, r->readies == 1);
	conn_free(r->reached);
	r->reached = NULL;
}
