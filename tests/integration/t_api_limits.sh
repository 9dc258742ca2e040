#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The API under guests that take too much: connections without end, handshakes that never go on,
# answers that nobody reads, requests that are too large, no descriptors left. What they take is
# bounded, what it is bounded by is said, and others are served meanwhile.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

PORT=6439 CA=
lab_up a b
server_up
CA=$LAB/pki/grpc/ca.pem

# guest NODE COMMAND ARGS...
guest() {
	local node=$1 command=$2
	shift 2
	on "$node" timeout 40 "$PYTHON" "$TOP/tests/integration/api_guest.py" "$command" "$@"
}
# healthy NODE: it is served.
healthy() {
	on "$1" "$PYTHON" "$TOP/tests/integration/grpc_client.py" --schema-unix "$LAB/run/admin/ctld.sock" \
		--host "$SERVER_IP" --port "$PORT" --ca "$CA" --timeout 5 call grpc.health.v1.Health/Check \
		>"$LAB/health" 2>&1
}
descriptors() { find "/proc/$(daemon_pid ctld)/fd" -mindepth 1 | wc -l; }
has_descriptors() { [ "$(descriptors)" -le "$1" ]; }

say "handshakes that never go on are given up (this waits in the background)"
guest a silent "$SERVER_IP" "$PORT" "$CA" >"$LAB/silent" &
silent=$!

say "answers that are never taken are given up (so does this)"
guest a unread "$SERVER_IP" "$PORT" "$CA" 50 >"$LAB/unread" &
unread=$!

say "a request that is too large"
[ "$(guest b oversize "$SERVER_IP" "$PORT" "$CA")" = RESOURCE_EXHAUSTED ] || fail "it was read"

say "one source may have 512 connections of a listener; others are served, itself elsewhere too"
before=$(descriptors)
mkfifo "$LAB/hold"
guest b crowd "$SERVER_IP" "$PORT" 600 <"$LAB/hold" >"$LAB/crowd" &
crowd=$!
exec 9>"$LAB/hold"
wait_for 10 grep -q in "$LAB/crowd"
cat "$LAB/crowd"
grep -qx 'in 512' "$LAB/crowd" || fail "not 512"
healthy b && fail "a connection more was let in"
healthy a || fail "another source is locked out: $(cat "$LAB/health")"
ctl status >/dev/null
wait_for 5 logged ctld 'connection_refused listener=bootstrap source=192.0.2.12 because=source_limit'
exec 9>&-
wait "$crowd"

say "who has gone makes room"
wait_for 5 healthy b
wait_for 5 has_descriptors $((before + 5))

say "what became of those that waited"
wait "$silent" || fail "silent: $(cat "$LAB/silent")"
wait "$unread" || fail "unread: $(cat "$LAB/unread")"
cat "$LAB/silent" "$LAB/unread"
while read -r what seconds; do
	((seconds >= 5 && seconds <= 15)) || fail "$what was closed after $seconds s"
done <"$LAB/silent"
grep -qx 'reset 50' "$LAB/unread" || fail "the answers are still kept"
logged ctld 'answer_not_taken' || fail "nothing is said of them"

# The long form: it takes a minute and 20 seconds.
if [ -n "${LV_SOAK:-}" ]; then
	say "who is gone without a word is asked after, and closed"
	connections() { on s ss -Hnt state established dst 192.0.2.12 | wc -l; }
	has_connections() { [ "$(connections)" = "$1" ]; }
	ip netns exec "$(ns_of b)" "$PYTHON" "$TOP/tests/integration/grpc_client.py" --timeout 200 \
		--schema-unix "$LAB/run/admin/ctld.sock" --host "$SERVER_IP" --port "$PORT" --ca "$CA" \
		call grpc.health.v1.Health/Watch >"$LAB/watch" 2>&1 &
	gone=$!
	wait_for 10 grep -q SERVING "$LAB/watch"
	has_connections 1 || fail "$(connections) connections"
	ip -n "$(ns_of n)" link set vb down
	begin=$SECONDS
	wait_for 100 has_connections 0
	((SECONDS - begin >= 50)) || fail "closed after $((SECONDS - begin)) s"
	kill "$gone"
	wait "$gone" || true
	ip -n "$(ns_of n)" link set vb up
fi

say "no descriptors left: nobody new is let in, loudly, and everything goes on when there are some"
daemon_stop ctld
(ulimit -n 60 && start_ctld)	# nothing can raise it from there
LAB_PID[ctld]=$(daemon_pid ctld)
exec 9<>"$LAB/hold"
guest b crowd "$SERVER_IP" "$PORT" 60 <"$LAB/hold" 9>&- >"$LAB/crowd" &
crowd=$!
wait_for 5 logged ctld 'error accept_paused .*EMFILE'
exec 9>&-
wait "$crowd"
wait_for 10 healthy a
ctl status >/dev/null
