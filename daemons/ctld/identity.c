/* SPDX-License-Identifier: Apache-2.0 */
#include "daemons/ctld/identity.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/dirwatch.h"
#include "common/log.h"
#include "common/secret.h"
#include "common/tlsctx.h"

#define DAY_S (24 * 60 * 60)
#define DAY_MS (1000LL * DAY_S)

struct identity {
	const char *dir;
	struct identity_pems pems;
	pthread_mutex_t lock;	/* of `facts` */
	struct identity_facts facts;
	struct dirwatch watch;	/* where the kernel does not watch SIGHUP is left */
	struct ev *ev;
	struct ev_timer daily;
	void (*renewed)(void *arg);
	void *arg;
};

/* --- the files -------------------------------------------------------------------------------- */

struct paths {
	char ca[PATH_MAX], cert[PATH_MAX], key[PATH_MAX];
};

static int
make_paths(const char *dir, struct paths *out, struct err *e)
{
	const int max = PATH_MAX;

	if (snprintf(out->ca, PATH_MAX, "%s/ca.pem", dir) >= max ||
	    snprintf(out->cert, PATH_MAX, "%s/server.pem", dir) >= max ||
	    snprintf(out->key, PATH_MAX, "%s/server-key.pem", dir) >= max)
		return err_set(e, -ENAMETOOLONG, "%s: the path is too long", dir);
	return 0;
}

static int
read_one(const char *path, bool private, char **out, struct err *e)
{
	int rc = secret_read_file(path, private, out, e);

	if (rc == -ENOENT)
		err_set(e, rc, "%s: does not exist; litevpnctl pki init makes it", path);
	return rc;
}

/*
 * The key may be root's, who has read it at the start. Then what was read stays: a certificate that
 * was renewed for the same key, or new CAs, do not need it again.
 */
static int
read_key(const char *path, const char *old_key, char **out, struct err *e)
{
	int rc = read_one(path, true, out, e);

	if (rc != -EACCES || old_key == NULL)
		return rc;
	*out = strdup(old_key);
	return *out == NULL ? err_set(e, -ENOMEM, "out of memory") : 0;
}

static void
free_pems(struct identity_pems *p)
{
	free(p->ca);
	free(p->cert);
	secret_free(p->key);
	*p = (struct identity_pems){ 0 };
}

static int
read_pems(const struct paths *paths, const char *old_key, struct identity_pems *out, struct err *e)
{
	struct identity_pems p = { 0 };
	int rc;

	if ((rc = read_one(paths->ca, false, &p.ca, e)) < 0 ||
	    (rc = read_one(paths->cert, false, &p.cert, e)) < 0 ||
	    (rc = read_key(paths->key, old_key, &p.key, e)) < 0)
		free_pems(&p);
	else
		*out = p;
	return rc;
}

/* gRPC would go on with anything, and every caller would be told of a wrong certificate. */
static int
check_pems(const struct paths *paths, const struct identity_pems *p, struct identity_facts *out,
    struct err *e)
{
	const struct tlsctx_conf conf = { .server = true, .ca_pem = p->ca, .cert_pem = p->cert,
		.key_pem = p->key, .ca_path = paths->ca, .cert_path = paths->cert,
		.key_path = paths->key };
	struct identity_facts facts;
	struct pki_cert ca, cert;
	SSL_CTX *ctx;
	int rc;

	if ((rc = tlsctx_new(&conf, &ctx, e)) < 0)
		return rc;
	rc = tlsctx_check_own(ctx, &conf, e);
	tlsctx_free(ctx);
	if (rc < 0)
		return rc;
	if ((rc = pki_cert_read(p->cert, strlen(p->cert), &cert, e)) < 0)
		return err_prefix(e, "%s", paths->cert);
	if ((rc = pki_cert_read(p->ca, strlen(p->ca), &ca, e)) < 0)
		return err_prefix(e, "%s", paths->ca);
	if (!ca.is_ca)
		return err_set(e, -EBADMSG, "%s: is not a CA's certificate", paths->ca);
	pki_fingerprint(ca.spki, facts.ca_fingerprint);
	facts.ca_expire_s = ca.not_after;
	facts.cert_expire_s = cert.not_after;
	*out = facts;
	return 0;
}

/* Takes over what the files say; 1 when it is what it was before. */
static int
load(struct identity *id, struct err *e)
{
	struct identity_pems p, old = id->pems;
	struct identity_facts facts;
	struct paths paths;
	int rc;

	if ((rc = make_paths(id->dir, &paths, e)) < 0 ||
	    (rc = read_pems(&paths, old.key, &p, e)) < 0)
		return rc;
	if ((rc = check_pems(&paths, &p, &facts, e)) < 0) {
		free_pems(&p);
		return rc;
	}
	if (old.ca != NULL && strcmp(p.ca, old.ca) == 0 && strcmp(p.cert, old.cert) == 0 &&
	    strcmp(p.key, old.key) == 0) {
		free_pems(&p);
		return 1;
	}
	pthread_mutex_lock(&id->lock);
	id->facts = facts;
	pthread_mutex_unlock(&id->lock);
	id->pems = p;
	free_pems(&old);
	return 0;
}

/* --- their life ------------------------------------------------------------------------------- */

static void
warn_of(const char *file, int64_t expire_s)
{
	int64_t left_s = expire_s - clock_utc_s();

	if (left_s <= 0)
		log_err("certificate_expired", "file=%s", file);
	else if (left_s < (int64_t) IDENTITY_WARN_DAYS * DAY_S)
		log_warn("certificate_expires", "file=%s days=%" PRId64, file, left_s / DAY_S);
}

static void
on_daily(void *arg)
{
	struct identity *id = arg;

	warn_of("server.pem", id->facts.cert_expire_s);
	warn_of("ca.pem", id->facts.ca_expire_s);
	ev_timer_start(id->ev, &id->daily, DAY_MS, on_daily, id);
}

void
identity_reload(struct identity *id)
{
	struct err e;
	int rc = load(id, &e);

	if (rc < 0) {
		log_err("certificates_refused", "error=%s consequence=\"the old ones stay\"",
		    LOG_Q(e.text));
		return;
	}
	if (rc > 0)
		return;
	log_notice("certificates_renewed", "dir=%s fingerprint=%s", LOG_Q(id->dir),
	    id->facts.ca_fingerprint);
	id->renewed(id->arg);
	on_daily(id);
}

static void
on_changed(void *arg)
{
	identity_reload(arg);
}

/* --- begin and end ---------------------------------------------------------------------------- */

int
identity_new(const char *dir, struct identity **out, struct err *e)
{
	struct identity *id = calloc(1, sizeof(*id));
	int rc;

	if (id == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	id->dir = dir;
	pthread_mutex_init(&id->lock, NULL);
	dirwatch_init(&id->watch, dir);
	if ((rc = load(id, e)) < 0)
		identity_free(id);
	else
		*out = id;
	return rc;
}

int
identity_start(struct identity *id, struct ev *ev, void (*renewed)(void *arg), void *arg,
    struct err *e)
{
	int rc;

	id->ev = ev;
	id->renewed = renewed;
	id->arg = arg;
	if ((rc = dirwatch_start(&id->watch, ev, on_changed, id)) < 0)
		return err_set(e, rc, "event loop: %s", err_text(rc));
	on_daily(id);
	return 0;
}

void
identity_free(struct identity *id)
{
	if (id == NULL)
		return;
	if (id->ev != NULL)
		ev_timer_stop(id->ev, &id->daily);
	dirwatch_fini(&id->watch);
	free_pems(&id->pems);
	pthread_mutex_destroy(&id->lock);
	free(id);
}

const struct identity_pems *
identity_pems(const struct identity *id)
{
	return &id->pems;
}

struct identity_facts
identity_facts(struct identity *id)
{
	struct identity_facts facts;

	pthread_mutex_lock(&id->lock);
	facts = id->facts;
	pthread_mutex_unlock(&id->lock);
	return facts;
}
