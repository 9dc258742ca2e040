#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ctld dies between the deletion of a node and the cut of its session: ipamd's event has tunneld ask
# at once, not only a minute later. With tunneld away meanwhile, it asks when it is back.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b
server_up
node_up a
node_up b
chmod 755 "$LAB"
cp "$TOP/tests/integration/hostile.py" "$LAB/"
a=$(node_id a)
daemon_stop ctld

# delete ID: as ctld asks it (DeleteNode, field 14 of the request, with the id), and no more.
delete() {
	local hex
	hex=$("$PYTHON" -c 'import sys; i = sys.argv[1].encode(); m = bytes([10, len(i)]) + i
print((bytes([14 << 3 | 2, len(m)]) + m).hex())' "$1")
	on s setpriv --reuid litevpn-ctld --regid "$(id -g litevpn-ctld)" --clear-groups \
		"$PYTHON" "$LAB/hostile.py" --ask "$hex" "$LAB/run/ipamd/rpc.sock"
}

say "a is deleted, and nobody tells tunneld"
pings a 10.1.1.1 1
delete "$a"
wait_for 5 logged ipamd "node_deleted node=$a"
wait_for 5 logged a 'server_goodbye.*NODE_DELETED'
on a ping -n -q -c 2 -i 0.05 -W 1 10.1.1.1 >/dev/null 2>&1 && fail "a still gets through"

say "b was not asked about and goes on"
pings b 10.1.1.1 3
logged b server_goodbye && fail "b was cut"
start_ctld
wait_for 5 node_connected b
