/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "cli/doctor.h"
#include "cli/output.h"

#define WHAT_WIDTH 12

const struct opt cmd_doctor_options[] = {
	{ .name = "timeout", .kind = OPT_DURATION, .value = "TIME", .dflt = "5s", .min = 1,
	    .max = 86400000, .help = "how long to wait for each answer" },
	{ 0 },
};

static doctor_check *const host_checks[] = { doctor_certificates, doctor_tun, doctor_sandbox,
	NULL };

static doctor_check *const server_checks[] = { doctor_sockets, doctor_ports, doctor_forwarding,
	doctor_server_info, doctor_server_paths, NULL };

static doctor_check *const node_checks[] = { doctor_token, doctor_node_device, doctor_dns,
	doctor_reach, doctor_session, NULL };

void
doctor_say(struct doctor *d, enum doctor_verdict v, const char *what, const char *remedy,
    const char *fmt, ...)
{
	static const char *const words[] = { "ok", "warn", "fail" };
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d->said[v]++;
	output_word(stdout, words[v]);
	printf("%s  %-*s  ", v == DOCTOR_OK ? "  " : "", WHAT_WIDTH, what);
	output_text(stdout, text);
	putchar('\n');
	if (v != DOCTOR_OK && remedy != NULL)
		printf("      remedy: %s\n", remedy);
	fflush(stdout);	/* some checks take a while */
}

static void
run(struct doctor *d, doctor_check *const *checks)
{
	for (; *checks != NULL; checks++)
		(*checks)(d);
}

enum cli_exit
cmd_doctor(const struct cli *cli)
{
	struct machine m = { 0 };
	struct doctor d = { .cli = cli, .m = &m };
	enum cli_exit status = CLI_OK;
	struct err e;

	if (machine_read(&m, &cli->args, &e) < 0) {
		status = cli_fail(&e);
	} else {
		run(&d, host_checks);
		if (m.is_server)
			run(&d, server_checks);
		if (m.is_node)
			run(&d, node_checks);
		printf("%u ok, %u to look at, %u wrong\n", d.said[DOCTOR_OK], d.said[DOCTOR_WARN],
		    d.said[DOCTOR_FAIL]);
		if (d.said[DOCTOR_FAIL] > 0)
			status = CLI_FAILED;
	}
	machine_fini(&m);
	return status;
}
