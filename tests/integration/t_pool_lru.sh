#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A /29 has five addresses for nodes. The sixth node gets the one of the node that has been away for
# longest, which is forgotten; connected ones are never touched; `refuse` gives none.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b c
server_up "vpnAddr: 10.9.9.1/29"
for node in a b c; do
	node_conf "$node"
	node_enroll "$node"
	start_node "$node"
	wait_for 10 node_connected "$node"
done
victim=$(node_addr b)

# A node of the given name that enrolls, from the machine of a.
enroll_one_more() {
	mkdir -p "$LAB/$1"
	ctl -o json token create >"$LAB/$1/created"
	json_field secret <"$LAB/$1/created" >"$LAB/$1/bootstrap"
	chmod 600 "$LAB/$1/bootstrap"
	sed "s,$LAB/a,$LAB/$1,g" "$LAB/a/client.yml" >"$LAB/$1/client.yml"
	on a "$BUILD/litevpnctl" client enroll --config "$LAB/$1/client.yml" \
		--token-file "$LAB/$1/bootstrap" --ca "$LAB/pki/grpc/ca.pem" --name "$1"
}

say "two more enroll: the network is full"
enroll_one_more d
enroll_one_more e
ctl node list
[ "$(ctl -o json status | json_field poolUsed)" = 5 ] || fail "the pool is not full"

say "d and e have never connected: they are the longest idle, d first"
d=$(node_field d address)
enroll_one_more f
[ "$(node_field f address)" = "$d" ] || fail "f has $(node_field f address), not $d"
[ -z "$(node_field d name)" ] || fail "d is still registered"

say "b leaves; then e and f are reclaimed before it, since they went idle earlier"
daemon_stop b
wait_for 10 node_is b IDLE
enroll_one_more g
enroll_one_more h
[ -z "$(node_field e name)$(node_field f name)" ] || fail "the wrong ones were reclaimed"
[ -n "$(node_field b name)" ] || fail "b was reclaimed too early"
enroll_one_more i
[ "$(node_field i address)" = "$victim" ] || fail "i has $(node_field i address), not $victim"

say "b comes back and is told"
start_node b
wait_for 10 logged b 'refused.*NODE_RECLAIMED.* given to another one at 20[0-9T:-]+Z'
node_connected a || fail "a was touched"
node_connected c || fail "c was touched"

say "with onExhausted: refuse nobody is forgotten"
daemon_stop ipamd
server_conf "vpnAddr: 10.9.9.1/29" "pool: {onExhausted: refuse}"
start_ipamd
ctl -o json token create >"$LAB/created"
wait_for 10 node_connected a
if (enroll_one_more j) >"$LAB/out" 2>&1; then
	fail "a sixth node was let in"
fi
cat "$LAB/out"
grep -q POOL_EXHAUSTED "$LAB/out" || fail "the reason is missing"
