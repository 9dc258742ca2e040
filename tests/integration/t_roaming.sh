#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A node's address on the outside changes: the packets go on at once, in the same session.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/flow.bash
. "$(dirname "$0")/flow.bash"

lab_up a
# As long as this lasts, none of what follows is noticed by waiting.
server_up 'keepalive: 60s' 'deadAfter: 180s'
node_up a
wait_for 5 node_uses a UDP
pings a 10.1.1.1 5
connects() { grep -c 'notice connected' "$LAB/a/log"; }
before=$(connects)

say "another address of the same interface, under load"
[ -n "${LV_SOAK:-}" ] && RATE=96154 || RATE=5000
flow_begin a s 10.1.1.1 "$RATE"
flow_begin s a "$(node_addr a)" $((RATE / 10))
# Longer than the other one's, so that this is no secondary address, which would go with it.
ip -n "$(ns_of a)" addr add 192.0.2.55/25 dev eth0
ip -n "$(ns_of a)" addr del 192.0.2.11/24 dev eth0
pings a 10.1.1.1 10
moved() { shows '^192.0.2.55:' node_field a session.endpoint; }
wait_for 5 moved
flow_end a s
[ "$FLOW_LOST" = 0 ] || fail "$FLOW_LOST to the server are lost"
flow_end s a
# What is under way to the old address, until the server has heard from the new one.
((FLOW_LOST < RATE / 100)) || fail "$FLOW_LOST to the node are lost"

say "the control connection has lost its address, and is made anew at once"
again() { [ "$(connects)" -gt "$1" ]; }
wait_for 3 again "$before"
logged a 'info moved epoch' || fail "not because it has moved"
logged tunneld 'endpoint_moved.*192.0.2.55' || fail "the server has not followed the packets"
