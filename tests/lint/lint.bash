# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the lints have in common. Each is a rule of the house that a machine can check: it prints
# FILE:LINE: what is wrong, for every place, and ends with 1 when there was one.

set -uo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

complaints=$(mktemp)
trap 'rm -f "$complaints"' EXIT

# Source files of these names (patterns of git): tracked, or new and not ignored; none without git.
files() {
	git ls-files -z --cached --others --exclude-standard -- "$@" | sort -zu |
		while IFS= read -r -d '' f; do [ -f "$f" ] && printf '%s\n' "$f"; done
}

# complain FILE:LINE TEXT. Also from pipelines: it goes by way of a file.
complain() {
	printf '%s: %s\n' "$1" "$2" | tee -a "$complaints"
}

# The last command of each lint: says so where nothing was wrong.
finish() {
	if [ -s "$complaints" ]; then
		printf '%s: %d complaints\n' "${0##*/}" "$(wc -l <"$complaints")"
		exit 1
	fi
	printf '%s: clean\n' "${0##*/}"
	exit 0
}
