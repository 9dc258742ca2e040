#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# New keys while packets flow: nothing is lost, the address stays, the old session goes.
# time-limit: 60
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b
server_up 'rekey: 10s'
node_up a
node_up b
a=$(node_addr a) b=$(node_addr b)
epoch() { sed -n 's/.* connected .* epoch=\([0-9]*\) .*/\1/p' "$LAB/a/log" | tail -n 1; }
newer() { [ "$(epoch)" -gt "$1" ]; }

first=$(epoch)
ping_start a "$b"
for n in 1 2; do
	say "rekey $n"
	before=$(epoch)
	wait_for 15 newer "$before"
	logged a "connected .*epoch=$(epoch) .*resumed=true" || fail "with certificates anew"
	wait_for 5 logged tunneld "path_changed .*epoch=$(epoch) transport=udp"
done
ping_stop
[ "$(node_addr a)" = "$a" ] || fail "another address"
node_connected a || fail "not connected"
[ "$(grep -c 'info rekey ' "$LAB/a/log")" = 2 ] || fail "it was not the rekey that made a new session"
printf 'epoch %s, then %s\n' "$first" "$(epoch)"
