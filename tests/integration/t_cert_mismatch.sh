#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Certificate and token must speak of the same node; a stolen one of the two is useless. A node's
# certificate cannot pose as the server's; an administrator's is none for the tunnel.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b
server_up
node_up a
node_conf b
node_enroll b

refused_with() { wait_for 10 logged b "refused.*$1"; }
restart_b() {
	: >"$LAB/b/log"
	start_node b
}

say "the token of a with the certificate of b"
cp "$LAB/b/token" "$LAB/b/token.own"
cp "$LAB/a/token" "$LAB/b/token"
restart_b
refused_with CERT_MISMATCH
daemon_stop b
node_connected a || fail "a was disturbed"

say "the certificate of a with the token of b"
cp "$LAB/b/token.own" "$LAB/b/token"
mv "$LAB/b/vpn" "$LAB/b/vpn.own"
cp -r "$LAB/a/vpn" "$LAB/b/vpn"
restart_b
refused_with CERT_MISMATCH
daemon_stop b

say "a certificate of another CA"
"$BUILD/litevpnctl" pki init --dir "$LAB/other" --config "$LAB/server.yml" >/dev/null
cp "$LAB/other/vpn/client.pem" "$LAB/b/vpn/client.pem"
cp "$LAB/other/vpn/client-key.pem" "$LAB/b/vpn/client-key.pem"
restart_b
wait_for 10 logged b 'connect_failed'
logged b 'welcome' && fail "a foreign certificate was let in"
daemon_stop b

say "the server's own certificate as a node's"
cp "$LAB/pki/vpn/server.pem" "$LAB/b/vpn/client.pem"
cp "$LAB/pki/vpn/server-key.pem" "$LAB/b/vpn/client-key.pem"
mkdir -p "$LAB/b"
on b "$BUILD/tunneld" node -c "$LAB/b/client.yml" >"$LAB/out" 2>&1 && fail "it started"
grep -q 'clientAuth' "$LAB/b/log" || fail "the log does not say why"

say "the node checks the server: another CA, another name"
rm -rf "$LAB/b/vpn"
cp -r "$LAB/b/vpn.own" "$LAB/b/vpn"
cp "$LAB/other/vpn/ca.pem" "$LAB/b/vpn/ca.pem"
restart_b
wait_for 10 logged b 'connect_failed.*certificate'
daemon_stop b
cp "$LAB/b/vpn.own/ca.pem" "$LAB/b/vpn/ca.pem"
ip -n "$(ns_of s)" addr add 192.0.2.99/24 dev eth0
sed -i "s/^serverAddr: .*/serverAddr: 192.0.2.99/" "$LAB/b/client.yml"
restart_b
wait_for 10 logged b 'connect_failed.*IP address mismatch'
daemon_stop b

say "an administrator's certificate is none for the tunnel"
sed -i "s/^serverAddr: .*/serverAddr: $SERVER_IP/" "$LAB/b/client.yml"
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=admin \
	-keyout "$LAB/b/vpn/client-key.pem" -out "$LAB/b/csr" 2>/dev/null
openssl x509 -req -in "$LAB/b/csr" -CA "$LAB/pki/vpn/ca.pem" -CAkey "$LAB/pki/vpn/ca-key.pem" \
	-CAcreateserial -days 1 -out "$LAB/b/vpn/client.pem" -extfile <(printf '%s\n' \
	'extendedKeyUsage=clientAuth' 'subjectAltName=URI:litevpn://role/admin') 2>/dev/null
restart_b
refused_with "CERT_MISMATCH.*administrator"
daemon_stop b
rm -r "$LAB/b/vpn"
cp -r "$LAB/b/vpn.own" "$LAB/b/vpn"

say "a node's certificate cannot pose as the server's"
daemon_stop tunneld
ip netns exec "$(ns_of s)" openssl s_server -accept "$SERVER_IP:6441" -quiet -tls1_3 -alpn litevpn/1 \
	-cert "$LAB/a/vpn/client.pem" -key "$LAB/a/vpn/client-key.pem" \
	-CAfile "$LAB/pki/vpn/ca.pem" -Verify 1 >"$LAB/poser.log" 2>&1 </dev/null &
poser=$!
restart_b
wait_for 10 logged b 'connect_failed.*unsuitable certificate purpose'
daemon_stop b
kill "$poser" 2>/dev/null || true
wait "$poser" || true
start_tunneld

say "and with its own things it comes in"
sed -i "s/^serverAddr: .*/serverAddr: $SERVER_IP/" "$LAB/b/client.yml"
restart_b
wait_for 10 node_connected b
