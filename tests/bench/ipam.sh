#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How fast ipamd gives out addresses: the real daemon, asked through its socket by ipam_ask.c as
# tunneld and ctld ask it, and beside it on the same disk what has to be waited for at least: one row
# changed in a commit of its own (ipam_work.c, on the same schema with the same settings).
#
#   tests/bench/ipam.sh
#
# A figure is the median of BENCH_RUNS runs, which go round in turn, so that what else the machine
# does falls on all of them. Writes $BUILD/bench/ipam.tsv: metric value unit baseline
# baseline_value ratio. BENCH_DIR is where the databases are (/var/tmp; they should lie on a disk).
set -euo pipefail

RUNS=${BENCH_RUNS:-3}
RESULTS=${BUILD:-build}/bench/ipam.tsv
FEW=100000		# nodes that are registered and have no address
MANY=1048573		# nodes: all that a /12 has room for
EXPIRED=30000		# registrations for a sweep
# shellcheck source=tests/bench/ipam_lab.bash
. "$(dirname "$0")/ipam_lab.bash"

# --- few nodes: how many a second -------------------------------------------------------------------

few() {
	local run n=1
	fresh base 10.0.0.1/8
	note start_0 "$START"
	nodes 1 "$FEW" create_s "unixepoch()"
	cp -a "$LAB/base" "$LAB/alone"
	for ((run = 1; run <= RUNS; run++)); do
		use alone 10.0.0.1/8
		note commit "$(work commit_row $((run * 1000)) 640)"
		use base 10.0.0.1/8
		start
		note empty_1 "$(as tunneld empty 1 4000 1)"
		note new_1 "$(as tunneld attach $n 600 1)"
		note new_16 "$(as tunneld attach $((n + 600)) 6000 16)"
		note new_64 "$(as tunneld attach $((n + 6600)) 18000 64)"
		note known_64 "$(as tunneld attach $n 20000 64)"
		note empty_64 "$(as tunneld empty 1 40000 64)"
		note redeem_64 "$(as ctld redeem $n 6000 64)"
		note rss_0 "$(peak_mb)"
		stop
		n=$((n + 24600))
	done
}

few_rows() {
	local commits commit_ms flight
	commits=$(calc "1e6 / $(get commit)")
	commit_ms=$(calc "$(get commit) / 1000")
	row commit_loop_per_s "$commits" /s commit_loop_per_s "$commits"
	for flight in 1 16 64; do
		row "attach_new_${flight}_per_s" "$(get new_$flight)" /s commit_loop_per_s "$commits"
	done
	row attach_new_64_p99_ms "$(calc "$(get new_64 3) / 1000")" ms commit_loop_ms "$commit_ms"
	row attach_new_1_us "$(get new_1 2)" us commit_and_2_empty_us \
		"$(calc "$(get commit) + 2 * $(get empty_1 2)")"
	row attach_known_64_per_s "$(get known_64)" /s ipc_empty_64_per_s "$(get empty_64)"
	row redeem_64_per_s "$(get redeem_64)" /s commit_loop_per_s "$commits"
	row ipc_empty_us "$(get empty_1 2)" us commit_loop_us "$(get commit)"
}

# --- a million of them ------------------------------------------------------------------------------

# Any order of use but that of the rows.
OLD="'10.' || ((n + 1) >> 16) || '.' || ((n + 1) >> 8 & 255) || '.' || ((n + 1) & 255), 1,
	datetime(1700000000 + h % 1000000, 'unixepoch'), h"

# longest_idle COUNT: as the rule says it, without an index.
longest_idle() {
	sqlite3 "$DB" "select node_id from vpn_mgr not indexed where state = -1 and bind_ip <> ''
		and reserved = 0 order by update_time, lru_seq, id limit $1"
}

swept() { [ "$(sqlite3 "$DB" "select count(*) from vpn_mgr where create_s = 1")" = 0 ]; }
waited() { ((SECONDS >= START_S + 2)); }

# longest_ms FIRST DONE: of what one caller has to wait for, one attach after the other until DONE.
longest_ms() {
	local max=0 us START_S=$SECONDS
	until "$2"; do
		((SECONDS < START_S + 30)) || fail "$2: not within 30 seconds"
		read -r _ _ _ us < <(as tunneld attach "$1" 1000 1)
		max=$((us > max ? us : max))
	done
	calc "$max / 1000"
}

many() {
	local run n=$((MANY + 1))
	fresh many 10.0.0.1/12 "sweepInterval: 1s"
	nodes 1 "$MANY" "bind_ip, attached, update_time, lru_seq" "$OLD"
	nodes "$n" 30000 create_s "unixepoch()"
	for ((run = 1; run <= RUNS; run++)); do
		note attach_work "$(use base 10.0.0.1/8; work attach $((run * 6400 + 70000)) 6400)"
		longest_idle 6400 >"$LAB/expected"
		note reclaim "$(work attach "$n" 6400 2>"$LAB/reclaimed")"
		cmp "$LAB/expected" "$LAB/reclaimed" || fail "not those were reclaimed who should be"
		note find_token "$(work find_token $((run * 100000)) 64000)"
		note find_id "$(work find_id $((run * 100000)) 64000)"
		nodes $((2 * MANY + run * EXPIRED)) "$EXPIRED" create_s 1
		start
		note start_1m "$START"
		note swept "$(longest_ms "$n" swept)"
		note unswept "$(longest_ms "$n" waited)"
		note rss_1m "$(peak_mb)"
		stop
		n=$((n + 6400))
	done
}

many_rows() {
	row start_1m_s "$(get start_1m)" s start_empty_s "$(get start_0)"
	row rss_1m_mb "$(get rss_1m)" MB rss_few_mb "$(get rss_0)"
	row reclaim_1m_us "$(get reclaim)" us attach_few_us "$(get attach_work)"
	row lookup_1m_us "$(get find_token)" us commit_loop_us "$(get commit)"
	row lookup_id_1m_us "$(get find_id)" us commit_loop_us "$(get commit)"
	row sweep_stall_ms "$(get swept)" ms no_sweep_ms "$(get unswept)"
}

bench_up
few
few_rows
many
many_rows
