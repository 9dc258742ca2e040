#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# time-limit: 45
# ipamd is killed again and again with requests under way, in a network that is too small for all who
# want in: what was answered holds, and nothing else is there. ipam_load.c asks and compares. LV_SOAK
# makes it 120 times, LV_SEED chooses what is asked.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

[ -n "${LV_SOAK:-}" ] && KILLS=120 || KILLS=20
ANSWERS=400	# of each life

[ "$(id -u)" = 0 ] || skip "needs root"
lab_users
LAB=$(mktemp -d /tmp/litevpn-lab.XXXXXX)
chmod 755 "$LAB"
trap lab_down EXIT
trap 'exit 130' INT TERM
on() { "${@:2}"; }	# nothing goes over a network
server_conf "tokenTTL: 24h" "events: {maxRows: 10000000}"
load() { run on s "$BUILD/tests/ipam_load" "$LAB/run/ipamd/rpc.sock" "$LAB/facts" "$@"; }

check() {
	"$BUILD/ipamd" -c "$(server_file ipamd)" -S "$SANDBOX" --check >"$LAB/out" 2>&1 || {
		cat "$LAB/out"
		fail "--check finds something"
	}
}

for ((life = 0; life < KILLS; life++)); do
	start_ipamd
	LV_SEED=$((${LV_SEED:-1} + life)) load "$ANSWERS" "$(daemon_pid ipamd)"
	gone_within 5 "$(daemon_pid ipamd)" || fail "ipamd does not die"
	daemon_forget ipamd
	check
done

say "all of it is true at the end"
start_ipamd
load 0 0
