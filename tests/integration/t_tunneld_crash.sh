#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tunneld's engine killed: the device does not change, nodes are back in about a second with the same
# address. The whole daemon killed: the device persists and is taken over.
# time-limit: 60
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a
server_up
node_up a
a=$(node_addr a)
index() { on s cat /sys/class/net/litevpn0/ifindex 2>/dev/null || ip -n "$(ns_of s)" -o link show dev litevpn0 | cut -d: -f1; }
before=$(index)
engine_of() { pgrep -P "$(pgrep -P "$(daemon_pid "$1")")"; }
epoch() { grep -c 'notice connected' "$LAB/a/log"; }
reconnected() { [ "$(epoch)" -gt "$1" ]; }

say "the server's engine is killed"
n=$(epoch)
kill -KILL "$(engine_of tunneld)"
wait_for 8 reconnected "$n"
wait_for 8 pings a 10.1.1.1 3
[ "$(index)" = "$before" ] || fail "the device is another one"
[ "$(node_addr a)" = "$a" ] || fail "another address"
wait_for 8 node_connected a

say "the node's engine is killed"
node_index=$(ip -n "$(ns_of a)" -o link show dev lv-a | cut -d: -f1)
kill -KILL "$(engine_of a)"
wait_for 8 pings a 10.1.1.1 3
[ "$(ip -n "$(ns_of a)" -o link show dev lv-a | cut -d: -f1)" = "$node_index" ] ||
	fail "the node's device is another one"
[ "$(node_addr a)" = "$a" ] || fail "another address"

say "the whole tunneld is killed"
n=$(epoch)
daemon_kill tunneld
[ "$(index)" = "$before" ] || fail "the device does not persist"
start_tunneld
[ "$(index)" = "$before" ] || fail "the device was not taken over"
wait_for 10 reconnected "$n"
wait_for 8 pings a 10.1.1.1 3
[ "$(node_addr a)" = "$a" ] || fail "another address"
wait_for 8 node_connected a

say "stopped in good order: the device goes"
daemon_stop tunneld
ip -n "$(ns_of s)" link show dev litevpn0 2>/dev/null && fail "the device is still there"
wait_for 5 logged a 'server_goodbye.*SHUTTING_DOWN'
