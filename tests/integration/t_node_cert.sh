#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A certificate of the vpn CA that names nobody, made by another tool: with requireNodeCert, which is
# the default, it is refused; without it the token decides. One that names another node never counts.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b
server_up
node_conf a
node_enroll a
node_conf b
node_enroll b

# nameless NODE: replaces its certificate.
nameless() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=other \
		-keyout "$LAB/$1/vpn/client-key.pem" -out "$LAB/$1/csr" 2>/dev/null
	openssl x509 -req -in "$LAB/$1/csr" -CA "$LAB/pki/vpn/ca.pem" \
		-CAkey "$LAB/pki/vpn/ca-key.pem" -CAcreateserial -days 1 \
		-extfile <(echo extendedKeyUsage=clientAuth) -out "$LAB/$1/vpn/client.pem" 2>/dev/null
}

say "required: refused"
nameless a
start_node a
wait_for 10 logged a 'refused.*CERT_MISMATCH.*requireNodeCert'

say "not required: the token decides"
daemon_stop tunneld	# both read the key
daemon_stop ipamd
server_conf "requireNodeCert: false"
start_ipamd
start_tunneld
wait_for 10 node_connected a
wait_for 5 pings a 10.1.1.1 3

say "but a certificate that names another node is refused as before"
cp "$LAB/b/token" "$LAB/b/token.own"
cp "$LAB/a/token" "$LAB/b/token"
start_node b
wait_for 10 logged b 'refused.*CERT_MISMATCH'
node_connected a || fail "a was disturbed"
