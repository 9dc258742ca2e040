#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What was released of the protocols that others speak keeps its meaning: numbers, names and types of
# fields, enum values, RPCs. proto/released.txt has what was released; "tests/lint/schema.sh --release"
# adds what there is now, before a release.
. "$(dirname "$0")/lint.bash"

readonly RELEASED=proto/released.txt
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mapfile -t protos < <(files 'proto/tunnel.proto' 'proto/litevpn/*.proto' 'proto/litekube/*.proto')

describe() { protoc -I"$1" -I/usr/include --descriptor_set_out="$2" "${@:3}" 2>"$tmp/said"; }
schema() { /usr/bin/python3 tests/lint/schema.py "$@"; }

if ! describe proto "$tmp/now" "${protos[@]#proto/}"; then
	complain "$(head -n 1 "$tmp/said")" "protoc cannot read it"
elif [ "${1:-}" = --release ]; then
	{
		echo '# SPDX-License-Identifier: Apache-2.0'
		echo '# Written by tests/lint/schema.sh --release; nothing is ever taken out by hand.'
		schema "$tmp/now"
	} >"$tmp/released"
	schema "$tmp/now" "$RELEASED" >/dev/null && cp "$tmp/released" "$RELEASED"
else
	schema "$tmp/now" "$RELEASED" | while read -r line; do complain "$RELEASED:1" "$line"; done

	# The check itself: each of these changes is found.
	cat >"$tmp/a.proto" <<-'EOT'
		syntax = "proto3"; package t;
		message M { string name = 1; int32 size = 2; repeated string tags = 3; oneof o { bool b = 4; } }
		enum E { E_UNSPECIFIED = 0; ONE = 1; }
		service S { rpc Get(M) returns (M); }
	EOT
	describe "$tmp" "$tmp/a" a.proto
	schema "$tmp/a" >"$tmp/a.txt"
	while IFS='|' read -r want expression; do
		sed -E "$expression" "$tmp/a.proto" >"$tmp/b.proto"
		describe "$tmp" "$tmp/b" b.proto
		schema "$tmp/b" "$tmp/a.txt" >/dev/null && found=same || found=changed
		[ "$found" = "$want" ] || complain tests/lint/schema.sh:1 "\"$expression\" is $found"
	done <<-'EOT'
		same|s/x/x/
		same|s/bool b = 4;/& bool c = 5;/
		same|s/int32 size = 2;/reserved 2; reserved "size";/
		same|s/ONE = 1;/reserved 1; reserved "ONE";/
		changed|s/int32 size = 2;//
		changed|s/int32 size = 2;/reserved 2;/
		changed|s/int32 size = 2;/int64 size = 2;/
		changed|s/int32 size = 2;/int32 length = 2;/
		changed|s/int32 size = 2;/int32 size = 7;/
		changed|s/repeated string/string/
		changed|s/oneof o . bool b = 4; ./bool b = 4;/
		changed|s/ONE = 1/TWO = 1/
		changed|s/ONE = 1;//
		changed|s/returns .M./returns (stream M)/
		changed|s/rpc Get/rpc Fetch/
	EOT
fi
finish
