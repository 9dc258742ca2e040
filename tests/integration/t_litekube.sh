#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What LiteKube's programs call: every method of their two services, as they call it, with the answers
# that they know; and what their own server lets pass is refused. With NCADM set to their command-line
# client, that is run as well, every command of it.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b
server_up
api_client s
CONTROL=pb.LiteKubeNCService
BOOTSTRAP=pb.LiteKubeNCBootstrapService
ADMIN=$LAB/pki/grpc

grpc() {	# PORT DIRECTORY-OF-CERTIFICATE METHOD JSON
	api --schema-unix "$LAB/run/admin/ctld.sock" \
		--host "$SERVER_IP" --port "$1" --ca "$ADMIN/ca.pem" \
		${2:+--cert "$2/client.pem" --key "$2/client-key.pem"} call "$3" "${4:-"{}"}"
}
control() { grpc 6440 "$1" "$CONTROL/$2" "${3:-}"; }
bootstrap() { grpc 6439 "" "$BOOTSTRAP/$1" "${2:-}"; }
# says FIELD=VALUE... COMMAND...: the command's answer has these fields; without a "=" there is a text.
says() {
	local want=()
	while [[ $1 == *=* || $1 == *+ ]]; do want+=("$1") && shift; done
	"$@" >"$LAB/answer" || { cat "$LAB/answer" >&2; fail "refused: $*"; }
	"$PYTHON" - "$LAB/answer" "${want[@]}" <<-'EOT' || fail "$*: $(cut -c 1-400 "$LAB/answer")"
		import json, sys
		answer = json.load(open(sys.argv[1]))
		for want in sys.argv[2:]:
		    name, equals, value = want.partition("=")
		    got = str(answer.get(name.rstrip("+"), ""))
		    if (got != value) if equals else not got:
		        sys.exit("%s is %r" % (name, got))
	EOT
}
field() { "$PYTHON" -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$LAB/answer" "$1"; }
refused() {	# PATTERN COMMAND...
	local pattern=$1
	shift
	if "$@" >"$LAB/refusal" 2>&1; then fail "let in: $*"; fi
	grep -q "$pattern" "$LAB/refusal" || fail "$*: $(cat "$LAB/refusal")"
}
ok=(code=200 message=ok)
unknown=(code=400 "message=fail to find such item")

say "is it there?"
says code=200 control "$ADMIN" HealthCheck
says code=200 bootstrap HealthCheck
says thanksText+ control "$ADMIN" HelloWorld '{"helloText": "hello"}'

say "bootstrap tokens: of some minutes, of the usual life, for long"
for life in 0 -1 10; do
	says "${ok[@]}" bootStrapToken+ cloudIp=$SERVER_IP port=6439 \
		control "$ADMIN" GetBootStrapToken "{\"expireTime\": \"$life\"}"
	[[ $(field bootStrapToken) =~ ^[0-9a-f]{16}$ ]] || fail "the token is of another form"
done
token=$(field bootStrapToken)

say "a node"
says code=400 "message=bootstrap token can't be empty" bootstrap GetToken
says "${unknown[@]}" bootstrap GetToken '{"bootStrapToken": "0123456789abcdef"}'
get_node() {	# NODE: into its directories, as their client does it
	says "${ok[@]}" token+ networkServerIp=$SERVER_IP networkServerPort=6441 GrpcServerIp=10.1.1.1 \
		GrpcServerPort=6440 bootstrap GetToken "{\"bootStrapToken\": \"$token\"}"
	mkdir -p "$LAB/$1/grpc" "$LAB/$1/vpn"
	field token >"$LAB/$1/token"
	field GrpcCaCert | base64 -d >"$LAB/$1/grpc/ca.pem"
	field GrpcClientCert | base64 -d >"$LAB/$1/grpc/client.pem"
	(umask 077; field GrpcClientKey | base64 -d >"$LAB/$1/grpc/client-key.pem")
	field NetworkCaCert | base64 -d >"$LAB/$1/vpn/ca.pem"
	field NetworkClientCert | base64 -d >"$LAB/$1/vpn/client.pem"
	(umask 077; field NetworkClientKey | base64 -d >"$LAB/$1/vpn/client-key.pem")
	chmod 600 "$LAB/$1/token"
}
node_conf a
get_node a
get_node b
A=$(cat "$LAB/a/token")
B=$(cat "$LAB/b/token")

say "its certificates"
names() {
	openssl x509 -noout -subject -ext extendedKeyUsage,subjectAltName -in "$1/client.pem" | tee "$LAB/names"
	openssl verify -CAfile "$1/ca.pem" "$1/client.pem"
	[ "$(grep -c BEGIN "$1/client.pem")$(grep -c BEGIN "$1/ca.pem")" = 11 ] || fail "more than one in a file"
	[ "$(openssl x509 -noout -pubkey -in "$1/client.pem")" = "$(openssl pkey -pubout -in "$1/client-key.pem")" ] ||
		fail "the key is another one"
	grep -q 'TLS Web Client' "$LAB/names" && grep -q 'URI:litevpn://node/n-' "$LAB/names"
}
names "$LAB/a/grpc"
grep -q 'CN = network-controller-grpc-client, O = lknm:register' "$LAB/names" || fail "another subject"
names "$LAB/a/vpn"
grep -q 'CN = network-controller-client, O = lknm:join' "$LAB/names" || fail "another subject"

say "how it is, before it has come"
about() { printf '{"token": "%s"}' "$1"; }
says code=400 "message=token can't be empty" connState=-1 control "$ADMIN" CheckConnState
says "${unknown[@]}" connState=-1 control "$ADMIN" CheckConnState "$(about 0123456789abcdef)"
says "${unknown[@]}" connState=-1 control "$ADMIN" CheckConnState "$(about "$(printf %300d 7)")"
says "${ok[@]}" connState=-1 bindIp= control "$ADMIN" CheckConnState "$(about "$A")"
says "${ok[@]}" ip= control "$ADMIN" GetRegistedIp "$(about "$A")"

say "and when it has"
start_node a
state() { says "${ok[@]}" connState=3 bindIp=10.1.1.2 control "$ADMIN" CheckConnState "$(about "$A")"; }
wait_for 10 state
says "${ok[@]}" ip=10.1.1.2 control "$ADMIN" GetRegistedIp "$(about "$A")"
wait_for 5 pings a 10.1.1.1 3

say "a node reaches itself, and nobody else"
state_of_itself() { control "$LAB/a/grpc" CheckConnState "$(about "$A")"; }
says "${ok[@]}" connState=3 bindIp=10.1.1.2 state_of_itself
says "${unknown[@]}" connState=-1 bindIp= control "$LAB/b/grpc" CheckConnState "$(about "$A")"
says "${unknown[@]}" ip= control "$LAB/b/grpc" GetRegistedIp "$(about "$A")"
says "${unknown[@]}" result=False control "$LAB/b/grpc" UnRegister "$(about "$A")"
refused ROLE_REQUIRED control "$LAB/a/grpc" GetBootStrapToken
refused UNIMPLEMENTED grpc 6439 "" "$CONTROL/HealthCheck"
refused UNIMPLEMENTED grpc 6440 "$ADMIN" "$BOOTSTRAP/GetToken"
logged ctld "audit method=/pb.LiteKubeNCService/UnRegister result=NODE_UNKNOWN about=\"nodes/n-[0-9a-f]+\" role=node" ||
	fail "the attempt is not in the record"

say "whatever a node sends, it gets the answer that the manual promises"
on s "$PYTHON" "$TOP/tests/integration/api_table.py" node "$SERVER_IP" "$ADMIN/ca.pem" "$LAB/a/grpc" ||
	fail "see WRONG above"

say "unregistering: one that never came, one that is there"
says "${ok[@]}" result=True control "$LAB/b/grpc" UnRegister "$(about "$B")"
says "${unknown[@]}" control "$ADMIN" UnRegister "$(about "$B")"
says "${ok[@]}" result=True control "$ADMIN" UnRegister "$(about "$A")"
says "${unknown[@]}" control "$ADMIN" CheckConnState "$(about "$A")"
wait_for 10 logged a 'NODE_DELETED'

if [ -n "${NCADM:-}" ]; then
	say "their own client"
	ncadm() {
		run on s "$NCADM" --ip "$SERVER_IP" --cacert "$ADMIN/ca.pem" --cert "$ADMIN/client.pem" \
			--key "$ADMIN/client-key.pem" "$@" 2>&1 | tee "$LAB/ncadm"
	}
	ncadm check-health
	[ "$(grep -c 'Health$' "$LAB/ncadm")" = 2 ] || fail "not healthy"
	ncadm create-bootstrap-token --life 10
	token=$(grep -oE '\b[0-9a-f]{16}\b' "$LAB/ncadm" | head -n 1)
	mkdir "$LAB/nc"
	ncadm get-token --bootstrap-token "$token" --network-certs-dir "$LAB/nc/vpn" --grpc-certs-dir "$LAB/nc/grpc"
	node=$(grep -oE '\b[0-9a-f]{16}\b' "$LAB/ncadm" | grep -v "$token" | head -n 1)
	openssl verify -CAfile "$LAB/nc/vpn/ca.pem" "$LAB/nc/vpn/client.pem"
	openssl verify -CAfile "$LAB/nc/grpc/ca.pem" "$LAB/nc/grpc/client.pem"
	ncadm check-conn-state --node-token "$node"
	grep -q 'UnConnected' "$LAB/ncadm" || fail "connected?"
	ncadm unregister --node-token "$node"
	ncadm check-conn-state --node-token "$node" || true
	grep -q 'fail to find such item' "$LAB/ncadm" || fail "still there"
fi
