#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every command that asks the server, with its output for people, as JSON and as names, and its exit
# status; what follows something, and what completes command lines in a shell.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a b
server_up
node_up a
node_conf b
node_enroll b
a=$(node_id a) b=$(node_id b)

# ends_with STATUS ARGS...: of litevpnctl on the server; its output is shown, and must be so.
ends_with() {
	local want=$1 status=0
	shift
	ctl "$@" >"$LAB/out" 2>&1 || status=$?
	printf '+ litevpnctl %s\n' "$*"
	sed 's/^/  /' "$LAB/out"
	[ "$status" = "$want" ] || fail "exit status $status, not $want"
}
ok() { ends_with 0 "$@"; }
has() { grep -qE -- "$1" "$LAB/out" || fail "not in the output: $1"; }
has_not() { ! grep -qE -- "$1" "$LAB/out" || fail "in the output: $1"; }
# json EXPRESSION ARGS...: of python, about `x`, the answer as JSON.
json() {
	local expression=$1
	shift
	ctl -o json "$@" >"$LAB/json"
	"$PYTHON" -c 'import json, sys
x = json.load(open(sys.argv[1]))
assert eval(sys.argv[2]), x' "$LAB/json" "$expression"
}

say "nodes"
ok node list
has "^$a +a +10.1.1.2 +CONNECTED"
ok node list --network default -o name
has "^nodes/$b\$"
ends_with 3 node list --network nothing
has '^litevpnctl: NETWORK_UNKNOWN: '
ok node show "nodes/$a"
has '^transport: +UDP, '
ok node update "$b" --name beta --label rack=7 --label color=blue --dry-run
ok node update "$b" --name beta --label rack=7 --label color=blue
has '^label: +rack=7'
ok node update "$b" --remove-label color
has_not 'color'
json 'x["labels"] == {"rack": "7"} and x["displayName"] == "beta"' node show "$b"
ends_with 2 node update "$b"
ends_with 2 node update "$b" --label nothing
ok node disconnect "$a"
has "disconnected"
ok node wait "$a" --timeout 10s
has "^nodes/$a connected"
ok node disconnect "$b"
has 'was not connected'
ends_with 3 node wait n-000000000000 --timeout 5s
ok node wait n-000000000000 --for deleted --timeout 5s
ends_with 4 node wait "$b" --timeout 300ms
ends_with 3 node show n-000000000000

say "tokens"
ok token create --uses 3 --ttl 1h --dry-run
has_not '^secret'
ok token create --uses 3 --ttl 1h --request-id again
has '^secret: '
token=$(sed -nE 's,^token: +tokens/,,p' "$LAB/out")
ok -o name token create --uses 3 --ttl 1h --request-id again
has "^tokens/$token\$"
ok token list
has "^$token +default +ACTIVE +3 of 3 "
ok token show "$token"
has '^uses left: +3 of 3'
has_not 'secret'
ok token revoke "$token"
has "^tokens/$token revoked"
ends_with 3 token show "$token"

say "addresses"
ok address list
has "^10.1.1.2 +BOUND +$a "
ok address usage
has '^default +253 +2 '
ok address reserve printer --address 10.1.1.77
has '^kind: +RESERVED'
ok address list --kept -o name
has '^10.1.1.77$'
ends_with 1 address reserve other --address 10.1.1.77
has '^litevpnctl: ADDRESS_TAKEN: '
ok address release printer
ok address reserve printer --address 10.1.1.78
ok address release 10.1.1.78
has '^kind: +FREE'
ends_with 2 address reclaim
ok address reclaim --dry-run
has "^$b +beta +10.1.1.3 .* yes"

say "networks"
ok network create lab --address 10.77.0.0/24 --exclude 10.77.0.0/28 --dry-run
ends_with 3 network show lab
ok network create lab --address 10.77.0.0/24 --exclude 10.77.0.0/28
has '^net-token: +[0-9a-f]'
ok network list
has '^lab +10.77.0.'
ok network show lab
has '^excluded: +10.77.0.0/28'
ok network net-token lab --open
has '^net-token: +nodes need none'
ok network recreate lab --address 10.78.0.1/24 --dry-run
has '^for nodes: +10.78.0.2 to 10.78.0.254'
ok network recreate lab --address 10.78.0.1/24
json 'x["address"] == "10.78.0.1/24" and x["open"]' network show lab
ends_with 2 network create more
ends_with 1 network delete default
has 'NETWORK_FIXED'
ok network delete lab
has '^networks/lab deleted'

say "events"
ok event list
has "CONNECT +$a +10.1.1.2"
ok event list --kind network-create --kind network-delete
has 'NETWORK_CREATE +networks/lab'
has_not ' CONNECT '
ends_with 2 event list --kind conect
has 'did you mean CONNECT'
json 'len(x["events"]) > 3 and int(x["revision"]) > 3' event list
last=$(ctl event list -o name | tail -n 1)
ok event list --after "$last"
has_not '^[0-9]'

say "what is followed: nodes, events"
# follow FILE ARGS...: in the background; its pid is that of the program itself.
follow() {
	local file=$1
	shift
	ip netns exec "$(ns_of s)" "$BUILD/litevpnctl" --socket "$LAB/run/admin/ctld.sock" "$@" \
		>"$LAB/$file" &
}
follow nodes node watch "$b"
watcher=$!
follow events event watch --new --node "$b" -o json
watcher2=$!
wait_for 5 grep -qE "^$b +NEVER " "$LAB/nodes"
ok node delete "$b" --dry-run
has 'can be deleted'
ok node delete "$b"
wait_for 5 grep -qE "^$b +DELETED " "$LAB/nodes"
wait_for 5 grep -q '"kind": "UNREGISTER"' "$LAB/events"
"$PYTHON" -c 'import json, sys
for line in open(sys.argv[1]): json.loads(line)' "$LAB/events"
kill "$watcher" "$watcher2"
wait "$watcher" "$watcher2" || true

say "the server"
ok status
has '^fingerprint: +sha256:'
daemon_stop ipamd
ok status
has '^addresses: +not known without ipamd'
start_ipamd
ok server reload --dry-run
ok server reload
has '^ipamd: +done'
ok server log-level warn --component ipamd --for 1m
has '^ipamd: +done'
ok server log-level reset
ends_with 2 server log-level loud
ok config check "$LAB/server.yml" --compare
printf 'mtu: 1300\nport: x\n' >"$LAB/bad.yml"
ends_with 1 config check "$LAB/bad.yml" --compare
has 'bad.yml:2:'
ok server backup "$LAB/copy.db"
[ "$(stat -c %a "$LAB/copy.db")" = 600 ] || fail "others can read it"
sqlite3 "$LAB/copy.db" 'pragma integrity_check' | grep -qx ok || fail "it is no database"
ends_with 1 server backup "$LAB/copy.db"
has 'exists; --force'
ok server backup --force "$LAB/copy.db"

say "mistakes of the command line"
ends_with 2 node lst
has 'did you mean "list"'
ends_with 2 node show
ends_with 2 token create --ttl 1ms
has 'from 1s to 365d'
status=0
on s "$BUILD/litevpnctl" --socket "/$(printf 'x%.0s' {1..120})" status 2>"$LAB/out" || status=$?
[ "$status" = 2 ] || fail "exit status $status"
has 'more than 107 characters'

say "a server that nodes would not accept is told of when its certificates are made"
printf 'vpnAddr: 10.9.0.1/24\n' >"$LAB/plain.yml"
on s "$BUILD/litevpnctl" pki init --dir "$LAB/pki2" --config "$LAB/plain.yml" >"$LAB/out" 2>&1
has 'advertise is empty'

say "a shell completes command lines"
mkdir "$LAB/bin"
printf '#!/bin/sh\nexec ip netns exec %s %s/litevpnctl "$@"\n' "$(ns_of s)" "$BUILD" \
	>"$LAB/bin/litevpnctl"
chmod 755 "$LAB/bin/litevpnctl"
# completes WORDS... gives what bash would offer for the last of them
completes() {
	PATH=$LAB/bin:$PATH bash -c '
		. <(litevpnctl completion bash)
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		compopt() { :; }
		_litevpnctl
		printf "%s\n" "${COMPREPLY[@]}"' bash litevpnctl "$@" >"$LAB/out"
	sed "s/^/  /" "$LAB/out"
}
S=$LAB/run/admin/ctld.sock
cd "$LAB"
completes no; has '^node$'
completes node sh; has '^show$'
completes node show --socket "$S" ""; has "^$a\$"
completes node show --socket = "$S" ""; has "^$a\$"
completes node list --output = j; has '^json$'
completes node list --network = ""
completes config check serv; has '^server.yml$'
