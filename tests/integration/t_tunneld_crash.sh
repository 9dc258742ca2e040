#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tunneld's engine killed: the device does not change, nodes are back in about a second with the
# same address. The whole daemon killed: the device persists and is taken over. Once each, in the
# long form twenty times.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a
server_up
node_up a
a=$(node_addr a)
ROUNDS=${LV_SOAK:+20}
ROUNDS=${ROUNDS:-1}

# index HOST DEVICE
index() { ip -n "$(ns_of "$1")" -o link show dev "$2" | cut -d: -f1; }
server_device=$(index s litevpn0) node_device=$(index a lv-a)
engine_of() { pgrep -P "$(pgrep -P "$(daemon_pid "$1")")"; }
sessions() { grep -c 'notice connected' "$LAB/a/log"; }
reconnected() { [ "$(sessions)" -gt "$1" ]; }

# back SESSIONS: the node has a session more than those, the same address, and is answered.
back() {
	wait_for 10 reconnected "$1"
	wait_for 8 pings a 10.1.1.1 3
	[ "$(node_addr a)" = "$a" ] || fail "another address"
	wait_for 8 node_connected a
}

for ((round = 1; round <= ROUNDS; round++)); do
	say "$round: the server's engine is killed"
	n=$(sessions)
	kill -KILL "$(engine_of tunneld)"
	back "$n"
	[ "$(index s litevpn0)" = "$server_device" ] || fail "the server's device is another one"

	say "$round: the node's engine is killed"
	n=$(sessions)
	kill -KILL "$(engine_of a)"
	back "$n"
	[ "$(index a lv-a)" = "$node_device" ] || fail "the node's device is another one"

	say "$round: the whole tunneld is killed"
	n=$(sessions)
	daemon_kill tunneld
	[ "$(index s litevpn0)" = "$server_device" ] || fail "the device does not persist"
	start_tunneld
	[ "$(index s litevpn0)" = "$server_device" ] || fail "the device was not taken over"
	back "$n"
done

say "stopped in good order: the device goes"
daemon_stop tunneld
ip -n "$(ns_of s)" link show dev litevpn0 2>/dev/null && fail "the device is still there"
wait_for 5 logged a 'server_goodbye.*SHUTTING_DOWN'
