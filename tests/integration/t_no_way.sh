#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a node's own kernel says about the way of its datagrams is heard at once: that there is none,
# and that they are too long.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

command -v iperf3 >/dev/null || skip "needs iperf3"
lab_up a
# As long as this lasts, none of what follows is noticed by waiting.
server_up 'keepalive: 60s' 'deadAfter: 180s'
node_up a
wait_for 5 node_uses a UDP
wait_for 5 logged a 'path_changed .*transport=udp'
rule() { ip -n "$(ns_of a)" rule "$1" ipproto udp dport 6441 unreachable prio 10; }
looks() { grep -c ' no_way ' "$LAB/a/log" || true; }

say "no way for UDP, which no address and no route tells"
[ "$(looks)" = 0 ] || fail "there was a way before"
begin=$SECONDS
rule add
wait_for 5 pings a 10.1.1.1 20
wait_for 5 node_uses a TLS
wait_for 2 logged a 'info no_way epoch'
seconds=$((SECONDS - begin))
n=$(looks)
((n <= seconds + 1)) || fail "looked $n times in $seconds s"
printf 'looked %d times in %d s\n' "$n" "$seconds"

say "there is one again"
rule del
wait_for 15 node_uses a UDP
[ "$(looks)" = "$n" ] || fail "it was asked what is known"
pings a 10.1.1.1

say "our own link becomes narrower: the device follows at once"
device_has() { ip -n "$(ns_of a)" -o link show lv-a | grep -q " mtu $1 "; }
wait_for 10 device_has 1438
ip -n "$(ns_of a)" link set eth0 mtu 1300
ip netns exec "$(ns_of s)" iperf3 -s -1 >/dev/null &
sink=$!
wait_for 5 shows :5201 on s ss -Hltn
on a iperf3 -C cubic -c 10.1.1.1 -n 50M | tail -n 3
wait "$sink" || true
wait_for 5 device_has 1238
