#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who may include whom: a folder is a trust domain, each library has one keeper, a header stands
# alone, includes point downward.
. "$(dirname "$0")/lint.bash"

readonly CODE=('common/*.c' 'common/*.h' 'daemons/*.c' 'daemons/*.h' 'cli/*.c' 'cli/*.h')

# Each include of our code: FILE LINE WHAT, with its brackets or quotes.
includes() {
	files "${CODE[@]}" | tr '\n' '\0' |
		xargs -0 grep -noE '^#include [<"][^>"]+[>"]' | sed -E 's/^([^:]+):([0-9]+):#include /\1 \2 /'
}
INCLUDES=$(includes)

# --- libraries: PATTERN of the header, and the files that keep it ---------------------------------
KEEPERS='
<sqlite3\.h>          daemons/ipamd/(store_sqlite|dbfile|checkpoint)\.[ch]
<yaml\.h>             common/conf_yaml\.[ch]
<nng/                 common/ipc_(nng|bundle|listen|server|client|publisher|subscriber)\.[ch]
<seccomp\.h>          common/sandbox\.c|(daemons/[a-z]+|cli)/sandbox_[a-z]+\.[ch]
<linux/if_tun\.h>     daemons/tunneld/tun\.c
<curses\.h>           cli/top_screen\.c
<linux/filter\.h>     daemons/tunneld/udp\.c
<urcu/                daemons/tunneld/grace\.c
<libmnl/              daemons/tunneld/netcfg[a-z_]*\.[ch]
<linux/(rtnetlink|if_link|if_addr)\.h>  daemons/tunneld/netcfg[a-z_]*\.[ch]
<grpc/                daemons/ctld/grpc[a-z_]*\.[ch]|cli/(rpc|grpc)[a-z_]*\.[ch]
<openssl/ssl\.h>      common/(tlsctx|first_contact)\.c|daemons/tunneld/(tls|tickets)\.c
<openssl/x509         common/(pki|pki_ca|tlsctx|first_contact)\.c|common/(pem|pki_inside)\.[ch]|daemons/tunneld/tls\.c
<openssl/pem\.h>      common/(tlsctx|pem)\.c
<openssl/evp\.h>      common/(pki|pki_ca|grant|digest)\.c|daemons/tunneld/aead_evp\.c
<intel-ipsec-mb\.h>   daemons/tunneld/aead_mb\.c
<(cap-ng|sys/capability)\.h>  common/priv\.c
<linux/landlock\.h>   common/sandbox\.c
'
while read -r pattern keepers; do
	[ -n "$pattern" ] || continue
	grep -E " $pattern" <<<"$INCLUDES" | grep -vE "^($keepers) " |
		while read -r f line what; do
			complain "$f:$line" "$what is for ${keepers//\\/} only"
		done
done <<<"$KEEPERS"

# --- generated types stop at the files that put them on the wire ----------------------------------
# A name that says so, or a file of this list.
readonly CODECS='(codec|codec_[a-z]+|svc_[a-z]+|ask_[a-z]+|json|status|method|reflect)\.[ch]'
readonly MORE_CODECS='daemons/ctld/(renewals|signer_client|signer_process|backend|ask_ipam_inside|moments|network_view|node_view|node_wish)\.[ch]
	daemons/tunneld/(control|ctl|hint|ipam)\.c
	cli/(cmd|complete|doctor)_[a-z_]+\.c'
# shellcheck disable=SC2086 # words on purpose
more=$(printf '|%s' $MORE_CODECS)
grep -E '\.pb-c\.h"$' <<<"$INCLUDES" | grep -vE "^([a-z/]+/$CODECS$more) " |
	while read -r f line what; do
		complain "$f:$line" "$what: generated types stop at the codecs (see tests/lint/includes.sh)"
	done

# --- folders --------------------------------------------------------------------------------------
readonly GENERATED='"(config\.h|[a-z0-9/_]+\.pb-c\.h)"'
while read -r f line what; do
	[[ $what == \"* ]] || continue
	case $f in
	common/*) allowed='"common/' ;;
	daemons/*) allowed="\"(common|${f%/*})/" ;;
	cli/*) allowed='"(common|cli)/' ;;
	esac
	grep -qE "^($GENERATED|$allowed)" <<<"$what" ||
		complain "$f:$line" "$what is not for ${f%/*}"
done <<<"$INCLUDES"

# --- the own header first -------------------------------------------------------------------------
files "${CODE[@]}" | grep '\.c$' | while read -r f; do
	[ -f "${f%.c}.h" ] || continue
	first=$(grep -nm1 '^#include' "$f")
	[[ $first == *"\"${f%.c}.h\"" ]] ||
		complain "$f:${first%%:*}" "includes its own header first, which proves that it stands alone"
done

# --- order: system and libraries, then ours; each part sorted -------------------------------------
files "${CODE[@]}" | while read -r f; do
	awk -v own="\"${f%.c}.h\"" -v f="$f" '
		/^#include </ { kind = 1 }
		/^#include "/ { kind = 2 }
		!/^#include / { next }
		$2 == own || ($2 ~ /^"/ && n++ == 0 && f ~ /\.c$/) { next }
		kind < last { print FNR ": system headers come before ours"; exit }
		kind == last && $2 < name { print FNR ": " $2 " is not in order"; exit }
		{ last = kind; name = $2 }' "$f" |
		while IFS=: read -r line text; do complain "$f:$line" "${text# }"; done
done

# --- no cycles between headers --------------------------------------------------------------------
grep -E '\.h [0-9]+ "(common|daemons|cli)/' <<<"$INCLUDES" |
	sed -E 's/^([^ ]+) [0-9]+ "([^"]+)"$/\1 \2/' | tsort 2>&1 >/dev/null |
	grep -v 'input contains a loop' | sed 's/^tsort: //' | paste -sd ' ' | grep . |
	while read -r cycle; do complain "${cycle%% *}:1" "includes go in a circle: $cycle"; done
finish
