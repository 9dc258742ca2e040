#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A function fits on a screen (60 lines), a file is one noun: at 600 lines it is asked whether it
# is two (tests, which are tables: 700).
. "$(dirname "$0")/lint.bash"

readonly FUNCTION_MAX=60 FILE_MAX=600 TEST_FILE_MAX=700

# Tables and flat lists that happen to be functions: FILE:FUNCTION, each with its reason.
readonly EXCEPT=''

files '*.c' '*.h' | while read -r f; do
	limit=$FILE_MAX
	[[ $f == tests/* ]] && limit=$TEST_FILE_MAX
	n=$(wc -l <"$f")
	[ "$n" -le "$limit" ] || complain "$f:1" "$n lines, more than $limit: is it two nouns?"
done

if ! ctags --version 2>/dev/null | grep -q '^Universal Ctags'; then
	echo "${0##*/}: skipped: functions are not measured without universal-ctags"
	finish
fi

# START_TEST is a macro: each test is a function of its own to the reader.
files '*.c' '*.h' | ctags -L - --languages=C --kinds-C=f --fields=+ne -f - |
	awk -F '\t' -v max="$FUNCTION_MAX" '
		/^!/ { next }
		{
			line = end = 0
			for (i = 4; i <= NF; i++) {
				if ($i ~ /^line:/) line = substr($i, 6)
				if ($i ~ /^end:/) end = substr($i, 5)
			}
			if (end - line + 1 > max)
				print $2, $1, line, end - line + 1
		}' |
	while read -r f name line length; do
		[[ $EXCEPT == *" $f:$name "* ]] && continue
		complain "$f:$line" "$name has $length lines, more than $FUNCTION_MAX"
	done
finish
