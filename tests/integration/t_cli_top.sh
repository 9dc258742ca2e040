#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# litevpnctl top in a real terminal (tmux): rows with rates, orders, another size, a server that goes
# away and comes back, an end that leaves the terminal as it was.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

command -v tmux >/dev/null || skip "needs tmux"
lab_up a b
server_up
node_up a
node_conf b
node_enroll b

# In the server's namespace: what a failed test leaves there is taken away with it.
tm() { on s tmux -S "$LAB/tmux" "$@"; }
screen() { tm capture-pane -p -t top; }
# A shell says how it ended, and the terminal stays for a last look.
begin() {
	# shellcheck disable=SC2016 # for that shell
	tm -f /dev/null new-session -d -s top -x 120 -y 10 \
		sh -c '"$@"; echo "ended with $?"; exec cat' sh "$@"
}

say "both nodes, one of them connected"
begin env LC_ALL=C.UTF-8 "$BUILD/litevpnctl" top --interval 300ms \
	--socket "$LAB/run/admin/ctld.sock"
wait_for 10 shows '^litevpn +3 nodes, 1 connected' screen
wait_for 5 shows "^a +CONNECTED .* UDP .*$(node_id a)" screen
wait_for 5 shows '^b +NEVER .* - ' screen
screen

say "traffic has a rate, and what has most stands first"
ping_start a 10.1.1.1
wait_for 10 shows '^a +CONNECTED +[1-9][0-9.]* (B|KiB)/s +[1-9]' screen
[ "$(screen | sed -n 4p | cut -c 1)" = a ] || fail "$(screen)"
ping_stop

say "other orders, only the connected ones"
tm send-keys -t top s
wait_for 5 shows 'order: name' screen
tm send-keys -t top c
wait_for 5 shows 'c show all' screen
shows '^b +NEVER' screen && fail "a node that is not connected is shown"
tm send-keys -t top c
wait_for 5 shows '^b +NEVER' screen

say "a terminal that is small, then large again"
tm resize-window -t top -x 40 -y 5
wait_for 5 shows '^q quit  s order: name' screen
[ "$(screen | grep -cE 'CONNECTED|NEVER')" = 1 ] || fail "$(screen)"
tm send-keys -t top Down
wait_for 5 shows '^b +NEVER' screen
tm resize-window -t top -x 120 -y 10
wait_for 5 shows "^a +CONNECTED .*$(node_id a)" screen

say "the server goes away: the rows stay, and it says so; and it comes back"
daemon_stop ctld
wait_for 10 shows '^no answer for [0-9]+s: ' screen
shows '^a +CONNECTED' screen || fail "the rows are gone"
start_ctld
wait_for 10 shows '^litevpn +3 nodes, 1 connected' screen
gone() { ! shows '^no answer' screen; }
wait_for 10 gone

say "q ends it, and the terminal is as it was"
tm send-keys -t top q
wait_for 5 shows '^ended with 0' screen
shows 'order:' screen && fail "the terminal still shows it"
tm kill-session -t top

say "Ctrl-C does so, too"
begin "$BUILD/litevpnctl" node top --socket "$LAB/run/admin/ctld.sock"
wait_for 10 shows '3 nodes' screen
tm send-keys -t top C-c
wait_for 5 shows '^ended with 0' screen
tm kill-session -t top

say "on a terminal, what takes longer than a second shows that it goes on"
kill -STOP "$(daemon_pid ctld)"
begin "$BUILD/litevpnctl" status --timeout 20s --socket "$LAB/run/admin/ctld.sock"
wait_for 5 shows '^waiting for .*/ctld.sock \.\.\. [0-9]+s' screen
kill -CONT "$(daemon_pid ctld)"
wait_for 5 shows '^ended with 0' screen
shows '^fingerprint: +sha256' screen || fail "$(screen)"
shows 'waiting' screen && fail "it still shows that it waits"
tm kill-session -t top

say "without a terminal it says what else there is"
ctl top >"$LAB/out" 2>&1 </dev/null && fail "it ran without a terminal"
grep -qF 'node list' "$LAB/out" || fail "$(cat "$LAB/out")"
