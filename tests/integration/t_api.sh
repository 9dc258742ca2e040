#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The API from outside: every method with arguments that are missing, malformed, too large or unknown
# gives the documented code and reason, and changes nothing; what is said when a partner is not there.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a
server_up
node_up a
id=$(node_id a)
# table NODE WHAT...: asked from there; who has failed too often is not heard.
table() {
	local from=$1
	shift
	on "$from" timeout 25 "$PYTHON" "$TOP/tests/integration/api_table.py" "$1" "$LAB/run/admin/ctld.sock" \
		"$SERVER_IP" "$LAB/pki/grpc/ca.pem" "${@:2}" || fail "see WRONG above"
}

say "every method, all kinds of arguments"
table s good "$id"
[ "$(node_id a)" = "$id" ] || fail "the node is not there any more"
node_connected a || fail "it was disturbed"

say "without tunneld the status says so, and the nodes are shown without sessions"
daemon_stop tunneld
ctl -o json status >"$LAB/status"
grep -qF 'the data path (tunneld) does not answer' "$LAB/status" || fail "$(cat "$LAB/status")"
ctl node list | grep -q "$id" || fail "no nodes"

say "without ipamd"
daemon_stop ipamd
table a ipam_down
start_ipamd

say "without the CA keys"
daemon_stop ctld
chown 0 "$LAB/pki/vpn/ca-key.pem"
start_ctld
table a no_signer
