#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whoever opens connections and says nothing gets so many of them and no more, and loses them soon;
# nodes at other addresses do not notice.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# What daemons/tunneld/join.h promises.
limit=$(sed -n 's/^#define JOIN_STRANGERS_PER_SOURCE //p' "$TOP/daemons/tunneld/join.h")
deadline_ms=$(sed -n 's/^#define JOIN_DEADLINE_MS //p' "$TOP/daemons/tunneld/join.h")

lab_up a h
server_up
node_conf a
node_enroll a
coproc on h "$PYTHON" "$TOP/tests/integration/strangers.py" "$SERVER_IP" 6441 "$limit" \
	$((deadline_ms / 1000 + 5))
strangers=$COPROC_PID
read -r -t 10 line <&"${COPROC[0]}" || fail "the limit was not found"
[ "$line" = full ] || fail "$line"

say "a node at another address is served"
start_node a
wait_for 5 node_connected a
pings a 10.1.1.1 3

say "the silent ones are ended"
echo >&"${COPROC[1]}"
read -r line <&"${COPROC[0]}" || fail "they are not"
[ "$line" = ended ] || fail "$line"
wait "$strangers"
