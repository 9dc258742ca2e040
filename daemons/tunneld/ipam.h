/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUNNELD_IPAM_H
#define TUNNELD_IPAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/ev.h"
#include "common/grant.h"
#include "common/ip.h"
#include "common/ipc.h"
#include "common/pki.h"
#include "daemons/tunneld/control.h"

/* What the server's engine asks ipamd; beside hint.h all that knows ipc/ipam.proto here. */
struct ipam;

/* up: time for a sync: ipamd was reached, anew or again, or has to catch up with reports. */
int ipam_new(struct ev *ev, const char *path, uid_t uid, void (*up)(void *arg), void *arg,
    struct ipam **out, struct err *e);
void ipam_free(struct ipam *i);	/* completions are not called any more; NULL is fine */
bool ipam_is_up(const struct ipam *i);
struct ipc_stats ipam_stats(const struct ipam *i);

struct ipam_attached {
	char node_id[CONTROL_ID_MAX + 1];
	struct ip_prefix address;
	uint64_t epoch;
};

/* rc 0 with `a`, or a negative reason with `detail` in words. */
typedef void ipam_attach_fn(void *arg, int rc, const struct ipam_attached *a, const char *detail);

/* Returns 0, or negative: fn is not called then. cert_node_id: "" when the certificate has none. */
int ipam_attach(struct ipam *i, const char *node_token, const char *net_token,
    const char *cert_node_id, ipam_attach_fn *fn, void *arg);

/* rc 0 with a grant for a certificate of that PKI, or a negative reason with `detail` in words. */
typedef void ipam_renew_fn(void *arg, int rc, const uint8_t *grant, const char *detail);

/* grpc: of the grpc PKI, else vpn. spki: of the key that the certificate is for. As ipam_attach. */
int ipam_renew(struct ipam *i, const char *node_id, bool grpc, const uint8_t spki[PKI_SPKI_LEN],
    ipam_renew_fn *fn, void *arg);

enum ipam_state { IPAM_CONNECTED = 1, IPAM_LOST = 2, IPAM_IDLE = 3 };

/*
 * Not waited for: what does not arrive is repaired by the next sync. When all nodes fall silent at
 * once, reports leave the other half of the places to those that come back; where some did not fit
 * there is a sync as soon as the others have arrived.
 */
#define IPAM_REPORTS_MAX (IPC_CALLS_MAX / 2)	/* under way */
void ipam_report(struct ipam *i, const char *node_id, uint64_t epoch, enum ipam_state state);

struct ipam_session {
	char node_id[CONTROL_ID_MAX + 1];
	uint64_t epoch;
	bool connected;
};

#define IPAM_SYNC_MAX 1000	/* sessions per message */

/* gone: nodes of this message that are not registered any more; n ids, borrowed for the call. */
typedef void ipam_sync_fn(void *arg, int rc, char *const *gone, size_t n);

int ipam_sync(struct ipam *i, bool first, bool last, const struct ipam_session *sessions, size_t n,
    ipam_sync_fn *fn, void *arg);

#endif
