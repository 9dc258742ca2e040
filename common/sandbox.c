/* SPDX-License-Identifier: Apache-2.0 */
#include "common/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/log.h"

/* clang-format off */
const struct sandbox_call sandbox_base[] = {
	SANDBOX_OK(read, "files and descriptors that it holds"),
	SANDBOX_OK(pread64, "the same"),
	SANDBOX_OK(readv, "the same"),
	SANDBOX_OK(write, "log, wake-ups"),
	SANDBOX_OK(writev, "the same"),
	SANDBOX_OK(close, "descriptors that it holds"),
	SANDBOX_OK(dup, "stdio"),
	SANDBOX_OK(dup2, "the terminal is given up when the daemon is ready"),
	SANDBOX_OK(dup3, "the same"),
	SANDBOX_OK(fcntl, "non-blocking, close-on-exec"),
	SANDBOX_OK(fstat, "file types"),
	SANDBOX_OK(newfstatat, "fstat of newer glibc; paths are Landlock's matter"),
	SANDBOX_OK(lseek, "stdio"),
	SANDBOX_OK(brk, "malloc"),
	SANDBOX_ARG(mmap, 2, PROT_EXEC, 0, "malloc, thread stacks; never executable"),
	SANDBOX_ARG(mprotect, 2, PROT_EXEC, 0, "malloc, thread stacks; never executable"),
	SANDBOX_OK(munmap, "malloc"),
	SANDBOX_OK(mremap, "realloc"),
	SANDBOX_OK(madvise, "malloc gives pages back"),
	SANDBOX_OK(futex, "locks"),
	SANDBOX_OK(clock_gettime, "where the vDSO cannot answer"),
	SANDBOX_OK(gettimeofday, "the same"),
	SANDBOX_OK(clock_nanosleep, "waits of libraries"),
	SANDBOX_OK(nanosleep, "the same"),
	SANDBOX_OK(restart_syscall, "after a stop signal"),
	SANDBOX_OK(getrandom, "keys, tokens, hash seeds"),
	SANDBOX_OK(getpid, "log lines"),
	SANDBOX_OK(getppid, "is the parent still there"),
	SANDBOX_OK(gettid, "log lines, locks"),
	SANDBOX_OK(getuid, "libraries ask for secure mode"),
	SANDBOX_OK(geteuid, "the same"),
	SANDBOX_OK(getgid, "the same"),
	SANDBOX_OK(getegid, "the same"),
	SANDBOX_OK(rt_sigaction, "abort"),
	SANDBOX_OK(rt_sigprocmask, "abort, thread start"),
	SANDBOX_OK(rt_sigreturn, "signal handlers"),
	SANDBOX_OK(sigaltstack, "thread end"),
	SANDBOX_OK(tgkill, "abort"),
	SANDBOX_OK(exit, "thread end"),
	SANDBOX_OK(exit_group, "process end"),
	SANDBOX_OK(poll, "readiness"),
	SANDBOX_OK(ppoll, "readiness"),
	SANDBOX_OK(sendmsg, "channels, sockets that it holds"),
	SANDBOX_OK(recvmsg, "the same"),
	SANDBOX_OK(sendto, "the same"),
	SANDBOX_OK(recvfrom, "the same"),
	SANDBOX_OK(shutdown, "the same"),
	SANDBOX_OK(epoll_create1, "event loop"),
	SANDBOX_OK(epoll_ctl, "event loop"),
	SANDBOX_OK(epoll_wait, "event loop"),
	SANDBOX_OK(epoll_pwait, "event loop"),
	SANDBOX_OK(eventfd2, "wake-ups"),
	SANDBOX_OK(signalfd4, "signals as readiness"),
	SANDBOX_OK(socketpair, "channels"),
	SANDBOX_NO(readlink, "malloc and libraries look at /proc/self"),
	SANDBOX_NO(prlimit64, "libraries ask for limits"),
#ifdef LV_SANITIZE
	SANDBOX_OK(openat, "sanitizers read /proc"),
	SANDBOX_OK(open, "the same"),
	SANDBOX_OK(ptrace, "LeakSanitizer stops threads"),
	SANDBOX_OK(clone, "LeakSanitizer's tracer"),
	SANDBOX_OK(wait4, "LeakSanitizer's tracer"),
	SANDBOX_OK(getdents, "LeakSanitizer lists threads"),
	SANDBOX_OK(getdents64, "the same"),
	SANDBOX_OK(prctl, "LeakSanitizer makes itself dumpable"),
	SANDBOX_OK(sched_yield, "sanitizer locks"),
	SANDBOX_OK(mmap, "shadow memory"),
	SANDBOX_OK(sched_getaffinity, "sanitizers count processors"),
#endif
	SANDBOX_END
};

const struct sandbox_call sandbox_threads[] = {
	SANDBOX_OLD(clone3, "its flags lie in memory, where a filter does not see them"),
	SANDBOX_ARG(clone, 0, CLONE_THREAD, CLONE_THREAD, "threads of nng and gRPC, no process"),
	SANDBOX_OK(set_robust_list, "thread start"),
	SANDBOX_OK(rseq, "thread start"),
	SANDBOX_OK(sched_yield, "spinning locks"),
	SANDBOX_OK(sched_getaffinity, "how many threads to run"),
	SANDBOX_OK(sysinfo, "the same"),
	SANDBOX_OK(getcpu, "the same"),
	SANDBOX_ARG(prctl, 0, ~(uint64_t) 0, 15, "PR_SET_NAME of threads"),
	SANDBOX_OK(pipe2, "wake-ups of libraries"),
	SANDBOX_ARG(socket, 0, ~(uint64_t) 0, AF_UNIX, "sockets between the daemons"),
	SANDBOX_OK(connect, "sockets between the daemons"),
	SANDBOX_OK(bind, "sockets between the daemons"),
	SANDBOX_OK(listen, "sockets between the daemons"),
	SANDBOX_OK(accept, "sockets between the daemons"),
	SANDBOX_OK(accept4, "sockets between the daemons"),
	SANDBOX_OK(getsockname, "sockets between the daemons"),
	SANDBOX_OK(getpeername, "sockets between the daemons"),
	SANDBOX_OK(getsockopt, "who is the peer"),
	SANDBOX_OK(setsockopt, "socket options"),
	SANDBOX_OK(chmod, "nng sets the mode of its own socket; only the owner of a file can"),
	SANDBOX_OK(fchmodat, "the same"),
	SANDBOX_OK(unlink, "nng removes its own socket; Landlock limits it"),
	SANDBOX_NO(openat, "glibc reads /sys/devices/system/cpu when threads start"),
	SANDBOX_NO(open, "the same"),
	SANDBOX_END
};
/* clang-format on */

/* --- seccomp ---------------------------------------------------------------------------------- */

static int
add_call(scmp_filter_ctx ctx, const struct sandbox_call *c)
{
	static const uint32_t acts[] = {
		[SANDBOX_ALLOW] = SCMP_ACT_ALLOW,
		[SANDBOX_DENY] = SCMP_ACT_ERRNO(EACCES),
		[SANDBOX_ABSENT] = SCMP_ACT_ERRNO(ENOSYS),
	};
	struct scmp_arg_cmp cmp[] = {
		{ .arg = c->arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = c->mask, .datum_b = c->value },
		{ .arg = c->more, .op = SCMP_CMP_EQ, .datum_a = c->equals },
	};

	return seccomp_rule_add_array(ctx, acts[c->act], c->nr,
	    !c->by_arg ? 0 : c->more == 0 ? 1 : 2, cmp);
}

/* Does an earlier or later table allow the call whole? Then a denial of it does not count. */
static bool
allowed_elsewhere(const struct sandbox *sb, int nr)
{
	for (const struct sandbox_call *const *t = sb->calls; *t != NULL; t++) {
		for (const struct sandbox_call *c = *t; c->why != NULL; c++) {
			if (c->nr == nr && c->act == SANDBOX_ALLOW && !c->by_arg)
				return true;
		}
	}
	return false;
}

static int
load_seccomp(const struct sandbox *sb, enum sandbox_mode mode, struct err *e)
{
	scmp_filter_ctx ctx = seccomp_init(
	    mode == SANDBOX_KILL ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM));
	int rc = ctx == NULL ? -ENOMEM : 0;

	for (const struct sandbox_call *const *t = sb->calls; rc == 0 && *t != NULL; t++) {
		for (const struct sandbox_call *c = *t; rc == 0 && c->why != NULL; c++) {
			if (c->act == SANDBOX_ALLOW && !c->by_arg)
				rc = add_call(ctx, c);
			else if (!allowed_elsewhere(sb, c->nr))
				rc = add_call(ctx, c);
		}
	}
	if (rc == 0)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0)
		rc = seccomp_load(ctx);
	if (ctx != NULL)
		seccomp_release(ctx);
	if (rc < 0)
		return err_set(e, rc, "cannot load the system call filter: %s", strerror(-rc));
	return 0;
}

/* --- Landlock: the kernel's numbers, since Debian 12's headers know only the first ------------ */

#define LL_EXECUTE     (1u << 0)
#define LL_WRITE_FILE  (1u << 1)
#define LL_READ_FILE   (1u << 2)
#define LL_READ_DIR    (1u << 3)
#define LL_REMOVE_DIR  (1u << 4)
#define LL_REMOVE_FILE (1u << 5)
#define LL_MAKE_REG    (1u << 8)
#define LL_MAKE_SOCK   (1u << 9)
#define LL_REFER       (1u << 13)
#define LL_TRUNCATE    (1u << 14)
#define LL_FS_ABI1     ((1u << 13) - 1)
#define LL_FS_FILE     (LL_EXECUTE | LL_WRITE_FILE | LL_READ_FILE | LL_TRUNCATE)
#define LL_NET_ALL     3u	/* bind and connect TCP */
#define LL_SCOPE_ALL   3u	/* abstract unix sockets, signals */

struct ll_ruleset {
	uint64_t fs, net, scope;
};

struct ll_path {
	uint64_t access;
	int32_t fd;
} __attribute__((packed));

static uint64_t
path_access(unsigned rights, uint64_t handled, bool is_dir)
{
	uint64_t a = 0;

	if ((rights & SANDBOX_READ) != 0)
		a |= LL_READ_FILE | LL_READ_DIR;
	if ((rights & SANDBOX_WRITE) != 0)
		a |= LL_WRITE_FILE | LL_TRUNCATE | LL_REMOVE_FILE | LL_MAKE_REG | LL_REFER;
	if ((rights & SANDBOX_SOCKET) != 0)
		a |= LL_MAKE_SOCK | LL_REMOVE_FILE;
	return a & handled & (is_dir ? ~0u : LL_FS_FILE);
}

static int
add_path(int ruleset, const struct sandbox_path *p, uint64_t handled)
{
	struct stat st;
	struct ll_path rule;
	int rc = 0;

	rule.fd = open(p->path, O_PATH | O_CLOEXEC);
	if (rule.fd < 0)
		/* of no use to us either way */
		return errno == ENOENT || errno == EACCES ? 0 : -errno;
	if (fstat(rule.fd, &st) < 0)
		rc = -errno;
	rule.access = path_access(p->rights, handled, S_ISDIR(st.st_mode));
	if (rc == 0 && syscall(SYS_landlock_add_rule, ruleset, 1, &rule, 0) < 0)
		rc = -errno;
	close(rule.fd);
	return rc;
}

static int
load_landlock(const struct sandbox *sb, struct err *e)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
	struct ll_ruleset rs = { .fs = LL_FS_ABI1 };
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	int fd, rc = 0;

	if (abi < 1) {
		log_warn("landlock_missing", "error=%s consequence=\"files are guarded by owner "
		    "and mode only\"", err_name(-errno));
		return 0;
	}
	rs.fs |= (abi >= 2 ? LL_REFER : 0) | (abi >= 3 ? LL_TRUNCATE : 0);
	rs.net = abi >= 4 && !sb->tcp ? LL_NET_ALL : 0;
	rs.scope = abi >= 6 ? LL_SCOPE_ALL : 0;
	fd = (int) syscall(SYS_landlock_create_ruleset, &rs, size, 0);
	if (fd < 0)
		return err_set(e, -errno, "Landlock: %s", strerror(errno));
	for (size_t i = 0; i < sb->npaths && rc == 0; i++) {
		rc = add_path(fd, &sb->paths[i], rs.fs);
		if (rc < 0)
			err_set(e, rc, "Landlock: %s: %s", sb->paths[i].path, strerror(-rc));
	}
	if (rc == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		rc = err_set(e, -errno, "Landlock: %s", strerror(errno));
	close(fd);
	return rc;
}

#ifdef LV_SANITIZE
static const bool use_landlock = false;	/* sanitizers read /proc/self/maps when they report */
#else
static const bool use_landlock = true;
#endif

int
sandbox_load(const struct sandbox *sb, enum sandbox_mode mode, struct err *e)
{
	int rc = 0;

	if (use_landlock)
		rc = load_landlock(sb, e);
	if (rc == 0)
		rc = load_seccomp(sb, mode, e);
	if (rc < 0)
		return err_prefix(e, "sandbox of %s", sb->name);
	log_debug("sandbox_loaded", "process=%s mode=%s", sb->name,
	    mode == SANDBOX_KILL ? "kill" : "errno");
	return 0;
}

/* --- what must fail --------------------------------------------------------------------------- */

/* Called with arguments that do no harm, and fail in another way where nothing forbids them. */
static long
try_exec(void)
{
	return syscall(SYS_execve, "", NULL, NULL);
}

static long
try_unshare(void)
{
	return unshare(0);
}

static long
try_clone3(void)
{
	return syscall(SYS_clone3, NULL, 0);
}

static long
try_io_uring(void)
{
	return syscall(SYS_io_uring_setup, 0, NULL);
}

#ifndef LV_SANITIZE
static long
try_ptrace(void)
{
	return ptrace((enum __ptrace_request) -1, -1, NULL, NULL);
}

static long
try_open(void)
{
	return open("/usr/bin/env", O_RDONLY | O_CLOEXEC);
}
#endif

static const struct {
	long (*fn)(void);
	const char *what;
} tries[] = {
	{ try_exec, "run a program" },
	{ try_unshare, "make namespaces" },
	{ try_clone3, "make namespaces by clone3" },
	{ try_io_uring, "use io_uring" },
#ifndef LV_SANITIZE
	{ try_ptrace, "trace processes" },
	{ try_open, "read /usr/bin/env" },
#endif
};

int
sandbox_verify(const struct sandbox *sb, enum sandbox_mode mode, struct err *e)
{
	if (mode == SANDBOX_KILL)
		return 0;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		long rc = tries[i].fn();

		if (rc < 0 && (errno == EPERM || errno == EACCES || errno == ENOSYS))
			continue;
		return err_set(e, -EPERM, "sandbox of %s does not hold: the process could %s",
		    sb->name, tries[i].what);
	}
	return 0;
}
