/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/tunneld/spawner.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/chan.h"
#include "common/clock.h"
#include "common/log.h"
#include "daemons/tunneld/engine.h"
#include "daemons/tunneld/monitor_msg.h"
#include "daemons/tunneld/sandbox_tunneld.h"

#define STEADY_MS 10000		/* after an engine that lived that long the next one begins at once */
#define DELAY_MIN_MS 100
#define DELAY_MAX_MS 5000

static int
next_delay(int delay_ms, int64_t lived_ms)
{
	if (lived_ms >= STEADY_MS)
		return 0;
	delay_ms = delay_ms == 0 ? DELAY_MIN_MS : delay_ms * 2;
	return delay_ms > DELAY_MAX_MS ? DELAY_MAX_MS : delay_ms;
}

/*
 * Forks one engine and hands the monitor its channel. Returns its pid or a negative errno; in the
 * engine itself 0, when it has ended, with its exit status.
 */
static pid_t
spawn(struct tunneld *d, int monitor, int *status_out)
{
	int ends[2], rc;
	pid_t self = getpid(), pid;

	if ((rc = chan_pair(ends)) < 0)
		return rc;
	pid = fork();
	if (pid < 0)
		rc = -errno;
	if (pid == 0) {
		close(ends[0]);
		close(monitor);
		*status_out = engine_run(d, ends[1], self);
		return 0;
	}
	/* Without a monitor the engine finds its channel closed and ends by itself. */
	if (pid > 0)
		rc = chan_send(monitor, MONITOR_ENGINE, NULL, 0, &ends[0], 1);
	close(ends[0]);
	close(ends[1]);
	return rc < 0 ? rc : pid;
}

/* One engine's whole life. True when it ended in a way that calls for another one. */
static bool
serve(pid_t pid, int *status_out)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return false;
	}
	*status_out = WIFEXITED(status) ? WEXITSTATUS(status) : DAEMON_FAILED;
	if (*status_out == DAEMON_OK)
		return false;
	if (*status_out == ENGINE_TOLD)
		return true;
	log_err("engine_died", "pid=%d %s=%d", (int) pid,
	    WIFSIGNALED(status) ? "signal" : "status",
	    WIFSIGNALED(status) ? WTERMSIG(status) : *status_out);
	return true;
}

int
spawner_run(struct tunneld *d, int monitor, pid_t parent)
{
	struct err e = { 0 };
	int status = DAEMON_OK, delay_ms = 0;
	bool again = true;

	log_rename("tunneld-spawner");
	/* The monitor decides when to stop; init may signal the whole group. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (priv_drop(&d->user, 0, &e) < 0)
		return (int) daemon_fail(&d->daemon, DAEMON_OS, &e);
	if (!priv_die_with_parent(parent))	/* after the drop, which would have cleared it */
		return DAEMON_OK;
	if (sandbox_enter_spawner(d, &e) < 0)
		return (int) daemon_fail(&d->daemon, DAEMON_OS, &e);
	while (again) {
		int64_t begin = clock_mono_ms();
		pid_t pid = spawn(d, monitor, &status);

		if (pid == 0)
			return status;
		if (pid < 0) {
			if (pid != -EPIPE)	/* the monitor is ending: nothing to say */
				log_err("engine_fork_failed", "error=%s", err_name(pid));
			status = DAEMON_OS;
			break;
		}
		again = serve(pid, &status);
		delay_ms = next_delay(delay_ms, clock_mono_ms() - begin);
		if (again)
			poll(NULL, 0, delay_ms);
	}
	close(monitor);
	return status;
}
