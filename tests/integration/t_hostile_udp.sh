#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# time-limit: 300
# Datagrams of every bad kind, very many of them, beside a node that works: none is answered, none is
# taken, each is counted; the memory stays, and no answer to the node's pings is missing.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# Memory of the server's engine.
engine_kb() {
	local pid
	for pid in $(ip netns pids "$(ns_of s)"); do
		[ "$(stat -c %U "/proc/$pid")" = litevpn-tunneld ] || continue
		[ -n "$(find "/proc/$pid/fd" -lname /dev/net/tun -print -quit)" ] || continue
		awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"
	done
}

command -v tcpdump >/dev/null || skip "needs tcpdump"
[ -n "${LV_SOAK:-}" ] && COUNT=10000000 || COUNT=100000
PER_SECOND=60000
lab_up a b
server_up
node_up a
wait_for 5 node_uses a UDP

say "what the node says is listened to"
on a tcpdump -i eth0 -U -w "$LAB/capture" -c 100 udp dst port 6441 2>"$LAB/tcpdump.err" &
tcpdump=$!
wait_for 5 grep -q listening "$LAB/tcpdump.err"
pings a 10.1.1.1 120
wait "$tcpdump"

sum() {
	ctl -o json status | "$PYTHON" -c '
import json, sys
d = json.load(sys.stdin).get("drops", {})
print(sum(int(v) for k, v in d.items() if k.startswith("esp_")))'
}

say "$COUNT datagrams from somebody else"
before=$(sum) memory=$(engine_kb) end=$(node_field a session.endpoint)
ping_start a 10.1.1.1
read -r sent answered < <(on b "$BUILD/tests/hostile_udp" "$SERVER_IP" 6441 "$LAB/capture" \
	"$COUNT" "$PER_SECOND" "${LV_SEED:-1}")
counted() { [ $(($(sum) - before)) = "$sent" ]; }
wait_for 5 counted
ping_stop
printf '%d sent, %d answered, %d KiB before, %d after\n' "$sent" "$answered" "$memory" "$(engine_kb)"
[ "$answered" = 0 ] || fail "$answered were answered"
(($(engine_kb) - memory < 1024)) || fail "the memory has grown"
[ "$(node_field a session.endpoint)" = "$end" ] || fail "the node has moved"
