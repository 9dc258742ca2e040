#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# time-limit: 500
# What a tunnel carries over a bad network arrives, whole and in time: losses, delays, datagrams that
# come twice and overtake each other. lossy.c, on r, is that network.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

command -v nft >/dev/null || skip "needs nft"
RELAY_IP=192.0.2.11
WITHIN=60	# seconds
lab_up r a
server_conf
pki_init --san "$RELAY_IP"
start_ipamd
start_tunneld
start_ctld
# The control connection passes r as it is.
on r sysctl -qw net.ipv4.ip_forward=1
on r nft add table ip t
on r nft add chain ip t in '{ type nat hook prerouting priority -100; }'
on r nft add chain ip t out '{ type nat hook postrouting priority 100; }'
on r nft add rule ip t in tcp dport '{ 6439, 6441 }' dnat to "$SERVER_IP"
on r nft add rule ip t out tcp dport '{ 6439, 6441 }' masquerade

# relay LOSS DUPLICATES DELAY_MS JITTER_MS: from here on; what it did before is printed.
RELAY_PID=""
relay_end() {
	[ -n "$RELAY_PID" ] || return 0
	exec 9>&-
	wait "$RELAY_PID"
	RELAY_PID=""
}
relay() {
	relay_end
	[ -p "$LAB/relay.in" ] || mkfifo "$LAB/relay.in"
	ip netns exec "$(ns_of r)" "$BUILD/tests/lossy" 6441 "$SERVER_IP" 6441 "$@" "${LV_SEED:-1}" \
		<"$LAB/relay.in" >"$LAB/relay.out" 2>&1 &
	RELAY_PID=$!
	exec 9>"$LAB/relay.in"
}

# carries MEGABYTES CONTROL LOSS [DUPLICATES DELAY_MS JITTER_MS]
PORT=5000
carries() {
	local bytes=$(($1 << 20)) begin passed given taken taker
	relay "$3" "${4:-0}" "${5:-5}" "${6:-0}"
	wait_for 20 pings a 10.1.1.1 3 || true
	wait_for 20 node_uses a UDP
	PORT=$((PORT + 1))
	on s "$PYTHON" "$TOP/tests/integration/stream.py" take 10.1.1.1 "$PORT" >"$LAB/taken" &
	taker=$!	# $! is something else after a process substitution, as in wait_for
	wait_for 5 grep -q ready "$LAB/taken"
	begin=$SECONDS
	given=$(on a timeout "$WITHIN" "$PYTHON" "$TOP/tests/integration/stream.py" give 10.1.1.1 \
		"$PORT" "$bytes" "$2") || fail "$1 MB by $2 at $3 % loss: not within $WITHIN s"
	wait "$taker"
	taken=$(tail -n 1 "$LAB/taken")
	[ "$given" = "$taken" ] || fail "sent $given, got $taken"
	relay_end
	read -r _ _ passed <"$LAB/relay.out"
	printf '%4d MB, %-5s %2d %% loss, %s twice, %s ms + %s: %d s\n' "$1" "$2" "$3" "${4:-0}" \
		"${5:-5}" "${6:-0}" $((SECONDS - begin))
	((passed > bytes / 2)) || fail "most went inside of TLS: $passed bytes by UDP"
}

relay 0 0 5 0
node_conf a
sed -i "s/^serverAddr: .*/serverAddr: $RELAY_IP/" "$LAB/a/client.yml"
node_enroll a
start_node a
wait_for 10 node_connected a

if [ -n "${LV_SOAK:-}" ]; then
	for loss in 0 1 5; do carries 100 bbr "$loss"; done
	for loss in 10 20; do carries 10 bbr "$loss"; done
	for loss in 0 1; do carries 10 cubic "$loss"; done
	carries 10 bbr 1 2 20 10
else
	carries 10 bbr 1
	carries 2 bbr 10
	carries 2 cubic 1
	carries 4 bbr 1 2 5 3
fi
