/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/signer_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/chan.h"
#include "common/clock.h"
#include "common/grant.h"
#include "common/log.h"
#include "common/places.h"
#include "common/reason.h"
#include "common/secret.h"
#include "config.h"
#include "daemons/ctld/sandbox_ctld.h"
#include "daemons/ctld/signer.h"
#include "ipc/signer.pb-c.h"

struct process {
	const struct signer_conf *conf;
	int fd;
	struct signer *signer;	/* NULL: it has no keys; `trouble` says why */
	struct err trouble;
	struct chan_msg msg;
};

/* --- what it reads ---------------------------------------------------------------------------- */

struct pki_files {
	char *ca_pem, *key_pem;
};

static int
read_one(const char *dir, const char *name, bool private, char **out, struct err *e)
{
	char path[PLACES_PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int) sizeof(path))
		return err_set(e, -ENAMETOOLONG, "%s: the path is too long", dir);
	return secret_read_file(path, private, out, e);
}

static int
read_pki(const char *dir, struct pki_files *out, struct err *e)
{
	int rc = read_one(dir, "ca.pem", false, &out->ca_pem, e);

	return rc < 0 ? rc : read_one(dir, "ca-key.pem", true, &out->key_pem, e);
}

static void
free_pki(struct pki_files *p)
{
	free(p->ca_pem);
	secret_free(p->key_pem);
}

/* What helps against an error of reading; the error itself names the file. */
static const char *
remedy_of(int rc)
{
	switch (rc) {
	case -ENOENT:
		return "litevpnctl pki init makes both CAs; restart ctld";
	case -EACCES:
		return "let both ca-key.pem belong to " LV_USER_SIGNER " with mode 0400, restart ctld";
	case -EPERM:
		return "chmod 0400 both ca-key.pem, restart ctld";
	default:
		return "put each ca.pem beside the ca-key.pem that it was made with, restart ctld";
	}
}

/* Without keys it goes on, and says so to everybody who asks. */
static void
load_keys(struct process *p)
{
	struct pki_files grpc = { 0 }, vpn = { 0 };
	int rc;

	if ((rc = read_pki(p->conf->grpc_dir, &grpc, &p->trouble)) >= 0 &&
	    (rc = read_pki(p->conf->vpn_dir, &vpn, &p->trouble)) >= 0)
		rc = signer_new(
		    &(struct signer_pki){ p->conf->grpc_dir, grpc.ca_pem, grpc.key_pem },
		    &(struct signer_pki){ p->conf->vpn_dir, vpn.ca_pem, vpn.key_pem },
		    &p->signer, &p->trouble);
	free_pki(&grpc);
	free_pki(&vpn);
	if (rc < 0)
		log_warn("no_signer", "error=%s consequence=\"nodes cannot enroll\" remedy=%s",
		    LOG_Q(p->trouble.text), LOG_Q(remedy_of(rc)));
}

/* Anew for each request: ipamd makes its key when it starts for the first time, maybe after us. */
static int
read_grant_key(const struct signer_conf *conf, uint8_t key_out[GRANT_KEY_LEN], struct err *e)
{
	int fd = open(conf->grant_pub, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
	uint8_t key[GRANT_KEY_LEN + 1];
	struct stat st;
	int rc = 0;

	if (fd < 0)
		return err_set(e, -REASON_GRANT_REFUSED, "%s: %s", conf->grant_pub,
		    strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != conf->ipamd)
		rc = err_set(e, -REASON_GRANT_REFUSED, "%s: is not ipamd's", conf->grant_pub);
	else if (read(fd, key, sizeof(key)) != GRANT_KEY_LEN)
		rc = err_set(e, -REASON_GRANT_REFUSED, "%s: is not a key", conf->grant_pub);
	else
		memcpy(key_out, key, GRANT_KEY_LEN);
	close(fd);
	return rc;
}

/* --- what it answers -------------------------------------------------------------------------- */

static void
fill_error(Litevpn__Signer__SignReply *reply, const struct err *e)
{
	reply->result = (int32_t) reason_of(e->rc, REASON_INTERNAL);
	reply->detail = (char *) e->text;
}

/* Fills the reply; returns the text to free after it is sent. */
static char *
sign(struct process *p, const Litevpn__Signer__SignRequest *req, Litevpn__Signer__SignReply *reply,
    struct err *e)
{
	const struct signer_request what = {
		.grant = req->grant.data,
		.grant_len = req->grant.len,
		.csr = req->csr.data,
		.csr_len = req->csr.len,
	};
	uint8_t key[GRANT_KEY_LEN];
	char *cert = NULL;
	const char *ca = NULL;
	int rc;

	if (p->signer == NULL)
		rc = err_set(e, -REASON_NO_SIGNER, "%s", p->trouble.text);
	else if ((rc = read_grant_key(p->conf, key, e)) == 0)
		rc = signer_sign(p->signer, key, &what, clock_utc_s(), &cert, &ca, e);
	if (rc == 0) {
		reply->certificate = cert;
		reply->ca = (char *) ca;
		return cert;
	}
	if (rc == -REASON_GRANT_REFUSED)
		log_warn("grant_refused", "error=%s", LOG_Q(e->text));
	fill_error(reply, e);
	return NULL;
}

static int
send_reply(struct process *p, enum signer_message type, const Litevpn__Signer__SignReply *reply)
{
	size_t len = litevpn__signer__sign_reply__get_packed_size(reply);

	if (len > sizeof(p->msg.body))
		return -EMSGSIZE;
	litevpn__signer__sign_reply__pack(reply, p->msg.body);
	return chan_send(p->fd, type, p->msg.body, len, NULL, 0);
}

static int
answer(struct process *p)
{
	Litevpn__Signer__SignReply reply = LITEVPN__SIGNER__SIGN_REPLY__INIT;
	Litevpn__Signer__SignRequest *req = NULL;
	struct err e;
	char *cert;
	int rc;

	chan_msg_close(&p->msg);	/* nothing comes with descriptors here */
	if (p->msg.type == SIGNER_REQUEST)
		req = litevpn__signer__sign_request__unpack(NULL, p->msg.len, p->msg.body);
	if (req == NULL)
		return -EBADMSG;
	reply.number = req->number;
	cert = sign(p, req, &reply, &e);
	rc = send_reply(p, SIGNER_REPLY, &reply);
	litevpn__signer__sign_request__free_unpacked(req, NULL);
	free(cert);
	return rc;
}

static int
say_ready(struct process *p)
{
	Litevpn__Signer__SignReply reply = LITEVPN__SIGNER__SIGN_REPLY__INIT;

	if (p->signer == NULL) {
		reply.result = REASON_NO_SIGNER;
		reply.detail = p->trouble.text;
	}
	return send_reply(p, SIGNER_READY, &reply);
}

/* Until the front is gone. */
static int
serve(struct process *p)
{
	int rc;

	if ((rc = say_ready(p)) < 0)
		return rc;
	while ((rc = chan_recv(p->fd, &p->msg)) > 0) {
		if ((rc = answer(p)) < 0)
			return rc;
	}
	return rc;
}

/* --- how it starts ---------------------------------------------------------------------------- */

/* The daemon's end is told by the channel: the last answers go out before it. */
static void
ignore_signals(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_IGN);
}

static int
restrict_self(const struct daemon *d, const struct signer_conf *conf, struct err *e)
{
	int rc = priv_drop(&conf->user, 0, e);

	return rc < 0 ? rc : sandbox_signer(conf->grpc_dir, conf->vpn_dir, conf->grant_dir,
	    d->sandbox, e);
}

static enum daemon_exit
run(struct daemon *d, const struct signer_conf *conf, int fd)
{
	struct process *p = calloc(1, sizeof(*p));
	struct err e;
	int rc;

	daemon_forked(d);
	log_rename("ctld-signer");
	ignore_signals();
	/* One request at a time: it may wait for its only partner. */
	if (p == NULL || fcntl(fd, F_SETFL, 0) < 0) {
		log_err("signer_failed", "error=%s", err_name(-errno));
		return DAEMON_OS;
	}
	p->conf = conf;
	p->fd = fd;
	if ((rc = restrict_self(d, conf, &e)) < 0) {
		log_err("signer_failed", "error=%s", LOG_Q(e.text));
		return daemon_status(rc);
	}
	load_keys(p);
	rc = serve(p);
	if (rc < 0 && rc != -EPIPE)	/* a front that could not start is gone already */
		log_err("signer_failed", "error=%s", err_name(rc));
	signer_free(p->signer);
	free(p);
	return DAEMON_FAILED;	/* the front ended first, in good order or not: nobody is served */
}

int
signer_fork(struct daemon *d, const struct signer_conf *conf, int *fd_out, pid_t *pid_out,
    struct err *e)
{
	int ends[2], rc;
	pid_t pid;

	if ((rc = chan_pair(ends)) < 0)
		return err_set(e, rc, "cannot make the signer's channel: %s", strerror(-rc));
	if ((pid = fork()) < 0) {
		rc = -errno;
		close(ends[0]);
		close(ends[1]);
		return err_set(e, rc, "cannot fork the signer: %s", strerror(-rc));
	}
	if (pid == 0) {
		close(ends[0]);
		exit(run(d, conf, ends[1]));
	}
	close(ends[1]);
	*fd_out = ends[0];
	*pid_out = pid;
	return 0;
}
