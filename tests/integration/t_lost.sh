#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A node that falls silent is LOST after deadAfter, keeps its address, and is CONNECTED again when it
# comes back; one that says goodbye is IDLE.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b
server_up "keepalive: 1s" "deadAfter: 2s"
node_up a
node_up b
addr=$(node_addr a)

say "the cable is pulled: LOST, after deadAfter and not before; the other node stays"
since=$SECONDS
ip -n "$(ns_of n)" link set va down
wait_for 10 node_is a LOST
((SECONDS - since >= 1)) || fail "lost after $((SECONDS - since)) s"
logged tunneld "session_down node=$(node_id a) .*state=lost" || fail "the log does not say so"
node_connected b || fail "b is lost, too"
[ "$(node_field a address)" = "$addr" ] || fail "its address is gone"

say "and back: the same address"
ip -n "$(ns_of n)" link set va up
wait_for 15 node_connected a
wait_for 5 pings a 10.1.1.1 3
[ "$(node_addr a)" = "$addr" ] || fail "another address: $(node_addr a)"

say "a goodbye is no loss"
daemon_stop a
wait_for 5 node_is a IDLE
