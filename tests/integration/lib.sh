# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the integration tests and the demo have in common. Source it, call lab_up, use the helpers;
# everything is torn down at exit, whatever happens.
#
#       lvN-LAB (a switch: bridge br0)
#       ├── eth0 192.0.2.1   2001:db8::1    lvS-LAB   server: ipamd, tunneld, ctld
#       ├── eth0 192.0.2.11  2001:db8::11   lvA-LAB   node a
#       ├── eth0 192.0.2.12  2001:db8::12   lvB-LAB   node b
#       └── ... one per name given to lab_up
#
# LAB is $LV_LAB of tests/run.sh, or the script's own pid.
#
# Inside of the tunnel: 10.1.1.0/24, the server is 10.1.1.1.

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
SERVER_IP=192.0.2.1
SERVER_IP6=2001:db8::1
PYTHON=/usr/bin/python3
SANDBOX=${LV_SANDBOX:-errno}
LAB=""
LAB_NAMESPACES=()
declare -A LAB_PID=()	# of the daemons that run, by name
LAB_ORDER=()
LAB_DISKS=()	# what is mounted below $LAB
PING_PID=""	# of the ping that runs beside the test

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAIL: %s\n' "$*" >&2; exit 1; }
skip() { printf '%s\n' "$*"; exit 77; }

# Runs a command and shows it.
run() {
	printf '+ %s\n' "$*"
	"$@"
}

# wait_for SECONDS COMMAND...: until the command succeeds; its last output is shown on failure.
wait_for() {
	local limit=$1 begin=$SECONDS out=""
	shift
	while ! out=$("$@" 2>&1); do
		if ((SECONDS - begin >= limit)); then
			printf '%s\n' "$out" >&2
			fail "not within ${limit}s: $*"
		fi
		read -r -t 0.1 <> <(:) || true
	done
}

ns_of() {
	local name=$1
	printf 'lv%s-%s' "${name^^}" "${LV_LAB:-$$}"
}

# on NAME COMMAND...: in the namespace of server (s), switch (n) or node.
on() {
	local name=$1
	shift
	ip netns exec "$(ns_of "$name")" "$@"
}

lab_namespace() {
	local ns
	ns=$(ns_of "$1")
	ip netns add "$ns"
	LAB_NAMESPACES+=("$ns")
	ip -n "$ns" link set lo up
}

# A host on the switch: name, last octet.
lab_host() {
	local name=$1 octet=$2 ns switch
	lab_namespace "$name"
	ns=$(ns_of "$name")
	switch=$(ns_of n)
	ip -n "$switch" link add "v$name" type veth peer name eth0 netns "$ns"
	ip -n "$switch" link set "v$name" master br0 up
	ip -n "$ns" link set eth0 up
	ip -n "$ns" addr add "192.0.2.$octet/24" dev eth0
	ip -n "$ns" addr add "2001:db8::$octet/64" dev eth0 nodad
}

# lab_up NODE...: the switch, the server and the nodes; a directory for their files.
lab_up() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	[ -c /dev/net/tun ] || skip "needs /dev/net/tun"
	lab_users
	LAB=$(mktemp -d /tmp/litevpn-lab.XXXXXX)
	chmod 755 "$LAB"
	trap lab_down EXIT
	trap 'exit 130' INT TERM
	lab_namespace n
	ip -n "$(ns_of n)" link add br0 type bridge
	ip -n "$(ns_of n)" link set br0 up
	lab_host s 1
	local octet=11 node
	for node in "$@"; do
		lab_host "$node" "$octet"
		octet=$((octet + 1))
	done
}

# The users of the daemons, where the machine does not have them yet.
lab_users() {
	local user
	getent group litevpn >/dev/null || groupadd -r litevpn
	getent group litevpn-admin >/dev/null || groupadd -r litevpn-admin
	for user in tunneld ipamd ctld; do
		getent passwd "litevpn-$user" >/dev/null ||
			useradd -r -g litevpn -d /nonexistent -s /usr/sbin/nologin "litevpn-$user"
	done
	getent passwd litevpn-signer >/dev/null ||
		useradd -r -U -d /nonexistent -s /usr/sbin/nologin litevpn-signer
}

# A daemon that is not there any more, or that does not end well, fails the test.
lab_down() {
	local status=$? ns i name disk
	trap - EXIT
	set +e
	[ -z "$PING_PID" ] || kill "$PING_PID"
	[ -z "${API_PID:-}" ] || { kill "$API_PID" && wait "$API_PID"; } 2>/dev/null
	# The last started first: nodes, then ctld, tunneld, ipamd.
	for ((i = ${#LAB_ORDER[@]} - 1; i >= 0; i--)); do
		name=${LAB_ORDER[i]}
		[ -n "${LAB_PID[$name]:-}" ] || continue
		daemon_end "$name" || status=1
	done
	sanitizer_reports || status=1
	if [ "$status" != 0 ] && [ "$status" != 77 ]; then
		for log in "$LAB"/*/log; do
			[ -f "$log" ] && printf -- '---- %s\n' "$log" && tail -n 40 "$log"
		done
	fi >&2
	for ns in "${LAB_NAMESPACES[@]}"; do
		lab_empty "$ns" || status=1
		ip netns del "$ns"
	done
	for disk in "${LAB_DISKS[@]}"; do
		umount "$disk" || status=1
	done
	[ -n "${LV_KEEP:-}" ] || rm -rf "$LAB"
	exit "$status"
}

# lab_disk DIRECTORY SIZE: a disk of its own.
lab_disk() {
	mkdir -p "$1"
	mount -t tmpfs -o "size=$2,mode=755" tmpfs "$1" || skip "cannot mount a disk"
	LAB_DISKS+=("$1")
}

# lab_empty NAMESPACE: what still runs there was started by this lab, and should have ended.
lab_empty() {
	local pid left=0
	for pid in $(ip netns pids "$1"); do
		printf 'FAIL: still running in %s: %s\n' "$1" "$(ps -o args= -p "$pid")" >&2
		kill -KILL "$pid"
		left=1
	done
	return "$left"
}

# Sanitizers write to the daemons' stderr files; a report there is a failure.
sanitizer_reports() {
	local bad
	bad=$(grep -lE 'ERROR: (Address|Leak|Undefined)|runtime error:' "$LAB"/*/stderr 2>/dev/null)
	[ -z "$bad" ] && return 0
	for f in $bad; do
		printf -- '---- %s\n' "$f" >&2
		head -n 60 "$f" >&2
	done
	return 1
}

# A zombie is gone as well. But its first thread can be one while others still hold its files.
is_zombie() {
	awk '/^State:/ { z = $2 == "Z" } /^Threads:/ { n = $2 } END { exit !(z && n <= 1) }' \
		"/proc/$1/status" 2>/dev/null
}

# gone_within SECONDS PID
gone_within() {
	local i
	for ((i = 0; i < $1 * 20; i++)); do
		[ -d "/proc/$2" ] || return 0
		is_zombie "$2" && return 0
		read -r -t 0.05 <> <(:) || true
	done
	return 1
}

# --- the daemons ----------------------------------------------------------------------------------

# daemon_start NAME NAMESPACE PROGRAM ARGS...: in the background; returns when it is ready. NAME is
# also the directory of its log and pid below $LAB.
daemon_start() {
	local name=$1 ns=$2 program=$3
	shift 3
	mkdir -p "$LAB/$name"
	on "$ns" "$BUILD/$program" "$@" -d -S "$SANDBOX" -p "$LAB/$name/pid" \
		2>>"$LAB/$name/stderr" || {
		cat "$LAB/$name/stderr" >&2
		return 1
	}
	LAB_PID[$name]=$(cat "$LAB/$name/pid")
	LAB_ORDER+=("$name")
}

daemon_pid() { cat "$LAB/$1/pid"; }

# daemon_end NAME: SIGTERM; false when it was not there, hangs, or does not say that it ended well.
daemon_end() {
	local name=$1 pid=${LAB_PID[$1]}
	unset "LAB_PID[$name]"
	if ! kill -TERM "$pid" 2>/dev/null; then
		printf 'FAIL: %s has died\n' "$name" >&2
		return 1
	fi
	if ! gone_within 10 "$pid"; then
		kill -KILL "$pid"
		printf 'FAIL: %s does not stop\n' "$name" >&2
		return 1
	fi
	if ! tail -n 3 "$LAB/$name/log" | grep -c 'notice stopped status=0' >/dev/null; then
		printf 'FAIL: %s does not end well\n' "$name" >&2
		return 1
	fi
	filters_loaded "$name"
}

# filters_loaded NAME: each of its processes has said so, and in which mode (unless the test has the
# log without its lines for debugging).
filters_loaded() {
	local log=$LAB/$1/log
	grep -qF ' debug ' "$log" || return 0
	if ! grep -qF ' sandbox_loaded ' "$log" ||
		grep -F ' sandbox_loaded ' "$log" | grep -vE " mode=$SANDBOX\$"; then
		printf 'FAIL: not all filters of %s are in mode %s\n' "$1" "$SANDBOX" >&2
		return 1
	fi
}

# daemon_stop NAME: in good order.
daemon_stop() { daemon_end "$1" || exit 1; }

# daemon_forget NAME: it is expected to have ended by itself.
daemon_forget() { unset "LAB_PID[$1]"; }

# daemon_kill NAME: the hard way.
daemon_kill() {
	local pid
	pid=${LAB_PID[$1]}
	unset "LAB_PID[$1]"
	kill -KILL "$pid"
	gone_within 5 "$pid" || fail "$1 does not die"
}

# server_conf [LINE...]: writes server.yml; further lines come last.
server_conf() {
	local name=${CONF_NAME:-server}
	{
		cat <<-EOT
			vpnCertDir: $LAB/pki/vpn
			grpcCertDir: $LAB/pki/grpc
			advertise: [$SERVER_IP]
			stateDir: $LAB/state
			runDir: $LAB/run
		EOT
		printf '%s\n' "$@"
	} >"$LAB/$name.yml"
}

# One file per daemon: they differ in the log only.
server_file() {
	mkdir -p "$LAB/$1"
	{
		cat "$LAB/server.yml"
		printf 'log: {level: debug, target: %s/%s/log}\n' "$LAB" "$1"
	} >"$LAB/$1/server.yml"
	printf '%s' "$LAB/$1/server.yml"
}

start_ipamd() { daemon_start ipamd s ipamd -c "$(server_file ipamd)"; }
start_tunneld() { daemon_start tunneld s "${TUNNELD:-tunneld}" server -c "$(server_file tunneld)"; }
start_ctld() { daemon_start ctld s ctld -c "$(server_file ctld)"; }

# server_up [LINE...]: configuration, PKI, the three daemons.
server_up() {
	server_conf "$@"
	pki_init
	start_ipamd
	start_tunneld
	start_ctld
}

# pki_init [OPTION...]: further --san, for example.
pki_init() {
	on s "$BUILD/litevpnctl" pki init --dir "$LAB/pki" --config "$LAB/server.yml" \
		--san "$SERVER_IP6" "$@" >"$LAB/pki.log"
}

# ctl ARGS...: the administrator on the server.
ctl() { on s "$BUILD/litevpnctl" --socket "$LAB/run/admin/ctld.sock" "$@"; }

# node_conf NODE [LINE...]: its client.yml.
node_conf() {
	local node=$1
	shift
	mkdir -p "$LAB/$node"
	{
		cat <<-EOT
			vpnCertDir: $LAB/$node/vpn
			grpcCertDir: $LAB/$node/grpc
			tokenFile: $LAB/$node/token
			serverAddr: $SERVER_IP
			device: lv-$node
			stateDir: $LAB/$node/state
			runDir: $LAB/$node/run
			reconnect: {min: 200ms, max: 2s}
			log: {level: debug, target: $LAB/$node/log}
		EOT
		printf '%s\n' "$@"
	} >"$LAB/$node/client.yml"
}

# node_enroll NODE [token create options...]: configuration must be there.
node_enroll() {
	local node=$1 fingerprint
	shift
	ctl -o json token create "$@" >"$LAB/$node/created"
	json_field secret <"$LAB/$node/created" >"$LAB/$node/bootstrap"
	fingerprint=$(json_field caFingerprint <"$LAB/$node/created")
	chmod 600 "$LAB/$node/bootstrap"
	on "$node" "$BUILD/litevpnctl" client enroll --config "$LAB/$node/client.yml" \
		--token-file "$LAB/$node/bootstrap" --fingerprint "$fingerprint" --name "$node" \
		>"$LAB/$node/enroll.log"
}

start_node() { daemon_start "$1" "$1" "${TUNNELD:-tunneld}" node -c "$LAB/$1/client.yml"; }

# node_up NODE [LINE...]: configured, enrolled, started, connected.
node_up() {
	local node=$1
	node_conf "$@"
	node_enroll "$node"
	start_node "$node"
	wait_for 10 node_connected "$node"
}

# api_client NODE: begins a client there which is not ours (grpc_client.py), for `api`.
api_client() {
	coproc API { exec ip netns exec "$(ns_of "$1")" "$PYTHON" "$TOP/tests/integration/grpc_client.py" \
		serve "$LAB/api.out" "$LAB/api.err"; }
	exec {API_IN}>&"${API[1]}" {API_OUT}<&"${API[0]}"	# subshells have these, too
}
# api WORDS...: a command line of grpc_client.py; one at a time.
api() {
	local status
	printf '%s\0' $# "$@" >&"$API_IN"
	read -r status <&"$API_OUT" || fail "the client of the API has died: $(cat "$LAB/api.err")"
	cat "$LAB/api.out"
	cat "$LAB/api.err" >&2
	return "$status"
}

# json_field NAME: from a JSON object on standard input.
json_field() { "$PYTHON" -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

# node_field NODE FIELD: of the node with that display name, through the API.
node_field() {
	ctl -o json node list | "$PYTHON" -c '
import json, sys
for n in json.load(sys.stdin).get("nodes", []):
    if n.get("displayName") == sys.argv[1]:
        for part in sys.argv[2].split("."):
            n = n.get(part, {}) if isinstance(n, dict) else n
        print(n if n != {} else "")' "$1" "$2"
}

node_state() { node_field "$1" state; }
node_is() { [ "$(node_state "$1")" = "$2" ]; }
node_connected() { node_is "$1" CONNECTED; }
# node_uses NODE UDP|TLS
node_uses() { [ "$(node_field "$1" session.transport)" = "$2" ]; }
node_id() { node_field "$1" name | sed 's,^nodes/,,'; }

# The address that the node's device has.
node_addr() {
	ip -n "$(ns_of "$1")" -4 -o addr show dev "lv-$1" | sed -E 's,.* inet ([0-9.]+)/.*,\1,'
}

# drops NAME: the server's counter of that drop reason.
drops() {
	ctl -o json status | "$PYTHON" -c '
import json, sys
print(json.load(sys.stdin).get("drops", {}).get(sys.argv[1], 0))' "$1"
}

# rises NAME BEFORE: the counter is above what it was.
rises() { [ "$(drops "$1")" -gt "$2" ]; }

# logged FILE PATTERN: a line of the daemon's log, $LAB/FILE/log.
logged() { grep -qE "$2" "$LAB/$1/log"; }

# shows PATTERN COMMAND...: its output has such a line. (A pipe to grep -q would end the command by
# SIGPIPE now and then.)
shows() {
	local pattern=$1 out
	shift
	out=$("$@") || return 1
	grep -qE -- "$pattern" <<<"$out"
}

# pings FROM ADDRESS [COUNT]: all answered.
pings() {
	local out
	out=$(on "$1" ping -n -q -i 0.05 -W 2 -c "${3:-5}" "$2") || {
		printf '%s\n' "$out"
		return 1
	}
	printf '%s\n' "$out" | tail -n 2
}

# A ping that runs beside what is tested: start, then stop, which fails when an answer was missing.
# (What is under way when it is stopped is not.)
ping_start() {
	# A shell's background commands ignore SIGINT, which is how ping is asked for its summary.
	ip netns exec "$(ns_of "$1")" env --default-signal=INT ping -n -i 0.02 -W 2 "$2" \
		>"$LAB/ping.log" 2>&1 &
	PING_PID=$!
}
ping_stop() {
	local missing
	kill -INT "$PING_PID"
	wait "$PING_PID" || true
	PING_PID=""
	tail -n 2 "$LAB/ping.log"
	missing=$(sed -nE 's/.* icmp_seq=([0-9]+) ttl=.*/\1/p' "$LAB/ping.log" | sort -nu |
		awk '$1 != ++next_seq { n += $1 - next_seq; next_seq = $1 } END { print NR ? n + 0 : "all" }')
	[ "$missing" = 0 ] || fail "answers are missing: $missing"
}
