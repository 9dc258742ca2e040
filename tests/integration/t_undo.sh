#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a node changes on its host is undone: at an orderly end, and at the next start after a crash.
# Pushed routes are set, or not, as the node's own configuration says.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a
server_up "push: {routes: [172.20.0.0/16, 172.21.7.0/24]}"
routes() { ip -n "$(ns_of a)" route show; }
routes >/dev/null
before=$(routes)

say "routes that the server pushes"
node_up a
shows '^172.20.0.0/16 dev lv-a' routes || fail "pushed route missing: $(routes)"
shows '^172.21.7.0/24 dev lv-a' routes || fail "pushed route missing: $(routes)"
daemon_stop a
[ "$(routes)" = "$before" ] || fail "left behind: $(routes)"

say "acceptRoutes: false"
echo "acceptRoutes: false" >>"$LAB/a/client.yml"
start_node a
wait_for 10 node_connected a
shows '^172.20' routes && fail "route taken: $(routes)"
daemon_stop a

say "redirectGateway: everything goes into the tunnel but the packets to the server"
echo "redirectGateway: true" >>"$LAB/a/client.yml"
start_node a
wait_for 10 node_connected a
routes
shows 'dev lv-a' on a ip route get 198.51.100.7 || fail "not redirected"
shows 'dev eth0' on a ip route get "$SERVER_IP" || fail "the server is behind the tunnel"
pings a 10.1.1.1 5
wait_for 5 node_uses a UDP

say "killed: the device goes by itself, the host route is undone by the next start"
daemon_kill a
no_device() { ! ip -n "$(ns_of a)" link show dev lv-a 2>/dev/null; }
wait_for 5 no_device
shows "^$SERVER_IP dev eth0" routes || fail "no host route was left: nothing to test"
sed -i 's/^redirectGateway: .*/redirectGateway: false/' "$LAB/a/client.yml"
start_node a
wait_for 10 node_connected a
shows "^$SERVER_IP dev eth0" routes && fail "the host route is still there"

say "stopped: as if nothing had been"
daemon_stop a
[ "$(routes)" = "$before" ] || fail "left behind: $(routes)"

say "two of them with one state directory"
start_node a
sed 's/^device: .*/device: lv-a2/' "$LAB/a/client.yml" >"$LAB/a/second.yml"
status=0
on a "$BUILD/tunneld" node -S "$SANDBOX" -c "$LAB/a/second.yml" >>"$LAB/a/stderr" 2>&1 || status=$?
[ "$status" = 71 ] || fail "exit status $status"
logged a 'another tunneld runs with this state directory' || fail "the log does not say why"
pings a 10.1.1.1 3

say "a server whose address cannot be set leaves no device"
on s sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
daemon_stop tunneld
server_device() { ip -n "$(ns_of s)" link show dev litevpn0 2>/dev/null; }
server_device && fail "the device is still there"
sed 's,^vpnAddr:.*,,' "$(server_file tunneld)" >"$LAB/six.yml"
echo "vpnAddr: fd00::1/64" >>"$LAB/six.yml"
on s "$BUILD/tunneld" server -S "$SANDBOX" -c "$LAB/six.yml" >>"$LAB/tunneld/stderr" 2>&1 &&
	fail "it has started"
server_device && fail "a device was left"

say "a device that somebody else has made stays"
on s ip tuntap add dev litevpn0 mode tun
start_tunneld
daemon_stop tunneld
server_device || fail "it was deleted"
