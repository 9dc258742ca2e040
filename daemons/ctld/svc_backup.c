/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/svc.h"

#include <string.h>

#include "daemons/ctld/ask_upkeep.h"
#include "daemons/ctld/ctld.h"
#include "litevpn/v1/server.pb-c.h"

/* --- BackupDatabase: ipamd makes the copy and hands it out; one piece is here at a time --------- */

struct backup {
	struct upkeep_part part;
	uint64_t id;		/* 0: not begun, or at its end */
	uint64_t offset;	/* of the next piece */
	bool asking, over;
};

static void
on_ended(struct call *c, const struct err *e)
{
	(void) c;
	(void) e;	/* ipamd ends by itself what nobody asks for */
}

/* The client has gone, and no question is under way. */
static void
abandon(struct call *c)
{
	struct backup *b = call_state_get(c);
	uint64_t id = b->id;

	b->id = 0;
	if (id != 0)
		upkeep_end_backup(call_ctld(c)->backend, c, id, on_ended);
}

static void
send_piece(struct call *c, struct backup *b)
{
	Litevpn__V1__BackupDatabaseResponse msg = LITEVPN__V1__BACKUP_DATABASE_RESPONSE__INIT;

	msg.data = (ProtobufCBinaryData){ b->part.len, b->part.data };
	b->offset += b->part.len;
	call_send(c, &msg.base);
}

static void
send_summary(struct call *c, struct backup *b)
{
	Litevpn__V1__BackupDatabaseResponse msg = LITEVPN__V1__BACKUP_DATABASE_RESPONSE__INIT;
	Litevpn__V1__BackupSummary summary = LITEVPN__V1__BACKUP_SUMMARY__INIT;

	summary.size = b->part.size;
	summary.sha256 = (ProtobufCBinaryData){ sizeof(b->part.sha256), b->part.sha256 };
	summary.revision = b->part.revision;
	msg.summary = &summary;
	b->id = 0;
	call_reply(c, &msg.base);
}

static void ask(struct call *c);

static void
on_part(struct call *c, const struct err *e)
{
	struct backup *b = call_state_get(c);

	b->asking = false;
	if (e->rc == 0)
		b->id = b->part.id;
	if (b->over)
		abandon(c);
	else if (e->rc < 0)
		call_fail_err(c, e);
	else if (b->part.whole)
		send_summary(c, b);
	else if (b->part.len > 0)
		send_piece(c, b);
	else
		ask(c);
}

static void
ask(struct call *c)
{
	struct backup *b = call_state_get(c);

	b->asking = true;
	upkeep_read_backup(call_ctld(c)->backend, c, b->id, b->offset, &b->part, on_part);
}

void
server_backup(struct call *c)
{
	if (call_state(c, sizeof(struct backup), NULL) != NULL)
		ask(c);
}

void
server_backup_sent(struct call *c)
{
	ask(c);
}

void
server_backup_closed(struct call *c)
{
	struct backup *b = call_state_get(c);

	if (b == NULL)
		return;
	b->over = true;
	if (!b->asking)
		abandon(c);
}
