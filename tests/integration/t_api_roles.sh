#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who may call what: every method by every role, with good arguments and all kinds of wrong ones; wrong
# tokens are all refused alike, and who has too many of them is not heard for a while; whoever changes
# something, or tries to, is in the log.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b c d
server_up
ROLES=$LAB/roles
mkdir "$ROLES"
cp "$LAB/pki/grpc/ca.pem" "$ROLES/"
roles() { on "$1" "$PYTHON" "$TOP/tests/integration/api_roles.py" "${@:2}"; }

say "certificates for each role, and one that names nobody"
node_conf a
node_enroll a
node_conf b
node_enroll b
id=$(node_id a)
for role in viewer operator admin; do
	"$BUILD/litevpnctl" pki issue grpc --dir "$LAB/pki" --role "$role" --out "$ROLES/$role" >/dev/null
done
mkdir "$ROLES/node" "$ROLES/none"
cp "$LAB/a/grpc/client.pem" "$LAB/a/grpc/client-key.pem" "$ROLES/node/"
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=nobody \
	-keyout "$ROLES/none/client-key.pem" -out "$ROLES/none/csr" 2>/dev/null
openssl x509 -req -in "$ROLES/none/csr" -CA "$LAB/pki/grpc/ca.pem" -CAkey "$LAB/pki/grpc/ca-key.pem" \
	-CAcreateserial -days 1 -extfile <(echo 'extendedKeyUsage=clientAuth') \
	-out "$ROLES/none/client.pem" 2>/dev/null

say "every method, every role"
roles s matrix "$SERVER_IP" "$ROLES" "$id" "$(node_id b)" || fail "see WRONG above"
[ -n "$(node_id b)" ] && fail "somebody was let in to delete it"
node_conf b
node_enroll b

say "every method, every role, every kind of argument"
every() {
	on "$1" "$PYTHON" "$TOP/tests/integration/api_every.py" "$2" "$BUILD/gen/api.desc" "$SERVER_IP" \
		"$ROLES" "${@:3}" || fail "see WRONG above"
}
every s control
# Who fails too often is not heard: each from its own source.
every c bootstrap litevpn.v1.Enrollment/Enroll
every d bootstrap pb.LiteKubeNCBootstrapService/GetToken pb.LiteKubeNCBootstrapService/HealthCheck
[ -n "$(node_id a)" ] || fail "the node is not there any more"

say "wrong tokens: refused alike ten times, then not heard, from there"
roles a guess "$SERVER_IP" "$ROLES/ca.pem" 15 | tee "$LAB/guess"
grep -qx '10 UNAUTHENTICATED, 1 kinds' "$LAB/guess" || fail "not ten alike"
grep -q '^5 RESOURCE_EXHAUSTED RetryInfo' "$LAB/guess" || fail "not five turned away"
roles b guess "$SERVER_IP" "$ROLES/ca.pem" 1 | grep -qx '1 UNAUTHENTICATED, 1 kinds' ||
	fail "another source is turned away, too"

say "the record"
grep ' audit ' "$LAB/ctld/log" | cut -d ' ' -f 4- | sort | uniq -c | sort -rn | sed -n 1,20p
audited() { logged ctld "notice audit $1"; }
audited 'method=/litevpn.v1.Token/CreateToken result=OK about="tokens/[^"]+" role=admin node=- key=- source=local' ||
	fail "the token is not in the record"
audited "method=/litevpn.v1.Enrollment/Enroll result=OK about=\"nodes/$id\" role=none .*source=192.0.2.11" ||
	fail "the enrolment is not"
audited "method=/litevpn.v1.Node/DeleteNode result=OK about=\"nodes/.*\" role=operator node=- key=[0-9a-f]{16} source=192.0.2.1" ||
	fail "the deletion is not"
audited "method=/litevpn.v1.Node/DeleteNode result=ROLE_REQUIRED about=.* role=node node=$id key=" ||
	fail "the refused deletion is not"
audited 'method=/litevpn.v1.Enrollment/Enroll result=TOKEN_UNKNOWN .*source=192.0.2.11' ||
	fail "who guesses is not"
if audited '.*TOO_MANY_ATTEMPTS'; then fail "who is not heard fills the log"; fi
