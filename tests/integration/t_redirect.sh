#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A node that sends everything through the tunnel finds back to its server when its own way to the
# outside changes, and to a second server when the first is gone.
#
#     server 192.0.2.1 --- switch --- g --- 198.51.100.0/24 --- node a
#            192.0.2.2            \-- h --- 203.0.113.0/24 ---/
#
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

FIRST=192.0.2.2	# of two addresses of the server: the one that can go

# gateway NAME OCTET DEVICE NETWORK: between the switch and the node's DEVICE in NETWORK.0/24.
gateway() {
	local name=$1 octet=$2 device=$3 network=$4
	lab_host "$name" "$octet"
	ip -n "$(ns_of "$name")" link add in0 type veth peer name "$device" netns "$(ns_of a)"
	ip -n "$(ns_of "$name")" addr add "$network.1/24" dev in0
	ip -n "$(ns_of "$name")" link set in0 up
	on "$name" sysctl -qw net.ipv4.ip_forward=1
	ip -n "$(ns_of a)" addr add "$network.9/24" dev "$device"
	ip -n "$(ns_of a)" link set "$device" up
	ip -n "$(ns_of s)" route add "$network.0/24" via "192.0.2.$octet"
}

lab_up
lab_namespace a
gateway g 21 up0 198.51.100
gateway h 22 up1 203.0.113
ip -n "$(ns_of s)" addr add "$FIRST/32" dev eth0

# Without the state of the link, which the kernel notes a moment later.
routes() { ip -n "$(ns_of a)" route show | sed 's/ linkdown//'; }
# leave_by NETWORK: the node's own default route.
leave_by() { ip -n "$(ns_of a)" route replace default via "$1.1"; }
# cable g|h up|down
cable() { ip -n "$(ns_of "$1")" link set in0 "$2"; }
# pinned SERVER NETWORK: by this way, and by no other.
pinned() {
	local pins
	pins=$(ip -n "$(ns_of a)" route show "$1/32" proto 108)
	[[ $pins == "$1 via $2.1 "* && $pins != *$'\n'* ]] || { echo "$pins"; return 1; }
}
answers() { pings a 10.1.1.1 1; }

leave_by 198.51.100
before=$(routes)
server_conf "keepalive: 1s" "deadAfter: 3s"
pki_init --san "$FIRST"
start_ipamd
start_tunneld
start_ctld
node_conf a "servers: [$SERVER_IP]" "redirectGateway: true"
sed -i "s/^serverAddr: .*/serverAddr: $FIRST/" "$LAB/a/client.yml"
node_enroll a
start_node a
wait_for 10 node_connected a
wait_for 5 answers
routes
pinned "$FIRST" 198.51.100
shows 'dev lv-a' on a ip route get 8.8.8.8 || fail "not redirected"

say "another default gateway while connected; the old one is gone"
leave_by 203.0.113
cable g down
wait_for 15 pinned "$FIRST" 203.0.113
wait_for 10 answers
logged a "server_pinned server=$FIRST via=203.0.113.1 device=up1" || fail "the log does not say so"

say "and again while the server is down"
daemon_stop tunneld
wait_for 10 logged a 'connect_failed'
cable g up
leave_by 198.51.100
cable h down
start_tunneld
wait_for 15 pinned "$FIRST" 198.51.100
wait_for 10 answers

say "no way outside at all for a while"
ip -n "$(ns_of a)" route del default
cable g down
wait_for 15 logged a 'way_failed .*no way to the server .* outside of the tunnel'
cable g up
leave_by 198.51.100
wait_for 15 answers

say "the first server vanishes: the second one has no pin yet"
ip -n "$(ns_of s)" addr del "$FIRST/32" dev eth0
on g ip route add unreachable "$FIRST"
wait_for 15 pinned "$SERVER_IP" 198.51.100
wait_for 10 answers
shows "connected server=\"$SERVER_IP\"" grep connected "$LAB/a/log" || fail "not by the second server"
routes

say "stopped: nothing is left behind"
daemon_stop a
cable h up
[ "$(routes)" = "$before" ] || fail "left behind: $(routes)"
