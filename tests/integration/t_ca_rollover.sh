#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The CA of the vpn PKI is replaced while nodes are connected: with both CAs in the server's file a
# certificate of either is good; a connected node learns of the new CA by itself and has its
# certificate renewed by it; then the server shows one of the new CA, and the old one is taken out. A
# node that slept through all of it is refused.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b c
# A node makes a new session every ten seconds, and sees then which CAs the server has.
server_up "rekey: 10s" "keepalive: 1s" "deadAfter: 3s"
DIR=$LAB/pki/vpn
OLD=$LAB/old
cp -a "$DIR" "$OLD"

issuer_is() { openssl verify -no_check_time -CAfile "$2/ca.pem" "$1" >/dev/null 2>&1; }
cas() { grep -c 'BEGIN CERT' "$1"; }
has_cas() { [ "$(cas "$1")" = "$2" ]; }
count() { grep -c "$2" "$LAB/$1/log" || true; }
more() { [ "$(count "$1" "$2")" -gt "$3" ]; }
# The server's engine has read its files anew, by itself.
has_read() { wait_for 5 more tunneld identity_renewed "$1"; }
# place FILE FROM: with one rename, as its reader's.
place() {
	install -o "$(stat -c %U "$DIR/$1")" -g "$(stat -c %G "$DIR/$1")" -m "$(stat -c %a "$DIR/$1")" "$2" "$DIR/.$1"
	mv "$DIR/.$1" "$DIR/$1"
}

say "a is connected; b and c have enrolled, and are off"
node_up a
node_conf b
node_enroll b
node_conf c
node_enroll c
ping_start a 10.1.1.1

say "both CAs, the new one signs: who is connected gets to know it, who comes with the old one is let in"
"$BUILD/litevpnctl" pki init --dir "$LAB/new" --config "$LAB/server.yml" >/dev/null
NEW=$LAB/new/vpn
cat "$OLD/ca.pem" "$NEW/ca.pem" >"$LAB/both.pem"
n=$(count tunneld identity_renewed)
place ca.pem "$LAB/both.pem"
place ca-key.pem "$NEW/ca-key.pem"
daemon_stop ctld
start_ctld
has_read "$n"
start_node b
wait_for 10 node_connected b
wait_for 15 issuer_is "$LAB/b/vpn/client.pem" "$NEW"
wait_for 15 issuer_is "$LAB/a/vpn/client.pem" "$NEW"
cmp "$LAB/a/vpn/ca.pem" "$LAB/both.pem"
[ "$(cas "$LAB/a/vpn/client.pem")" = 2 ] || fail "more than its own CA comes with it"

say "the server shows a certificate of the new one, and takes the old one out"
n=$(count tunneld identity_renewed)
place server-key.pem "$NEW/server-key.pem"
place server.pem "$NEW/server.pem"
place ca.pem "$NEW/ca.pem"
has_read "$n"
ping_stop
wait_for 5 pings a 10.1.1.1 3
daemon_stop b
start_node b
wait_for 10 node_connected b
wait_for 5 pings b 10.1.1.1 3
wait_for 10 has_cas "$LAB/b/vpn/ca.pem" 1
cmp "$LAB/b/vpn/ca.pem" "$NEW/ca.pem"

say "who has slept through it does not know the server, and the server not him"
start_node c
wait_for 10 logged c 'connect_failed .*why=.*certificate'
cp "$NEW/ca.pem" "$LAB/c/vpn/ca.pem"
kill -HUP "$(daemon_pid c)"
wait_for 10 logged c 'connect_failed .*why=.*alert'
node_is c CONNECTED && fail "it was let in"
wait_for 5 node_connected a
