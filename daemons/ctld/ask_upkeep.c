/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/ask_upkeep.h"

#include <string.h>

#include "common/reason.h"
#include "ipc/ipam.pb-c.h"
#include "ipc/tunneld.pb-c.h"

/* --- both of them ----------------------------------------------------------------------------- */

static int
decode_ipam(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply = (const Litevpn__Ipam__Reply *) msg;

	(void) out;
	return backend_result(reply->result, reply->detail, e);
}

static int
decode_tunneld(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Tunneld__Reply *reply = (const Litevpn__Tunneld__Reply *) msg;

	(void) out;
	return backend_result(reply->result, reply->detail, e);
}

static void
ask_ipam(struct backend *b, struct call *c, const Litevpn__Ipam__Request *req, backend_next *next)
{
	backend_ask(b, BACKEND_IPAMD, c, &req->base, decode_ipam, NULL, next);
}

static void
ask_tunneld(struct backend *b, struct call *c, const Litevpn__Tunneld__Request *req,
    backend_next *next)
{
	backend_ask(b, BACKEND_TUNNELD, c, &req->base, decode_tunneld, NULL, next);
}

void
upkeep_reload(struct backend *b, enum backend_peer peer, struct call *c, backend_next *next)
{
	Litevpn__Ipam__Request ipam = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__Reload ipam_reload = LITEVPN__IPAM__RELOAD__INIT;
	Litevpn__Tunneld__Request tunneld = LITEVPN__TUNNELD__REQUEST__INIT;
	Litevpn__Tunneld__Reload tunneld_reload = LITEVPN__TUNNELD__RELOAD__INIT;

	ipam.body_case = LITEVPN__IPAM__REQUEST__BODY_RELOAD;
	ipam.reload = &ipam_reload;
	tunneld.body_case = LITEVPN__TUNNELD__REQUEST__BODY_RELOAD;
	tunneld.reload = &tunneld_reload;
	if (peer == BACKEND_IPAMD)
		ask_ipam(b, c, &ipam, next);
	else
		ask_tunneld(b, c, &tunneld, next);
}

static void
set_ipam_level(struct backend *b, struct call *c, const struct upkeep_level *want,
    backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;
	Litevpn__Ipam__SetLogLevel set = LITEVPN__IPAM__SET_LOG_LEVEL__INIT;

	set.level = want->level;
	set.for_ms = want->for_ms;
	set.reset = want->reset;
	req.body_case = LITEVPN__IPAM__REQUEST__BODY_SET_LOG_LEVEL;
	req.set_log_level = &set;
	ask_ipam(b, c, &req, next);
}

static void
set_tunneld_level(struct backend *b, struct call *c, const struct upkeep_level *want,
    backend_next *next)
{
	Litevpn__Tunneld__Request req = LITEVPN__TUNNELD__REQUEST__INIT;
	Litevpn__Tunneld__SetLogLevel set = LITEVPN__TUNNELD__SET_LOG_LEVEL__INIT;

	set.level = want->level;
	set.for_ms = want->for_ms;
	set.reset = want->reset;
	req.body_case = LITEVPN__TUNNELD__REQUEST__BODY_SET_LOG_LEVEL;
	req.set_log_level = &set;
	ask_tunneld(b, c, &req, next);
}

void
upkeep_set_level(struct backend *b, enum backend_peer peer, struct call *c,
    const struct upkeep_level *want, backend_next *next)
{
	if (peer == BACKEND_IPAMD)
		set_ipam_level(b, c, want, next);
	else
		set_tunneld_level(b, c, want, next);
}

/* --- backups ---------------------------------------------------------------------------------- */

static int
decode_part(const ProtobufCMessage *msg, void *out, struct err *e)
{
	const Litevpn__Ipam__Reply *reply = (const Litevpn__Ipam__Reply *) msg;
	const Litevpn__Ipam__BackupPart *pb = reply->backup_part;
	struct upkeep_part *part = out;

	if (backend_result(reply->result, reply->detail, e) < 0)
		return e->rc;
	if (reply->body_case != LITEVPN__IPAM__REPLY__BODY_BACKUP_PART ||
	    pb->data.len > sizeof(part->data) ||
	    (pb->sha256.len != 0 && pb->sha256.len != sizeof(part->sha256)))
		return err_set(e, -REASON_INTERNAL, "ipamd sent something else than a backup");
	part->id = pb->id;
	part->copied = pb->copied;
	part->whole = pb->sha256.len != 0;
	part->size = pb->size;
	part->revision = pb->revision;
	part->len = pb->data.len;
	if (part->len > 0)
		memcpy(part->data, pb->data.data, part->len);
	if (part->whole)
		memcpy(part->sha256, pb->sha256.data, sizeof(part->sha256));
	return 0;
}

static void
ask_backup(struct backend *b, struct call *c, const Litevpn__Ipam__ReadBackup *read,
    backend_decode *decode, void *out, backend_next *next)
{
	Litevpn__Ipam__Request req = LITEVPN__IPAM__REQUEST__INIT;

	req.body_case = LITEVPN__IPAM__REQUEST__BODY_READ_BACKUP;
	req.read_backup = (Litevpn__Ipam__ReadBackup *) read;
	backend_ask(b, BACKEND_IPAMD, c, &req.base, decode, out, next);
}

void
upkeep_read_backup(struct backend *b, struct call *c, uint64_t id, uint64_t offset,
    struct upkeep_part *out, backend_next *next)
{
	Litevpn__Ipam__ReadBackup read = LITEVPN__IPAM__READ_BACKUP__INIT;

	read.id = id;
	read.offset = offset;
	ask_backup(b, c, &read, decode_part, out, next);
}

void
upkeep_end_backup(struct backend *b, struct call *c, uint64_t id, backend_next *next)
{
	Litevpn__Ipam__ReadBackup read = LITEVPN__IPAM__READ_BACKUP__INIT;

	read.id = id;
	read.end = true;
	ask_backup(b, c, &read, decode_ipam, NULL, next);
}
