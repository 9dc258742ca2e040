#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ctld killed with -9: tunnels and joins do not notice; its signer ends with it; it comes back,
# and finds tunneld.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b
server_up
node_up a
node_conf b
node_enroll b
pids=$(pgrep -P "$(daemon_pid ctld)" | tr '\n' ' ')
[ -n "$pids" ] || fail "ctld has no signer process"

ping_start a 10.1.1.1
daemon_kill ctld
for pid in $pids; do
	gone_within 5 "$pid" || fail "the signer $pid outlives its front"
done
start_node b
wait_for 10 logged tunneld 'session_up.*node=n-.*'
wait_for 10 logged b 'notice connected'
start_ctld
wait_for 10 node_connected b
wait_for 10 node_connected a
ping_stop

say "a socket of tunneld that was removed is there again for the next ctld"
rm "$LAB/run/tunneld/control.sock"
daemon_kill ctld
start_ctld
wait_for 10 node_uses a UDP

say "the signer dies: the front ends with an error, for init to start both"
front=$(daemon_pid ctld)
signer=$(pgrep -P "$front")
kill -KILL "$signer"
gone_within 5 "$front" || fail "the front outlives its signer"
daemon_forget ctld
logged ctld 'signer' || fail "the log does not say why"
