#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ESP with an implementation not ours as the node: scapy's IPsec layer, both ciphers, extended
# sequence numbers, keys from the TLS exporter; whatever offloads the server uses.
# time-limit: 45
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

"$PYTHON" -c 'import scapy.layers.ipsec, OpenSSL' 2>/dev/null || skip "needs python3-scapy and python3-openssl"
lab_up p
server_up
node_conf p
node_enroll p
mkdir "$LAB/pb"
protoc -I"$TOP/proto" --python_out="$LAB/pb" tunnel.proto
for mode in auto batch off; do
	if [ "$mode" != auto ]; then
		daemon_stop tunneld
		server_conf "offload: $mode"
		start_tunneld
	fi
	say "offload: $mode"
	case $mode in
	auto) uses='udp out gso, udp in gro' ;;
	batch) uses='tun single, udp out batch, udp in batch' ;;
	off) uses='tun single, udp out single, udp in single' ;;
	esac
	wait_for 5 shows "$uses" ctl status
	for cipher in aes-256-gcm chacha20-poly1305; do
		run on p "$PYTHON" "$TOP/tests/integration/esp_peer.py" --server "$SERVER_IP" \
			--port 6441 --dir "$LAB/p/vpn" --token "$LAB/p/token" --cipher "$cipher" \
			--pb "$LAB/pb"
	done
	[ "$(drops esp_auth_failed)" = 0 ] || fail "packets were not authentic"
done
