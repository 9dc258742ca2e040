/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ipamd/codec_methods.h"

#include "common/reason.h"

/* What ctld asks of the daemon itself. */

int
codec_reload(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	(void) req;
	return verbosity_reload(&env->upkeep->verbosity, env->upkeep->conf_path, &a->err);
}

int
codec_set_log_level(const struct codec_env *env, const Litevpn__Ipam__Request *req,
    struct answer *a)
{
	const Litevpn__Ipam__SetLogLevel *m = req->set_log_level;
	struct verbosity *v = &env->upkeep->verbosity;

	if (m->level > LOG_LV_DEBUG || m->for_ms < 0)
		return err_set(&a->err, -REASON_FIELD_INVALID, "level: there is no such one");
	if (m->reset)
		verbosity_configure(v, v->configured);
	else
		verbosity_want(v, (enum log_level) m->level, m->for_ms);
	return 0;
}

void
codec_upkept(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	(void) env;
	codec_put(a, r);
}

int
codec_read_backup(const struct codec_env *env, const Litevpn__Ipam__Request *req, struct answer *a)
{
	const Litevpn__Ipam__ReadBackup *m = req->read_backup;

	if (!m->end)
		return hotcopy_read(env->upkeep->hotcopy, m->id, m->offset,
		    env->ledger->events.newest, &a->part, &a->err);
	hotcopy_drop(env->upkeep->hotcopy, m->id);
	a->part = NULL;
	return 0;
}

void
codec_backup_part(const struct codec_env *env, struct answer *a, Litevpn__Ipam__Reply *r)
{
	Litevpn__Ipam__BackupPart m = LITEVPN__IPAM__BACKUP_PART__INIT;
	const struct hotcopy_part *part = a->part;

	(void) env;
	if (part != NULL) {
		m.id = part->id;
		m.copied = part->copied;
		m.size = part->size;
		m.revision = part->revision;
		m.data = (ProtobufCBinaryData){ part->len, (uint8_t *) part->data };
		if (part->whole)
			m.sha256 = (ProtobufCBinaryData){ DIGEST_LEN, (uint8_t *) part->sha256 };
	}
	r->body_case = LITEVPN__IPAM__REPLY__BODY_BACKUP_PART;
	r->backup_part = &m;
	codec_put(a, r);
}
