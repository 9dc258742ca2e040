/* SPDX-License-Identifier: Apache-2.0 */
#include "common/places.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/priv.h"
#include "config.h"

static int
join(char out[PLACES_PATH_MAX], const char *dir, const char *name, struct err *e)
{
	if (snprintf(out, PLACES_PATH_MAX, "%s/%s", dir, name) >= PLACES_PATH_MAX)
		return err_set(e, -ENAMETOOLONG, "%s: the path is too long", dir);
	return 0;
}

int
places_init(struct places *p, const char *run_dir, const char *state_dir, struct err *e)
{
	const struct {
		char *out;
		const char *dir, *name;
	} rows[] = {
		{ p->ipamd_run, run_dir, "ipamd" },
		{ p->tunneld_run, run_dir, "tunneld" },
		{ p->admin_run, run_dir, "admin" },
		{ p->ipamd_rpc, run_dir, "ipamd/rpc.sock" },
		{ p->ipamd_events, run_dir, "ipamd/events.sock" },
		{ p->tunneld_control, run_dir, "tunneld/control.sock" },
		{ p->ctld_admin, run_dir, "admin/ctld.sock" },
		{ p->ipamd_state, state_dir, "ipamd" },
		{ p->tunneld_state, state_dir, "tunneld" },
		{ p->ipamd_db, state_dir, "ipamd/litevpn.db" },
		{ p->grant_key, state_dir, "ipamd/grant.key" },
		{ p->grant_pub, state_dir, "ipamd/grant.pub" },
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && rc == 0; i++)
		rc = join(rows[i].out, rows[i].dir, rows[i].name, e);
	return rc;
}

/* mkdir -p, each missing parent 0755 whatever the umask: other users pass through it. */
static int
make_parents(const char *path, struct err *e)
{
	char part[PLACES_PATH_MAX];

	for (const char *slash = strchr(path + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int) (slash - path), path);
		if (mkdir(part, 0755) < 0 ? errno != EEXIST : chmod(part, 0755) < 0)
			return err_set(e, -errno, "%s: cannot make it: %s", part, strerror(errno));
	}
	return 0;
}

static int
make_dir(const char *path, uid_t uid, gid_t gid, mode_t mode, struct err *e)
{
	struct stat st;
	int rc;

	if ((rc = make_parents(path, e)) < 0)
		return rc;
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return err_set(e, -errno, "%s: cannot make it: %s", path, strerror(errno));
	if (lstat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_set(e, -ENOTDIR, "%s: is not a directory", path);
	if ((st.st_uid != uid || st.st_gid != gid) && lchown(path, uid, gid) < 0)
		return err_set(e, -errno, "%s: cannot change its owner: %s", path, strerror(errno));
	if ((st.st_mode & 07777) != mode && chmod(path, mode) < 0)
		return err_set(e, -errno, "%s: cannot change its mode: %s", path, strerror(errno));
	return 0;
}

/* An ordinary user can have all this as its own, but not at root's places. */
static int
explain(int rc, const char *run_dir, const char *state_dir, struct err *e)
{
	if ((rc != -EPERM && rc != -EACCES) || priv_is_root())
		return rc;
	return err_set(e, rc, "must be started as root, or by the owner of runDir (%s) and "
	    "stateDir (%s)", run_dir, state_dir);
}

/* The two directories that hold the others: root's, everybody may pass. */
static int
make_tops(const char *run_dir, const char *state_dir, struct err *e)
{
	int rc = make_dir(run_dir, geteuid(), getegid(), 0755, e);

	return rc < 0 ? rc : make_dir(state_dir, geteuid(), getegid(), 0755, e);
}

int
places_make(const struct places *p, const char *run_dir, const char *state_dir, struct err *e)
{
	struct priv_user tunneld, ipamd, ctld, root = { geteuid(), getegid() };
	gid_t group, admin;
	int rc;

	if ((rc = priv_user(LV_USER_TUNNELD, &tunneld, e)) < 0 ||
	    (rc = priv_user(LV_USER_IPAMD, &ipamd, e)) < 0 ||
	    (rc = priv_user(LV_USER_CTLD, &ctld, e)) < 0 ||
	    (rc = priv_group(LV_GROUP, &group, e)) < 0 ||
	    (rc = priv_group(LV_GROUP_ADMIN, &admin, e)) < 0)
		return rc;
	if ((rc = make_tops(run_dir, state_dir, e)) < 0)
		return explain(rc, run_dir, state_dir, e);

	const struct {
		const char *path;
		uid_t uid;
		gid_t gid;
		mode_t mode;
	} rows[] = {
		{ p->ipamd_run, ipamd.uid, group, 0750 },
		{ p->tunneld_run, tunneld.uid, group, 0750 },
		{ p->admin_run, ctld.uid, admin, 0750 },
		/* 0711: the signer, of another user, reads grant.pub in it; all else is 0600. */
		{ p->ipamd_state, ipamd.uid, ipamd.gid, 0711 },
		{ p->tunneld_state, root.uid, root.gid, 0700 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && rc == 0; i++)
		rc = make_dir(rows[i].path, rows[i].uid, rows[i].gid, rows[i].mode, e);
	return explain(rc, run_dir, state_dir, e);
}

int
places_make_node(const struct places *p, const char *run_dir, const char *state_dir, struct err *e)
{
	int rc = make_tops(run_dir, state_dir, e);

	return rc < 0 ? rc : make_dir(p->tunneld_state, geteuid(), getegid(), 0700, e);
}
