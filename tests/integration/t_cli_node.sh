#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The command line on a node and on a machine that is looked at: enroll with what can go wrong, up,
# status, certificates, down, unregister; doctor on both sides, well and ill.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a
server_up
node_conf a "reconnect: {min: 200ms, max: 1s}"
sed -i '0,/^reconnect:/{//d}' "$LAB/a/client.yml"	# the one of the lab; the last one stays
sed -i '/^serverAddr:/d' "$LAB/a/client.yml"
printf 'servers: [192.0.2.99, %s]\n' "$SERVER_IP" >>"$LAB/a/client.yml"

on_a() { on a "$BUILD/litevpnctl" "$@"; }
client() { on_a client "$1" --config "$LAB/a/client.yml" "${@:2}"; }
# ends_with STATUS COMMAND...: its output is shown, and must be so.
ends_with() {
	local want=$1 status=0
	shift
	"$@" >"$LAB/out" 2>&1 || status=$?
	sed 's/^/  /' "$LAB/out"
	[ "$status" = "$want" ] || fail "exit status $status, not $want: $*"
}
has() { grep -qE -- "$1" "$LAB/out" || fail "not in the output: $1"; }
has_not() { ! grep -qE -- "$1" "$LAB/out" || fail "in the output: $1"; }

say "a token that is refused leaves no keys behind"
fingerprint=$(ctl -o json status | json_field caFingerprint)
echo 0123456789abcdef >"$LAB/a/bootstrap"
chmod 600 "$LAB/a/bootstrap"
ends_with 4 client enroll --server 192.0.2.99 --timeout 200ms --token-file "$LAB/a/bootstrap" \
	--fingerprint "$fingerprint"
ends_with 5 client enroll --token-file "$LAB/a/bootstrap" --fingerprint "$fingerprint" \
	--timeout 2s
has 'TOKEN_UNKNOWN'
has 'trying the next server'
[ ! -e "$LAB/a/grpc/client-key.pem.pending" ] || fail "a key is left"
[ ! -e "$LAB/a/vpn/client-key.pem.pending" ] || fail "a key is left"
ends_with 1 client status

say "the second server answers; the token is typed, and not shown"
secret=$(ctl -o json token create | json_field secret)
cat >"$LAB/type.py" <<'PYTHON'
import os, pty, select, sys
secret = sys.argv[1]
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen, typed = b"", False
while True:
    try:
        piece = os.read(fd, 4096)
    except OSError:
        break
    if not piece:
        break
    seen += piece
    if not typed and b"bootstrap token: " in seen:
        os.write(fd, secret.encode() + b"\r")
        typed = True
sys.stdout.write(seen.decode())
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(1 if secret.encode() in seen else status)
PYTHON
ends_with 0 on a "$PYTHON" "$LAB/type.py" "$secret" "$BUILD/litevpnctl" client enroll \
	--config "$LAB/a/client.yml" --fingerprint "$fingerprint" --name a --timeout 2s
has '^bootstrap token: '
has '^address: +10.1.1.2'

say "down: doctor says so"
ends_with 1 on_a doctor --client-config "$LAB/a/client.yml" --timeout 2s
has '^ok +DNS '
has "^fail +TCP +192.0.2.99 "
has '^ok +TCP +192.0.2.1 port 6441'
has '^ok +UDP +192.0.2.1 port 6441 is not refused'
has '^fail +session +nodes/.* is NEVER'
has 'remedy: litevpnctl client up'

say "up"
sed -i "s/\\[192.0.2.99, /[/" "$LAB/a/client.yml"
ends_with 0 client up --tunneld "$BUILD/tunneld"
has '^up, lv-a'
ends_with 0 client up --tunneld "$BUILD/tunneld"
has 'already'
node_connected a || fail "the server does not see it"
ends_with 0 client status
has '^state: +CONNECTED'
ends_with 0 client status -o name
has "^nodes/$(node_id a)$"
ends_with 0 on_a doctor --client-config "$LAB/a/client.yml"
has '^ok +session +nodes/.* is CONNECTED as 10.1.1.2'
has '^ok +MTU +lv-a has '
has '^ok +sandbox +tunneld.*: filtered, no new privileges, CAP_NET_ADMIN alone'
has '^ok +sandbox +tunneld.*: filtered, no new privileges, no capability'
has_not '^(warn|fail) '

say "the server is well, too"
doctor_s() { on s "$BUILD/litevpnctl" doctor --server-config "$LAB/server.yml" "$@"; }
ends_with 0 doctor_s
has '^ok +socket +ctld answers'
has '^ok +port +UDP port 6441 is open'
has '^ok +version +ipamd has '
has '^ok +MTU +litevpn0 is up'
has '^ok +UDP +1 nodes by UDP, 0 by TLS'
has_not '^(warn|fail) '

say "or ill: no ipamd, a key for all to read"
daemon_stop ipamd
chmod 644 "$LAB/pki/vpn/server-key.pem"
ends_with 1 doctor_s --timeout 1s
has '^fail +socket +ipamd does not answer'
has '^fail +certificate +.*server-key.pem'
chmod 600 "$LAB/pki/vpn/server-key.pem"
start_ipamd

say "certificates of tomorrow and of yesterday"
cp -a "$LAB/pki" "$LAB/pki2"
sed "s,$LAB/pki/,$LAB/pki2/," "$LAB/server.yml" >"$LAB/server2.yml"
"$PYTHON" - "$LAB/pki2/grpc/ca.pem" 1 "$LAB/pki2/vpn/ca.pem" -3 <<'PYTHON'
import datetime, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
key = ec.generate_private_key(ec.SECP256R1())
name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "another CA")])
for path, days in zip(sys.argv[1::2], map(int, sys.argv[2::2])):
    begin = datetime.datetime.utcnow() + datetime.timedelta(days=days)
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(7).not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(True, None), True).sign(key, hashes.SHA256()))
    with open(path, "wb") as f:
        f.write(cert.public_bytes(serialization.Encoding.PEM))
PYTHON
ends_with 1 on s "$BUILD/litevpnctl" doctor --server-config "$LAB/server2.yml"
has '^fail +clock +.*/grpc/ca.pem begins in (23h|1d)'
has '^fail +certificate +.*/vpn/ca.pem has ended at '

say "certificates"
ends_with 0 on_a cert show --client-config "$LAB/a/client.yml"
has "client.pem +node $(node_id a) +20"
has 'ca.pem +CA +20'
before=$(sha256sum <"$LAB/a/vpn/client.pem")
wait_for 10 node_connected a
ends_with 0 on_a cert renew --config "$LAB/a/client.yml"
[ "$(sha256sum <"$LAB/a/vpn/client.pem")" != "$before" ] || fail "it is the same certificate"
ends_with 0 client status

say "down, and unregistered"
ends_with 0 client down
has '^down'
ends_with 0 client down
has 'already'
ip -n "$(ns_of a)" link show lv-a 2>/dev/null && fail "the device is still there"
ends_with 0 client unregister
ctl node list -o name | grep -q "nodes/n-" && fail "the server knows it still"
ends_with 5 client status
