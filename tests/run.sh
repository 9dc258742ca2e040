#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the tests one after the other and says in one line each how it went:
#
#   tests/run.sh check     the unit tests, then tests/integration/t_*.sh
#   tests/run.sh unit      the unit tests only
#   tests/run.sh sandbox   the integration tests with the strict filters (LV_SANDBOX=kill)
#   tests/run.sh asan      as check, for programs built with sanitizers: three times the time
#   tests/run.sh soak      as check, in the long forms of the tests (LV_SOAK=1)
#
# BUILD is where the programs are (default build). LV_WRAP is put before each unit test (valgrind),
# LV_SLOW says how many times longer everything takes. Tests are chosen by further arguments:
# shell patterns of their names. The output of NAME is kept in $BUILD/test-logs/NAME.log.
#
# A test that ends with 77 was skipped, its last line says why. An integration test has 30 seconds,
# or what a line "# time-limit: SECONDS" among its first says.

set -uo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$TOP/$BUILD ;; esac
LOGS=$BUILD/test-logs
REPORTS=$LOGS/sanitizer
UNIT_LIMIT=60
INTEGRATION_LIMIT=30
# What a sanitizer writes about us; the rest is about itself.
COMPLAINT='ERROR: |runtime error: |WARNING: ThreadSanitizer|encountered a fatal error'
SHOWN=40	# lines of a failed test's output

passed=0 failed=0 skipped=0
patterns=()

usage() {
	sed -n '3,18s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
	exit 64
}

now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }

is_chosen() {
	local p
	[ ${#patterns[@]} = 0 ] && return 0
	for p in "${patterns[@]}"; do
		# shellcheck disable=SC2053 # a pattern on purpose
		[[ $1 == $p ]] && return 0
	done
	return 1
}

# The network namespaces that a test has made end in -$LV_LAB; it takes them away itself.
export LV_LAB=$$
take_away() {
	local ns left=0
	for ns in $(ip netns list 2>/dev/null | awk -v lab="-$LV_LAB" '$1 ~ lab "$" { print $1 }'); do
		echo "it has left the network namespace $ns"
		ip netns pids "$ns" | xargs -r kill -KILL	# of a test that was cut by its limit
		ip netns del "$ns"
		left=1
	done
	return "$left"
}

# Says what a failed test had to say, its own words and the sanitizers'.
show() {
	local log=$1 report
	tail -n "$SHOWN" "$log" | sed 's/^/    /'
	for report in "$REPORTS"/*; do
		[ -e "$report" ] && sed 's/^/    /' "$report" | head -n "$SHOWN"
	done
}

# run_test NAME SECONDS COMMAND...: the test's own exit status, or 1 when a sanitizer complained.
run_test() {
	local name=$1 limit=$(($2 * slow)) log=$LOGS/${1//\//-}.log status
	shift 2
	rm -rf "$REPORTS"
	mkdir -p "$REPORTS"
	chmod 1777 "$REPORTS"	# the daemons' users write there
	timeout -k 20 "$limit" "$@" >"$log" 2>&1
	status=$?
	[ "$status" = 124 ] || [ "$status" = 137 ] && echo "not done after $limit seconds" >>"$log"
	[ "$status" = 0 ] && grep -qrE "$COMPLAINT" "$REPORTS" && status=1
	return "$status"
}

# verdict STATUS NAME SINCE [COUNT]
verdict() {
	local status=$1 name=$2 took log=$LOGS/${2//\//-}.log
	took=$(($(now_ms) - $3))
	took=$((took / 1000)).$((took / 100 % 10))
	case $status in
	0)
		passed=$((passed + 1))
		printf 'ok %s (%s%ss)\n' "$name" "${4:+$4, }" "$took"
		;;
	77)
		skipped=$((skipped + 1))
		printf 'skip %s: %s\n' "$name" "$(tail -n 1 "$log")"
		;;
	*)
		failed=$((failed + 1))
		printf 'FAIL %s (exit status %s, %ss), see %s\n' "$name" "$status" "$took" "$log"
		show "$log"
		;;
	esac
}

# The programs of the check library say how many checks they hold, and which of them they skipped.
# Each counts as one test; a program that died before it said so has failed as a whole.
unit_verdict() {
	local status=$1 name=$2 since=$3 log=$LOGS/${2//\//-}.log line checks bad left
	line=$(grep -aE '^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+' "$log" | tail -n 1)
	if [[ ! $line =~ Checks:\ ([0-9]+),\ Failures:\ ([0-9]+),\ Errors:\ ([0-9]+) ]]; then
		verdict "$status" "$name" "$since"
		return
	fi
	checks=${BASH_REMATCH[1]} bad=$((BASH_REMATCH[2] + BASH_REMATCH[3]))
	left=$(grep -acE '^[a-z0-9_]+_fn: skipped: ' "$log")
	verdict "$status" "$name" "$since" "$checks checks"
	grep -aE '^[a-z0-9_]+_fn: skipped: ' "$log" | sort | uniq -c |
		sed -nE "s|^ *([0-9]+) ([a-z0-9_]+)_fn: skipped: (.*)|skip $name \\2 (\\1 times): \\3|p"
	# The program itself was counted once already, above.
	skipped=$((skipped + left))
	if [ "$status" = 0 ]; then
		passed=$((passed + checks - left - 1))
	else
		passed=$((passed + checks - bad - left))
		failed=$((failed + (bad > 0 ? bad - 1 : 0)))
	fi
}

unit_tests() {
	local source name since
	for source in "$TOP"/tests/unit/*/test_*.c; do
		[ -e "$source" ] || continue
		name=${source#"$TOP"/tests/unit/}
		name=${name%.c}
		is_chosen "$name" || continue
		since=$(now_ms)
		# shellcheck disable=SC2086 # LV_WRAP is a command with its arguments
		run_test "$name" "$UNIT_LIMIT" ${LV_WRAP:-} "$BUILD/tests/$name"
		unit_verdict $? "$name" "$since"
	done
}

integration_tests() {
	local script name limit since status
	export LSAN_OPTIONS="$LSAN_OPTIONS:suppressions=$TOP/tests/lint/lsan.supp"
	for script in "$TOP"/tests/integration/t_*.sh; do
		[ -e "$script" ] || continue
		name=${script##*/}
		name=${name%.sh}
		is_chosen "$name" || continue
		limit=$(sed -nE '1,20s/^# time-limit: ([0-9]+)$/\1/p' "$script")
		since=$(now_ms)
		run_test "$name" "${limit:-$INTEGRATION_LIMIT}" "$script"
		status=$?
		take_away >>"$LOGS/$name.log" || status=1
		verdict "$status" "$name" "$since"
	done
}

[ $# -ge 1 ] || usage
mode=$1
shift
patterns=("$@")
slow=${LV_SLOW:-1}
case $mode in
check | unit) ;;
sandbox) export LV_SANDBOX=kill ;;
asan) slow=${LV_SLOW:-3} ;;
soak) export LV_SOAK=1 slow=${LV_SLOW:-20} ;;
*) usage ;;
esac

mkdir -p "$LOGS"
rm -f "$LOGS"/*.log
export BUILD LV_TOP=$TOP CK_TIMEOUT_MULTIPLIER=$((2 * slow))
# Reports go to files: a daemon in the background has no other place for them.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:log_path=$REPORTS/asan"
export UBSAN_OPTIONS="${UBSAN_OPTIONS:-}:log_path=$REPORTS/ubsan:print_stacktrace=1"
export LSAN_OPTIONS="${LSAN_OPTIONS:-}:print_suppressions=0"
export TSAN_OPTIONS="${TSAN_OPTIONS:-}:log_path=$REPORTS/tsan:print_suppressions=0"
TSAN_OPTIONS+=:suppressions=$TOP/tests/lint/tsan.supp

[ "$mode" = sandbox ] || unit_tests
[ "$mode" = unit ] || integration_tests

printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
