# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A stream of numbered datagrams beside what is tested, and what became of it (flow.c).

declare -A FLOW_TAKER=() FLOW_GIVER=()	# pids, by "FROM TO"
FLOW_PORT=5400
FLOW_SIZE=1300
FLOW_BATCH=40	# at most so many datagrams are one packet to a queue (flow.c, BATCH_MAX)

# What queues have dropped that were full, in the namespace: those of devices and of UDP sockets. Each
# may be a batch.
queue_drops() {
	on "$1" sh -c 'cat /sys/class/net/*/statistics/*_dropped /proc/net/snmp6 /proc/net/snmp' | awk '
		NF == 1 || /^Udp6(Rcv|Snd)bufErrors/ { n += $NF }
		/^Udp: In/ { for (i = 2; i <= NF; i++) want[i] = $i ~ /^(Rcv|Snd)bufErrors$/ }
		/^Udp: [0-9]/ { for (i = 2; i <= NF; i++) n += want[i] * $i }
		END { print n + 0 }'
}
own_drops() {
	local name n=0
	for name; do
		n=$((n + $(queue_drops "$name")))
	done
	for name in thread_queue_full tls_queue_full tun_write_failed; do
		n=$((n + $(drops "$name")))
	done
	echo "$n"
}

# flow_begin FROM TO ADDRESS RATE [hop]
flow_begin() {
	local from=$1 to=$2 address=$3 rate=$4 out=$LAB/flow-$1-$2
	FLOW_PORT=$((FLOW_PORT + 1))
	ip netns exec "$(ns_of "$to")" "$BUILD/tests/flow" take "$FLOW_PORT" >"$out" &
	FLOW_TAKER["$from $to"]=$!
	wait_for 5 grep -q ready "$out"
	own_drops "$from" "$to" >"$out.own"
	ip netns exec "$(ns_of "$from")" "$BUILD/tests/flow" give "$address" "$FLOW_PORT" "$rate" \
		"$FLOW_SIZE" ${5:+"$5"} &
	FLOW_GIVER["$from $to"]=$!
}

# flow_end FROM TO: says what became of it. Sets FLOW_LOST (but for what full queues may have dropped)
# and FLOW_GAP_MS.
flow_end() {
	local out=$LAB/flow-$1-$2 own sent came lost twice late dropped
	kill "${FLOW_GIVER["$1 $2"]}"
	wait "${FLOW_GIVER["$1 $2"]}" || fail "the stream has ended early"
	wait "${FLOW_TAKER["$1 $2"]}" || fail "nobody takes the stream"
	read -r sent came lost twice late FLOW_GAP_MS dropped < <(tail -n 1 "$out")
	own=$(($(own_drops "$1" "$2") - $(cat "$out.own")))
	printf '%s to %s: %d sent, %d came, %d lost, %d twice, %d late; longest gap %d ms; ' \
		"$1" "$2" "$sent" "$came" "$lost" "$twice" "$late" "$FLOW_GAP_MS"
	printf 'full queues dropped %d (the socket %d of them)\n' "$own" "$dropped"
	((came > 0)) || fail "nothing came"
	own=$((own * FLOW_BATCH))
	FLOW_LOST=$((lost > own ? lost - own : 0))
}
