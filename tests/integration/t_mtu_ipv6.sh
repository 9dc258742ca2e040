#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# As t_mtu, with IPv6 outside: from 1280 bytes, IPv6's smallest, to 9000.
# time-limit: 60
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b
# outer NAME MTU: of the host's own link. hole NAME MTU: of the switch's port to it, which drops what
# is longer, and tells nobody.
hole() { ip -n "$(ns_of n)" link set "v$1" mtu "$2"; }
outer() {
	hole "$1" "$2"
	ip -n "$(ns_of "$1")" link set eth0 mtu "$2"
}
ip -n "$(ns_of n)" link set br0 mtu 9000
for name in s a b; do
	outer "$name" 9000
	ip -n "$(ns_of "$name")" -4 addr flush dev eth0
done
server_up

device_has() { ip -n "$(ns_of "$1")" -o link show "lv-$1" | grep -qE " mtu $2 "; }
way_has() { [ "$(node_field "$1" session.mtu)" = "$2" ]; }
both_have() { device_has "$1" "$2" && way_has "$1" "$2"; }
whole() { on "$1" ping -n -q -M 'do' -c 2 -i 0.05 -W 2 -s $(($3 - 28)) "$2" | tail -n 2; }
start() {
	start_node "$1"
	wait_for 10 node_connected "$1"
	wait_for 10 node_uses "$1" UDP
}

# What is around an inner packet is 20 bytes more than with IPv4.
for name in a b; do
	node_conf "$name"
	sed -i "s/^serverAddr: .*/serverAddr: $SERVER_IP6/" "$LAB/$name/client.yml"
	node_enroll "$name"
done

say "9000 outside, 8918 inside, in both directions"
start a
wait_for 10 both_have a 8918
whole a 10.1.1.1 8918

say "another node has 1500: who sends it more is told"
outer b 1500
start b
wait_for 10 both_have b 1418
whole b 10.1.1.1 1418
shows 'mtu = ?1418' on a sh -c "ping -n -M 'do' -c 3 -i 0.1 -W 2 -s 4000 $(node_addr b); true"
whole a "$(node_addr b)" 1418

say "the path becomes narrower, and says nothing: traffic shows it, the device follows"
hole b 1400
ip netns exec "$(ns_of b)" ping -n -q -i 0.1 -s 1390 10.1.1.1 >/dev/null &
pinging=$!
wait_for 15 device_has b '(1318|1322)'	# towards the switch there may be room for a VLAN tag
wait_for 15 way_has b 1318
kill "$pinging"
wait "$pinging" || true
whole b 10.1.1.1 1318

say "the smallest path"
daemon_stop b
outer b 1280
start b
wait_for 10 both_have b 1198
whole b 10.1.1.1 1198
pings b "$(node_addr a)"
