#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every process and thread of the three daemons and of a node holds what tests/integration/privs.txt
# says and no more: user, groups, capabilities, no-new-privileges, seccomp, open descriptors.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a
server_up
node_up a
wait_for 5 node_uses a UDP
pids=()
for name in ipamd tunneld ctld a; do pids+=("$name=$(daemon_pid "$name")"); done
"$PYTHON" "$TOP/tests/integration/privs.py" "$LAB" "${pids[@]}" >"$LAB/privs.txt"
if ! diff -u "$TOP/tests/integration/privs.txt" "$LAB/privs.txt"; then
	fail "rights differ from tests/integration/privs.txt"
fi
cat "$LAB/privs.txt"
