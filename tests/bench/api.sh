#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How fast the control API is: the real daemons, TLS over loopback, and beside them nghttpd, which
# answers 5 bytes over TLS to the same client. Everything shares the processors, so read the ratios.
#
#   health_*     h2load, without a client certificate: gRPC, TLS and ctld alone
#   node_get_*   an own client with a certificate: through ctld to ipamd and tunneld
#   enroll_*     two requests verified, a node made and committed, two certificates signed
#   watch_500_*  500 watchers, and one that never reads: events that reach them, all together
#   rss_*        ctld's memory: idle, after a million calls, after 10,000 connections (200 at a time)
#
# BENCH_RUNS runs of each rate, of which the median counts. Writes $BUILD/bench/api.tsv: metric value
# unit baseline baseline_value ratio. BENCH_CALLS: how many the million is.
set -euo pipefail
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/../integration/lib.sh"

RUNS=${BENCH_RUNS:-3}
CALLS=${BENCH_CALLS:-1000000}
RATE_CALLS=40000	# of one run of h2load with 64 in flight
ENROLLMENTS=1000	# of one run
WATCHED=1000		# events of one run
LOAD=$BUILD/bench/api_load
RESULTS=$BUILD/bench/api.tsv
HEALTH=https://$SERVER_IP:6439/grpc.health.v1.Health/Check
PLAIN=https://$SERVER_IP:6450/five

median() { sort -g | awk '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] : "" }'; }
repeat() {
	local i
	for ((i = 0; i < RUNS; i++)); do "$@"; done | median
}
rss_mb() { awk '/^VmRSS/ { printf "%.1f\n", $2 / 1024 }' "/proc/$(daemon_pid ctld)/status"; }

# --- the clients ------------------------------------------------------------------------------------

# h2 URL CALLS OPTIONS...: what h2load says of so many gRPC calls.
h2() {
	local url=$1 calls=$2
	shift 2
	on s h2load -d "$LAB/empty-message" -H 'content-type: application/grpc' -H 'te: trailers' \
		-n "$calls" "$@" "$url" >"$LAB/h2load" ||
		{ cat "$LAB/h2load" >&2; return 1; }
	grep -q " $calls succeeded" "$LAB/h2load" || { cat "$LAB/h2load" >&2; return 1; }
}
# per_s URL INFLIGHT
per_s() {
	h2 "$1" "$RATE_CALLS" -c 1 -m "$2"
	sed -nE 's,^finished in .* ([0-9.]+) req/s.*,\1,p' "$LAB/h2load"
}
# p50_ms URL: of one call at a time, from h2load's log of them (microseconds).
p50_ms() {
	rm -f "$LAB/times"
	h2 "$1" 4000 -c 1 -m 1 --log-file "$LAB/times"
	cut -f 3 "$LAB/times" | median | awk '{ print $1 / 1000 }'
}
# node FIELD INFLIGHT: 1 is the rate, 2 the p50 in ms.
node() {
	on s "$LOAD" "$SERVER_IP:6440" "$LAB/pki/grpc/ca.pem" "$LAB/pki/grpc/client.pem" \
		"$LAB/pki/grpc/client-key.pem" "$2" 2 node "$NODE" | cut -d ' ' -f "$1"
}
enroll() {
	on s "$LOAD" "$SERVER_IP:6439" "$LAB/pki/grpc/ca.pem" - - 64 "$ENROLLMENTS" enroll "$TOKEN" |
		cut -d ' ' -f 1
}
watch() {
	on s "$BUILD/bench/api_watch" "$LAB/run/admin/ctld.sock" 500 "$WATCHED" | cut -d ' ' -f 1
}
comings_and_goings() {
	local i
	for ((i = 0; i < 50; i++)); do h2 "$HEALTH" 200 -c 200 -m 1; done
}

# ctld gives memory back some seconds after connections came.
less_than() { [ "$(rss_mb | tr -d .)" -lt "${1/./}" ]; }
rss_after_comings() {
	comings_and_goings
	wait_for 15 less_than "$(rss_mb)"
	rss_mb
}

# row METRIC VALUE UNIT BASELINE BASELINE_VALUE
row() {
	awk -v OFS='\t' -v m="$1" -v v="$2" -v u="$3" -v b="$4" -v bv="$5" \
		'BEGIN { print m, v, u, b, bv, (bv > 0 ? sprintf("%.3f", v / bv) : "-") }' | tee -a "$RESULTS"
}

# --- the run ----------------------------------------------------------------------------------------

lab_up a
mkdir -p "$LAB/www" "$BUILD/bench"
printf '\0\0\0\0\0' >"$LAB/empty-message"
printf 12345 >"$LAB/www/five"
server_conf "vpnAddr: 10.0.0.1/8"
pki_init
# Lines per call would be measured, too.
server_file() {
	mkdir -p "$LAB/$1"
	cp "$LAB/server.yml" "$LAB/$1/server.yml"
	printf 'log: {level: notice, target: %s/%s/log}\n' "$LAB" "$1" >>"$LAB/$1/server.yml"
	printf '%s' "$LAB/$1/server.yml"
}
start_ipamd
start_tunneld
start_ctld
ip netns exec "$(ns_of s)" nghttpd -d "$LAB/www" 6450 "$LAB/pki/grpc/server-key.pem" \
	"$LAB/pki/grpc/server.pem" >/dev/null 2>&1 &
plain=$!
trap 'kill "$plain"; lab_down' EXIT
wait_for 5 h2 "$PLAIN" 1
rss_idle=$(rss_mb)
TOKEN=$(ctl -o json token create --uses 10000 | json_field secret)

printf 'metric\tvalue\tunit\tbaseline\tbaseline_value\tratio\n' | tee "$RESULTS"
plain_ms=$(repeat p50_ms "$PLAIN")
row health_1_p50_ms "$(repeat p50_ms "$HEALTH")" ms nghttpd_1_p50_ms "$plain_ms"
declare -A plain_per_s
for n in 16 64; do
	plain_per_s[$n]=$(repeat per_s "$PLAIN" "$n")
	row "health_${n}_per_s" "$(repeat per_s "$HEALTH" "$n")" 1/s "nghttpd_${n}_per_s" \
		"${plain_per_s[$n]}"
done
row enroll_per_s "$(repeat enroll)" 1/s nghttpd_64_per_s "${plain_per_s[64]}"
NODE=$(ctl -o json node list | "$PYTHON" -c 'import json,sys; print(json.load(sys.stdin)["nodes"][0]["name"])')
row node_get_1_p50_ms "$(repeat node 2 1)" ms nghttpd_1_p50_ms "$plain_ms"
for n in 16 64; do
	row "node_get_${n}_per_s" "$(repeat node 1 "$n")" 1/s "nghttpd_${n}_per_s" "${plain_per_s[$n]}"
done
row watch_500_events_per_s "$(repeat watch)" 1/s nghttpd_64_per_s "${plain_per_s[64]}"
row rss_watch_500_mb "$(rss_mb)" MB rss_idle_mb "$rss_idle"
row rss_idle_mb "$rss_idle" MB must_hold 40
h2 "$HEALTH" "$CALLS" -c 4 -m 16
row rss_after_1m_mb "$(rss_mb)" MB rss_idle_mb "$rss_idle"
first=$(rss_after_comings)
row rss_after_10k_connections_mb "$(rss_after_comings)" MB after_the_first_10k_mb "$first"
