#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The map in HACKING.md names every source file of the programs in its folder, and only those that
# exist; x* stands for all that begin so.
. "$(dirname "$0")/lint.bash"

readonly MAP=HACKING.md

# map_of FOLDER: the names in its part of the map; an explanation stands two blanks or more to the
# right of them, or in a line of its own further to the right.
map_of() {
	awk -v folder="$1/" '
		/^## / { inside = /The folders/ }
		!inside || !/^    / { next }
		$1 ~ /\/$/ { here = ($1 == folder); next }
		here { print }
	' "$MAP" | sed -E 's/^ {20,}.*//; s/^ +//; s/  .*//'
}

for folder in common daemons/tunneld daemons/ipamd daemons/ctld cli; do
	read -r -d '' -a names < <(map_of "$folder")
	sources=$(files "$folder/*.c" "$folder/*.h" | sed -E 's,.*/,,; s/\.[ch]$//' | sort -u)
	for source in $sources; do
		found=""
		for name in "${names[@]}"; do
			# shellcheck disable=SC2053 # a pattern on purpose
			[[ $source == $name ]] && found=yes
		done
		[ -n "$found" ] || complain "$MAP:1" "the map does not name $folder/$source"
	done
	for name in "${names[@]}"; do
		compgen -G "$folder/$name.[ch]" >/dev/null ||
			complain "$MAP:1" "the map names $folder/$name, which does not exist"
	done
done
finish
