#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Clients that are not ours drive every method: python3-grpcio and grpc-js, each with what reflection
# says (both versions of it) and with the .proto files. Errors are decoded, with their details. A
# method that is new has to be driven, too: clients/steps.json.
# time-limit: 60
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

readonly CLIENTS=$TOP/tests/integration/clients
export NODE_NO_WARNINGS=1 NODE_PATH=$BUILD/node_modules GRPC_PROTO=/usr/share/grpc-proto

lab_up
server_up
for pki in grpc vpn; do
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=node \
		-keyout "$LAB/$pki.key" -out "$LAB/$pki.csr" 2>/dev/null
done
"$PYTHON" - "$LAB" >"$LAB/variables" <<'EOT'
import json, sys
lab = sys.argv[1]
csr = lambda pki: open("%s/%s.csr" % (lab, pki)).read()
print(json.dumps({"ca": lab + "/pki/grpc/ca.pem", "cert": lab + "/pki/grpc/client.pem",
                  "key": lab + "/pki/grpc/client-key.pem", "node_key": lab + "/grpc.key",
                  "grpc_csr": csr("grpc"), "vpn_csr": csr("vpn")}))
EOT

# drives CLIENT SCHEMA...: RUN with each schema; then it has driven all that there is.
drives() {
	local client=$1 schema
	shift
	: >"$LAB/driven"
	for schema in "$@"; do
		say "$client with ${schema##*/}"
		on s timeout 30 "${RUN[@]}" "$SERVER_IP" "$LAB/variables" "$schema" >"$LAB/out" ||
			fail "see above"
		wc -l <"$LAB/out"
		cat "$LAB/out" >>"$LAB/driven"
	done
	comm -23 <(sort -u "$LAB/methods") <(sort -u "$LAB/driven") >"$LAB/forgotten"
	[ ! -s "$LAB/forgotten" ] || fail "not driven: $(tr '\n' ' ' <"$LAB/forgotten")"
}

sed -nE 's,^.*\{ "/([A-Za-z0-9.]+/[A-Za-z]+)".*,\1,p' "$TOP/daemons/ctld/method.c" >"$LAB/methods"
[ "$(wc -l <"$LAB/methods")" -gt 30 ] || fail "the table of methods looks otherwise now"

RUN=("$PYTHON" "$CLIENTS/clients.py")
drives clients.py v1 v1alpha "$BUILD/gen/api.desc"

if [ ! -d "$NODE_PATH/@grpc/grpc-js" ]; then
	skip "grpc-js is not here (make deps-test): only python was tried"
fi
RUN=(node "$CLIENTS/clients.js")
drives clients.js v1 v1alpha "$TOP/proto"
