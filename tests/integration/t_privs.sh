#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every process and thread of the three daemons and of a node holds what tests/integration/privs.txt
# says and no more: user, groups, capabilities, no-new-privileges, seccomp, open descriptors.
# The server's engine may have as many descriptors as the machine allows, and says when they are few.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a
ulimit -Sn 256
server_up 'maxClients: 60000'
node_up a
wait_for 5 node_uses a UDP
pids=()
for name in ipamd tunneld ctld a; do pids+=("$name=$(daemon_pid "$name")"); done
"$PYTHON" "$TOP/tests/integration/privs.py" "$LAB" "${pids[@]}" >"$LAB/privs.txt"
if ! diff -u "$TOP/tests/integration/privs.txt" "$LAB/privs.txt"; then
	fail "rights differ from tests/integration/privs.txt"
fi
cat "$LAB/privs.txt"

say "descriptors"
engine=$(pgrep -P "$(pgrep -P "$(daemon_pid tunneld)")")
read -r soft hard < <(sed -nE 's/^Max open files +([0-9]+) +([0-9]+).*/\1 \2/p' "/proc/$engine/limits")
[ "$soft" = "$hard" ] || fail "the engine may have $soft descriptors of $hard"
few=no
logged tunneld 'warning descriptors_few ' && few=yes
[ "$few" = "$( ((hard < 60000)) && echo yes || echo no)" ] || fail "$hard descriptors: warned: $few"
