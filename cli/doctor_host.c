/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cli/output.h"
#include "common/pki.h"
#include "common/secret.h"

#define SOON_S (14 * 86400)	/* a certificate that ends within that time is told of */

/* --- certificates, and the clock against them ------------------------------------------------- */

static const char *
how_to_renew(const struct doctor *d, const struct machine_cert *c)
{
	if (c->key == NULL)
		return "make a new CA beside it, and let both be trusted for a while (litevpn(7))";
	if (c->of_server)
		return "litevpnctl pki issue PKI --server --san HOST --force --out DIR, then "
		    "litevpnctl server reload";
	return d->m->is_node ? "litevpnctl cert renew; once it has ended: litevpnctl client enroll"
			     : "litevpnctl pki issue";
}

/* Does the key go with it, and is it for nobody else's eyes? */
static int
check_key(const struct machine_cert *c, const char *cert_pem, struct err *e)
{
	const char *slash = strrchr(c->path, '/');
	char path[640];
	char *key = NULL;
	int rc;

	if (c->key == NULL)
		return 0;
	snprintf(path, sizeof(path), "%.*s/%s", (int) (slash - c->path), c->path, c->key);
	if ((rc = secret_read_file(path, true, &key, e)) < 0)
		return rc;
	rc = pki_pair_check(cert_pem, key, e);
	secret_free(key);
	return rc < 0 ? err_prefix(e, "%s", path) : 0;
}

static void
say_life(struct doctor *d, const struct machine_cert *c, const struct pki_cert *cert)
{
	int64_t now_s = time(NULL), left_s = cert->not_after - now_s;
	char age[OUTPUT_VALUE_MAX], when[OUTPUT_VALUE_MAX];

	if (cert->not_before > now_s)
		doctor_say(d, DOCTOR_FAIL, "clock", "set the clock (timedatectl set-ntp true)",
		    "%s begins in %s: this machine's clock is wrong, or its maker's was", c->path,
		    output_age(cert->not_before - now_s, age));
	else if (left_s <= 0)
		doctor_say(d, DOCTOR_FAIL, "certificate", how_to_renew(d, c),
		    "%s has ended at %s; it is now %s here", c->path,
		    output_time(cert->not_after, when), output_time(now_s, age));
	else if (left_s < SOON_S)
		doctor_say(d, DOCTOR_WARN, "certificate", how_to_renew(d, c), "%s ends in %s",
		    c->path, output_age(left_s, age));
	else
		doctor_say(d, DOCTOR_OK, "certificate", NULL, "%s ends in %s", c->path,
		    output_age(left_s, age));
}

static void
check_cert(struct doctor *d, const struct machine_cert *c)
{
	struct pki_cert cert;
	char *pem = NULL;
	struct err e;

	if (secret_read_file(c->path, false, &pem, &e) < 0)
		doctor_say(d, DOCTOR_FAIL, "certificate", c->of_server ? "litevpnctl pki init"
		    : "litevpnctl client enroll", "%s", e.text);
	else if (pki_cert_read(pem, strlen(pem), &cert, &e) < 0)
		doctor_say(d, DOCTOR_FAIL, "certificate", how_to_renew(d, c), "%s: %s", c->path,
		    e.text);
	else if (check_key(c, pem, &e) == -EACCES)
		doctor_say(d, DOCTOR_WARN, "certificate", "run it as root", "%s", e.text);
	else if (check_key(c, pem, &e) < 0)
		doctor_say(d, DOCTOR_FAIL, "certificate", "use key and certificate of one making; "
		    "a key is for its owner only (chmod 600)", "%s", e.text);
	else
		say_life(d, c, &cert);
	free(pem);
}

void
doctor_certificates(struct doctor *d)
{
	for (size_t i = 0; i < d->m->ncerts; i++)
		check_cert(d, &d->m->certs[i]);
}

/* --- devices ---------------------------------------------------------------------------------- */

void
doctor_tun(struct doctor *d)
{
	static const char path[] = "/dev/net/tun";

	if (access(path, F_OK) == 0)
		doctor_say(d, DOCTOR_OK, "device", NULL, "%s is there", path);
	else
		doctor_say(d, DOCTOR_FAIL, "device", "modprobe tun; in a container it must be "
		    "passed in", "%s: %s", path, strerror(errno));
}

int
doctor_device(const char *name, int *mtu_out, bool *up_out)
{
	struct ifreq flags = { 0 }, mtu;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;

	if (fd < 0)
		return -errno;
	snprintf(flags.ifr_name, sizeof(flags.ifr_name), "%s", name);
	mtu = flags;
	if (ioctl(fd, SIOCGIFFLAGS, &flags) < 0 || ioctl(fd, SIOCGIFMTU, &mtu) < 0)
		rc = -errno;
	close(fd);
	if (rc < 0)
		return rc;
	*up_out = (flags.ifr_flags & IFF_UP) != 0;
	*mtu_out = mtu.ifr_mtu;
	return 0;
}

/* --- the processes' sandboxes ----------------------------------------------------------------- */

struct process {
	char name[32];
	unsigned long long capabilities;
	int seccomp, no_new_privs;
};

static int
read_process(const char *pid, struct process *p)
{
	char path[300], line[256];
	FILE *f;

	*p = (struct process){ .seccomp = -1 };
	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	if ((f = fopen(path, "re")) == NULL)
		return -errno;
	while (fgets(line, sizeof(line), f) != NULL) {
		sscanf(line, "Name: %31s", p->name);
		sscanf(line, "CapEff: %llx", &p->capabilities);
		sscanf(line, "NoNewPrivs: %d", &p->no_new_privs);
		sscanf(line, "Seccomp: %d", &p->seccomp);
	}
	fclose(f);
	return 0;
}

/*
 * Of this machine, as far as its network goes: what runs in another namespace is another machine.
 */
static bool
is_here(const char *pid)
{
	char path[300], ours[64] = "", theirs[64] = "";

	snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	return readlink("/proc/self/ns/net", ours, sizeof(ours) - 1) > 0 &&
	    readlink(path, theirs, sizeof(theirs) - 1) > 0 && strcmp(ours, theirs) == 0;
}

static bool
is_daemon(const char *name)
{
	static const char *const daemons[] = { "tunneld", "ipamd", "ctld" };

	for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++) {
		if (strncmp(name, daemons[i], strlen(daemons[i])) == 0)
			return true;
	}
	return false;
}

/* At most the one capability of tunneld's monitor, a filter, and no way back. */
static void
say_process(struct doctor *d, const char *pid, const struct process *p)
{
	unsigned long long allowed = 1ULL << CAP_NET_ADMIN;
	bool closed = p->seccomp == 2 && p->no_new_privs == 1 && (p->capabilities & ~allowed) == 0;

	doctor_say(d, closed ? DOCTOR_OK : DOCTOR_FAIL, "sandbox", "start it as root, without what "
	    "takes its filters away; see its log", "%s (%s): %s, %s, %s", p->name, pid,
	    p->seccomp == 2 ? "filtered" : "not filtered",
	    p->no_new_privs == 1 ? "no new privileges" : "may gain privileges",
	    p->capabilities == 0 ? "no capability" : (p->capabilities & ~allowed) == 0
	    ? "CAP_NET_ADMIN alone" : "too many capabilities");
}

void
doctor_sandbox(struct doctor *d)
{
	DIR *proc = opendir("/proc");
	unsigned found = 0;
	struct dirent *entry;
	struct process p;

	while (proc != NULL && (entry = readdir(proc)) != NULL) {
		if (!isdigit((unsigned char) entry->d_name[0]) ||
		    read_process(entry->d_name, &p) < 0 || !is_daemon(p.name) ||
		    !is_here(entry->d_name))
			continue;
		say_process(d, entry->d_name, &p);
		found++;
	}
	if (proc != NULL)
		closedir(proc);
	if (found == 0)
		doctor_say(d, DOCTOR_FAIL, "daemons", d->m->is_server
		    ? "start them (systemctl start litevpn.target, or each with -d); see their logs"
		    : "litevpnctl client up", "none runs, as far as %s can see",
		    geteuid() == 0 ? "root" : "this user");
}
