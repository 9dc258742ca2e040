#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A stranger makes the server do one handshake after the other, as fast as it can: it does so many
# and no more, packets do not wait for them, and a node still joins.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

"$PYTHON" -c 'import OpenSSL' 2>/dev/null || skip "needs python3-openssl"
# What daemons/tunneld/gate.h promises.
rate=$(sed -n 's/^#define GATE_PER_SECOND \([0-9]*\).*/\1/p' "$TOP/daemons/tunneld/gate.h")
SECONDS_LONG=6
AVERAGE_MS=20	# without the gate 50 on two processors, and all of them for the strangers

lab_up a b h
server_up
node_up a
node_conf b
node_enroll b
wait_for 5 node_uses a UDP
coproc on h "$PYTHON" "$TOP/tests/integration/hello_flood.py" "$SERVER_IP" 6441 "$SECONDS_LONG" 50
flood=$COPROC_PID
out=$(on a ping -n -q -i 0.01 -w 4 10.1.1.1) || fail "no answers: $out"
printf '%s\n' "$out" | tail -n 2
average=$(sed -nE 's,^rtt .* = [0-9.]+/([0-9]+)\.[0-9]+/.*,\1,p' <<<"$out")
[ "$average" -lt "$AVERAGE_MS" ] || fail "a packet takes $average ms"
start_node b
wait_for 10 node_connected b
read -r answered <&"${COPROC[0]}"
wait "$flood"
most=$((rate * (SECONDS_LONG + 2)))
say "$answered handshakes in $SECONDS_LONG s, at most $most"
[ "$answered" -le "$most" ] || fail "these are too many"
