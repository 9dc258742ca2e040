/* SPDX-License-Identifier: Apache-2.0 */
#include "common/usage.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "config.h"

void
usage_open(struct usage *u)
{
	u->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	u->fds = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	u->started_s = clock_utc_s();
}

static void
close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
usage_close(struct usage *u)
{
	close_one(&u->statm);
	close_one(&u->fds);
}

static void
show_memory(const struct usage *u, const char *daemon, struct metrics *m)
{
	char text[128];
	ssize_t n = u->statm < 0 ? -1 : pread(u->statm, text, sizeof(text) - 1, 0);
	unsigned long long size, resident;

	if (n <= 0)
		return;
	text[n] = '\0';
	if (sscanf(text, "%llu %llu", &size, &resident) == 2)
		metrics_add(m, METRIC_RESIDENT_BYTES, daemon, "",
		    (double) resident * (double) sysconf(_SC_PAGESIZE));
}

/*
 * Linux from 6.2 on says how many there are as the directory's size. Before, it could be read, but
 * that is a system call more for four processes.
 */
static void
show_fds(const struct usage *u, const char *daemon, struct metrics *m)
{
	struct stat st;

	if (u->fds >= 0 && fstat(u->fds, &st) == 0 && st.st_size > 0)
		metrics_add(m, METRIC_OPEN_FDS, daemon, "", (double) st.st_size);
}

static void
show_cpu(const char *daemon, struct metrics *m)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == 0)
		metrics_add(m, METRIC_CPU_SECONDS, daemon, "",
		    (double) ts.tv_sec + (double) ts.tv_nsec / 1e9);
}

void
usage_show(const struct usage *u, const char *daemon, struct metrics *m)
{
	metrics_add(m, METRIC_BUILD_INFO, daemon, PACKAGE_VERSION, 1);
	metrics_add(m, METRIC_START_TIME, daemon, "", (double) u->started_s);
	show_cpu(daemon, m);
	show_memory(u, daemon, m);
	show_fds(u, daemon, m);
}
