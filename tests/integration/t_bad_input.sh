#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a person can get wrong ends in one clear line and the right exit status: configuration,
# arguments, certificates, a port in use, no TUN, not root. A bad file on SIGHUP changes nothing.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a
mkdir -p "$LAB/x"

# expect STATUS PATTERN COMMAND...: exit status, a line that matches, and no other (or LINES_MAX).
expect() {
	local status=0 want=$1 pattern=$2
	shift 2
	timeout -k 5 10 "$@" >"$LAB/out" 2>&1 || status=$?
	[ "$status" = "$want" ] || fail "status $status instead of $want: $* -> $(cat "$LAB/out")"
	grep -qE "$pattern" "$LAB/out" || fail "no line matches '$pattern': $* -> $(cat "$LAB/out")"
	[ "$(wc -l <"$LAB/out")" -le "${LINES_MAX:-1}" ] || fail "too many lines: $(cat "$LAB/out")"
	printf 'ok: %s\n' "$(grep -E -m1 "$pattern" "$LAB/out" | sed "s,$LAB/,,g")"
}
conf() { printf '%s\n' "$@" >"$LAB/x.yml"; }
S=(ip netns exec "$(ns_of s)")	# on the server's machine; timeout takes no functions

say "command lines of the daemons"
for daemon in ipamd tunneld ctld; do
	LINES_MAX=20 expect 64 'usage: |invalid option' "$BUILD/$daemon" -x
	LINES_MAX=20 expect 64 'unexpected argument "foo"' "$BUILD/$daemon" foo
	LINES_MAX=20 expect 64 '\-S takes errno or kill' "$BUILD/$daemon" -S maybe
	expect 78 '/nonexistent.yml: No such file' "$BUILD/$daemon" -c /nonexistent.yml
	expect 0 "$daemon [0-9]" "$BUILD/$daemon" -V
done

LINES_MAX=20 expect 64 '^tunneld: unexpected argument "servr"; did you mean "server"\?' \
	"$BUILD/tunneld" servr
grep -q '^usage: tunneld \[server|node\] \[-dn\]' "$LAB/out" || fail "the usage has no roles"

say "configuration: all errors of a file in one run, each with its place"
conf "port: 70000" "prot: 6441" "vpnAddr: 10.1.1.0/24" "keepalive: 5" "pool: {exlude: []}" \
	"interconnection: maybe" "port: 1"
for daemon in ipamd tunneld ctld; do
	LINES_MAX=9 expect 78 'x.yml:1:7: port is "70000", but must be a whole number from 1 to 65535' \
		"$BUILD/$daemon" -n -c "$LAB/x.yml"
	for pattern in 'x.yml:2:1: unknown key "prot"; did you mean "port"' \
		'x.yml:4:12: keepalive is "5", but must be a time with its unit' \
		'x.yml:5:8: unknown key "exlude"; did you mean "exclude"' \
		'x.yml:6:18: interconnection is "maybe", but must be true or false' \
		'x.yml:7:1: port is given twice'; do
		grep -q "$pattern" "$LAB/out" || fail "missing: $pattern in $(cat "$LAB/out")"
	done
done
conf "vpnAddr: 10.1.1.0/24"
expect 78 'x.yml:1:1: vpnAddr is 10.1.1.0/24, but it is not an address that the server can have' \
	"$BUILD/ipamd" -n -c "$LAB/x.yml"
conf "log: {level: chatty, target: relative}" "port: 6440"
LINES_MAX=3 expect 78 'x.yml:1:14: log.level is "chatty", but must be one of' "$BUILD/tunneld" -n -c "$LAB/x.yml"
for pattern in ':1:22: log.target must be' 'grpcPort is 6440, which another port has too'; do
	grep -q "$pattern" "$LAB/out" || fail "missing: $pattern in $(cat "$LAB/out")"
done
conf "port: [6441"
LINES_MAX=2 expect 78 'not valid YAML' "$BUILD/tunneld" -n -c "$LAB/x.yml"
conf "grpcPort: 6441"
expect 78 'grpcPort is 6441, which another port has too' "$BUILD/ctld" -n -c "$LAB/x.yml"
conf "port: 6441"
expect 78 'serverAddr is missing' "$BUILD/tunneld" node -n -c "$LAB/x.yml"
conf "serverAddr: s" "token: 0123456789abcdef"
chmod 644 "$LAB/x.yml"
expect 78 'others can read' "$BUILD/tunneld" node -n -c "$LAB/x.yml"
expect 0 'server.yml: ok' "$BUILD/ipamd" -n -c "$TOP/etc/server.yml"
expect 0 'client.yml: ok' "$BUILD/tunneld" -n -c "$TOP/etc/client.yml"

say "not root, no TUN, a port in use, a device in use"
server_conf
pki_init
chmod 755 "$LAB"
expect 77 'must be started as root' setpriv --reuid nobody --regid nogroup --clear-groups \
	"$BUILD/tunneld" server -c "$LAB/server.yml"
for daemon in ipamd ctld; do
	expect 77 "must be started as root, or by the owner of runDir \($LAB/run\) and stateDir" \
		setpriv --reuid nobody --regid nogroup --clear-groups \
		"$BUILD/$daemon" -c "$LAB/server.yml"
done
expect 71 '/dev/net/tun: .*modprobe tun' "${S[@]}" unshare -m sh -c \
	"mount -t tmpfs none /dev/net && exec $BUILD/tunneld server -c $LAB/server.yml"
"${S[@]}" "$PYTHON" -c 'import socket, time
s = socket.socket(); s.bind(("", 6441)); s.listen(); print("up", flush=True); time.sleep(30)' \
	>"$LAB/port.log" &
holder=$!
held() { grep -q up "$LAB/port.log"; }
wait_for 5 held
expect 71 'TCP port .*6441: Address already in use' "${S[@]}" "$BUILD/tunneld" server -c "$LAB/server.yml"
kill "$holder"
ip -n "$(ns_of s)" link add litevpn0 type bridge
expect 71 'device litevpn0: exists and is not a TUN device of ours' \
	"${S[@]}" "$BUILD/tunneld" server -c "$LAB/server.yml"
ip -n "$(ns_of s)" link del litevpn0

say "certificates: missing, truncated, foreign, too readable; tunneld and ctld say the same"
broken() {
	rm -rf "$LAB/broken"
	cp -a "$LAB/pki" "$LAB/broken"
	sed "s,$LAB/pki,$LAB/broken," "$LAB/server.yml" >"$LAB/broken.yml"
}
# try_broken PKI STATUS TEXT: by the daemon that this PKI is for; the text begins with the path.
try_broken() {
	local daemon=(tunneld server) lines=1
	# The signer says for itself that a CA cannot be used.
	[ "$1" = vpn ] || daemon=(ctld) lines=2
	LINES_MAX=$lines expect "$2" "error=\"?$LAB/broken/$1/$3" \
		"${S[@]}" "$BUILD/${daemon[0]}" "${daemon[@]:1}" -c "$LAB/broken.yml"
}
for pki in vpn grpc; do
	other=grpc
	[ "$pki" = vpn ] || other=vpn
	broken
	rm "$LAB/broken/$pki/server.pem"
	try_broken "$pki" 71 'server.pem: does not exist; litevpnctl pki init makes it'
	broken
	head -c 300 "$LAB/pki/$pki/server.pem" >"$LAB/broken/$pki/server.pem"
	try_broken "$pki" 78 'server.pem: holds no PEM certificate, or a damaged one'
	broken
	head -c 100 "$LAB/pki/$pki/server-key.pem" >"$LAB/broken/$pki/server-key.pem"
	try_broken "$pki" 78 'server-key.pem: holds no PEM key'
	broken
	cp "$LAB/pki/$other/server-key.pem" "$LAB/broken/$pki/server-key.pem"
	try_broken "$pki" 78 'server-key.pem: is not the key of the certificate'
	broken
	echo "not a certificate" >"$LAB/broken/$pki/ca.pem"
	try_broken "$pki" 78 'ca.pem: holds no PEM certificate'
	broken
	chmod 644 "$LAB/broken/$pki/server-key.pem"
	try_broken "$pki" 77 'server-key.pem: others can read this secret'
	broken
	cp "$LAB/pki/$pki/client.pem" "$LAB/broken/$pki/server.pem"
	cp "$LAB/pki/$pki/client-key.pem" "$LAB/broken/$pki/server-key.pem"
	try_broken "$pki" 78 'server.pem: its extended key usage is not serverAuth'
	broken
	cp "$LAB/pki/$other/ca.pem" "$LAB/broken/$pki/ca.pem"
	try_broken "$pki" 78 "server.pem: was not issued by $LAB/broken/$pki/ca.pem"
	broken
	cp "$LAB/pki/$other/server.pem" "$LAB/broken/$pki/server.pem"
	cp "$LAB/pki/$other/server-key.pem" "$LAB/broken/$pki/server-key.pem"
	try_broken "$pki" 78 "server.pem: was not issued by $LAB/broken/$pki/ca.pem"
done

say "a signer without its keys says which remedy helps; the front goes on"
signer_says() {
	CONF_NAME=broken daemon_start ctld s ctld -c "$LAB/broken.yml"
	wait_for 5 logged ctld "no_signer error=\"$LAB/broken/$1.* consequence=.* remedy=\"$2"
	daemon_stop ctld
	rm "$LAB/ctld/log"
}
mkdir -p "$LAB/ctld"
broken_quietly() {
	broken
	printf 'log: {level: debug, target: %s/ctld/log}\n' "$LAB" >>"$LAB/broken.yml"
}
broken_quietly
chown 0 "$LAB/broken/vpn/ca-key.pem"
signer_says 'vpn/ca-key.pem: Permission denied' \
	'let both ca-key.pem belong to litevpn-signer with mode 0400'
broken_quietly
chmod 644 "$LAB/broken/grpc/ca-key.pem"
signer_says 'grpc/ca-key.pem: others can read' 'chmod 0400 both'
broken_quietly
rm "$LAB/broken/vpn/ca.pem"
signer_says 'vpn/ca.pem: No such file' 'litevpnctl pki init makes both'
broken_quietly
cp "$LAB/pki/grpc/ca.pem" "$LAB/broken/vpn/ca.pem"
signer_says 'vpn: .*does not belong' 'put each ca.pem beside the ca-key.pem that it was made with'

say "a second instance"
start_ipamd
start_tunneld
start_ctld
expect 71 'another ipamd has it open' "${S[@]}" "$BUILD/ipamd" -c "$LAB/server.yml"
expect 71 'another tunneld runs' "${S[@]}" "$BUILD/tunneld" server -c "$LAB/server.yml"
expect 71 'cannot listen on .*:6440: Address already in use' "${S[@]}" "$BUILD/ctld" -c "$LAB/server.yml"
ctl status >/dev/null

say "SIGHUP: a bad file changes nothing, a good one its H keys"
cp "$LAB/tunneld/server.yml" "$LAB/good.yml"
echo "nonsense: 1" >>"$LAB/tunneld/server.yml"
kill -HUP "$(daemon_pid tunneld)"
wait_for 5 logged tunneld 'reload_failed.*unknown key'
cp "$LAB/good.yml" "$LAB/tunneld/server.yml"
kill -HUP "$(daemon_pid tunneld)"
wait_for 5 logged tunneld 'identity_renewed'
node_up a

say "litevpnctl, which also says what to do"
LINES_MAX=3
expect 2 'unknown command "nod"; did you mean "node"' "$BUILD/litevpnctl" nod list
expect 2 'node: unknown verb "lst"; did you mean "list"' "$BUILD/litevpnctl" node lst
expect 2 'unknown option --bogus' "$BUILD/litevpnctl" node list --bogus
expect 4 'No such file|not|refused' "$BUILD/litevpnctl" --socket /nonexistent.sock status
ctl_expect() {
	local status=$1 pattern=$2
	shift 2
	expect "$status" "$pattern" "${S[@]}" "$BUILD/litevpnctl" --socket "$LAB/run/admin/ctld.sock" "$@"
}
ctl_expect 3 NODE_UNKNOWN node show n-000000000000
ctl_expect 1 'FIELD_INVALID' node show ../etc
ctl_expect 1 'ADDRESS_INVALID' token create --address 10.1.1.1
ctl_expect 1 'ADDRESS_INVALID' token create --address 192.168.1.1
ctl_expect 1 'ADDRESS_TAKEN' token create --address "$(node_field a address)"
ctl_expect 2 'ttl' token create --ttl soon
ctl_expect 3 'NETWORK_UNKNOWN' token create --network nowhere

say "over TLS: another CA, another name, another PKI's certificate, no CA at all"
# tls_expect STATUS PATTERN SERVER CA PKI
tls_expect() {
	expect "$1" "$2" "${S[@]}" "$BUILD/litevpnctl" --server "$3" --ca "$4" \
		--cert "$LAB/pki/$5/client.pem" --key "$LAB/pki/$5/client-key.pem" node list
}
grpc_ca=$LAB/pki/grpc/ca.pem
ip -n "$(ns_of s)" addr add 192.0.2.9/24 dev eth0
LINES_MAX=9 tls_expect 0 'reserverd' "$SERVER_IP" "$grpc_ca" grpc
tls_expect 1 'SERVER_UNTRUSTED: .* does not come from the CA' "$SERVER_IP" "$LAB/pki/vpn/ca.pem" grpc
tls_expect 1 'SERVER_UNTRUSTED: .* is not for this address' 192.0.2.9 "$grpc_ca" grpc
tls_expect 5 'UNAUTHENTICATED: .* closed the connection' "$SERVER_IP" "$grpc_ca" vpn
tls_expect 1 'passwd: holds no CA certificate' "$SERVER_IP" /etc/passwd grpc
tls_expect 1 'client.pem: holds no CA certificate' "$SERVER_IP" "$LAB/pki/grpc/client.pem" grpc

say "enrolling at the wrong server, with the wrong fingerprint, without a token"
node_conf b
echo 0123456789abcdef >"$LAB/b/bootstrap"
chmod 600 "$LAB/b/bootstrap"
enroll_expect() {
	local status=$1 pattern=$2
	shift 2
	expect "$status" "$pattern" "${S[@]}" "$BUILD/litevpnctl" client enroll \
		--config "$LAB/b/client.yml" "$@"
}
enroll_expect 5 'TOKEN_UNKNOWN' --token-file "$LAB/b/bootstrap" --ca "$LAB/pki/grpc/ca.pem"
enroll_expect 1 'does not have the CA of that fingerprint' --token-file "$LAB/b/bootstrap" \
	--fingerprint "sha256:$(printf '0%.0s' {1..64})"
enroll_expect 2 'fingerprint' --token-file "$LAB/b/bootstrap" --fingerprint md5:00
enroll_expect 2 '(--ca|--fingerprint)' --token-file "$LAB/b/bootstrap"
enroll_expect 1 'passwd: holds no CA certificate' --token-file "$LAB/b/bootstrap" --ca /etc/passwd
chmod 644 "$LAB/b/bootstrap"
enroll_expect 1 'others can read' --token-file "$LAB/b/bootstrap" --ca "$LAB/pki/grpc/ca.pem"
[ ! -e "$LAB/b/token" ] || fail "something was written"
