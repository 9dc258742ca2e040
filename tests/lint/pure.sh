#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Pure modules take time and randomness as arguments: no loop, no log, no clock, no ipc, no random
# source. A module is pure when the comment at the head of its header says so ("Pure"), or when it
# is named here because it has to stay so.
. "$(dirname "$0")/lint.bash"

readonly MUST_BE_PURE='common/wire common/ip daemons/tunneld/replay daemons/tunneld/esp
	daemons/tunneld/frame daemons/tunneld/ippkt daemons/ipamd/pool'
readonly IMPURE='"common/(ev|log|clock|ipc|ipc_nng|chan|daemon|priv|sandbox|places)\.h"'
readonly IMPURE_SYSTEM='<(time\.h|sys/time\.h|sys/random\.h|sys/epoll\.h|pthread\.h|nng/.*|syslog\.h)>'
readonly IMPURE_CALLS='\<(clock_gettime|gettimeofday|time|getrandom|rand|random|secret_random)\('

# The first comment after the guards: what the header promises.
promises_purity() {
	awk '/^#(ifndef|define)/ { next }
	     /^\/\*/ && !/SPDX/ { on = 1 }
	     on { print }
	     on && /\*\// { n++; on = 0; if (n == 1) exit }' "$1" | grep -qE '\<Pure\>'
}

modules() {
	# shellcheck disable=SC2086 # words on purpose
	printf '%s\n' $MUST_BE_PURE
	files 'common/*.h' 'daemons/*.h' 'cli/*.h' | while read -r h; do
		promises_purity "$h" && printf '%s\n' "${h%.h}"
	done
}

modules | sort -u | while read -r m; do
	[ -f "$m.h" ] || complain "tests/lint/pure.sh:1" "there is no $m.h any more"
	for f in "$m.h" "$m.c"; do
		[ -f "$f" ] || continue
		grep -nE "^#include ($IMPURE|$IMPURE_SYSTEM)" "$f" |
			while IFS=: read -r line what; do
				complain "$f:$line" "a pure module includes ${what#\#include }"
			done
		sed 's,/\*.*\*/,,' "$f" | grep -nE "$IMPURE_CALLS" | grep -vE '^[0-9]+:( |\t)*\*' |
			while IFS=: read -r line _; do
				complain "$f:$line" "a pure module asks for the time or for randomness"
			done
	done
done
finish
