#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# New keys while packets flow: none is lost to that, the address stays, the old session goes.
# time-limit: 60
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/flow.bash
. "$(dirname "$0")/flow.bash"

# Datagrams of FLOW_SIZE bytes a second; a Gbit/s is 96154.
if [ -n "${LV_SOAK:-}" ]; then RATE=96154 REKEYS=4; else RATE=10000 REKEYS=2; fi
lab_up a b
server_up 'rekey: 10s'
node_up a
node_up b
a=$(node_addr a) b=$(node_addr b)
epoch() { sed -n 's/.* connected .* epoch=\([0-9]*\) .*/\1/p' "$LAB/a/log" | tail -n 1; }
newer() { [ "$(epoch)" -gt "$1" ]; }
wait_for 5 node_uses a UDP
wait_for 5 node_uses b UDP

first=$(epoch)
ping_start a "$b"
flow_begin a s 10.1.1.1 "$RATE"
flow_begin s a "$a" $((RATE / 10))
for ((n = 1; n <= REKEYS; n++)); do
	say "rekey $n"
	before=$(epoch)
	wait_for 15 newer "$before"
	logged a "connected .*epoch=$(epoch) .*resumed=true" || fail "with certificates anew"
	wait_for 5 logged tunneld "path_changed .*epoch=$(epoch) transport=udp"
done
flow_end a s
[ "$FLOW_LOST" = 0 ] || fail "$FLOW_LOST are lost of those to the server"
flow_end s a
[ "$FLOW_LOST" = 0 ] || fail "$FLOW_LOST are lost of those to the node"
ping_stop
for why in esp_spi_unknown esp_auth_failed esp_replayed node_offline; do
	[ "$(drops $why)" = 0 ] || fail "$why: $(drops $why)"
done
[ "$(node_addr a)" = "$a" ] || fail "another address"
node_connected a || fail "not connected"
[ "$(grep -c 'info rekey ' "$LAB/a/log")" -ge "$REKEYS" ] ||
	fail "it was not the rekey that made a new session"
printf 'epoch %s, then %s\n' "$first" "$(epoch)"
