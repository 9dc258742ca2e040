/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/tunneld/netns.h"

#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/secret.h"
#include "daemons/tunneld/tun.h"

bool
netns_enter(void)
{
	return geteuid() == 0 && access("/dev/net/tun", R_OK | W_OK) == 0 &&
	    unshare(CLONE_NEWNET) == 0;
}

int
netns_device(const char *name)
{
	struct err e = { 0 };
	struct tun_features features;
	unsigned one = 1;
	int fd, rc = tun_open(name, 0, false, &one, &fd, &features, &e);

	ck_assert_msg(rc == 0, "%s", e.text);
	return fd;
}

const char *
netns_ask(const char *command)
{
	static char text[4096];
	FILE *f = popen(command, "re");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	ck_assert_msg(pclose(f) == 0, "%s", command);
	secret_chomp(text);
	return text;
}

void
netns_do(const char *command)
{
	ck_assert_str_eq(netns_ask(command), "");
}

struct ip_addr
netns_addr(const char *text)
{
	struct ip_addr a = { 0 };

	ck_assert_msg(ip_parse(text, &a) == 0, "%s", text);
	return a;
}

struct ip_prefix
netns_prefix(const char *text)
{
	struct ip_prefix p = { 0 };

	ck_assert_msg(ip_prefix_parse(text, &p) == 0, "%s", text);
	return p;
}
