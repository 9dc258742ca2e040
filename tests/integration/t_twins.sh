#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Two machines with one identity: the newer wins, the other one comes back after reconnect.max and no
# sooner, and the server says each time from where to where the node went.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b
server_up
node_up a
id=$(node_id a)
elsewhere() { grep -c "node_elsewhere node=$id from=$1 to=$2" "$LAB/tunneld/log"; }
went() { [ "$(elsewhere "$1" "$2")" -ge "$3" ]; }
A=192.0.2.11 B=192.0.2.12

say "the same machine anew is nothing to tell"
daemon_stop a
start_node a
wait_for 10 node_connected a
! logged tunneld node_elsewhere || fail "it is told"

say "a copy of it"
node_conf b
cp -r "$LAB/a/vpn" "$LAB/a/token" "$LAB/b/"
start_node b
wait_for 10 went "$A" "$B" 1
wait_for 10 logged a 'SUPERSEDED'
since=$SECONDS

say "they swap, at reconnect.max"
wait_for 10 went "$B" "$A" 1
wait_for 10 went "$A" "$B" 2
((SECONDS - since >= 2)) || fail "two swaps in $((SECONDS - since)) s"
(($(grep -c 'session_up' "$LAB/tunneld/log") <= 8)) || fail "they fight"

say "without the copy the node stays"
daemon_stop b
wait_for 10 node_connected a
wait_for 10 pings a 10.1.1.1 3
