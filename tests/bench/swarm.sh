#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A server and many nodes on one machine: how long until all are up, with certificates at first and
# with tickets after a cut; what each costs in memory, and all together while they idle; what a node
# beside them notices. The swarm runs on the same processors: what it takes itself, and ipamd, is told
# beside what the engine takes. Writes $BUILD/bench/swarm.tsv: metric value unit target.
#
#   tests/bench/swarm.sh [NODES]     10000 without it
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/../integration/lib.sh"
# shellcheck source=tests/integration/swarm.bash
. "$(dirname "$0")/../integration/swarm.bash"

N=${1:-10000}
RESULTS=$BUILD/bench/swarm.tsv
IDLE_S=30
PINGS=200

# row METRIC VALUE UNIT TARGET
row() { (IFS=$'\t'; echo "$*") | tee -a "$RESULTS"; }

# cpu_begin; cpu_rows WHAT: who has taken how much of the processors since.
cpu_begin() { read -r -a CPU < <(swarm_cpu); }
cpu_rows() {
	local i who=(cpu ipamd_cpu swarm_cpu) now
	read -r -a now < <(swarm_cpu)
	for i in 0 1 2; do
		row "$1_${who[i]}_s" "$(awk "BEGIN { print ${now[i]} - ${CPU[i]} }")" s -
	done
}

ping_p50_us() {
	on x ping -n -i 0.02 -c "$PINGS" 10.64.0.1 | sed -nE 's/.*time=([0-9.]+) ms/\1/p' | sort -g |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] * 1000 }'
}

mkdir -p "${RESULTS%/*}"
printf 'metric\tvalue\tunit\ttarget\n' >"$RESULTS"
swarm_server "$N"
node_up x
wait_for 10 node_uses x UDP
alone=$(ping_p50_us)
say "making the keys of $N nodes"
swarm_start "$N"
before=$(engine_kb)

say "$N nodes at $SERVER_IP"
cpu_begin
read -r ms _ _ < <(swarm_do 300 up)
row up_full_s "$(awk "BEGIN { print $ms / 1000 }")" s '<= 40'
cpu_rows up_full
row rss_kib_per_session "$(awk "BEGIN { print ($(engine_kb) - $before) / $N }")" KiB '<= 64'

read -r engine _ _ < <(swarm_cpu)
read -r -t "$IDLE_S" <> <(:) || true
row idle_cpu_percent "$(swarm_cpu | awk "{ print (\$1 - $engine) / $IDLE_S * 100 }")" % '< 3'
row ping_p50_alone_us "$alone" us -
row ping_p50_us "$(ping_p50_us)" us "$alone"

cpu_begin
read -r ms resumed elsewhere < <(swarm_do 300 cut)
row back_s "$(awk "BEGIN { print $ms / 1000 }")" s '<= 25'
cpu_rows back
row back_resumed "$resumed" nodes "$N"
row back_elsewhere "$elsewhere" nodes 0
swarm_stop
