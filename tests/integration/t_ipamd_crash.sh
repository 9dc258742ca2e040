#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ipamd killed with -9: established tunnels lose nothing, new joins wait, and all is true afterwards.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b
server_up
node_up a
node_conf b
node_enroll b
a=$(node_addr a)

say "killed while pings run"
ping_start a 10.1.1.1
daemon_kill ipamd
pings a 10.1.1.1 20

say "a node that joins meanwhile is refused for the moment, and comes in by itself"
start_node b
wait_for 10 logged b 'refused.*IPAM_DOWN'
status=0
ctl --timeout 5s node list >"$LAB/out" 2>&1 || status=$?
cat "$LAB/out"
[ "$status" = 4 ] || fail "exit status $status instead of 4 (unavailable)"
grep -q IPAM_DOWN "$LAB/out" || fail "the reason is missing"
start_ipamd
wait_for 15 node_connected b
wait_for 10 node_connected a
ping_stop
[ "$(node_addr a)" = "$a" ] || fail "a has another address"
pings a "$(node_addr b)" 3
