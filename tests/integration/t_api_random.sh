#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# 24 threads of random calls, valid and invalid, with random deadlines and cancels: ten seconds, or a
# minute where LV_SOAK is set. Nothing strange is answered, all calls end, the memory stays small, and
# the daemons work afterwards. LV_SEED repeats a run.
# time-limit: 60
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

readonly PORT=9469
SECS=10
[ -z "${LV_SOAK:-}" ] || SECS=60
SEED=${LV_SEED:-$RANDOM}

# Where ipamd and tunneld are: under ThreadSanitizer they are the ordinary ones, since it does not see
# how nng's publisher counts the references to a message, and ctld alone has several threads of ours.
PARTNERS=${LV_PARTNERS:-$BUILD}
start_ipamd() { BUILD=$PARTNERS daemon_start ipamd s ipamd -c "$(server_file ipamd)"; }
start_tunneld() { BUILD=$PARTNERS daemon_start tunneld s tunneld server -c "$(server_file tunneld)"; }
start_node() { BUILD=$PARTNERS daemon_start "$1" "$1" tunneld node -c "$LAB/$1/client.yml"; }

value() {
	on s "$PYTHON" "$TOP/tests/integration/metrics.py" 127.0.0.1 "$PORT" value "$1"
}
rss_mb() { awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$(daemon_pid ctld)/status"; }
all_ended() { [ "$(value litevpn_api_calls_under_way)" = 0 ]; }

lab_up a
server_up "metrics: {listen: \"127.0.0.1:$PORT\"}"
node_up a
mkdir -p "$LAB/who/node"
cp "$LAB/pki/grpc/ca.pem" "$LAB/who/"
cp "$LAB/a/grpc/client.pem" "$LAB/a/grpc/client-key.pem" "$LAB/who/node/"
"$BUILD/litevpnctl" pki issue grpc --dir "$LAB/pki" --role admin --out "$LAB/who/admin" >/dev/null

say "$SECS seconds, seed $SEED"
on s "$PYTHON" "$TOP/tests/integration/api_random.py" "$SECS" "$SEED" "$SERVER_IP" "$LAB/who" \
	"$BUILD/gen/api.desc" || fail "see above; LV_SEED=$SEED"
wait_for 15 all_ended
printf 'rss: %s MB\n' "$(rss_mb)"
case $BUILD in
*/asan | */tsan) ;;	# what they keep is their own matter
*) (($(rss_mb) < 80)) || fail "the memory grows" ;;
esac
for daemon in ipamd tunneld ctld; do
	[ "$(value "litevpn_up{daemon=\"$daemon\"}")" = 1 ] || fail "$daemon does not answer"
done
ctl node list >/dev/null || fail "nothing can be listed"
# Among the calls are such that make the daemons silent, and they have yet to say how they end.
ctl server log-level reset >/dev/null || fail "the log levels stay as they are"
