#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job on real traffic: one server, two nodes behind their own network, everything real.
# Ends with status 0 only when every step did what it says. Tears everything down.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

cat <<'EOT'
                  +--------------- switch (a bridge) ---------------+
                  |                       |                         |
          192.0.2.1 eth0          192.0.2.11 eth0           192.0.2.12 eth0
      +---------------------+   +-----------------+       +-----------------+
      | server              |   | node a          |       | node b          |
      |  ipamd    addresses |   |  tunneld node   |       |  tunneld node   |
      |  tunneld  data path |   |                 |       |                 |
      |  ctld     gRPC      |   |                 |       |                 |
      |  litevpn0 10.1.1.1  |   |  lv-a 10.1.1.x  |       |  lv-b 10.1.1.y  |
      +---------------------+   +-----------------+       +-----------------+
                  '---- TLS 1.3 + ESP in UDP, port 6441 ----'
EOT

say "Three machines, each in a network namespace of its own"
lab_up a b
for node in s a b; do
	printf '%s: ' "$(ns_of "$node")"
	ip -n "$(ns_of "$node")" -4 -o addr show dev eth0 | awk '{print $4}'
done

say "Two PKIs, one for the control API and one for the tunnel"
server_conf
run on s "$BUILD/litevpnctl" pki init --dir "$LAB/pki" --config "$LAB/server.yml"
ls -l "$LAB/pki/vpn"

say "The three daemons start as root and drop to their own users"
start_ipamd
start_tunneld
start_ctld
processes() {
	printf '%-8s %-16s %-18s %s\n' PROCESS USER CAPABILITIES SECCOMP
	local pid name user caps
	for pid in $(on s cat /proc/[0-9]*/stat 2>/dev/null | awk '{print $1}'); do
		[ "$(ip netns identify "$pid" 2>/dev/null)" = "$(ns_of s)" ] || continue
		name=$(cat "/proc/$pid/comm" 2>/dev/null) || continue
		case $name in ipamd | tunneld | ctld) ;; *) continue ;; esac
		user=$(ps -o user:16= -p "$pid")
		caps=$(awk '/^CapEff/ {print $2}' "/proc/$pid/status")
		printf '%-8s %-16s %-18s %s\n' "$name" "${user// /}" "$caps" \
			"$(awk '/^Seccomp:/ {print $2}' "/proc/$pid/status")"
	done
}
processes
run ctl status

say "Two nodes enroll over gRPC: a bootstrap token each, keys made on the node"
for node in a b; do
	node_conf "$node"
	printf '+ litevpnctl token create; on %s: litevpnctl client enroll\n' "$node"
	node_enroll "$node"
	cat "$LAB/$node/enroll.log"
	printf '%s: %s, address %s\n' "$node" "$(node_id "$node")" "$(node_field "$node" address)"
done

say "The nodes connect"
for node in a b; do
	start_node "$node"
	wait_for 10 node_connected "$node"
	ip -n "$(ns_of "$node")" -4 -br addr show dev "lv-$node"
done
run ctl node list

say "Ping: node to server, and node to node through the server"
a=$(node_addr a)
b=$(node_addr b)
run pings a 10.1.1.1 10
run pings a "$b" 10

say "Throughput, TCP (cubic), one stream, 3 s each: the bare network first"
iperf() {
	local from=$1 to=$2 addr=$3 pid
	on "$to" iperf3 -s -1 -B "$addr" >"$LAB/iperf.log" 2>&1 &
	pid=$!
	wait_for 5 listening "$to" 5201
	on "$from" iperf3 -J -C cubic -t 3 -c "$addr" >"$LAB/iperf.json" || fail "iperf3 to $addr"
	wait "$pid"
	"$PYTHON" -c '
import json, sys
end = json.load(open(sys.argv[1]))["end"]
print("%.2f" % (end["sum_received"]["bits_per_second"] / 1e9))' "$LAB/iperf.json"
}
listening() { shows . on "$1" ss -Htln "sport = :$2"; }
raw=$(iperf a s 192.0.2.1)
to_server=$(iperf a s 10.1.1.1)
to_node=$(iperf a b "$b")
printf '%-34s %6s Gbit/s\n' "raw veth, a to server" "$raw" "tunnel, a to server" "$to_server" \
	"tunnel, a to b (relayed)" "$to_node"

say "State over gRPC, asked by a client that is not ours (python3-grpcio, by reflection)"
run "$PYTHON" "$TOP/tests/integration/grpc_client.py" --unix "$LAB/run/admin/ctld.sock" list
run "$PYTHON" "$TOP/tests/integration/grpc_client.py" --unix "$LAB/run/admin/ctld.sock" \
	call litevpn.v1.Node/ListNodes '{}' | sed -n '1,40p'
printf '... and on the network port, with the administrator'"'"'s certificate:\n'
run on a "$PYTHON" "$TOP/tests/integration/grpc_client.py" --host "$SERVER_IP" --port 6440 \
	--ca "$LAB/pki/grpc/ca.pem" --cert "$LAB/pki/grpc/client.pem" \
	--key "$LAB/pki/grpc/client-key.pem" call litevpn.v1.Server/GetServerInfo '{}' | sed -n '1,12p'

say "Node a stops and comes back: the same address"
daemon_stop a
wait_for 10 node_is a IDLE
run ctl node list
start_node a
wait_for 10 node_connected a
[ "$(node_addr a)" = "$a" ] || fail "node a has $(node_addr a), had $a"
printf 'node a has %s again\n' "$a"
run pings a "$b" 5

say "Node b is unregistered: its session is cut, and it is refused with the reason"
run ctl node delete "$(node_id b)"
refused() { grep -E 'refused.*TOKEN_UNKNOWN' "$LAB/b/log"; }
wait_for 15 refused
refused | tail -n 1
run ctl node list
pings a "$b" 1 >/dev/null 2>&1 && fail "node b still answers"
run pings a 10.1.1.1 3

say "Everything is torn down"
trap - EXIT
(lab_down)
ip netns list | grep -e "-${LV_LAB:-$$}\>" && fail "network namespaces are left"
[ -e "$LAB" ] && fail "$LAB is left"
printf 'daemons, namespaces and files are gone; every step did what it says\n'
