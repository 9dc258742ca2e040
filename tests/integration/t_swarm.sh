#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# time-limit: 120
# Many nodes come at once, are cut off at once, and come back: with tickets, each at its own address.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/swarm.bash
. "$(dirname "$0")/swarm.bash"

[ -n "${LV_SOAK:-}" ] && N=10000 || N=400
swarm_server "$N"
swarm_start "$N"
before=$(engine_kb)

say "$N nodes come up, each with certificates"
read -r ms resumed elsewhere < <(swarm_do 60 up)
printf '%d ms, %d KiB each\n' "$ms" $((($(engine_kb) - before) / N))
[ "$resumed" = 0 ] || fail "$resumed have resumed what there was not"

say "another node has its packets carried as if they were not there"
node_up x
pings x 10.64.0.1 20

say "all are cut off, and come back"
read -r ms resumed elsewhere < <(swarm_do 60 cut)
printf '%d ms, %d resumed\n' "$ms" "$resumed"
[ "$elsewhere" = 0 ] || fail "$elsewhere have another address"
[ "$resumed" -ge $((N * 9 / 10)) ] || fail "not resumed"
grep -h refused "$LAB"/swarm.*.err && fail "nobody has done anything wrong"
all_connected() { ctl -o json status | grep -q "\"nodesConnected\": *\"\?$((N + 1))\"\?"; }
wait_for 10 all_connected	# most are reported; a sync tells the rest, right away
swarm_stop
