#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Somebody deletes the TUN device: tunneld says so and ends with a failure, instead of reading from
# nothing for ever. Started anew, as init does, it works as before. A device that is only down is no
# reason to end.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a
server_up
node_up a
pings a 10.1.1.1 3

# loses NAME HOST DEVICE: all processes of the daemon have ended, and the log says why.
loses() {
	local name=$1 host=$2 device=$3 monitor spawner engine pid
	monitor=$(daemon_pid "$name")
	spawner=$(pgrep -P "$monitor")
	engine=$(pgrep -P "$spawner")
	ip -n "$(ns_of "$host")" link del "$device"
	daemon_forget "$name"
	for pid in "$engine" "$spawner" "$monitor"; do
		gone_within 5 "$pid" || fail "process $pid goes on without a device"
	done
	logged "$name" "error device_lost device=$device" || fail "the log does not say why"
	tail -n 1 "$LAB/$name/log" | grep 'notice stopped status=1' || fail "it ended as if all was well"
}

# cpu PID: seconds that it has used.
cpu() { awk -v hz="$(getconf CLK_TCK)" '{ print int(($14 + $15) / hz) }' "/proc/$1/stat"; }

say "a device that is down"
ip -n "$(ns_of a)" link set lv-a down
on a ping -q -c 1 -W 1 10.1.1.1 && fail "it is not down"
pgrep -P "$(pgrep -P "$(daemon_pid a)")" >/dev/null || fail "the engine has ended"
ip -n "$(ns_of a)" link set lv-a up
wait_for 5 pings a 10.1.1.1 1

say "the node's device is deleted"
loses a a lv-a
start_node a
wait_for 10 pings a 10.1.1.1 3

say "the server's device is deleted"
sessions() { grep -c 'notice connected' "$LAB/a/log"; }
before=$(sessions)
loses tunneld s litevpn0
start_tunneld
reconnected() { [ "$(sessions)" -gt "$before" ]; }
wait_for 10 reconnected
wait_for 10 pings a 10.1.1.1 3

say "nobody is busy now"
for name in tunneld a; do
	engine=$(pgrep -P "$(pgrep -P "$(daemon_pid "$name")")")
	used=$(cpu "$engine")
	[ "$used" -lt 2 ] || fail "$name's engine has used $used seconds"
done
