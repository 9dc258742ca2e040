/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tunneld/relay.h"

#include <check.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in
address_of(int fd)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *) &sin, &len), 0);
	return sin;
}

static void
send_to(int fd, const struct sockaddr_in *to, const uint8_t *buf, size_t len)
{
	sendto(fd, buf, len, MSG_DONTWAIT, (const struct sockaddr *) to, sizeof(*to));
}

void
relay_send(struct relay *r, const struct datagram *d, unsigned way)
{
	r->ups++;
	r->bytes_up[way] += d->len;
	send_to(r->back[way], &r->server, d->bytes, d->len);
}

static void
on_front(void *arg, uint32_t events)
{
	struct relay *r = arg;
	struct datagram *d = &r->last;
	socklen_t len = sizeof(r->node);
	ssize_t n = recvfrom(r->front, d->bytes, sizeof(d->bytes), MSG_DONTWAIT,
	    (struct sockaddr *) &r->node, &len);

	(void) events;
	if (n < 0)
		return;
	d->len = (size_t) n;
	if (r->flip)
		d->bytes[d->len / 2] ^= 1;
	if (!r->drop_up && (r->longest == 0 || d->len <= r->longest))
		relay_send(r, d, r->way);
}

static void
on_back(struct relay *r, unsigned way)
{
	uint8_t buf[2048];
	ssize_t n = recv(r->back[way], buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0)
		return;
	if (r->longest != 0 && (size_t) n > r->longest)
		return;
	r->bytes_down[way] += (size_t) n;
	if (r->drop_down)
		return;
	r->downs++;
	send_to(r->front, &r->node, buf, (size_t) n);
}

static void
on_backs(void *arg, uint32_t events)
{
	struct relay *r = arg;

	(void) events;
	for (unsigned way = 0; way < RELAY_WAYS; way++)
		on_back(r, way);
}

static int
open_socket(struct relay *r, struct ev_io *io, void (*fn)(void *arg, uint32_t events))
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *) &any, sizeof(any)), 0);
	ck_assert_int_eq(ev_io_add(r->ev, io, fd, EPOLLIN, fn, r), 0);
	return fd;
}

void
relay_init(struct relay *r, struct ev *ev, const struct sockaddr_in *server)
{
	*r = (struct relay){ .ev = ev, .server = *server };
	r->front = open_socket(r, &r->front_io, on_front);
	r->front_addr = address_of(r->front);
	for (unsigned way = 0; way < RELAY_WAYS; way++)
		r->back[way] = open_socket(r, &r->back_io[way], on_backs);
}

void
relay_fini(struct relay *r)
{
	ev_io_del(r->ev, &r->front_io);
	close(r->front);
	for (unsigned way = 0; way < RELAY_WAYS; way++) {
		ev_io_del(r->ev, &r->back_io[way]);
		close(r->back[way]);
	}
}

bool
relay_is_at(const struct relay *r, unsigned way, const struct udp_end *end)
{
	struct sockaddr_in at = address_of(r->back[way]);

	return ip_port((const struct sockaddr *) &end->peer) == ntohs(at.sin_port);
}
