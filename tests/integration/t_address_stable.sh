#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A node keeps its address over its own reconnects and over the restart of each daemon.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b
server_up
node_up a
node_up b
a=$(node_addr a)
b=$(node_addr b)
[ "$a" != "$b" ] || fail "two nodes share $a"

same() {
	wait_for 10 node_connected a
	wait_for 10 node_connected b
	[ "$(node_addr a)" = "$a" ] || fail "a has $(node_addr a), had $a"
	[ "$(node_addr b)" = "$b" ] || fail "b has $(node_addr b), had $b"
	pings a "$b" 3
	pings a 10.1.1.1 3
}

say "the nodes, in the other order"
daemon_stop a
daemon_stop b
start_node b
wait_for 10 node_connected b
start_node a
same

say "ctld"
daemon_stop ctld
start_ctld
same

say "ipamd"
daemon_stop ipamd
start_ipamd
same

say "tunneld"
daemon_stop tunneld
start_tunneld
same

say "all three"
daemon_stop ctld
daemon_stop tunneld
daemon_stop ipamd
start_ipamd
start_tunneld
start_ctld
same
