# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What ipam.sh works with: a daemon on databases that are filled beside it, those who ask it, and
# what is made of their figures. $RESULTS and $MANY are set before.

BUILD=${BUILD:-build}
# shellcheck source=tests/integration/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lib.sh"

bench_up() {
	[ "$(id -u)" = 0 ] || skip "needs root: the daemon and those who ask it are several users"
	lab_users
	LAB=$(mktemp -d "${BENCH_DIR:-/var/tmp}/litevpn-bench.XXXXXX")
	chmod 755 "$LAB"
	trap lab_down EXIT
	trap 'exit 130' INT TERM
	mkdir -p "${RESULTS%/*}" "$LAB/ipamd"
	: >"$RESULTS"
}

# --- the daemon and its databases -------------------------------------------------------------------

# use NAME NETWORK [LINE...]: from here on it is about the database of that name.
use() {
	DB=$LAB/$1/ipamd/litevpn.db
	CONF=$LAB/$1.yml
	printf '%s\n' "vpnAddr: $2" "vpnCertDir: $LAB" "grpcCertDir: $LAB" "stateDir: $LAB/$1" \
		"runDir: $LAB/run" "log: {level: notice, target: $LAB/ipamd/log}" "${@:3}" >"$CONF"
}

on() { "${@:2}"; }	# lib.sh has namespaces, and here they are not needed
stop() { daemon_stop ipamd; }
start() {	# START: how long it took until it was ready
	local begin=$EPOCHREALTIME
	daemon_start ipamd - ipamd -c "$CONF"
	START=$(calc "$EPOCHREALTIME - $begin")
}

# A database with the daemon's own schema, and nothing else.
fresh() { use "$@"; start; stop; }

# nodes FIRST COUNT COLUMNS VALUES: registers nodes by their number n, as ipam_nodes.h names them; h
# is n scattered. Such a row without an address is what a "new" attach is about; ipamd makes one only
# where a node must give its address back, so here they are written past it, without waiting for the
# disk, and without the indexes, which are made anew afterwards.
nodes() {
	local indexes="from sqlite_master where tbl_name = 'vpn_mgr' and type = 'index' and sql <> ''"
	local drop create
	drop=$(sqlite3 "$DB" "select 'drop index ' || name || ';' $indexes")
	create=$(sqlite3 "$DB" "select sql || ';' $indexes")
	sqlite3 "$DB" "pragma journal_mode=off; pragma synchronous=off; pragma cache_size=-500000;
		$([ "$2" -lt "$MANY" ] || echo "$drop")
		insert into vpn_mgr(token, node_id, state, $3)
		with recursive k(n) as (values($1) union all select n + 1 from k where n < $1 + $2 - 1),
		s(n, h) as (select n, (n * 2654435761) & 4294967295 from k)
		select printf('%016x', h), printf('n-%012x', h), -1, $4 from s;
		$([ "$2" -lt "$MANY" ] || echo "$create")
		pragma journal_mode=wal;" >/dev/null
	sync "$DB"	# or the daemon's first checkpoint would have to wait for all of it
}

# as USER WHAT FIRST COUNT FLIGHT: "per_s p50_us p99_us max_us"
as() {
	setpriv --reuid "litevpn-$1" --regid litevpn --clear-groups \
		"$BUILD/bench/ipam_ask" "$LAB/run/ipamd/rpc.sock" "${@:2}"
}
work() { "$BUILD/bench/ipam_work" "$CONF" "$DB" "$@"; }	# WHAT FIRST COUNT: microseconds

# --- figures ----------------------------------------------------------------------------------------

# note NAME VALUES; get NAME [COLUMN]: the median of what was noted.
note() { echo "${@:2}" >>"$LAB/$1.noted"; }
get() {
	awk -v c="${2:-1}" '{ print $c }' "$LAB/$1.noted" | sort -g |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
calc() { awk "BEGIN { printf \"%.4g\", $1 }"; }
peak_mb() { awk '/^VmHWM/ { print $2 / 1024 }' "/proc/$(daemon_pid ipamd)/status"; }

# row METRIC VALUE UNIT BASELINE BASELINE_VALUE
row() {
	local ratio
	ratio=$(calc "$2 / $5")
	(IFS=$'\t'; echo "$*	$ratio") >>"$RESULTS"
	printf '%-24s %10s %-4s %8s x %-24s %s\n' "$1" "$2" "$3" "$ratio" "$4" "$5"
}
