#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A node that sends as fast as it can leaves the others their way; one that reads nothing stops
# nobody, and what is meant for it does not pile up.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

command -v iperf3 >/dev/null || skip "needs iperf3"
lab_up a b
server_up
node_up a
node_up b
wait_for 10 node_uses a UDP
wait_for 10 node_uses b UDP
engine=$(pgrep -P "$(pgrep -P "$(daemon_pid tunneld)")")
rss_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$engine/status"; }

# others NAME: what another node has meanwhile.
others() {
	on "$1" ping -n -q -c 100 -i 0.02 -W 2 10.1.1.1 | tail -n 2 | tee "$LAB/ping"
	awk '/packet loss/ { for (i = 1; i <= NF; i++) if ($i ~ /%/ && $i + 0 > 5) exit 1 }' "$LAB/ping" ||
		fail "it loses packets"
	awk -F/ '/^rtt/ { exit $5 > 200 }' "$LAB/ping" || fail "it waits"
}

say "a floods, b pings"
ip netns exec "$(ns_of s)" iperf3 -s -1 >/dev/null &
sink=$!
wait_for 5 shows :5201 on s ss -Hltn
before=$(rss_kb)
ip netns exec "$(ns_of a)" iperf3 -c 10.1.1.1 -u -b 0 -l 1300 -t 4 >/dev/null &
flood=$!
others b
wait "$flood" || true
wait "$sink" || true

say "a is stopped in its tracks, and sent to: inside of TLS too"
for transport in auto tls; do
	if [ "$transport" = tls ]; then
		daemon_stop a
		node_conf a "transport: tls"
		start_node a
		wait_for 10 node_connected a
	fi
	stopped=$(pgrep -P "$(pgrep -P "$(daemon_pid a)")")
	kill -STOP "$stopped"
	ip netns exec "$(ns_of s)" ping -n -q -f -c 20000 -s 1300 -W 1 "$(node_addr a)" >/dev/null 2>&1 &
	flood=$!
	others b
	kill "$flood" 2>/dev/null || true
	wait "$flood" || true
	kill -CONT "$stopped"
done
after=$(rss_kb)
[ $((after - before)) -lt 20000 ] || fail "memory has grown from $before to $after KiB"
