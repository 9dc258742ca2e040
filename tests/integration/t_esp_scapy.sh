#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ESP with an implementation not ours as the node: scapy's IPsec layer, both ciphers, extended
# sequence numbers, keys from the TLS exporter; whatever offloads the server uses, with one worker and
# with two (the peer has one SPI only: the second worker hands its packets to the first).
# time-limit: 60
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

"$PYTHON" -c 'import scapy.layers.ipsec, OpenSSL' 2>/dev/null || skip "needs python3-scapy and python3-openssl"
lab_up p
server_up
node_conf p
node_enroll p
mkdir "$LAB/pb"
protoc -I"$TOP/proto" --python_out="$LAB/pb" tunnel.proto
for mode in auto batch off; do for workers in 1 2; do
	daemon_stop tunneld
	server_conf "offload: $mode" "workers: $workers"
	start_tunneld
	say "offload: $mode, workers: $workers"
	case $mode in
	auto) uses='udp out gso, udp in gro' ;;
	batch) uses='tun single, udp out batch, udp in batch' ;;
	off) uses='tun single, udp out single, udp in single' ;;
	esac
	wait_for 5 shows "workers $workers, .*$uses" ctl status
	ciphers=(aes-256-gcm chacha20-poly1305)
	for cipher in "${ciphers[@]:0:$((3 - workers))}"; do	# both with one worker
		run on p "$PYTHON" "$TOP/tests/integration/esp_peer.py" --server "$SERVER_IP" \
			--port 6441 --dir "$LAB/p/vpn" --token "$LAB/p/token" --cipher "$cipher" \
			--pb "$LAB/pb"
	done
	[ "$(drops esp_auth_failed)" = 0 ] || fail "packets were not authentic"
done; done
