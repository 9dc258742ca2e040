#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Who watches the API: killed and resumed without gap or duplicate, dozens at once with one that never
# reads, while ipamd restarts, and when it or ctld is gone for good.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a
server_up 'events: {maxRows: 1000}'
SOCKET=$LAB/run/admin/ctld.sock
WATCHERS=30 EVENTS=150
[ -z "${LV_SOAK:-}" ] || WATCHERS=150 EVENTS=300	# 500 are in tests/bench/api.sh

watch() { on s timeout 30 "$PYTHON" "$TOP/tests/integration/api_watch.py" "$SOCKET" "$@"; }
api_client s
client() { on s "$PYTHON" "$TOP/tests/integration/grpc_client.py" --unix "$SOCKET" "$@"; }
list() { api --unix "$SOCKET" call litevpn.v1.Event/ListEvents "$@"; }
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$(daemon_pid ctld)/status"; }
# follow NAME METHOD [JSON]: in the background, its output and its status in files.
follow() {
	local name=$1
	shift
	(
		set +e
		client --timeout 60 call "$@" >"$LAB/$name" 2>"$LAB/$name.err"
		echo $? >"$LAB/$name.rc"
	) &
}
ended() { [ -s "$LAB/$1.rc" ]; }
# refused REASON METHOD JSON
refused() {
	api --unix "$SOCKET" call "$2" "$3" >"$LAB/refused" 2>&1 && fail "$2 $3 is accepted"
	grep -q "$1" "$LAB/refused" || fail "$2 $3: $(cat "$LAB/refused")"
}
told_twice() { [ "$(grep -c nodes/reserverd "$LAB/nodes")" -ge 2 ]; }
happen() { ctl node delete reserverd >/dev/null; }

say "a watcher that is killed goes on where it ended"
watch resume "$EVENTS"

say "dozens, one of which never reads"
watch crowd "$WATCHERS" "$EVENTS"
before=$(rss)
watch crowd "$WATCHERS" "$EVENTS"
after=$(rss)
echo "rss before $before kB, after $after kB"
case $BUILD in
*/asan | */tsan) ;;	# what they keep is their own matter
*) ((after - before < 4096)) || fail "the memory grows" ;;
esac

say "nodes: listed, then changed, then resumed"
node_conf a
node_enroll a
watch nodes 50

say "the log is read by pages, and chosen from"
list '{"pageSize": 3, "filter": {"node": "nodes/reserverd"}}' | grep -c '"kind": "UNREGISTER"' |
	grep -qx 3 || fail "not 3"
watch pages
refused FIELD_INVALID litevpn.v1.Event/ListEvents '{"filter": {"node": "bad"}}'

say "what is forgotten, and what never was"
watch resume 1000 >/dev/null
for method in Event/WatchEvents Event/ListEvents Node/WatchNodes; do
	refused REVISION_GONE "litevpn.v1.$method" '{"afterRevision": 1}'
	grep -q OUT_OF_RANGE "$LAB/refused" || fail "$method: $(cat "$LAB/refused")"
done

say "ipamd restarts: who watches is told what happens after that"
follow events litevpn.v1.Event/WatchEvents '{"onlyNew": true}'
follow nodes litevpn.v1.Node/WatchNodes '{"node": "nodes/reserverd"}'
wait_for 5 grep -q '"synced": true' "$LAB/events"
wait_for 5 grep -q '"synced": true' "$LAB/nodes"
daemon_kill ipamd
start_ipamd
wait_for 5 happen
wait_for 5 grep -q UNREGISTER "$LAB/events"
wait_for 5 told_twice
ended events && fail "the watch has ended: $(cat "$LAB/events.err")"

say "ctld stops: who watches is told so"
daemon_stop ctld
wait_for 5 ended events
wait_for 5 ended nodes
grep -q UNAVAILABLE "$LAB/events.err" || fail "events: $(cat "$LAB/events.err")"
grep -q SHUTTING_DOWN "$LAB/events.err" || fail "events: $(cat "$LAB/events.err")"
grep -q SHUTTING_DOWN "$LAB/nodes.err" || fail "nodes: $(cat "$LAB/nodes.err")"
