#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# IPv6 outside, where the server is reached by its IPv6 address only, and inside of the tunnel.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

command -v nft >/dev/null || skip "needs nft"
lab_up a b
for name in s a b; do
	ip -n "$(ns_of "$name")" -4 addr flush dev eth0
done
server_up "vpnAddr: fd00:1::1/64"
addr6() { ip -n "$(ns_of "$1")" -6 -o addr show dev "lv-$1" scope global | sed -E 's,.* inet6 ([0-9a-f:]+)/.*,\1,'; }
for node in a b; do
	node_conf "$node"
	sed -i "s/^serverAddr: .*/serverAddr: $SERVER_IP6/" "$LAB/$node/client.yml"
	node_enroll "$node"
	start_node "$node"
	wait_for 10 node_connected "$node"
	wait_for 10 node_uses "$node" UDP
done

say "to the server, to the other node, with full packets"
[ "$(addr6 a)" = "$(node_field a address)" ] || fail "$(addr6 a) is not $(node_field a address)"
wait_for 5 pings a fd00:1::1
wait_for 5 pings a "$(addr6 b)"
on a ping -n -q -M 'do' -s 1300 -c 3 -i 0.05 fd00:1::1 | tail -n 2

say "without UDP, too"
on n nft add table bridge t
on n nft add chain bridge t c '{ type filter hook forward priority 0; }'
on n nft add rule bridge t c ip6 nexthdr udp drop
wait_for 10 pings a "$(addr6 b)"
node_uses a TLS || fail "not by TLS"
