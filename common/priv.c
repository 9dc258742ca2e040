/* SPDX-License-Identifier: Apache-2.0 */
#include "common/priv.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

bool
priv_is_root(void)
{
	return geteuid() == 0;
}

int
priv_user(const char *name, struct priv_user *out, struct err *e)
{
	struct passwd *pw;

	if (!priv_is_root()) {
		*out = (struct priv_user){ geteuid(), getegid() };
		return 0;
	}
	errno = 0;
	if ((pw = getpwnam(name)) == NULL)
		return err_set(e, errno == 0 ? -ENOENT : -errno,
		    "user %s does not exist; create it, as systemd-sysusers does from sysusers.d/litevpn.conf",
		    name);
	*out = (struct priv_user){ pw->pw_uid, pw->pw_gid };
	return 0;
}

int
priv_group(const char *name, gid_t *gid_out, struct err *e)
{
	struct group *gr;

	if (!priv_is_root()) {
		*gid_out = getegid();
		return 0;
	}
	errno = 0;
	if ((gr = getgrnam(name)) == NULL)
		return err_set(e, errno == 0 ? -ENOENT : -errno,
		    "group %s does not exist; create it, as systemd-sysusers does from sysusers.d/litevpn.conf",
		    name);
	*gid_out = gr->gr_gid;
	return 0;
}

void
priv_close_inherited(void)
{
	close_range(3, ~0U, 0);
}

/* What must hold afterwards, asked of the kernel, not of the calls that were to bring it about. */
static int
verify(const struct priv_user *user, uint64_t keep, struct err *e)
{
	uid_t r, f, s;
	gid_t gr, gf, gs;

	if (getresuid(&r, &f, &s) < 0 || getresgid(&gr, &gf, &gs) < 0)
		return err_set(e, -errno, "cannot read the process's ids");
	if (r != user->uid || f != user->uid || s != user->uid || gr != user->gid ||
	    gf != user->gid || gs != user->gid)
		return err_set(e, -EPERM, "the process's ids are not those asked for");
	if (user->uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
		return err_set(e, -EPERM, "root could be regained");
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_get_caps_process() != 0)
		return err_set(e, -EIO, "cannot read the process's capabilities");
	for (unsigned c = 0; c <= CAP_LAST_CAP; c++) {
		if (capng_have_capability(CAPNG_EFFECTIVE, c) != (int) (keep >> c & 1) ||
		    capng_have_capability(CAPNG_PERMITTED, c) != (int) (keep >> c & 1))
			return err_set(e, -EPERM, "capability %s is not as asked for",
			    capng_capability_to_name(c));
	}
	return 0;
}

int
priv_drop(const struct priv_user *user, uint64_t keep, struct err *e)
{
	struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return err_set(e, -errno, "cannot forbid core dumps: %s", strerror(errno));
	if (priv_is_root()) {
		capng_clear(CAPNG_SELECT_BOTH);
		for (unsigned c = 0; c <= CAP_LAST_CAP; c++) {
			if ((keep >> c & 1) != 0)
				capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, c);
		}
		if (user->uid != 0) {
			if (capng_change_id((int) user->uid, (int) user->gid,
			    CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING | CAPNG_CLEAR_AMBIENT) != 0)
				return err_set(e, -EPERM, "cannot become uid %d", (int) user->uid);
		} else if (setgroups(0, NULL) < 0 || capng_apply(CAPNG_SELECT_BOTH) != 0) {
			return err_set(e, -EPERM, "cannot drop capabilities");
		}
	}
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(e, -errno, "prctl: %s", strerror(errno));
	return verify(user, keep, e);
}

bool
priv_die_with_parent(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	return getppid() == parent;
}
