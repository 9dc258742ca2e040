/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/answer.h"
#include "cli/progress.h"
#include "cli/self.h"
#include "cli/tunnel.h"
#include "common/clock.h"
#include "litevpn/v1/enrollment.pb-c.h"

#define SERVICE &litevpn__v1__enrollment__descriptor
#define LOOK_AGAIN_MS 250	/* between two questions whether the server sees us */

static const struct rpc_method get_self = { SERVICE, "GetSelf" };

const struct opt cmd_client_up_options[] = {
	{ .name = "tunneld", .kind = OPT_TEXT, .value = "PROGRAM", .dflt = "tunneld",
	    .names = NAMES_FILE, .help = "what is started" },
	{ 0 },
};

static int
init(struct self *s, const struct cli *cli, struct err *e)
{
	return self_init(s, args_text(&cli->args, "config"), args_number(&cli->args, "timeout"), e);
}

/* Runs a command with the node's configuration, and what it needs of its identity. */
static enum cli_exit
with_self(const struct cli *cli, enum cli_exit (*run)(const struct cli *cli, struct self *s))
{
	struct self s = { 0 };
	enum cli_exit status;
	struct err e;

	if (init(&s, cli, &e) < 0 || self_read_identity(&s, &e) < 0)
		status = cli_fail(&e);
	else
		status = run(cli, &s);
	self_fini(&s);
	return status;
}

/* --- client status, client unregister --------------------------------------------------------- */

static enum cli_exit
show_status(const struct cli *cli, struct self *s)
{
	Litevpn__V1__GetSelfRequest req = LITEVPN__V1__GET_SELF_REQUEST__INIT;
	ProtobufCMessage *answer;
	enum cli_exit status = self_call(s, &get_self, &req.base, &answer);

	if (status != CLI_OK)
		return status;
	status = answer_show(cli, answer, cmd_node_print);
	protobuf_c_message_free_unpacked(answer, NULL);
	return status;
}

enum cli_exit
cmd_client_status(const struct cli *cli)
{
	return with_self(cli, show_status);
}

static enum cli_exit
unregister(const struct cli *cli, struct self *s)
{
	static const struct rpc_method method = { SERVICE, "Unregister" };
	Litevpn__V1__UnregisterRequest req = LITEVPN__V1__UNREGISTER_REQUEST__INIT;
	ProtobufCMessage *answer;
	enum cli_exit status = self_call(s, &method, &req.base, &answer);

	(void) cli;
	if (status != CLI_OK)
		return status;
	protobuf_c_message_free_unpacked(answer, NULL);
	printf("unregistered; the files in %s, %s and %s are worth nothing now\n",
	    s->conf.grpc_cert_dir, s->conf.vpn_cert_dir, s->conf.token_file);
	return CLI_OK;
}

enum cli_exit
cmd_client_unregister(const struct cli *cli)
{
	return with_self(cli, unregister);
}

/* --- client up -------------------------------------------------------------------------------- */

/* The server's view of us, or what kept it from telling. */
static bool
is_connected(const struct self *s, struct rpc_error *error)
{
	Litevpn__V1__GetSelfRequest req = LITEVPN__V1__GET_SELF_REQUEST__INIT;
	ProtobufCMessage *answer;
	bool connected;

	*error = (struct rpc_error){
		.code = RPC_DEADLINE_EXCEEDED,
		.reason = "DEADLINE",
		.text = "tunneld runs, but is not connected yet; see its log",
	};
	if (self_ask(s, &get_self, &req.base, &answer, error) < 0)
		return false;
	connected = ((const Litevpn__V1__NodeInfo *) answer)->state ==
	    LITEVPN__V1__NODE_INFO__STATE__CONNECTED;
	protobuf_c_message_free_unpacked(answer, NULL);
	return connected;
}

static bool
may_change(enum rpc_code code)
{
	return code == RPC_OK || code == RPC_UNAVAILABLE || code == RPC_DEADLINE_EXCEEDED;
}

/* Only the server knows whether packets pass: it is asked until it says so. */
static enum cli_exit
await_connection(const struct self *s)
{
	int64_t end_ms = clock_mono_ms() + s->timeout_ms;
	struct progress *progress = progress_begin("waiting for the tunnel");
	struct rpc_error error;
	bool connected;

	while (!(connected = is_connected(s, &error)) && may_change(error.code) &&
	    clock_mono_ms() < end_ms)
		poll(NULL, 0, LOOK_AGAIN_MS);
	progress_end(progress);
	return connected ? CLI_OK : cli_fail_rpc(&error);
}

static enum cli_exit
up(const struct cli *cli, struct self *s)
{
	int fd = tunnel_find(s->conf.run_dir);
	enum cli_exit status;
	struct err e;

	if (fd >= 0)
		close(fd);
	else if (tunnel_start(args_text(&cli->args, "tunneld"), args_text(&cli->args, "config"),
	    s->conf.run_dir, &e) < 0)
		return cli_fail(&e);
	if ((status = await_connection(s)) == CLI_OK)
		printf("%s, %s\n", fd >= 0 ? "is up already" : "up", s->conf.device);
	return status;
}

enum cli_exit
cmd_client_up(const struct cli *cli)
{
	return with_self(cli, up);
}

/* --- client down ------------------------------------------------------------------------------ */

static enum cli_exit
stop(const struct self *s)
{
	struct progress *progress;
	struct err e;
	int fd = tunnel_find(s->conf.run_dir), rc;

	if (fd == -ENOENT) {
		printf("is down already\n");
		return CLI_OK;
	}
	if (fd < 0) {
		err_set(&e, fd, "%s/node.pid: %s", s->conf.run_dir, strerror(-fd));
		return cli_fail(&e);
	}
	progress = progress_begin("waiting for tunneld to end");
	if ((rc = tunnel_signal(fd, SIGTERM)) == 0)
		rc = tunnel_wait(fd, (int) s->timeout_ms);
	progress_end(progress);
	close(fd);
	if (rc < 0) {
		err_set(&e, rc, "tunneld does not end: %s", strerror(-rc));
		return cli_fail(&e);
	}
	printf("down\n");
	return CLI_OK;
}

/* Its certificates need not be there any more. */
enum cli_exit
cmd_client_down(const struct cli *cli)
{
	struct self s = { 0 };
	enum cli_exit status;
	struct err e;

	status = init(&s, cli, &e) < 0 ? cli_fail(&e) : stop(&s);
	self_fini(&s);
	return status;
}
