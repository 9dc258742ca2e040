#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# DeleteNode: row gone, session cut, then the answer. The node is told, and refused from then on. A
# node may unregister itself and nobody else.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b
server_up
node_up a
node_up b
a=$(node_id a)
b=$(node_id b)

say "an administrator deletes a"
ctl node delete "$a"
on a ping -n -q -c 2 -i 0.05 -W 1 10.1.1.1 >/dev/null 2>&1 && fail "a still gets through"
wait_for 5 logged a 'server_goodbye.*NODE_DELETED'
wait_for 10 logged a 'refused.*TOKEN_UNKNOWN'
status=0
ctl node show "$a" >"$LAB/out" 2>&1 || status=$?
[ "$status" = 3 ] || fail "exit status $status instead of 3 (not found): $(cat "$LAB/out")"
grep -q NODE_UNKNOWN "$LAB/out" || fail "the reason is missing: $(cat "$LAB/out")"

api() {
	on b "$BUILD/litevpnctl" --server "$SERVER_IP" --ca "$LAB/$1/grpc/ca.pem" \
		--cert "$LAB/$1/grpc/client.pem" --key "$LAB/$1/grpc/client-key.pem" "${@:2}"
}

say "the deleted node's certificate is worth nothing"
status=0
api a node show "$a" >"$LAB/out" 2>&1 || status=$?
cat "$LAB/out"
[ "$status" = 5 ] || fail "exit status $status instead of 5 (denied)"

say "a node reads and deletes itself, not others, and lists nobody"
api b node show "$b"
node_conf a
node_enroll a
status=0
api b node delete "$(node_id a)" >"$LAB/out" 2>&1 || status=$?
[ "$status" = 5 ] || fail "a node deleted another one: $(cat "$LAB/out")"
status=0
api b node list >"$LAB/out" 2>&1 || status=$?
[ "$status" = 5 ] || fail "a node lists the others: $(cat "$LAB/out")"
api b node delete "$b"
wait_for 5 logged b 'server_goodbye.*NODE_DELETED'

say "tunneld does not answer: the node is deleted, but not yet cut"
rm -rf "$LAB/b/vpn" "$LAB/b/grpc" "$LAB/b/token"
daemon_stop b
node_up b
b=$(node_id b)
engine=$(pgrep -P "$(pgrep -P "$(daemon_pid tunneld)")")
kill -STOP "$engine"
status=0
ctl --timeout 3s node delete "$b" >"$LAB/out" 2>&1 || status=$?
kill -CONT "$engine"
cat "$LAB/out"
[ "$status" = 4 ] || fail "exit status $status instead of 4"
grep -qE 'SESSION_NOT_CUT|DEADLINE' "$LAB/out" || fail "the reason is missing"
ctl node delete "$b" || true
wait_for 5 logged b 'server_goodbye.*NODE_DELETED'
