#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# time-limit: 60
# How long inner packets are: found by asking the path, from 576 bytes outside to 9000, where links
# say so and where they say nothing; too long ones are answered.
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
for name in s a b; do outer "$name" 9000; done
server_up

# What the node's device has, and what the server says of the way to it.
device_has() { ip -n "$(ns_of "$1")" -o link show "lv-$1" | grep -q " mtu $2 "; }
way_has() { [ "$(node_field "$1" session.mtu)" = "$2" ]; }
both_have() { device_has "$1" "$2" && way_has "$1" "$2"; }
whole() { on "$1" ping -n -q -M 'do' -c 2 -i 0.05 -W 2 -s $(($3 - 28)) "$2" | tail -n 2; }

say "9000 outside, 8938 inside, in both directions"
node_up a
wait_for 10 both_have a 8938
whole a 10.1.1.1 8938

say "another node has 1500: who sends it more is told"
outer b 1500
node_up b
wait_for 10 both_have b 1438
whole a 10.1.1.1 8938
n=$(drops inner_too_big)
shows 'mtu = ?1438' on a sh -c "ping -n -M 'do' -c 3 -i 0.1 -W 2 -s 4000 $(node_addr b); true"
wait_for 3 rises inner_too_big "$n"
whole a "$(node_addr b)" 1438
shows 'mtu = ?1438' on s sh -c "ping -n -M 'do' -c 3 -i 0.1 -W 2 -s 4000 $(node_addr b); true"

say "what may be fragmented passes nevertheless"
on a ping -n -q -M dont -c 2 -i 0.05 -W 2 -s 4000 "$(node_addr b)" | tail -n 2

say "the path becomes narrower, and says nothing: traffic shows it, the device follows"
hole b 1300
ip netns exec "$(ns_of b)" ping -n -q -i 0.1 -s 1400 10.1.1.1 >/dev/null &
pinging=$!
wait_for 15 device_has b 1242	# towards the switch there is room for a VLAN tag
wait_for 15 way_has b 1238
kill "$pinging"
wait "$pinging" || true
whole b 10.1.1.1 1238

say "the smallest path"
daemon_stop b
outer b 576
start_node b
wait_for 10 both_have b 576
whole b 10.1.1.1 576
pings b "$(node_addr a)"

say "an mtu in the configuration is one"
daemon_stop b
echo 'mtu: 1000' >>"$LAB/b/client.yml"
outer b 1500
start_node b
wait_for 10 node_uses b UDP
device_has b 1000 || fail "the device's MTU is not 1000"
