#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The same with the kernel's ESP (ip xfrm) as the node, where the kernel has it.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

"$PYTHON" -c 'import scapy.layers.ipsec, OpenSSL' 2>/dev/null || skip "needs python3-scapy and python3-openssl"
lab_up p
on p ip xfrm state add src 192.0.2.11 dst 192.0.2.1 proto esp spi 0x100 mode tunnel aead \
	'rfc4106(gcm(aes))' 0x0000000000000000000000000000000000000000 128 2>/dev/null ||
	skip "this kernel has no ESP (CONFIG_INET_ESP)"
on p ip xfrm state flush
server_up
node_conf p
node_enroll p
mkdir "$LAB/pb"
protoc -I"$TOP/proto" --python_out="$LAB/pb" tunnel.proto
run on p "$PYTHON" "$TOP/tests/integration/esp_peer.py" --kernel --server "$SERVER_IP" --port 6441 \
	--dir "$LAB/p/vpn" --token "$LAB/p/token" --cipher aes-256-gcm --pb "$LAB/pb"
