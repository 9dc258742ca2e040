#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a node may send: its own source address only, to nodes only when interconnection is on.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b
server_up
node_up a
node_up b
b=$(node_addr b)

say "a spoofed inner source is dropped and counted"
n=$(drops inner_spoofed)
ip -n "$(ns_of a)" addr add 10.1.1.77/32 dev lv-a
on a ping -n -q -c 3 -i 0.05 -W 1 -I 10.1.1.77 10.1.1.1 >/dev/null 2>&1 && fail "answered"
on a ping -n -q -c 3 -i 0.05 -W 1 -I 10.1.1.77 "$b" >/dev/null 2>&1 && fail "answered by b"
wait_for 3 rises inner_spoofed "$n"
ip -n "$(ns_of a)" addr del 10.1.1.77/32 dev lv-a
pings a "$b" 3

say "nobody has this address"
n=$(drops inner_no_route)
on a ping -n -q -c 2 -i 0.05 -W 1 10.1.1.200 >/dev/null 2>&1 && fail "answered"
wait_for 3 rises inner_no_route "$n"

say "interconnection off: to the server yes, to the other node no, not even by way of the host"
daemon_stop tunneld
server_conf "interconnection: false"
on s sysctl -qw net.ipv4.ip_forward=1
start_tunneld
wait_for 10 node_connected a
wait_for 10 node_connected b
pings a 10.1.1.1 3
n=$(drops interconnection_off)
on a ping -n -q -c 3 -i 0.05 -W 1 "$b" >/dev/null 2>&1 && fail "node to node passes"
wait_for 3 rises interconnection_off "$n"
