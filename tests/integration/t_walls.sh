#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The walls between the daemons: who can open which socket and which file, tried as each user; and
# what a daemon does when another one talks nonsense to it.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a
server_up
node_up a
# No path is closed only because the directory of the test, or of the sources, is.
chmod 755 "$LAB"
cp "$TOP/tests/integration/hostile.py" "$BUILD/litevpnctl" "$LAB/"

# as USER COMMAND...: as that user with its own groups, as the daemon runs.
as() {
	local user=$1
	shift
	on s setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups --no-new-privs \
		--bounding-set=-all --inh-caps=-all "$@"
}
can_connect() {
	as "$1" "$PYTHON" -c 'import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])' "$2" 2>/dev/null
}
may() { can_connect "$1" "$LAB/run/$2" || fail "$1 cannot reach $2"; }
must_not() { can_connect "$1" "$LAB/run/$2" && fail "$1 can reach $2"; return 0; }

say "sockets"
may litevpn-ctld ipamd/rpc.sock
may litevpn-tunneld ipamd/rpc.sock
may litevpn-ctld tunneld/control.sock
must_not litevpn-signer ipamd/rpc.sock
must_not litevpn-signer tunneld/control.sock
must_not nobody ipamd/rpc.sock
must_not nobody tunneld/control.sock
for user in litevpn-ipamd litevpn-tunneld litevpn-signer nobody; do
	must_not "$user" admin/ctld.sock
done
on s setpriv --reuid nobody --regid nogroup --groups "$(getent group litevpn-admin | cut -d: -f3)" \
	"$LAB/litevpnctl" --socket "$LAB/run/admin/ctld.sock" status >/dev/null ||
	fail "a member of litevpn-admin cannot administrate"

say "no daemon can replace another's socket"
for pair in "litevpn-ipamd tunneld/control.sock" "litevpn-ipamd admin/ctld.sock" \
	"litevpn-tunneld ipamd/rpc.sock" "litevpn-tunneld admin/ctld.sock" \
	"litevpn-ctld ipamd/rpc.sock" "litevpn-ctld tunneld/control.sock" \
	"litevpn-signer ipamd/rpc.sock"; do
	read -r user path <<<"$pair"
	as "$user" rm -f "$LAB/run/$path" 2>/dev/null && fail "$user can remove $path"
	as "$user" mv "$LAB/run/$path" "$LAB/run/$path.x" 2>/dev/null && fail "$user can move $path"
done

say "files: CA keys are the signer's alone, the grant key and the database ipamd's alone"
can_read() { as "$1" head -c 1 "$2" >/dev/null 2>&1; }
for pki in grpc vpn; do
	can_read litevpn-signer "$LAB/pki/$pki/ca-key.pem" || fail "the signer cannot read its key"
	for user in litevpn-ctld litevpn-ipamd litevpn-tunneld nobody; do
		can_read "$user" "$LAB/pki/$pki/ca-key.pem" && fail "$user reads the CA key of $pki"
		# ctld reads its own again when it was renewed.
		[ "$user $pki" = "litevpn-ctld grpc" ] && continue
		can_read "$user" "$LAB/pki/$pki/server-key.pem" && fail "$user reads the server key"
	done
done
for user in litevpn-ctld litevpn-signer litevpn-tunneld nobody; do
	can_read "$user" "$LAB/state/ipamd/grant.key" && fail "$user reads the grant key"
	can_read "$user" "$LAB/state/ipamd/litevpn.db" && fail "$user reads the database"
done
can_read litevpn-signer "$LAB/state/ipamd/grant.pub" || fail "the signer cannot read grant.pub"

say "nonsense from each daemon to each other: the pipe closes, the daemon goes on"
nonsense() {
	as "$1" "$PYTHON" "$LAB/hostile.py" "$LAB/run/$2" || fail "$1 to $2"
}
ping_start a 10.1.1.1
nonsense litevpn-ctld ipamd/rpc.sock
nonsense litevpn-tunneld ipamd/rpc.sock
nonsense litevpn-ctld tunneld/control.sock
for name in ipamd tunneld ctld; do
	[ -d "/proc/$(daemon_pid "$name")" ] || fail "$name has died"
done
ping_stop
ctl node list

say "a stranger's pipe is closed before it has said anything"
chmod 755 "$LAB/run/ipamd"
chmod 666 "$LAB/run/ipamd/rpc.sock"
as nobody "$PYTHON" "$LAB/hostile.py" --stranger "$LAB/run/ipamd/rpc.sock" ||
	fail "nobody was heard"
wait_for 5 logged ipamd 'ipc_stranger'
