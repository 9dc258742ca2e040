#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What administrators do over the API, and what has come of it: tokens, networks, addresses, nodes.
# A node of a network that this server does not carry is told so; one that was disconnected comes
# back as it was; one that was reclaimed does not.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b
server_up
SOCKET=$LAB/run/admin/ctld.sock
manage() { on s timeout 20 "$PYTHON" "$TOP/tests/integration/api_manage.py" "$SOCKET" "$@"; }
client() { on s "$PYTHON" "$TOP/tests/integration/grpc_client.py" --unix "$SOCKET" "$@"; }
audited() { logged ctld "notice audit method=/litevpn.v1.$1"; }

say "tokens and networks"
manage tokens
manage networks

say "a node of another network"
client call litevpn.v1.Network/CreateNetwork \
	'{"networkId": "lab", "network": {"address": "10.9.0.0/24", "open": true}}' >/dev/null
node_conf b
node_enroll b --network lab
[[ $(node_field b address) = 10.9.0.* ]] || fail "its address is $(node_field b address)"
start_node b
wait_for 10 logged b 'NETWORK_NOT_SERVED'
daemon_stop b
client call litevpn.v1.Network/DeleteNetwork '{"name": "networks/lab"}' >/dev/null 2>&1 &&
	fail "a network with nodes is deleted"
client call litevpn.v1.Network/DeleteNetwork '{"name": "networks/lab", "force": true}' >/dev/null
[ -z "$(node_id b)" ] || fail "its node is still there"

say "nodes: named, labelled, disconnected"
node_up a
id=$(node_id a)
addr=$(node_addr a)
began=$(node_field a session.startTime)
manage nodes "$id"
renewed() { node_connected a && [ "$(node_field a session.startTime)" != "$began" ]; }
wait_for 10 renewed
logged a 'server_goodbye .*reason="DISCONNECTED"' || fail "it was not told why"
[ "$(node_addr a)" = "$addr" ] || fail "it has another address"

say "addresses, and who is idle"
manage addresses "$id"
daemon_stop a
wait_for 10 node_is a IDLE
manage reclaim "$id"
start_node a
wait_for 10 logged a 'NODE_RECLAIMED'

say "the record"
audited 'Token/CreateToken result=OK validate_only=yes' || fail "a dry run is not told as such"
audited 'Token/DeleteToken result=TOKEN_NOT_FOUND about="tokens/' || fail "no refused deletion"
audited 'Network/CreateNetwork result=OK about="networks/lab" role=admin' || fail "no network"
audited 'Network/DeleteNetwork result=NETWORK_IN_USE about="networks/lab"' || fail "not refused"
audited "Node/UpdateNode result=OK about=\"nodes/$id\"" || fail "no update"
audited "Node/DisconnectNode result=OK about=\"nodes/$id\"" || fail "no disconnection"
audited 'Address/ReclaimAddresses result=OK' || fail "no reclaim"
