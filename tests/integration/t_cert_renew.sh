#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Certificates of nodes live for seconds here: a node renews both of its own over the tunnel, whose
# traffic never stops, and is there again after its first ones have ended and all was started anew. By
# the API a node renews both of its certificates, for its own keys and for no others.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b
server_up "certLife: 12s"
CERT=$LAB/a/vpn/client.pem
serial() { openssl x509 -noout -serial -in "$1"; }
serial_is_not() { [ "$(serial "$1")" != "$2" ]; }
ends() { date -d "$(openssl x509 -noout -enddate -in "$1" | cut -d = -f 2)" +%s; }
over() { (("$(date +%s)" > $1)); }
times() { grep -c "$2" "$LAB/$1/log" || true; }

say "a node, and traffic that never stops"
node_up a
first=$(serial "$CERT")
OTHER=$LAB/a/grpc/client.pem
api_first=$(serial "$OTHER")
api_end=$(ends "$OTHER")
key=$(sha256sum "$LAB/a/vpn/client-key.pem")
end=$(ends "$CERT")
sessions=$(times a ' notice connected ')
ping_start a 10.1.1.1

say "it renews its certificate for the same key, and goes on past the end of the first one"
wait_for 12 serial_is_not "$CERT" "$first"
openssl verify -CAfile "$LAB/a/vpn/ca.pem" "$CERT"
[ "$(sha256sum "$LAB/a/vpn/client-key.pem")" = "$key" ] || fail "the key has changed"
[ "$(stat -c %a "$CERT")" = 644 ] || fail "its mode is another"
[ -z "$(find "$LAB/a/vpn" -name '*.new')" ] || fail "a file is left over"
wait_for 5 logged a 'notice identity_renewed'
logged ipamd 'info renewal_granted node=n-' || fail "ipamd did not grant it"
logged ctld 'info certificate_renewed node="n-.*" pki=vpn result=OK' || fail "ctld did not have it signed"
wait_for 12 serial_is_not "$OTHER" "$api_first"
openssl verify -CAfile "$LAB/a/grpc/ca.pem" "$OTHER"
[ -z "$(find "$LAB/a/grpc" -name '*.new')" ] || fail "a file is left over"
wait_for 15 over "$end"
wait_for 15 over "$api_end"
on a "$BUILD/litevpnctl" client status --config "$LAB/a/client.yml" || fail "its API refuses it"
ping_stop
[ "$(times a ' notice connected ')" = "$sessions" ] || fail "it had to connect again"
wait_for 5 shows 'certificateExpireTime' ctl -o json node list

say "after a restart of everything the new one is good"
daemon_stop a
daemon_stop ctld
daemon_stop tunneld
daemon_stop ipamd
(($(ends "$CERT") > end)) || fail "it is still the first one"
over "$end" || fail "the first one would still do"
start_ipamd
start_tunneld
start_ctld
start_node a
wait_for 10 node_connected a
wait_for 5 pings a 10.1.1.1 3

say "by the API a node renews both, for its own keys and for no others"
api() {	# METHOD JSON
	on s "$PYTHON" "$TOP/tests/integration/grpc_client.py" --host "$SERVER_IP" --port 6440 \
		--schema-unix "$LAB/run/admin/ctld.sock" --ca "$LAB/b/grpc/ca.pem" \
		--cert "$LAB/b/grpc/client.pem" --key "$LAB/b/grpc/client-key.pem" \
		call "litevpn.v1.Enrollment/$1" "${2:-"{}"}" >"$LAB/answer" 2>&1
}
refused() {	# REASON METHOD JSON
	if api "$2" "${3:-}"; then fail "let in: $2"; fi
	grep -q "$1" "$LAB/answer" || fail "$2: $(cat "$LAB/answer")"
}
request() {	# FIELD KEY: as a field of JSON
	printf '"%s": %s' "$1" "$(openssl req -new -key "$2" -subj /CN=b |
		"$PYTHON" -c 'import json,sys; print(json.dumps(sys.stdin.read()))')"
}
node_conf b
node_enroll b
first=$(serial "$LAB/b/grpc/client.pem")
api RenewCertificate "{$(request grpcCsr "$LAB/b/grpc/client-key.pem"), $(request vpnCsr "$LAB/b/vpn/client-key.pem")}" ||
	fail "$(cat "$LAB/answer")"
for pki in grpc vpn; do
	json_field "${pki}Certificate" <"$LAB/answer" >"$LAB/b/$pki/client.pem"
	json_field "${pki}Ca" <"$LAB/answer" | cmp - <(cat "$LAB/b/$pki/ca.pem" && echo)
	openssl verify -CAfile "$LAB/b/$pki/ca.pem" "$LAB/b/$pki/client.pem"
done
[ "$(serial "$LAB/b/grpc/client.pem")" != "$first" ] || fail "the same one"
refused FIELD_INVALID RenewCertificate
refused CSR_INVALID RenewCertificate '{"grpcCsr": "nonsense"}'
refused KEY_UNKNOWN RenewCertificate "{$(request grpcCsr "$LAB/b/vpn/client-key.pem")}"
refused KEY_UNKNOWN RenewCertificate "{$(request vpnCsr "$LAB/a/vpn/client-key.pem")}"
api GetSelf || fail "$(cat "$LAB/answer")"
[ "$(json_field name <"$LAB/answer")" = "nodes/$(node_id b)" ] || fail "somebody else"
api Unregister || fail "$(cat "$LAB/answer")"
refused NODE_DELETED GetSelf
refused NODE_DELETED RenewCertificate "{$(request vpnCsr "$LAB/b/vpn/client-key.pem")}"
