#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Metrics of the three daemons from one page: they are what promtool wants and what the manual names,
# they count what happens, they show who is down, and nobody who reads slowly can hold the page.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

readonly PORT=9469

page() { on s "$PYTHON" "$TOP/tests/integration/metrics.py" 127.0.0.1 "$PORT" "$@"; }
# value NAME: of the sample with these labels, "none" where there is none.
value() { page value "$1"; }
is_now() { [ "$(value "$1")" = "$2" ]; }
# holds NAME VALUE
holds() {
	local now
	now=$(value "$1")
	[ "$now" = "$2" ] || fail "$1 is $now, but should be $2"
}
above() { awk -v n="$(value "$1")" -v than="$2" 'BEGIN { exit !(n != "none" && n > than) }'; }

lab_up a
server_up "metrics: {listen: \"127.0.0.1:$PORT\", perNode: true}"
node_up a
wait_for 5 node_uses a UDP

say "what Prometheus reads"
page text >"$LAB/page"
if [ -n "$(command -v promtool)" ]; then
	run promtool check metrics <"$LAB/page"
else
	say "promtool is not here: not checked"
fi
for daemon in ipamd tunneld ctld; do
	holds "litevpn_up{daemon=\"$daemon\"}" 1
	above "litevpn_resident_memory_bytes{daemon=\"$daemon\"}" 1000000 || fail "memory of $daemon"
	above "litevpn_cpu_seconds_total{daemon=\"$daemon\"}" 0 || fail "processor time of $daemon"
	holds "litevpn_metrics_left_out{daemon=\"$daemon\"}" 0
done

say "what happens is counted"
node=$(node_id a)
holds 'litevpn_sessions{state="udp"}' 1
holds 'litevpn_nodes_connected{network="default"}' 1
holds 'litevpn_pool_addresses{network="default"}' 253
holds 'litevpn_pool_addresses_used{network="default"}' 1
holds 'litevpn_signer_up' 1
is_now "litevpn_node_over_udp{node=\"$node\"}" 1
before=$(value 'litevpn_inner_bytes_total{direction="received"}')
run pings a 10.1.1.1 5
above 'litevpn_inner_bytes_total{direction="received"}' "$before" || fail "no bytes are counted"
above "litevpn_node_received_bytes_total{node=\"$node\"}" 400 || fail "none of the node's"
before=$(value 'litevpn_packets_dropped_total{reason="inner_no_route"}')
on a ping -n -q -c 1 -W 0.2 10.1.1.77 >/dev/null || true
above 'litevpn_packets_dropped_total{reason="inner_no_route"}' "$before" || fail "no drop is counted"
ctl node show nodes/none >/dev/null 2>&1 && fail "a node that is not there is shown"
for daemon in ipamd ctld; do
	holds "litevpn_refusals_total{daemon=\"$daemon\",reason=\"NODE_UNKNOWN\"}" 1
done
holds 'litevpn_api_calls_total{method="litevpn.v1.Node/GetNode",code="NOT_FOUND"}' 1
holds 'litevpn_api_call_duration_seconds_count{method="litevpn.v1.Node/GetNode"}' 1
above 'litevpn_store_commits_total{result="done"}' 0 || fail "no commit is counted"
for pki in grpc vpn; do
	for certificate in ca server; do
		above "litevpn_certificate_expiry_timestamp_seconds{pki=\"$pki\",certificate=\"$certificate\"}" \
			"$EPOCHSECONDS" || fail "the end of the $certificate's certificate of $pki is not known"
	done
done
above "litevpn_node_certificate_expiry_timestamp_seconds{node=\"$node\"}" "$EPOCHSECONDS" ||
	fail "the end of the node's certificate is not known"

say "requests of other kinds, slow readers, and too many"
run page hostile

say "one that is down, and the others"
daemon_stop ipamd
wait_for 5 is_now 'litevpn_up{daemon="ipamd"}' 0
holds 'litevpn_up{daemon="tunneld"}' 1
holds 'litevpn_nodes{network="default"}' none
kill -STOP "$(pgrep -P "$(pgrep -P "$(daemon_pid tunneld)")")"
holds 'litevpn_up{daemon="tunneld"}' 0
holds 'litevpn_up{daemon="ctld"}' 1
kill -CONT "$(pgrep -P "$(pgrep -P "$(daemon_pid tunneld)")")"
start_ipamd
wait_for 5 is_now 'litevpn_up{daemon="ipamd"}' 1
wait_for 5 is_now 'litevpn_up{daemon="tunneld"}' 1

say "without the key there is no page, and per node only when asked for"
daemon_stop ctld
server_conf
start_ctld
page refused
daemon_stop ctld
server_conf "metrics: {listen: \"127.0.0.1:$PORT\"}"
start_ctld
wait_for 5 is_now 'litevpn_sessions{state="udp"}' 1
holds "litevpn_node_over_udp{node=\"$node\"}" none
