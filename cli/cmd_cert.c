/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/file.h"
#include "cli/machine.h"
#include "cli/output.h"
#include "cli/pair.h"
#include "cli/self.h"
#include "cli/tunnel.h"
#include "common/secret.h"
#include "litevpn/v1/enrollment.pb-c.h"

/* --- cert show -------------------------------------------------------------------------------- */

static const char *
whose(const struct pki_cert *c, char *buf, size_t size)
{
	static const char *const kinds[] = { "-", "node", "role" };

	if (c->is_ca)
		return "CA";
	if (c->name.kind == PKI_NONE)
		return c->for_server ? "server" : "-";
	snprintf(buf, size, "%s %s", kinds[c->name.kind], c->name.id);
	return buf;
}

static int
add_cert(struct table *t, const char *path, int64_t now_s)
{
	char when[OUTPUT_VALUE_MAX], age[OUTPUT_VALUE_MAX], name[PKI_ID_MAX + 8];
	struct pki_cert c;
	struct err e;
	char *pem;
	int rc;

	if (secret_read_file(path, false, &pem, &e) < 0)
		return table_add(t, (const char *const[]){ path, "-", "-", e.text });
	rc = pki_cert_read(pem, strlen(pem), &c, &e);
	free(pem);
	if (rc < 0)
		return table_add(t, (const char *const[]){ path, "-", "-", e.text });
	return table_add(t, (const char *const[]){ path, whose(&c, name, sizeof(name)),
	    output_time(c.not_after, when),
	    c.not_after <= now_s ? "EXPIRED" : output_age(c.not_after - now_s, age) });
}

enum cli_exit
cmd_cert_show(const struct cli *cli)
{
	static const char *const heads[] = { "FILE", "FOR", "ENDS", "LEFT" };
	struct machine m = { 0 };
	enum cli_exit status = CLI_OK;
	struct table *t = NULL;
	struct err e;
	int rc;

	if ((rc = machine_read(&m, &cli->args, &e)) == 0 &&
	    (rc = table_new(heads, sizeof(heads) / sizeof(heads[0]), &t)) == 0) {
		for (size_t i = 0; i < m.ncerts && rc == 0; i++)
			rc = add_cert(t, m.certs[i].path, time(NULL));
		if (rc < 0)
			err_set(&e, rc, "%s", err_text(rc));
	}
	if (rc < 0)
		status = cli_fail(&e);
	else
		table_print(t, stdout);
	table_free(t);
	machine_fini(&m);
	return status;
}

/* --- cert renew ------------------------------------------------------------------------------- */

enum { GRPC, VPN, PKIS };

struct renewal {
	struct self self;
	const char *dirs[PKIS];
	char *keys[PKIS], *csrs[PKIS];
	char node[PKI_ID_MAX + 1];
	Litevpn__V1__RenewCertificateResponse *answer;
};

static void
end(struct renewal *r)
{
	for (size_t i = 0; i < PKIS; i++) {
		secret_free(r->keys[i]);
		free(r->csrs[i]);
	}
	if (r->answer != NULL)
		litevpn__v1__renew_certificate_response__free_unpacked(r->answer, NULL);
	self_fini(&r->self);
}

/* The keys stay: the server renews certificates for those of the enrollment only. */
static int
prepare(struct renewal *r, const struct args *a, struct err *e)
{
	struct pki_cert cert;
	int rc;

	if ((rc = self_init(&r->self, args_text(a, "config"), args_number(a, "timeout"), e)) < 0 ||
	    (rc = self_read_identity(&r->self, e)) < 0 ||
	    (rc = pki_cert_read(r->self.cert_pem, strlen(r->self.cert_pem), &cert, e)) < 0)
		return rc;
	snprintf(r->node, sizeof(r->node), "%s", cert.name.id);
	r->dirs[GRPC] = r->self.conf.grpc_cert_dir;
	r->dirs[VPN] = r->self.conf.vpn_cert_dir;
	for (size_t i = 0; i < PKIS; i++) {
		if ((rc = file_read(r->dirs[i], "client-key.pem", true, &r->keys[i], e)) < 0 ||
		    (rc = pki_csr_new(r->keys[i], "litevpn node", &r->csrs[i], e)) < 0)
			return rc;
	}
	return 0;
}

static int
store(const struct renewal *r, struct err *e)
{
	const Litevpn__V1__RenewCertificateResponse *a = r->answer;
	struct file_set set = { .force = true };
	int rc;

	if ((rc = pair_check_node("grpc", r->node, a->grpc_certificate, r->keys[GRPC], a->grpc_ca,
	    e)) == 0 &&
	    (rc = pair_check_node("vpn", r->node, a->vpn_certificate, r->keys[VPN], a->vpn_ca,
	    e)) == 0 &&
	    (rc = file_set_add(&set, r->dirs[GRPC], "client.pem", a->grpc_certificate, 0644, 0,
	    e)) == 0 &&
	    (rc = file_set_add(&set, r->dirs[GRPC], "ca.pem", a->grpc_ca, 0644, 0, e)) == 0 &&
	    (rc = file_set_add(&set, r->dirs[GRPC], "client.csr", r->csrs[GRPC], 0644, 0,
	    e)) == 0 &&
	    (rc = file_set_add(&set, r->dirs[VPN], "client.pem", a->vpn_certificate, 0644, 0,
	    e)) == 0 &&
	    (rc = file_set_add(&set, r->dirs[VPN], "ca.pem", a->vpn_ca, 0644, 0, e)) == 0)
		rc = file_set_commit(&set, e);
	file_set_fini(&set);
	return rc;
}

/* The running tunneld takes the new ones at its next handshake. */
static void
say_renewed(const struct renewal *r)
{
	int fd = tunnel_find(r->self.conf.run_dir);

	printf("renewed %s/client.pem and %s/client.pem\n", r->dirs[GRPC], r->dirs[VPN]);
	if (fd < 0 || tunnel_signal(fd, SIGHUP) < 0)
		printf("A tunneld that runs uses them after SIGHUP.\n");
	if (fd >= 0)
		close(fd);
}

enum cli_exit
cmd_cert_renew(const struct cli *cli)
{
	static const struct rpc_method renew = { &litevpn__v1__enrollment__descriptor,
		"RenewCertificate" };
	Litevpn__V1__RenewCertificateRequest req = LITEVPN__V1__RENEW_CERTIFICATE_REQUEST__INIT;
	struct renewal r = { 0 };
	ProtobufCMessage *answer = NULL;
	enum cli_exit status;
	struct err e;

	if (prepare(&r, &cli->args, &e) < 0) {
		status = cli_fail(&e);
	} else {
		req.grpc_csr = r.csrs[GRPC];
		req.vpn_csr = r.csrs[VPN];
		status = self_call(&r.self, &renew, &req.base, &answer);
	}
	if (status == CLI_OK) {
		r.answer = (Litevpn__V1__RenewCertificateResponse *) answer;
		if (store(&r, &e) < 0)
			status = cli_fail(&e);
		else
			say_renewed(&r);
	}
	end(&r);
	return status;
}
