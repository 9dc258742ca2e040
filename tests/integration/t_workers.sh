#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Several threads carry packets: between ends with as many and with fewer of them, through the server
# to another node, in UDP and inside of TLS; new keys under load, and nothing is lost by them.
# time-limit: 60
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/flow.bash
. "$(dirname "$0")/flow.bash"

lab_up a b
server_up 'workers: 2' 'rekey: 10s'
node_conf a
node_conf b
node_enroll a
node_enroll b

# threads NAME: how many workers its engine has.
threads() {
	local engine
	engine=$(pgrep -P "$(pgrep -P "$(daemon_pid "$1")")")
	cat /proc/"$engine"/task/*/comm | grep -c '^worker-'
}

# flows NAME ADDRESS: many at a time, so that every queue of the device has some.
flows() {
	local i pids=()
	for i in 1 2 3 4 5 6; do
		on "$1" ping -n -q -c 40 -i 0.01 -W 2 -s $((100 * i)) "$2" >"$LAB/flow.$i" &
		pids+=($!)
	done
	for i in "${pids[@]}"; do wait "$i" || fail "packets are lost"; done
	grep -h 'packet loss' "$LAB"/flow.* | sort | uniq -c
	! grep -L ' 0% packet loss' "$LAB"/flow.* | grep . || fail "packets are lost"
}

for n in 1 2 3; do
	say "nodes of $n workers, a server of 2"
	for node in a b; do
		node_conf "$node" "workers: $n"
		start_node "$node"
		wait_for 10 node_uses "$node" UDP
	done
	[ "$(threads a)" = "$n" ] || fail "node a has $(threads a) workers"
	[ "$(threads tunneld)" = 2 ] || fail "the server has $(threads tunneld) workers"
	flows a 10.1.1.1
	flows a "$(node_addr b)"
	if [ "$n" != 3 ]; then
		daemon_stop a
		daemon_stop b
	fi
done

say "inside of TLS"
daemon_stop b
node_conf b "transport: tls" "workers: 2"
start_node b
wait_for 10 node_connected b
flows b 10.1.1.1
flows a "$(node_addr b)"

say "new keys under load"
command -v iperf3 >/dev/null || skip "needs iperf3"
epoch() { sed -n 's/.* connected .* epoch=\([0-9]*\) .*/\1/p' "$LAB/a/log" | tail -n 1; }
newer() { [ "$(epoch)" -gt "$1" ]; }
ip netns exec "$(ns_of s)" iperf3 -s -1 >/dev/null &
sink=$!
wait_for 5 shows :5201 on s ss -Hltn
before=$(epoch)
ip netns exec "$(ns_of a)" iperf3 -J -c 10.1.1.1 -u -b 60M -l 1300 -t 12 >"$LAB/iperf.json" &
load=$!
wait_for 12 newer "$before"
wait "$load" && wait "$sink"
"$PYTHON" - "$LAB/iperf.json" <<-'EOT'
	import json, sys
	end = json.load(open(sys.argv[1]))["end"]["sum"]
	print("%d of %d lost" % (end["lost_packets"], end["packets"]))
EOT
for why in esp_spi_unknown esp_auth_failed esp_replayed thread_queue_full; do
	[ "$(drops $why)" = 0 ] || fail "$why: $(drops $why)"
done

say "threads and senders go from one processor to another"
[ -n "${LV_SOAK:-}" ] && RATE=96154 TURNS=100 || RATE=5000 TURNS=20
# engines: the threads of both ends that move packets.
engines() {
	local pid
	for pid in $(ip netns pids "$(ns_of s)") $(ip netns pids "$(ns_of a)"); do
		grep -lE '^(worker-|tunneld)' "/proc/$pid"/task/*/comm 2>/dev/null | cut -d/ -f5
	done
}
flow_begin a s 10.1.1.1 "$RATE" hop
flow_begin s a "$(node_addr a)" $((RATE / 10)) hop
for ((turn = 0; turn < TURNS; turn++)); do
	for thread in $(engines); do
		taskset -cp $((turn % $(nproc --all))) "$thread" >/dev/null 2>&1 || true
	done
	pings a 10.1.1.1 2 >/dev/null
done
flow_end a s
[ "$FLOW_LOST" = 0 ] || fail "$FLOW_LOST to the server are lost"
flow_end s a
[ "$FLOW_LOST" = 0 ] || fail "$FLOW_LOST to the node are lost"
