/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_TEST_CONNRIG_H
#define LV_TEST_CONNRIG_H

#include <openssl/types.h>

#include "daemons/tunneld/conn.h"
#include "tests/unit/tunneld/loop.h"

/* What an owner is told. */
enum moment { NEVER, READY, CONTROL, PACKETS, CLOSED, MOMENTS };

/* One end, and what it was told. */
struct end {
	struct conn *conn;
	unsigned times[MOMENTS];
	enum moment free_at, trust_at;
	struct control last;
	size_t last_len;	/* of a packet */
	char why[100];
};

/*
 * A connection on the loop, and the other end of its socket: a connection as well, or by hand, when
 * the test wants to say what no connection says, or to read nothing.
 */
struct rig {
	struct ev *ev;
	struct conn_env env;
	int fds[2];
	struct end server, node;
	SSL *hand;
	struct frame_reader in;		/* of the hand */
	unsigned controls, packets;	/* that the hand has read */
	unsigned packets_before;	/* the first message */
};

extern const struct conn_ops rig_ops;	/* for a struct end */

/* The server's end begins. Needs the fixture of certs.h. */
void rig_init(struct rig *r);
void rig_fini(struct rig *r);

/* The other end is a connection, too. */
void rig_begin_node(struct rig *r);
void rig_join(struct rig *r);		/* and both are ready */
void rig_join_trusted(struct rig *r);	/* and trust each other */

/* The other end is by hand. */
void rig_join_by_hand(struct rig *r);

/* Writes a frame by hand, as far as the connection lives. */
void rig_hand_write(struct rig *r, uint8_t type, const void *body, size_t len);

/* Reads by hand until that many frames have come in all. */
void rig_hand_read(struct rig *r, unsigned frames);

/* Sends a packet that on_packet knows. As conn_send_packet. */
int rig_send_packet(struct conn *c, size_t len);

#endif
