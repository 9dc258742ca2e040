/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/commands.h"

#include <string.h>

#include "cli/help.h"
#include "cli/machine.h"
#include "cli/message.h"
#include "cli/self.h"

const struct opt *const commands_common[] = { connect_options, output_options, help_options, NULL };

/* What a row has beside its words: the tables of its options, and its operands. */
#define OPTIONS(...) ((const struct opt *const[]){ __VA_ARGS__, help_options, NULL })
#define ONLY_HELP ((const struct opt *const[]){ help_options, NULL })
#define TALKS connect_options, output_options
#define TRIES message_try_options
#define CHANGES message_try_options, message_change_options
#define NONE { 0 }
#define ONE(shown, names) { (shown), 1, 1, (names), NULL }
#define MAYBE(shown, names) { (shown), 0, 1, (names), NULL }
#define WORD(shown, words) { (shown), 1, 1, NAMES_WORD, (words) }
#define NODE ONE("NODE", NAMES_NODE)
#define TOKEN ONE("TOKEN", NAMES_TOKEN)
#define NETWORK ONE("NETWORK", NAMES_NETWORK)

static const char *const pkis[] = { "grpc", "vpn", NULL };

/* clang-format off */
const struct command commands[] = {
	{ "status", NULL, NONE, OPTIONS(TALKS), "show what runs and how full it is", cmd_status },
	{ "node", "list", NONE, OPTIONS(cmd_node_list_options, TALKS), "list all nodes",
	    cmd_node_list },
	{ "node", "show", NODE, OPTIONS(TALKS), "show one node with its session", cmd_node_show },
	{ "node", "watch", MAYBE("[NODE]", NAMES_NODE), OPTIONS(cmd_node_watch_options, TALKS),
	    "follow the nodes' states", cmd_node_watch },
	{ "node", "wait", NODE, OPTIONS(cmd_node_wait_options, connect_options),
	    "wait until a node is connected, disconnected or deleted", cmd_node_wait },
	{ "node", "update", NODE, OPTIONS(cmd_node_update_options, CHANGES, TALKS),
	    "change a node's name and labels", cmd_node_update },
	{ "node", "disconnect", NODE, OPTIONS(TALKS), "end a node's session; it may come back",
	    cmd_node_disconnect },
	{ "node", "delete", NODE, OPTIONS(TRIES, TALKS), "unregister a node and cut its session",
	    cmd_node_delete },
	{ "node", "top", NONE, OPTIONS(cmd_top_options, connect_options),
	    "show the nodes with their traffic, as it is now", cmd_top },
	{ "token", "create", NONE, OPTIONS(cmd_token_create_options, CHANGES, TALKS),
	    "make a bootstrap token, with which a machine can enroll", cmd_token_create },
	{ "token", "list", NONE, OPTIONS(cmd_token_list_options, TALKS), "list bootstrap tokens",
	    cmd_token_list },
	{ "token", "show", TOKEN, OPTIONS(TALKS), "show one, without its secret", cmd_token_show },
	{ "token", "revoke", TOKEN, OPTIONS(CHANGES, TALKS), "let nobody enroll with it any more",
	    cmd_token_revoke },
	{ "address", "list", NONE,
	    OPTIONS(cmd_address_list_options, cmd_address_network_options, TALKS),
	    "list addresses that are not free", cmd_address_list },
	{ "address", "usage", NONE, OPTIONS(cmd_address_usage_options, TALKS),
	    "show how full the networks are", cmd_address_usage },
	{ "address", "reserve", ONE("NAME", NAMES_NOTHING),
	    OPTIONS(cmd_address_reserve_options, cmd_address_network_options, CHANGES, TALKS),
	    "keep an address for nodes of that display name", cmd_address_reserve },
	{ "address", "release", ONE("ADDRESS|NAME", NAMES_ADDRESS),
	    OPTIONS(cmd_address_network_options, CHANGES, TALKS), "end a reservation",
	    cmd_address_release },
	{ "address", "reclaim", NONE,
	    OPTIONS(cmd_address_reclaim_options, cmd_address_network_options, CHANGES, TALKS),
	    "unregister the nodes that have been idle for longest", cmd_address_reclaim },
	{ "network", "list", NONE, OPTIONS(TALKS), "list networks", cmd_network_list },
	{ "network", "show", NETWORK, OPTIONS(TALKS), "show one network", cmd_network_show },
	{ "network", "create", ONE("NAME", NAMES_NOTHING),
	    OPTIONS(cmd_network_prefix_options, cmd_network_open_options, CHANGES, TALKS),
	    "make a network", cmd_network_create },
	{ "network", "recreate", NETWORK, OPTIONS(cmd_network_prefix_options, CHANGES, TALKS),
	    "give a network another prefix", cmd_network_recreate },
	{ "network", "net-token", NETWORK, OPTIONS(cmd_network_open_options, CHANGES, TALKS),
	    "make a new net-token, or open the network", cmd_network_net_token },
	{ "network", "delete", NETWORK, OPTIONS(cmd_network_delete_options, CHANGES, TALKS),
	    "delete a network", cmd_network_delete },
	{ "event", "list", NONE, OPTIONS(cmd_event_options, TALKS), "list what has happened",
	    cmd_event_list },
	{ "event", "watch", NONE, OPTIONS(cmd_event_options, cmd_event_watch_options, TALKS),
	    "follow what happens", cmd_event_watch },
	{ "server", "reload", NONE, OPTIONS(TRIES, TALKS),
	    "let all daemons read server.yml again", cmd_server_reload },
	{ "server", "log-level", WORD("error|warn|notice|info|debug|reset", cmd_server_levels),
	    OPTIONS(cmd_server_log_options, TALKS), "change how much the daemons log",
	    cmd_server_log_level },
	{ "server", "backup", ONE("FILE", NAMES_FILE),
	    OPTIONS(cmd_backup_options, connect_options), "copy the database while it is in use",
	    cmd_backup },
	{ "client", "enroll", NONE, OPTIONS(cmd_client_enroll_options),
	    "make this machine a node", cmd_client_enroll },
	{ "client", "status", NONE, OPTIONS(self_options, output_options),
	    "show this node as the server sees it", cmd_client_status },
	{ "client", "up", NONE, OPTIONS(cmd_client_up_options, self_options),
	    "start the tunnel of this node", cmd_client_up },
	{ "client", "down", NONE, OPTIONS(self_options), "stop what client up has started",
	    cmd_client_down },
	{ "client", "unregister", NONE, OPTIONS(self_options),
	    "let the server forget this node", cmd_client_unregister },
	{ "cert", "show", NONE, OPTIONS(machine_options), "show when certificates end",
	    cmd_cert_show },
	{ "cert", "renew", NONE, OPTIONS(self_options), "renew the certificates of this node",
	    cmd_cert_renew },
	{ "pki", "init", NONE, OPTIONS(cmd_pki_init_options),
	    "make the certificates of a new server", cmd_pki_init },
	{ "pki", "issue", WORD("grpc|vpn", pkis), OPTIONS(cmd_pki_issue_options),
	    "make one more certificate", cmd_pki_issue },
	{ "config", "check", ONE("FILE", NAMES_FILE), OPTIONS(cmd_config_check_options, TALKS),
	    "check a configuration file", cmd_config_check },
	{ "doctor", NULL, NONE, OPTIONS(machine_options, cmd_doctor_options),
	    "look at all that can be wrong with this machine", cmd_doctor },
	{ "top", NULL, NONE, OPTIONS(cmd_top_options, connect_options), "the same as node top",
	    cmd_top },
	{ "explain", NULL, MAYBE("[REASON]", NAMES_REASON), ONLY_HELP,
	    "tell what a reason means and what to do", cmd_explain },
	{ "completion", NULL, WORD("bash|zsh|fish", cmd_completion_shells), ONLY_HELP,
	    "print what that shell needs to complete command lines", cmd_completion },
	{ 0 },
};
/* clang-format on */

const struct command *
command_find(const char *noun, const char *verb)
{
	for (const struct command *c = commands; c->noun != NULL; c++) {
		if (strcmp(c->noun, noun) == 0 &&
		    (c->verb == NULL || (verb != NULL && strcmp(c->verb, verb) == 0)))
			return c;
	}
	return NULL;
}

bool
command_is_noun(const char *word)
{
	for (const struct command *c = commands; c->noun != NULL; c++) {
		if (strcmp(c->noun, word) == 0)
			return true;
	}
	return false;
}
