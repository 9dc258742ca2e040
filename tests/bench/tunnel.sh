#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How fast the tunnel is, and how fast others are at the same moment on the same machine: everything
# in network namespaces joined by veth (tests/integration/lib.sh draws them), so that all figures
# share two processors or however many there are. Read the ratios.
#
#       a ──── server        up, down, UDP, ping
#       a ──── server ──── b relay
#
#   tests/bench/tunnel.sh [CONTENDER...]     raw null litevpn one two openssl tls openvpn openvpntcp
#                                            wireguard
#
# litevpn has as many workers as there are processors; one and two have so many. openssl does without
# ipsec-mb.
#
# BENCH_RUNS runs of BENCH_SECONDS each, of which the median counts; MODE is a value of the key
# `offload` of litevpn. Writes $BUILD/bench/tunnel.tsv: metric value unit baseline baseline_value
# ratio, where value is litevpn's; and a plot of the ratios, where there is a gnuplot, to tunnel.png.
set -euo pipefail
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/../integration/lib.sh"
# shellcheck source=tests/bench/tunnel_peers.bash
. "$(dirname "$0")/tunnel_peers.bash"

RUNS=${BENCH_RUNS:-3}
SECONDS_EACH=${BENCH_SECONDS:-2}
LOSS_MAX=1	# percent
BLAST=$BUILD/bench/blast
RESULTS=$BUILD/bench/tunnel.tsv

# metric, unit, which contenders it is measured of
METRICS=(
	"tcp1_up_gbps Gbit/s all"
	"tcp1_down_gbps Gbit/s all"
	"tcp4_up_gbps Gbit/s udp"
	"relay_gbps Gbit/s udp"
	"udp64_kpps kpps udp"
	"udp1300_mbps Mbit/s udp"
	"ping_p50_us us udp"
	"ping_load_p99_us us udp"
	"cpu_s_per_gbit_server s/Gbit all"
	"rss_mb MB all"
)
# Of those that differ from another contender in one thing.
readonly FEW='^(tcp1_up_gbps|tcp4_up_gbps|udp64_kpps|ping_p50_us)$'
declare -A VALUE=()	# by "contender metric"

median() { sort -g | awk '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] : "" }'; }
# percentile P
percentile() {
	sort -g | awk -v p="$1" '{ v[NR] = $1 } END { i = int(NR * p / 100 + 0.999); print v[i < 1 ? 1 : i] }'
}

# --- what is measured -------------------------------------------------------------------------------

# iperf FROM TO-ADDRESS OPTIONS...: bits per second that arrived.
iperf() {
	local from=$1 to=$2
	shift 2
	on "$from" iperf3 -J -c "$to" -C cubic -t "$SECONDS_EACH" "$@" >"$LAB/iperf.json" ||
		{ cat "$LAB/iperf.json" >&2; return 1; }
	"$PYTHON" -c 'import json,sys; print(json.load(sys.stdin)["end"]["sum_received"]["bits_per_second"])' \
		<"$LAB/iperf.json"
}

gbps() { iperf "$@" | awk '{ printf "%.3f\n", $1 / 1e9 }'; }

# All processes below PID, itself included.
family() {
	local child
	echo "$1"
	for child in $(pgrep -P "$1"); do
		family "$child"
	done
}

# Processor seconds that the server's processes have used; memory of its largest one.
cpu_seconds() {
	local pid
	for pid in $(family "$SERVER_PID"); do
		awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) / hz }' "/proc/$pid/stat"
	done | awk '{ s += $1 } END { print s }'
}
rss_mb() {
	local pid
	for pid in $(family "$SERVER_PID"); do
		awk '/^VmRSS/ { print $2 / 1024 }' "/proc/$pid/status"
	done | sort -g | tail -n 1
}

tcp1_up_gbps() { gbps a "$SERVER_IN"; }
tcp1_down_gbps() { gbps a "$SERVER_IN" -R; }
tcp4_up_gbps() { gbps a "$SERVER_IN" -P 4; }
relay_gbps() { gbps a "$B_IN"; }
udp64_kpps() { on a "$BLAST" find "$SERVER_IN" 5301 64 "$LOSS_MAX" | awk '{ print $2 / 1000 }'; }
udp1300_mbps() {
	on a "$BLAST" find "$SERVER_IN" 5301 1300 "$LOSS_MAX" | awk '{ print $2 * 1300 * 8 / 1e6 }'
}

# ping_us COUNT INTERVAL: each round trip in microseconds.
ping_us() {
	on a ping -n -c "$1" -i "$2" -W 2 "$SERVER_IN" | sed -n 's/.*time=\([0-9.]*\) ms/\1/p' |
		awk '{ print $1 * 1000 }'
}
ping_p50_us() { ping_us 200 0.005 | percentile 50; }
ping_load_p99_us() {
	local load
	on a iperf3 -c "$SERVER_IN" -C cubic -t $((SECONDS_EACH + 1)) >/dev/null &
	load=$!
	wait_for 5 on a ping -q -c 3 -i 0.1 -W 2 "$SERVER_IN" >/dev/null
	ping_us $((SECONDS_EACH * 100)) 0.01 | percentile 99
	wait "$load"
}
cpu_s_per_gbit_server() {
	local before after rate
	[ -n "$SERVER_PID" ] || return 0
	before=$(cpu_seconds)
	rate=$(gbps a "$SERVER_IN")
	after=$(cpu_seconds)
	awk -v c="$after" -v b="$before" -v r="$rate" -v t="$SECONDS_EACH" \
		'BEGIN { printf "%.4f\n", (c - b) / (r * t) }'
}

# --- a contender ----------------------------------------------------------------------------------

measure() {
	local who=$1 row metric unit of i
	for row in "${METRICS[@]}"; do
		read -r metric unit of <<<"$row"
		[ "$of" = udp ] && [[ $who =~ tcp|tls ]] && continue
		[[ $who =~ ^(one|two|openssl)$ && ! $metric =~ $FEW ]] && continue
		[ "$metric" = rss_mb ] && [ -z "$SERVER_PID" ] && continue
		for ((i = 0; i < RUNS; i++)); do
			"$metric"
		done >"$LAB/runs"
		VALUE[$who $metric]=$(median <"$LAB/runs")
		printf '  %-12s %-24s %s\n' "$who" "$metric" "${VALUE[$who $metric]:--}"
	done
}

contend() {
	say "$1"
	"$1_up"
	measure "$1"
	"$1_down"
}

# Beside the daemons: what measures on the other side, in the server's and in b's namespace.
sinks_up() {
	local name
	for name in s b; do
		ip netns exec "$(ns_of "$name")" iperf3 -s >"$LAB/iperf-$name.log" 2>&1 &
		SINKS+=($!)
		wait_for 5 shows 5201 on "$name" ss -Hltn
	done
	ip netns exec "$(ns_of s)" "$BLAST" sink 5301 >/dev/null 2>"$LAB/sink.log" &
	SINKS+=($!)
}

# Whatever happens: what was started here ends, then the lab is torn down.
finish() {
	local status=$? pid
	for pid in "${SINKS[@]}" "${WIREGUARD_PID[@]}" $(cat "$LAB"/openvpn/*.pid 2>/dev/null); do
		kill "$pid" 2>/dev/null || true
	done
	(exit "$status")
	lab_down
}

# --- the results ----------------------------------------------------------------------------------

# compare VALUE-OF BASELINE NAME PREFIX: rows of one contender against another.
compare() {
	local who=$1 base=$2 name=$3 prefix=$4 row metric unit of v b
	for row in "${METRICS[@]}"; do
		read -r metric unit of <<<"$row"
		v=${VALUE[$who $metric]:-} b=${VALUE[$base $metric]:-}
		if [ -z "$v" ] || [ -z "$b" ]; then continue; fi
		awk -v m="$prefix$metric" -v v="$v" -v u="$unit" -v n="$name" -v b="$b" -v OFS='\t' \
			'BEGIN { print m, v, u, n, b, b == 0 ? "-" : sprintf("%.3g", v / b) }'
	done
}

results() {
	printf 'metric\tvalue\tunit\tbaseline\tbaseline_value\tratio\n'
	compare litevpn raw raw ""
	compare litevpn null null ""
	compare litevpn openvpn openvpn ""
	compare litevpn wireguard "wireguard-go ${WIREGUARD_VERSION:-}" ""
	compare two one "1 worker" workers2_
	compare openssl openvpn openvpn openssl_
	compare tls openvpntcp openvpn-tcp tls_
}

[ "$(id -u)" = 0 ] || skip "needs root"
SINKS=()
mkdir -p "$BUILD/bench"
lab_up a b
trap finish EXIT
server_conf ${MODE:+"offload: $MODE"}
pki_init
sinks_up
[ $# -gt 0 ] || set -- raw null litevpn openvpn wireguard one two openssl tls openvpntcp
for who; do
	contend "$who"
done
[ -z "${WIREGUARD:-}" ] || WIREGUARD_VERSION=$("$WIREGUARD" --version | sed -n '1s/.* v//p')
results >"$RESULTS"
if command -v gnuplot >/dev/null; then
	gnuplot -e "tsv='$RESULTS'; png='${RESULTS%.tsv}.png'" "$(dirname "$0")/tunnel.gp"
fi
say "litevpn against the others ($RUNS runs of $SECONDS_EACH s, medians; $RESULTS)"
column -t -s "$(printf '\t')" <"$RESULTS" 2>/dev/null || cat "$RESULTS"
