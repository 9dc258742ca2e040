#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A node's address on the outside changes: the packets go on at once, in the same session.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a
# As long as this lasts, none of what follows is noticed by waiting.
server_up 'keepalive: 60s' 'deadAfter: 180s'
node_up a
wait_for 5 node_uses a UDP
pings a 10.1.1.1 5
connects() { grep -c 'notice connected' "$LAB/a/log"; }
before=$(connects)

say "another address of the same interface"
ip -n "$(ns_of a)" addr add 192.0.2.55/24 dev eth0
ip -n "$(ns_of a)" addr del 192.0.2.11/24 dev eth0
shows 192.0.2.55 ip -n "$(ns_of a)" addr show dev eth0 ||
	ip -n "$(ns_of a)" addr add 192.0.2.55/24 dev eth0
pings a 10.1.1.1 10
moved() { shows '^192.0.2.55:' node_field a session.endpoint; }
wait_for 5 moved

say "the control connection has lost its address, and is made anew at once"
again() { [ "$(connects)" -gt "$1" ]; }
wait_for 3 again "$before"
logged a 'info moved epoch' || fail "not because it has moved"
logged tunneld 'endpoint_moved.*192.0.2.55' || fail "the server has not followed the packets"
