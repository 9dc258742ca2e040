# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Thousands of nodes at one server: tests/bench/swarm.c in the namespace of w, which has the addresses
# 198.18.0.0/24 besides its own. For tests/bench/swarm.sh and t_swarm.sh, after lib.sh.

SWARM_PROCESSES=2
SWARM_FLIGHT=100	# connections that one of them is making at a time
SWARM_PIDS=()

# As lib.sh has it, but for the level: a log of so many nodes would be much of what is measured.
server_file() {
	mkdir -p "$LAB/$1"
	{
		cat "$LAB/server.yml"
		printf 'log: {level: notice, target: %s/%s/log}\n' "$LAB" "$1"
	} >"$LAB/$1/server.yml"
	printf '%s' "$LAB/$1/server.yml"
}

# swarm_server COUNT [LINE...]: a lab with nodes w and x, and a server that knows so many of w's.
swarm_server() {
	local count=$1
	shift
	[ -x "$BUILD/bench/swarm" ] || fail "make $BUILD/bench/swarm comes first"
	command -v sqlite3 >/dev/null || skip "needs sqlite3"
	lab_up w x
	ip -n "$(ns_of w)" route add local 198.18.0.0/24 dev lo
	ip -n "$(ns_of s)" route add 198.18.0.0/24 via 192.0.2.11
	server_conf "vpnAddr: 10.64.0.1/16" "maxClients: 60000" "handshakeRate: 5000" "$@"
	pki_init
	start_ipamd
	daemon_stop ipamd
	# As tests/bench/ipam_nodes.h names them.
	sqlite3 "$LAB/state/ipamd/litevpn.db" "insert into vpn_mgr(token, node_id, state, create_s)
		with recursive k(n) as (values(1) union all select n + 1 from k where n < $count),
		s(n, h) as (select n, (n * 2654435761) & 4294967295 from k)
		select printf('%016x', h), printf('n-%012x', h), -1, unixepoch() from s;"
	start_ipamd
	start_tunneld
	start_ctld
}

# swarm_start COUNT: makes the nodes' keys; returns when all are made.
swarm_start() {
	local i each=$(($1 / SWARM_PROCESSES))
	for ((i = 0; i < SWARM_PROCESSES; i++)); do
		mkfifo "$LAB/swarm.$i.in"
		ip netns exec "$(ns_of w)" "$BUILD/bench/swarm" "$SERVER_IP" "$LAB/pki/vpn/ca.pem" \
			"$LAB/pki/vpn/ca-key.pem" $((1 + i * each)) "$each" 198.18.0.1 200 \
			"$SWARM_FLIGHT" <"$LAB/swarm.$i.in" >"$LAB/swarm.$i.out" \
			2>"$LAB/swarm.$i.err" &
		SWARM_PIDS+=($!)
		eval "exec $((50 + i))>'$LAB/swarm.$i.in'"
	done
	wait_for 120 swarm_said READY
}

swarm_said() {
	local i
	for ((i = 0; i < SWARM_PROCESSES; i++)); do
		tail -n 1 "$LAB/swarm.$i.out" | grep -q "^$1" || return 1
	done
}

# swarm_do SECONDS up|cut: "MILLISECONDS RESUMED ELSEWHERE" of all; fails when they are not up by then.
swarm_do() {
	local i
	for ((i = 0; i < SWARM_PROCESSES; i++)); do : >"$LAB/swarm.$i.out"; done
	for ((i = 0; i < SWARM_PROCESSES; i++)); do echo "$2" >&$((50 + i)); done
	wait_for "$1" swarm_said DONE
	cat "$LAB"/swarm.*.out | awk '$2 > ms { ms = $2 } { r += $3; e += $4 } END { print ms + 0, r, e }'
}

swarm_stop() {
	local i
	for ((i = 0; i < SWARM_PROCESSES; i++)); do eval "exec $((50 + i))>&-"; done
	for i in "${SWARM_PIDS[@]}"; do wait "$i" || fail "a swarm has ended badly"; done
	SWARM_PIDS=()
	cat "$LAB"/swarm.*.err >&2
}

# The engine is tunneld's process without children that has the TUN device.
engine_pid() {
	local pid
	for pid in $(ip netns pids "$(ns_of s)"); do
		[ "$(stat -c %U "/proc/$pid")" = litevpn-tunneld ] || continue
		[ -n "$(find "/proc/$pid/fd" -lname /dev/net/tun -print -quit)" ] && echo "$pid" && return
	done
}
engine_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$(engine_pid)/status"; }

# swarm_cpu: processor seconds until now of the engine, of ipamd and of the swarm itself.
swarm_cpu() {
	local pid ticks=(0 0 0)
	ticks[0]=$(ticks_of "$(engine_pid)")
	ticks[1]=$(ticks_of "${LAB_PID[ipamd]}")
	for pid in "${SWARM_PIDS[@]}"; do ((ticks[2] += $(ticks_of "$pid"))); done
	awk -v hz="$(getconf CLK_TCK)" '{ print $1 / hz, $2 / hz, $3 / hz }' <<<"${ticks[*]}"
}
ticks_of() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
