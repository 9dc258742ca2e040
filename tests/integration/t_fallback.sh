#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# UDP blocked: the traffic goes on inside of TLS. Unblocked: back to UDP. Blocked from the start: TLS
# from the start. `transport` forces either.
# time-limit: 60
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/flow.bash
. "$(dirname "$0")/flow.bash"

command -v nft >/dev/null || skip "needs nft"
lab_up a b
server_up
node_up a
wait_for 5 node_uses a UDP

block() {
	on n nft add table bridge t
	on n nft add chain bridge t c '{ type filter hook forward priority 0; }'
	on n nft add rule bridge t c ip protocol udp drop
}
unblock() { on n nft delete table bridge t; }

# switches TRANSPORT COMMAND: streams both ways go on within a second, whatever the command does. (In
# make check the machine may be busy with something else.)
switches() {
	flow_begin a s 10.1.1.1 "$RATE"
	flow_begin s a "$(node_addr a)" "$RATE"
	wait_for 5 pings a 10.1.1.1 10
	"$2"
	wait_for 15 node_uses a "$1"
	wait_for 15 logged a "path_changed .*transport=${1,,}"
	pings a 10.1.1.1 10
	flow_end a s
	((FLOW_GAP_MS < GAP_MAX)) || fail "to the server: interrupted for $FLOW_GAP_MS ms"
	flow_end s a
	((FLOW_GAP_MS < GAP_MAX)) || fail "to the node: interrupted for $FLOW_GAP_MS ms"
}
if [ -n "${LV_SOAK:-}" ]; then RATE=20000 GAP_MAX=1000; else RATE=2000 GAP_MAX=1500; fi

say "blocked while streams run"
switches TLS block
ctl node show "$(node_id a)"

say "large packets and a stream inside of TLS"
on a ping -n -q -c 3 -s 1300 -W 2 10.1.1.1 | tail -n 2
on s iperf3 -s -1 -B 10.1.1.1 >/dev/null &
server_ready() { shows . on s ss -Htln 'sport = :5201'; }
wait_for 5 server_ready
on a iperf3 -C cubic -t 1 -c 10.1.1.1 | tail -n 3
wait %1

say "unblocked: back to UDP"
switches UDP unblock

say "blocked from the start"
block
node_up b
pings b 10.1.1.1 5
node_uses b TLS || fail "UDP is blocked, and used"
unblock
wait_for 15 node_uses b UDP

say "transport: tls never takes UDP; transport: udp never takes TLS"
daemon_stop b
echo "transport: tls" >>"$LAB/b/client.yml"
start_node b
wait_for 10 node_connected b
pings b 10.1.1.1 5
node_uses b TLS || fail "UDP is used"
daemon_stop b
sed -i 's/^transport: .*/transport: udp/' "$LAB/b/client.yml"
start_node b
wait_for 10 node_uses b UDP
pings b 10.1.1.1 5
block
on b ping -n -q -c 20 -i 0.1 -W 1 10.1.1.1 >/dev/null 2>&1 || true
on b ping -n -q -c 3 -i 0.1 -W 1 10.1.1.1 >/dev/null 2>&1 && fail "TLS is used"
unblock
wait_for 15 pings b 10.1.1.1 3
