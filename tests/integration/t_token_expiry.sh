#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tokens have a life: checked when they are used, and swept. A node that has enrolled and does not
# connect in time is forgotten; one that has connected is not.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b
server_up "tokenTTL: 3s" "sweepInterval: 1s"
node_up a

say "a bootstrap token after its life"
node_conf b
ctl -o json token create --ttl 1s >"$LAB/b/created"
json_field secret <"$LAB/b/created" >"$LAB/b/bootstrap"
chmod 600 "$LAB/b/bootstrap"
enroll_refused() {
	! on b "$BUILD/litevpnctl" client enroll --config "$LAB/b/client.yml" \
		--token-file "$LAB/b/bootstrap" --ca "$LAB/pki/grpc/ca.pem" >"$LAB/out" 2>&1
}
token_is_old() { [ $((SECONDS - began)) -ge 2 ]; }
began=$SECONDS
wait_for 5 token_is_old
enroll_refused || fail "an expired token was accepted"
cat "$LAB/out"
grep -qE 'TOKEN_(EXPIRED|UNKNOWN)' "$LAB/out" || fail "the reason is missing"

say "a token that is used twice"
node_enroll b
rm -rf "$LAB/b/vpn" "$LAB/b/grpc" "$LAB/b/token"
enroll_refused || fail "a used token was accepted"
grep -q TOKEN_USED "$LAB/out" || fail "the reason is missing: $(cat "$LAB/out")"

say "b does not connect in time: swept"
b_gone() { [ -z "$(node_field b name)" ]; }
wait_for 15 b_gone
node_connected a || fail "a was swept too"
