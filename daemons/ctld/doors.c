/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/doors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/ip.h"
#include "common/log.h"
#include "daemons/ctld/guests.h"

#define BATCH 32	/* connections per wake-up: signals and the signer want their turn */
#define PAUSE_MS 200	/* without descriptors: who comes waits in the backlog */
#define COMPLAIN_MS 10000	/* a trouble that stays is a line this often, not one per connection */

struct door {
	struct doors *all;
	enum listener from;
	int fd;
	struct ev_io io;
	struct ev_timer pause;
};

/* A trouble in the log: what has come since the last line. */
struct trouble {
	int64_t next_ms;
	uint64_t count;
};

struct doors {
	struct ev *ev;
	doors_connected *connected;
	void *arg;
	struct guests *guests[LISTENERS];
	struct trouble crowded, starved;
	uint64_t let_in[LISTENERS], over_share, over_total, no_descriptors;
	size_t n;
	struct door list[LISTEN_MAX];
};

static const char *const names[LISTENERS] = {
	[LISTENER_CONTROL] = "control",
	[LISTENER_BOOTSTRAP] = "bootstrap",
	[LISTENER_ADMIN] = "admin",
};

/* --- who comes -------------------------------------------------------------------------------- */

/* Is it time for a line; then *count_out is how often the trouble has come since the last one. */
static bool
is_due(struct trouble *t, uint64_t *count_out)
{
	int64_t now = clock_mono_ms();

	t->count++;
	if (now < t->next_ms)
		return false;
	*count_out = t->count;
	*t = (struct trouble){ now + COMPLAIN_MS, 0 };
	return true;
}

static bool
inode_of(int fd, uint64_t *out)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return false;
	*out = st.st_ino;
	return true;
}

static bool
is_gone(struct guest_id id)
{
	uint64_t inode;

	return !inode_of(id.fd, &inode) || inode != id.inode;
}

/* text_out: of the same, for the log */
static struct guest_source
source_of(int fd, const struct sockaddr_storage *ss, char text_out[IP_TEXT_MAX])
{
	struct ucred peer = { .uid = (uid_t) -1 };
	socklen_t len = sizeof(peer);
	struct ip_addr addr;

	if (ss->ss_family == AF_UNIX) {
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
		snprintf(text_out, IP_TEXT_MAX, "uid-%d", (int) peer.uid);
		return guests_source_uid(peer.uid);
	}
	addr = ip_from_sockaddr((const struct sockaddr *) ss);
	ip_format(&addr, text_out);
	return guests_source_ip(&addr);
}

static void
refuse(struct door *door, int fd, const char *source, int rc)
{
	uint64_t count;

	*(rc == -EUSERS ? &door->all->over_share : &door->all->over_total) += 1;
	close(fd);
	if (is_due(&door->all->crowded, &count))
		log_warn("connection_refused", "listener=%s source=%s because=%s count=%" PRIu64,
		    names[door->from], source, rc == -EUSERS ? "source_limit" : "total_limit",
		    count);
}

static void
welcome(struct door *door, int fd, const struct sockaddr_storage *ss)
{
	struct doors *d = door->all;
	char text[IP_TEXT_MAX];
	struct guest_source source = source_of(fd, ss, text);
	struct guest_id id = { .fd = fd };
	int rc = -EUSERS;

	if (inode_of(fd, &id.inode))
		rc = guests_admit(d->guests[door->from], &source, id, clock_mono_ms());
	if (rc < 0) {
		refuse(door, fd, text, rc);
		return;
	}
	log_debug("connected", "listener=%s source=%s", names[door->from], text);
	d->let_in[door->from]++;
	d->connected(d->arg, door->from, fd);
}

/* --- listening -------------------------------------------------------------------------------- */

static void
resume(void *arg)
{
	struct door *door = arg;

	ev_io_mod(door->all->ev, &door->io, EPOLLIN);
}

/* Loud, since nobody is let in meanwhile, and bounded. */
static void
pause_door(struct door *door, int error)
{
	uint64_t count;

	door->all->no_descriptors++;
	if (is_due(&door->all->starved, &count))
		log_err("accept_paused", "listener=%s error=%s count=%" PRIu64
		    " remedy=\"raise the limit of open files\"", names[door->from],
		    err_name(-error), count);
	ev_io_mod(door->all->ev, &door->io, 0);
	ev_timer_start(door->all->ev, &door->pause, PAUSE_MS, resume, door);
}

static void
on_door(void *arg, uint32_t events)
{
	struct door *door = arg;

	(void) events;
	for (unsigned i = 0; i < BATCH; i++) {
		struct sockaddr_storage ss = { 0 };
		socklen_t len = sizeof(ss);
		int fd = accept4(door->fd, (struct sockaddr *) &ss, &len,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			welcome(door, fd, &ss);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			pause_door(door, errno);
			return;
		}
		if (errno == EAGAIN)
			return;	/* the others concern one connection */
	}
}

/* consumes: fd */
static int
add(struct doors *d, enum listener from, int fd)
{
	struct door *door = &d->list[d->n];
	int rc;

	*door = (struct door){ .all = d, .from = from, .fd = fd };
	if ((rc = ev_io_add(d->ev, &door->io, fd, EPOLLIN, on_door, door)) < 0)
		close(fd);
	else
		d->n++;
	return rc;
}

int
doors_new(struct ev *ev, struct listening *listening, doors_connected *connected, void *arg,
    struct doors **out, struct err *e)
{
	struct doors *d = calloc(1, sizeof(*d));
	int rc = d == NULL ? -ENOMEM : 0;

	if (d != NULL)
		*d = (struct doors){ .ev = ev, .connected = connected, .arg = arg };
	for (enum listener l = 0; l < LISTENERS && rc == 0; l++) {
		d->guests[l] = guests_new(DOORS_TOTAL_MAX, DOORS_SOURCE_MAX, is_gone);
		rc = d->guests[l] == NULL ? -ENOMEM : 0;
	}
	while (listening->n > 0 && rc == 0) {
		listening->n--;
		rc = add(d, listening->list[listening->n].from, listening->list[listening->n].fd);
	}
	if (rc < 0) {
		listen_close(listening);
		doors_free(d);
		return err_set(e, rc, "cannot accept connections: %s", err_text(rc));
	}
	*out = d;
	return 0;
}

void
doors_show(const struct doors *d, struct metrics *out)
{
	for (enum listener l = 0; l < LISTENERS; l++)
		metrics_add(out, METRIC_CONNECTIONS, "ctld", names[l], (double) d->let_in[l]);
	metrics_add(out, METRIC_CONNECTIONS_REFUSED, "ctld", "source", (double) d->over_share);
	metrics_add(out, METRIC_CONNECTIONS_REFUSED, "ctld", "total", (double) d->over_total);
	metrics_add(out, METRIC_CONNECTIONS_REFUSED, "ctld", "descriptors",
	    (double) d->no_descriptors);
}

void
doors_free(struct doors *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n; i++) {
		ev_timer_stop(d->ev, &d->list[i].pause);
		ev_io_del(d->ev, &d->list[i].io);
		close(d->list[i].fd);
	}
	for (enum listener l = 0; l < LISTENERS; l++)
		guests_free(d->guests[l]);
	free(d);
}
