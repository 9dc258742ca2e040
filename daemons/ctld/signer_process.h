/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LV_CTLD_SIGNER_PROCESS_H
#define LV_CTLD_SIGNER_PROCESS_H

#include <sys/types.h>

#include "common/daemon.h"
#include "common/priv.h"

/*
 * The signer as a process of its own: other user, no network, the CA keys. It lives as long as the
 * other end of its channel, and never ends by a signal that is meant for the daemon.
 */

/* Messages of the channel (chan.h); bodies are those of ipc/signer.proto. */
enum signer_message {
	SIGNER_READY = 1,	/* signer: SignReply, its result tells whether it can sign */
	SIGNER_REQUEST,		/* front: SignRequest */
	SIGNER_REPLY,		/* signer: SignReply */
};

struct signer_conf {
	const char *grpc_dir, *vpn_dir;	/* of the PKIs: ca.pem, ca-key.pem */
	const char *grant_dir;		/* where grant_pub is, or will be */
	const char *grant_pub;
	struct priv_user user;
	uid_t ipamd;			/* who must own grant_pub */
};

/*
 * Forks the signer. Call it as root and with one thread. *fd_out: the front's end of the channel;
 * the child never returns from here.
 */
int signer_fork(struct daemon *d, const struct signer_conf *conf, int *fd_out, pid_t *pid_out,
    struct err *e);

#endif
