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
# BENCH_RUNS runs of each rate, of which the median counts; they go round in turn, so that what else
# the machine does falls on all of them. What fails is said on stderr, and the median is that of the
# others; without any the row says "failed". Writes $BUILD/bench/api.tsv: metric value unit baseline
# baseline_value ratio. BENCH_CALLS: how many the million is.
set -euo pipefail
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/../integration/lib.sh"

RUNS=${BENCH_RUNS:-3}
CALLS=${BENCH_CALLS:-1000000}
RATE_CALLS=60000	# of one run of h2load with 64 in flight: a second
ENROLLMENTS=1000	# of one run
WATCHED=1000		# events of one run
RSS_LIMIT=40.0		# MB that ctld may have, whatever was asked
LOAD=$BUILD/bench/api_load
RESULTS=$BUILD/bench/api.tsv
HEALTH=https://$SERVER_IP:6439/grpc.health.v1.Health/Check
PLAIN=https://$SERVER_IP:6450/five

# --- the clients: each prints one figure, or fails ---------------------------------------------------

# h2 URL CALLS OPTIONS...: what h2load says of so many gRPC calls.
h2() {
	local url=$1 calls=$2
	shift 2
	on s h2load -d "$LAB/empty-message" -H 'content-type: application/grpc' -H 'te: trailers' \
		-n "$calls" "$@" "$url" >"$LAB/h2load" || true
	grep -q " $calls succeeded" "$LAB/h2load" || { cat "$LAB/h2load" >&2; return 1; }
}
# per_s URL INFLIGHT
per_s() {
	h2 "$1" "$RATE_CALLS" -c 1 -m "$2" &&
		sed -nE 's,^finished in .* ([0-9.]+) req/s.*,\1,p' "$LAB/h2load"
}
# p50_ms URL: of one call at a time, from h2load's log of them (microseconds).
p50_ms() {
	rm -f "$LAB/times"
	h2 "$1" 4000 -c 1 -m 1 --log-file "$LAB/times" &&
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

# --- ctld's memory ----------------------------------------------------------------------------------

rss_mb() { awk '/^VmRSS/ { printf "%.1f\n", $2 / 1024 }' "/proc/$(daemon_pid ctld)/status"; }
rss_after_calls() { h2 "$HEALTH" "$CALLS" -c 4 -m 16 && rss_mb; }
less_than() { [ "$(rss_mb | tr -d .)" -lt "${1/./}" ]; }
rss_after_comings() {
	local i
	for ((i = 0; i < 50; i++)); do h2 "$HEALTH" 200 -c 200 -m 1 || return 1; done
	# It gives memory back some seconds after the last ones came; who does not shows in the figure.
	(wait_for 15 less_than "$RSS_LIMIT") || true
	rss_mb
}

# --- figures ----------------------------------------------------------------------------------------

median() { sort -g | awk '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] : "" }'; }

# note NAME COMMAND...: the figure that it prints.
note() {
	local figure
	if figure=$("${@:2}") && [ -n "$figure" ]; then
		printf '%s\n' "$figure" >>"$LAB/$1.noted"
	else
		printf 'api.sh: %s has failed: %s\n' "$1" "${*:2}" >&2
	fi
}
# get NAME: the median of what was noted.
get() {
	local figure=""
	[ ! -f "$LAB/$1.noted" ] || figure=$(median <"$LAB/$1.noted")
	printf '%s' "${figure:-failed}"
}
# row METRIC UNIT BASELINE: both are names of what was noted.
row() {
	awk -v OFS='\t' -v m="$1" -v v="$(get "$1")" -v u="$2" -v b="$3" -v bv="$(get "$3")" \
		'BEGIN { print m, v, u, b, bv, (v + 0 > 0 && bv + 0 > 0 ? sprintf("%.3f", v / bv) : "-") }' |
		tee -a "$RESULTS"
}

# --- the run ----------------------------------------------------------------------------------------

# nghttpd is not one of the daemons that lab_down ends.
end() {
	local status=$?
	set +e
	[ -z "$PLAIN_PID" ] || { kill "$PLAIN_PID"; wait "$PLAIN_PID"; } 2>/dev/null
	(exit "$status")
	lab_down
}

lab_up a
PLAIN_PID=""
trap end EXIT
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
PLAIN_PID=$!
wait_for 5 h2 "$PLAIN" 1
TOKEN=$(ctl -o json token create --uses 10000 | json_field secret)
NODE=$(ctl -o json node list | "$PYTHON" -c 'import json,sys; print(json.load(sys.stdin)["nodes"][0]["name"])')

note must_hold echo "$RSS_LIMIT"
note rss_idle_mb rss_mb
for ((i = 0; i < RUNS; i++)); do
	note nghttpd_1_p50_ms p50_ms "$PLAIN"
	note health_1_p50_ms p50_ms "$HEALTH"
	note node_get_1_p50_ms node 2 1
	for n in 16 64; do
		note "nghttpd_${n}_per_s" per_s "$PLAIN" "$n"
		note "health_${n}_per_s" per_s "$HEALTH" "$n"
		note "node_get_${n}_per_s" node 1 "$n"
	done
	note enroll_per_s enroll
	note watch_500_events_per_s watch
done
note rss_watch_500_mb rss_mb
note rss_after_1m_mb rss_after_calls
note after_the_first_10k_mb rss_after_comings
note rss_after_10k_connections_mb rss_after_comings

printf 'metric\tvalue\tunit\tbaseline\tbaseline_value\tratio\n' | tee "$RESULTS"
row health_1_p50_ms ms nghttpd_1_p50_ms
row health_16_per_s 1/s nghttpd_16_per_s
row health_64_per_s 1/s nghttpd_64_per_s
row enroll_per_s 1/s nghttpd_64_per_s
row node_get_1_p50_ms ms nghttpd_1_p50_ms
row node_get_16_per_s 1/s nghttpd_16_per_s
row node_get_64_per_s 1/s nghttpd_64_per_s
row watch_500_events_per_s 1/s nghttpd_64_per_s
row rss_watch_500_mb MB rss_idle_mb
row rss_idle_mb MB must_hold
row rss_after_1m_mb MB rss_idle_mb
row rss_after_10k_connections_mb MB after_the_first_10k_mb
