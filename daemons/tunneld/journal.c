/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/log.h"

#define SIZE_MAX_BYTES 4096	/* of the file: a handful of lines */

/* "PREFIX via ADDRESS dev DEVICE" or "PREFIX dev DEVICE". A line that is not so is left out. */
static void
read_route(struct journal *j, const char *line)
{
	struct journal_route *r = &j->routes[j->nroutes];
	char to[IP_TEXT_MAX], via[IP_TEXT_MAX], more;

	if (j->nroutes == JOURNAL_ROUTES_MAX)
		return;
	*r = (struct journal_route){ .device = "" };
	if (sscanf(line, "%51s via %51s dev %15s %c", to, via, r->device, &more) == 3) {
		if (ip_parse(via, &r->hop.via) < 0)
			return;
	} else if (sscanf(line, "%51s dev %15s %c", to, r->device, &more) != 2) {
		return;
	}
	if (ip_prefix_parse(to, &r->to) == 0)
		j->nroutes++;
}

static void
read_lines(struct journal *j, char *text)
{
	char *save = NULL, name[sizeof(j->device)], more;

	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "device ", 7) == 0 &&
		    sscanf(line + 7, "%15s %c", name, &more) == 1)
			strcpy(j->device, name);
		else if (strncmp(line, "route ", 6) == 0)
			read_route(j, line + 6);
	}
}

int
journal_open(const char *path, struct journal *j, struct err *e)
{
	char text[SIZE_MAX_BYTES + 1];
	ssize_t n;
	int rc;

	*j = (struct journal){ .fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) };
	if (j->fd < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	if (flock(j->fd, LOCK_EX | LOCK_NB) < 0)
		rc = err_set(e, -EBUSY, "%s: another tunneld runs with this state directory", path);
	else if ((n = pread(j->fd, text, SIZE_MAX_BYTES, 0)) < 0)
		rc = err_set(e, -errno, "%s: %s", path, strerror(errno));
	else {
		text[n] = '\0';
		read_lines(j, text);
		return 0;
	}
	close(j->fd);
	j->fd = -1;
	return rc;
}

void
journal_close(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}

int
journal_save(struct journal *j)
{
	char text[SIZE_MAX_BYTES];
	size_t n = 0;

	if (j->device[0] != '\0')
		n += (size_t) snprintf(text, sizeof(text), "device %s\n", j->device);
	for (unsigned i = 0; i < j->nroutes; i++) {
		const struct journal_route *r = &j->routes[i];
		bool direct = r->hop.via.family == 0;

		n += (size_t) snprintf(text + n, sizeof(text) - n, "route %s%s%s dev %s\n",
		    PREFIX_TEXT(&r->to), direct ? "" : " via ",
		    direct ? "" : IP_TEXT(&r->hop.via), r->device);
	}
	/* Shorter than a sector: written whole or not at all. */
	if (pwrite(j->fd, text, n, 0) != (ssize_t) n || ftruncate(j->fd, (off_t) n) < 0 ||
	    fdatasync(j->fd) < 0)
		return -EIO;
	return 0;
}

void
journal_undo_route(struct journal *j, unsigned i, struct netcfg *n)
{
	struct journal_route *r = &j->routes[i];
	int rc = netcfg_index(n, r->device, &r->hop.ifindex);

	if (rc == 0)
		rc = netcfg_route_delete(n, &r->to, &r->hop);
	if (rc < 0 && rc != -ENODEV)	/* a device takes its routes along */
		log_warn("undo_failed", "route=%s error=%s", PREFIX_TEXT(&r->to), err_name(rc));
	j->nroutes--;
	memmove(r, r + 1, (j->nroutes - i) * sizeof(*r));
}

void
journal_undo_routes(struct journal *j, struct netcfg *n)
{
	while (j->nroutes > 0)
		journal_undo_route(j, j->nroutes - 1, n);
	if (journal_save(j) < 0)
		log_warn("journal_failed", "error=EIO");
}
