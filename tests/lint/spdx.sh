#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every source file says under which licence it stands, in one of its first three lines.
. "$(dirname "$0")/lint.bash"

files '*.c' '*.h' '*.S' '*.sh' '*.bash' '*.py' '*.sql' '*.proto' '*.yml' '*.conf' '*.supp' '*.ac' \
	'*.in' '*.[1-9]' Makefile .clang-format .clang-tidy .ci/run 'debian/*' 'etc/init/*' |
	while read -r f; do
		head -n 3 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
			complain "$f:1" "no SPDX-License-Identifier: Apache-2.0 in its first lines"
	done
finish
