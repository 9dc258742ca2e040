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
# Each contender has a lab of its own. What it cannot do is "-" in its rows, the reason stands on
# standard error, and the others go on. tunnel.runs has each run's figure: contender metric figure...
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
FIGURES=$BUILD/bench/tunnel.runs

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
CONTENDER=""	# the pid of the one that is measured
declare -A VALUE=()	# by "contender metric"

median() { sort -g | awk '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] : "" }'; }
# percentile P
percentile() {
	sort -g | awk -v p="$1" '{ v[NR] = $1 } END { i = int(NR * p / 100 + 0.999); print v[i < 1 ? 1 : i] }'
}

# --- what is measured -------------------------------------------------------------------------------

# iperf NAME ADDRESS OPTIONS...: bits per second that arrived, between a and NAME's address. The
# server is a new one each time: one that goes on refuses whoever comes while it tidies up.
iperf() {
	local name=$1 to=$2 server
	shift 2
	ip netns exec "$(ns_of "$name")" iperf3 -s -1 >"$LAB/iperf-$name.log" 2>&1 &
	server=$!
	wait_for 5 shows 5201 on "$name" ss -Hltn
	on a iperf3 -J -c "$to" -C cubic -t "$SECONDS_EACH" "$@" >"$LAB/iperf.json" || true
	kill "$server" 2>/dev/null || true
	wait "$server" || true
	# It ends well after some errors, too.
	"$PYTHON" -c '
import json, sys
r = json.load(sys.stdin)
if "error" in r:
    sys.exit("iperf3: " + r["error"])
print(r["end"]["sum_received"]["bits_per_second"])' <"$LAB/iperf.json"
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

tcp1_up_gbps() { gbps s "$SERVER_IN"; }
tcp1_down_gbps() { gbps s "$SERVER_IN" -R; }
tcp4_up_gbps() { gbps s "$SERVER_IN" -P 4; }
relay_gbps() { gbps b "$B_IN"; }
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
	ip netns exec "$(ns_of s)" iperf3 -s -1 >"$LAB/iperf-s.log" 2>&1 &
	wait_for 5 shows 5201 on s ss -Hltn
	ip netns exec "$(ns_of a)" iperf3 -c "$SERVER_IN" -C cubic -t $((SECONDS_EACH + 1)) \
		>"$LAB/iperf-load.log" 2>&1 &
	load=$!
	wait_for 5 shows ESTAB on s ss -Htn "sport = :5201"
	ping_us $((SECONDS_EACH * 100)) 0.01 | percentile 99
	wait "$load"
}
cpu_s_per_gbit_server() {
	local before after rate
	before=$(cpu_seconds)
	rate=$(gbps s "$SERVER_IN")
	after=$(cpu_seconds)
	awk -v c="$after" -v b="$before" -v r="$rate" -v t="$SECONDS_EACH" \
		'BEGIN { printf "%.4f\n", (c - b) / (r * t) }'
}

# --- a contender ----------------------------------------------------------------------------------

# asked WHO METRIC OF: is this figure one of this contender's?
asked() {
	case $1 in
	raw) [[ ! $2 =~ ^(cpu_s_per_gbit_server|rss_mb)$ ]] ;;
	one | two | openssl) [[ $2 =~ $FEW ]] ;;
	tls | openvpntcp) [ "$3" = all ] ;;
	esac
}

# attempt METRIC: its runs, a figure a line. Each in a shell of its own, which ends at its first
# error, and what it has started ends with it.
attempt() {
	local i
	for ((i = 0; i < RUNS; i++)); do
		(
			trap end_jobs EXIT
			"$1"
		) &
		wait "$!" || printf 'no %s\n' "$1" >&2
	done
}

measure() {
	local who=$1 row metric unit of
	for row in "${METRICS[@]}"; do
		read -r metric unit of <<<"$row"
		asked "$who" "$metric" "$of" || continue
		attempt "$metric" >"$LAB/runs"
		printf '%s %s %s\n' "$who" "$metric" "$(tr '\n' ' ' <"$LAB/runs")" >>"$FIGURES"
		printf '  %-12s %-24s %s\n' "$who" "$metric" "$(median <"$LAB/runs")"
	done
}

# Status as before, and nothing left in the background.
end_jobs() {
	local status=$?
	set +e
	jobs -p | xargs -r kill 2>/dev/null
	wait
	return "$status"
}

# In a shell of its own, whose lab goes with it, whatever happens.
contend() {
	lab_up a b
	trap 'end_jobs; lab_down' EXIT
	server_conf ${MODE:+"offload: $MODE"}
	pki_init
	ip netns exec "$(ns_of s)" "$BLAST" sink 5301 >/dev/null 2>"$LAB/sink.log" &
	"$1_up"
	measure "$1"
	"$1_down"
}

# One that fails is no reason not to measure the others.
contender() {
	say "$1"
	contend "$1" &
	CONTENDER=$!
	wait "$CONTENDER" || printf '%s: failed\n' "$1" >&2
	CONTENDER=""
}

# shellcheck disable=SC2317 # called by a trap
interrupted() {
	[ -z "$CONTENDER" ] || { kill "$CONTENDER" && wait "$CONTENDER"; } || true
	exit 130
}

# --- the results ----------------------------------------------------------------------------------

# read_figures: the medians.
read_figures() {
	local who metric figures
	while read -r who metric figures; do
		VALUE[$who $metric]=$(tr ' ' '\n' <<<"$figures" | sed '/^$/d' | median)
	done <"$FIGURES"
}

# compare WHO BASELINE NAME PREFIX: rows of one contender against another, where both were measured.
compare() {
	local who=$1 base=$2 name=$3 prefix=$4 row metric unit of
	[[ " ${WHO[*]} " == *" $who "* && " ${WHO[*]} " == *" $base "* ]] || return 0
	for row in "${METRICS[@]}"; do
		read -r metric unit of <<<"$row"
		asked "$who" "$metric" "$of" || continue
		asked "$base" "$metric" "$of" || continue
		awk -v m="$prefix$metric" -v v="${VALUE[$who $metric]:--}" -v u="$unit" -v n="$name" \
			-v b="${VALUE[$base $metric]:--}" -v OFS='\t' \
			'BEGIN { print m, v, u, n, b, v == "-" || b + 0 == 0 ? "-" : sprintf("%.3g", v / b) }'
	done
}

results() {
	printf 'metric\tvalue\tunit\tbaseline\tbaseline_value\tratio\n'
	compare litevpn raw raw ""
	compare litevpn null null ""
	compare litevpn openvpn openvpn ""
	compare litevpn wireguard "$(wireguard_name)" ""
	compare two one "1 worker" workers2_
	compare openssl openvpn openvpn openssl_
	compare tls openvpntcp openvpn-tcp tls_
}

[ "$(id -u)" = 0 ] || skip "needs root"
mkdir -p "$BUILD/bench"
[ $# -gt 0 ] || set -- raw null litevpn openvpn wireguard one two openssl tls openvpntcp
WHO=("$@")
trap interrupted INT TERM
: >"$FIGURES"
for who; do
	contender "$who"
done
read_figures
results >"$RESULTS"
if command -v gnuplot >/dev/null; then
	gnuplot -e "tsv='$RESULTS'; png='${RESULTS%.tsv}.png'" "$(dirname "$0")/tunnel.gp"
fi
say "litevpn against the others ($RUNS runs of $SECONDS_EACH s, medians; $RESULTS)"
column -t -s "$(printf '\t')" <"$RESULTS" 2>/dev/null || cat "$RESULTS"
