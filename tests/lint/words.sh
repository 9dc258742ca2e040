#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Words that have no place in what we deliver: notes to ourselves, and paths of one machine.
. "$(dirname "$0")/lint.bash"

readonly SELF=tests/lint/words.sh

# check PATTERN WHAT
check() {
	files . ":!$SELF" ':!LICENSE' | tr '\n' '\0' | xargs -0 grep -nIE "$1" |
		while IFS=: read -r f line _; do complain "$f:$line" "$2"; done
}

check '\<(TODO|FIXME|XXX|HACK)\>' 'a note to ourselves: do it'
check '(^|[^A-Za-z0-9_.])/(work|home|Users)/' 'a path of one machine'
check '\.\./shared' 'a path outside of the repository'
finish
