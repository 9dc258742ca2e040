#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# ipamd hangs, or tunneld does: calls that need it are told so in time, and hold up no others. A ctld
# that is told to stop answers what it is at, takes nothing new, and is gone in bounded time.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a
server_up
SOCKET=$LAB/run/admin/ctld.sock

guest() { on s timeout 20 "$PYTHON" "$TOP/tests/integration/api_guest.py" "$@"; }
freeze() { kill -STOP "$(daemon_pid "$1")"; }
# A call is under way: a request waits in the socket of ipamd, which hangs.
asks() {
	on s ss -xH state established src "$LAB/run/ipamd/rpc.sock" |
		awk '$2 > 0 { n++ } END { exit n == 0 }'
}
thaw() { kill -CONT "$(daemon_pid "$1")"; }

say "ipamd hangs: UNAVAILABLE with RetryInfo within the deadline, health checks do not wait"
freeze ipamd
guest stalled "$SOCKET" 50 2 | tee "$LAB/stalled"
grep -qx '50 UNAVAILABLE RetryInfo' "$LAB/stalled" || fail "they end otherwise"

say "more calls than are put to ipamd at once: the surplus is refused, nothing else suffers"
guest stalled "$SOCKET" 200 2 | tee "$LAB/stalled"
grep -q ' RESOURCE_EXHAUSTED' "$LAB/stalled" || fail "nothing is refused"
guest stalled "$SOCKET" 1 2 | tee "$LAB/stalled"
grep -qx '1 UNAVAILABLE RetryInfo' "$LAB/stalled" || fail "it has not recovered"

say "ipamd goes on: so do the calls"
thaw ipamd
node_up a

say "tunneld hangs: the node is shown without its session, deleting it says what is not sure"
pid=$(pgrep -P "$(pgrep -P "$(daemon_pid tunneld)")")
id=$(node_id a)
kill -STOP "$pid"
ctl --timeout 3s node show "$id" >"$LAB/out"
status=0
ctl --timeout 3s node delete "$id" >"$LAB/out" 2>&1 || status=$?
kill -CONT "$pid"
[ "$status" = 4 ] || fail "status $status: $(cat "$LAB/out")"
grep -q SESSION_NOT_CUT "$LAB/out" || fail "another reason: $(cat "$LAB/out")"
wait_for 5 ctl node delete "$id"

say "told to stop with a call under way: the call ends well, a new one is refused"
freeze ipamd
ctl --timeout 4s node list >"$LAB/out" 2>&1 &
call=$!
wait_for 5 asks
pid=$(daemon_pid ctld)
kill -TERM "$pid"
wait_for 5 logged ctld 'stopping signal=15'
ctl --timeout 1s status >"$LAB/new" 2>&1 && fail "a new call was taken"
thaw ipamd
wait "$call" || fail "the call under way was dropped: $(cat "$LAB/out")"
gone_within 5 "$pid" || fail "ctld does not stop"
daemon_forget ctld
grep -q 'notice stopped status=0' "$LAB/ctld/log" || fail "ctld did not end well"
grep -q 'calls_cancelled' "$LAB/ctld/log" && fail "it waited until the end"

say "told to stop with calls that never end: gone within 5 seconds"
start_ctld
freeze ipamd
ctl --timeout 20s node list >"$LAB/out" 2>&1 &
call=$!
wait_for 5 asks
kill -TERM "$(daemon_pid ctld)"
gone_within 6 "$(daemon_pid ctld)" || fail "ctld does not stop"
daemon_forget ctld
wait "$call" && fail "a call without an answer ended well"
thaw ipamd
cat "$LAB/out"
