#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Certificates of the API are changed while it runs: a renewed one is shown to who comes, a CA is
# replaced by way of a file with both, files that do not fit together change nothing, and what is
# connected stays so. When a certificate nears its end, log and status say it.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a
server_up
DIR=$LAB/pki/grpc
OLD=$LAB/old
cp -a "$DIR" "$OLD"
CTLD=$LAB/ctld/log
cp "$OLD/ca.pem" "$LAB/trusted.pem"	# by the clients

# place FILE FROM: with one rename, as its reader's.
place() {
	install -o litevpn-ctld -m 600 "$2" "$DIR/.$1"
	mv "$DIR/.$1" "$DIR/$1"
}
client() {	# DIRECTORY-OF-CERTIFICATE ARGS...
	on s "$PYTHON" "$TOP/tests/integration/grpc_client.py" --host "$SERVER_IP" --ca "$LAB/trusted.pem" \
		--cert "$1/client.pem" --key "$1/client-key.pem" --timeout "${TIMEOUT:-5}" "${@:2}"
}
serves() { client "$1" call litevpn.v1.Server/GetServerInfo >/dev/null 2>&1; }
refuses() { ! serves "$1"; }
# The certificate that is shown.
shown() {
	on s openssl s_client -connect "$SERVER_IP:6439" </dev/null 2>/dev/null |
		openssl x509 -noout -fingerprint
}
shows_file() { [ "$(shown)" = "$(openssl x509 -noout -fingerprint -in "$1")" ]; }
issue() {	# NAME OPTIONS...
	"$BUILD/litevpnctl" pki issue grpc --dir "$LAB/pki" --server --san "$SERVER_IP" \
		--out "$LAB/$1" "${@:2}" >/dev/null
}
count() { grep -c "$1" "$CTLD" || true; }
more() { [ "$(count "$1")" -gt "$2" ]; }

say "somebody is connected all the time"
TIMEOUT=60 client "$OLD" call grpc.health.v1.Health/Watch >"$LAB/watch" 2>&1 &
watch=$!
wait_for 5 grep -q SERVING "$LAB/watch"
shows_file "$OLD/server.pem" || fail "another certificate is shown"

say "a renewed certificate is shown to who comes, and what ends soon is said"
issue new --days 5
place server-key.pem "$LAB/new/server-key.pem"
place server.pem "$LAB/new/server.pem"
wait_for 5 shows_file "$LAB/new/server.pem"
wait_for 5 logged ctld 'warning certificate_expires file=server.pem days=[45]'
ctl status | tee "$LAB/status"
grep -qE '^certificate.* ends in [45]' "$LAB/status" || fail "the status does not say it"
serves "$OLD" || fail "an administrator is refused"

say "files that do not fit together change nothing"
n=$(count certificates_refused)
place server.pem "$OLD/server.pem"
wait_for 5 more certificates_refused "$n"
shows_file "$LAB/new/server.pem" || fail "something else is shown"
place server-key.pem "$OLD/server-key.pem"
wait_for 5 shows_file "$OLD/server.pem"

say "the CA is replaced: both are good while both are in the file, then the new one only"
"$BUILD/litevpnctl" pki init --dir "$LAB/other" --config "$LAB/server.yml" >/dev/null
serves "$LAB/other/grpc" && fail "a foreign CA is good"
cat "$OLD/ca.pem" "$LAB/other/grpc/ca.pem" >"$LAB/both.pem"
place ca.pem "$LAB/both.pem"
wait_for 5 serves "$LAB/other/grpc"
serves "$OLD" || fail "the old CA is good no more"
n=$(count certificates_renewed)
cp "$LAB/both.pem" "$LAB/trusted.pem"
cp "$LAB/other/grpc/ca.pem" "$LAB/other/grpc/server.pem" "$LAB/other/grpc/server-key.pem" "$DIR/"
kill -HUP "$(daemon_pid ctld)"
wait_for 5 more certificates_renewed "$n"
serves "$LAB/other/grpc" || fail "the new CA is refused"
wait_for 5 refuses "$OLD"

say "who was connected still is"
kill -0 "$watch" || fail "the connection was cut: $(cat "$LAB/watch")"
kill "$watch"
wait "$watch" || true
