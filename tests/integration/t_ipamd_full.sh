#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The disk is full: ipamd refuses what it could not keep and says so, knows all that it has answered,
# and goes on by itself when there is room again.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up
lab_disk "$LAB/state" 3m
readonly DB=$LAB/state/ipamd/litevpn.db BALLAST=$LAB/state/ballast
server_up

fill() { dd if=/dev/zero of="$BALLAST" bs=4k >/dev/null 2>&1 || true; }
# Bootstrap tokens, until one is refused; how many there were.
tokens() {
	local n=0
	while ctl token create >"$LAB/out" 2>&1; do
		n=$((n + 1))
		[ "$n" -lt 500 ] || fail "the disk does not fill"
	done
	printf '%s' "$n"
}
kept() { sqlite3 "$DB" 'select count(*) from bootstrap_tokens'; }

ctl token create --address 10.1.1.50 >"$LAB/out"
before=$(kept)

say "it is full: what cannot be kept is refused, with the reason"
fill
n=$(tokens)
cat "$LAB/out"
grep -q STORE_FAILED "$LAB/out" || fail "the reason is missing"
wait_for 5 logged ipamd 'store_failed error="database or disk is full" consequence='
[ "$(grep -c ' error store_failed ' "$LAB/ipamd/log")" = 1 ] || fail "it says so more than once"

say "it still answers, and nothing of what was answered is lost"
run ctl node list
[ "$(kept)" = $((before + n)) ] || fail "$(kept) tokens are kept, not $((before + n))"
ctl token create --address 10.1.1.50 >"$LAB/out" 2>&1 && fail "the promise was forgotten"
cat "$LAB/out"

say "there is room again: it goes on by itself"
rm "$BALLAST"
run ctl token create
logged ipamd 'notice store_works failures=' || fail "it does not say so"
[ "$(kept)" = $((before + n + 1)) ] || fail "$(kept) tokens are kept, not $((before + n + 1))"
daemon_stop ctld
daemon_stop tunneld
daemon_stop ipamd
"$BUILD/ipamd" -c "$(server_file ipamd)" -S "$SANDBOX" --check
