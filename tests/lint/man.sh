#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The manual pages: mandoc has nothing to say about them, and what they describe is what the
# sources say: configuration keys, reasons, drop counters, metrics, options, methods, commands.
set -euo pipefail
cd "$(dirname "$0")/../.."

bad=0
complain() {
	printf '%s\n' "$*" >&2
	bad=1
}

# found COUNT WHAT: an extraction that finds nothing has broken.
found() {
	[ "$1" -gt 0 ] || complain "tests/lint/man.sh: no $2 found: the sources look otherwise now"
}

# The first line of FILE that matches a pattern, for messages.
line_of() { grep -nE -m 1 -- "$2" "$1" | cut -d : -f 1 || true; }

read -ra COMPILER <<<"${CC:-cc}"	# as in CC="ccache gcc"
preprocess() { "${COMPILER[@]}" -E -P -I. "$@"; }

# --- form -----------------------------------------------------------------------------------------

# Whether the pages of others are installed depends on the machine; our own are looked at below.
check_form() {
	local said page
	command -v mandoc >/dev/null || complain "tests/lint/man.sh: mandoc is missing"
	said=$(mandoc -T lint -W all man/*.[0-9] 2>/dev/null |
		grep -v 'referenced manual not found' || true)
	[ -z "$said" ] || complain "$said"
	for page in man/*.[0-9]; do
		head -n 1 "$page" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
			complain "$page:1: no SPDX line"
	done
}

# Pages that belong to others; what is not here and not in man/ is a misspelling.
OTHERS=' jq.1 sqlite3.1 systemd.1 getrlimit.2 seccomp.2 landlock.7 '

check_references() {
	local page line name section
	while IFS=: read -r page line name; do
		read -r name section _ <<<"$name"
		[ -f "man/$name.$section" ] || [[ $OTHERS == *" $name.$section "* ]] ||
			complain "$page:$line: there is no $name($section)"
	done < <(grep -nE '^\.(.* )?Xr ' man/*.[0-9] | sed -E 's/^([^:]*:[0-9]+:).*Xr /\1/')
}

# --- configuration keys ---------------------------------------------------------------------------

# Three views of the keys of one file, each as lines KEY|DEFAULT|...; a key below another one is
# written with a dot. "-" stands for no default.

# KEY|DEFAULT|RELOAD|ALIAS as the schema has it. Statements end with a semicolon; tables have none
# inside; of a table's row each member stands in its own words.
keys_of_schema() {
	preprocess "$1" | awk '
	# The value of .NAME in a row: what stands between quotes, or a word.
	function member(row, name,    s) {
		if (!match(row, "\\." name " *= *(\"[^\"]*\"|[A-Za-z_]+)"))
			return ""
		s = substr(row, RSTART, RLENGTH)
		sub(/^[^=]*= */, "", s)
		gsub(/"/, "", s)
		return s
	}
	function walk(table, prefix,    i) {
		for (i = 1; i <= count[table]; i++) {
			if (below[table, i] != "")
				walk(below[table, i], name[table, i] ".")
			else
				print prefix name[table, i] "|" rest[table, i]
		}
	}
	BEGIN { RS = ";" }
	/struct conf_key [a-z_]+\[\] *=/ {
		gsub(/[ \t\n]+/, " ")
		match($0, /struct conf_key [a-z_]+/)
		table = substr($0, RSTART + 16, RLENGTH - 16)
		n = split($0, rows, /\{ *\.name *= *"/)
		for (i = 2; i <= n; i++) {
			row = rows[i]
			key = row
			sub(/".*/, "", key)
			dflt = member(row, "dflt")
			if (dflt == "")
				dflt = row ~ /\.list *=/ ? "[]" : "-"
			reload = member(row, "reload")
			reload = reload == "CONF_AT_ONCE" ? "H" : reload == "CONF_NEXT" ? "N" : "R"
			name[table, i - 1] = key
			# Of a list of mappings the page tells under the key of the list.
			below[table, i - 1] = row ~ /\.list *=/ ? "" : member(row, "keys")
			rest[table, i - 1] = dflt "|" reload "|" member(row, "alias")
		}
		count[table] = n - 1
	}
	END { walk("keys", "") }'
}

# KEY|DEFAULT|RELOAD|ALIAS|LINE as the page has it, from ".It Ic KEY : ..." on: "default", then the
# value in a line of its own; "default empty" for none, "No default" (shown as "*") where the file
# must have it.
keys_of_page() {
	awk '
	function flush() {
		if (key != "")
			print key "|" dflt "|" reload "|" alias "|" at
		key = ""
	}
	/^\.It Ic [A-Za-z.]+ :/ {
		flush()
		key = $3
		dflt = reload = alias = ""
		at = FNR
		next
	}
	/^\.(It|El|Sh|Ss)/ { flush() }
	key == "" { next }
	dflt == "" && was ~ /(^|[ ,])[Dd]efault$/ && /^\.Cm / { dflt = $2 }
	dflt == "" && /[Dd]efault empty/ { dflt = "-" }
	dflt == "" && /^No default/ { dflt = "*" }
	reload == "" && match($0, /\([HNR]\)/) { reload = substr($0, RSTART + 1, 1) }
	was == "Older name:" && /^\.Ic / { alias = $2 }
	{ was = $0 }
	END { flush() }' "$1"
}

# KEY|DEFAULT|LINE as the commented file has it.
keys_of_example() {
	awk '
	/^ *#/ || !/:/ { next }
	{
		key = $1
		sub(/:$/, "", key)
		value = $0
		sub(/^[^:]*: */, "", value)
		if (value == "") {
			above = key "."
			next
		}
		if ($0 !~ /^ /)
			above = ""
		print above key "|" (value == "\"\"" ? "-" : value) "|" FNR
	}' "$1"
}

# check_keys SOURCE PAGE EXAMPLE
check_keys() {
	local source=$1 page=$2 example=$3
	local key dflt reload alias at where
	local -A page_dflt=() page_reload=() page_alias=() page_at=() shown=() shown_at=() known=()

	while IFS='|' read -r key dflt reload alias at; do
		page_dflt[$key]=$dflt page_reload[$key]=$reload
		page_alias[$key]=$alias page_at[$key]=$at
	done < <(keys_of_page "$page")
	while IFS='|' read -r key dflt at; do
		shown[$key]=$dflt shown_at[$key]=$at
	done < <(keys_of_example "$example")

	while IFS='|' read -r key dflt reload alias; do
		known[$key]=1
		where=$source:$(line_of "$source" "(name = |PORT\()\"${key##*.}\"")
		if [ -z "${page_at[$key]:-}" ]; then
			complain "$where: $key is not in $page"
		else
			at=$page:${page_at[$key]}
			[ "${page_dflt[$key]}" = "$dflt" ] ||
				[ "$dflt${page_dflt[$key]}" = "-*" ] ||
				complain "$at: default of $key: \"${page_dflt[$key]}\", but \"$dflt\" in $where"
			[ "${page_reload[$key]}" = "$reload" ] ||
				complain "$at: reload class of $key: \"${page_reload[$key]}\", but $reload in $where"
			[ "${page_alias[$key]}" = "$alias" ] ||
				complain "$at: older name of $key: \"${page_alias[$key]}\", but \"$alias\" in $where"
		fi
		if [ -z "${shown_at[$key]:-}" ]; then
			complain "$where: $key is not in $example"
		elif [ "${shown[$key]}" != "$dflt" ] && [ "${page_dflt[$key]:-}" != "*" ]; then
			complain "$example:${shown_at[$key]}: $key is ${shown[$key]}, but its default is" \
				"\"$dflt\" in $where"
		fi
	done < <(keys_of_schema "$source")
	found "${#known[@]}" "keys in $source"

	for key in "${!page_at[@]}"; do
		[ -n "${known[$key]:-}" ] || complain "$page:${page_at[$key]}: $source has no key $key"
	done
	for key in "${!shown_at[@]}"; do
		[ -n "${known[$key]:-}" ] || complain "$example:${shown_at[$key]}: $source has no key $key"
	done
}

# --- reasons, counters ----------------------------------------------------------------------------

# The rows of an X macro, one a line: expand HEADER TABLE PARAMETERS FORM
expand() {
	printf '#include "%s"\n#define X(%s) @%s@\n%s(X)\n' "$1" "$3" "$4" "$2" | preprocess - |
		tr -d '\n' | grep -o '@[^@]*@' | tr -d '@'
}

squeeze() { tr -d '[:space:]' | tr '[:upper:]' '[:lower:]'; }

check_reasons() {
	local page=man/litevpn-api.7 header=common/reason.h
	local name code text hint n=0 rendered where
	rendered=$(mandoc -T ascii "$page" 2>/dev/null | sed "s,.\x08,,g" | squeeze)
	while IFS='|' read -r name code text; do
		n=$((n + 1))
		where=$header:$(line_of "$header" "X\($name,")
		hint=${text#*|}
		text=${text%%|*}
		grep -qx ".It Dv $name Pq Dv $code" "$page" ||
			complain "$where: $name with the code $code is not in $page"
		# Adjacent strings are one; the page has full stops behind both.
		text=$(sed -E 's/" *"//g; s/^ *"//; s/" *$//' <<<"$text")
		hint=$(sed -E 's/" *"//g; s/^ *"//; s/" *$//' <<<"$hint")
		[[ $rendered == *"$(squeeze <<<"$text. $hint.")"* ]] ||
			complain "$where: $page says something else about $name than \"$text. $hint.\""
	done < <(expand "$header" REASON_TABLE 'name, number, code, text, hint' 'name|code|text|hint')
	found "$n" "reasons in $header"
	while IFS=: read -r where name; do
		grep -q "X(${name%% *}," "$header" || complain "$page:$where: $header has no ${name%% *}"
	done < <(grep -nE '^\.It Dv [A-Z_]+ Pq Dv' "$page" | sed 's/\.It Dv //')
}

check_counters() {
	local page=man/tunneld.8 header=daemons/tunneld/stats.h
	local name text n=0 line
	local -A known=()
	while IFS='|' read -r name text; do
		text=$(tr -d '" ' <<<"$text")
		[ "${name// /}" != OK ] || continue
		n=$((n + 1))
		known[$text]=1
		grep -qx ".It Va $text" "$page" ||
			complain "$header:$(line_of "$header" "\"$text\""): $text is not in $page"
	done < <(expand "$header" VERDICT_TABLE 'name, text' 'name|text')
	found "$n" "counters in $header"
	while IFS=: read -r line name; do
		[ -n "${known[$name]:-}" ] || complain "$page:$line: $header has no counter $name"
	done < <(grep -nE '^\.It Va ' "$page" | sed 's/\.It Va //')
}

check_metrics() {
	local page=man/litevpn-metrics.7 header=common/metric.h board=etc/grafana/litevpn.json
	local name type labels help n=0 rendered line
	local -A known=()
	rendered=$(mandoc -T ascii "$page" 2>/dev/null | sed "s,.\x08,,g" | squeeze)
	while IFS='|' read -r name type labels help; do
		name=$(tr -d '" ' <<<"$name")
		n=$((n + 1))
		known[litevpn_$name]=1
		labels=${labels:+($labels)}
		line=$(squeeze <<<"litevpn_$name$labels$type:$help" | tr -d '"')
		[[ $rendered == *"${line/()/}"* ]] ||
			complain "$header:$(line_of "$header" "\"$name\""): $page has not litevpn_$name with labels $labels, the type $type, and \"$help\""
	done < <(expand "$header" METRIC_TABLE 'id, name, type, labels, help' 'name|type|labels|help')
	found "$n" "metrics in $header"
	while IFS=: read -r page line name; do
		name=${name%_bucket}
		[ -n "${known[$name]:-}" ] || complain "$page:$line: $header has no metric $name"
	done < <(grep -noE 'litevpn_[a-z_]+' "$page" "$board")
}

# --- what can be typed and called -----------------------------------------------------------------

check_daemon_options() {
	local letters letter page
	letters=$(sed -nE 's/^#define DAEMON_OPTIONS "(.*)"/\1/p' common/daemon.h | tr -d ':')
	found "${#letters}" "options in common/daemon.h"
	for page in man/tunneld.8 man/ipamd.8 man/ctld.8; do
		while read -r -n 1 letter; do
			[ -z "$letter" ] || grep -qE "^\.It Fl $letter( |$)" "$page" ||
				complain "common/daemon.h:$(line_of common/daemon.h DAEMON_OPTIONS\ ): -$letter" \
					"is not in $page"
		done <<<"$letters"
	done
}

check_methods() {
	local page=man/litevpn-api.7 source=daemons/ctld/method.c
	local service method n=0 where
	while IFS=/ read -r service method; do
		n=$((n + 1))
		where=$source:$(line_of "$source" "/$service/$method\"")
		grep -qx ".Ss $service" "$page" || complain "$where: $service is not in $page"
		grep -qE "^\.It Fn $method " "$page" || complain "$where: $method is not in $page"
	done < <(grep -oE '"/[A-Za-z0-9.]+/[A-Za-z]+"' "$source" | tr -d '"' | cut -c 2-)
	found "$n" "methods in $source"
}

# The rows of the table of commands, one a line: NOUN|VERB|TABLE TABLE ...
commands_of_source() {
	preprocess cli/commands.c | awk '
	BEGIN { RS = ";" }
	/const struct command commands\[\] *=/ {
		gsub(/[ \t\n]+/, " ")
		gsub(/\(\(void \*\)0\)/, "NULL")
		n = split($0, rows, /\{ "/)
		for (i = 2; i <= n; i++) {
			row = rows[i]
			noun = verb = tables = row
			sub(/".*/, "", noun)
			sub(/^[^,]*, "?/, "", verb)
			sub(/[",].*/, "", verb)
			sub(/.*\(const struct opt \*const\[\]\)\{/, "", tables)
			sub(/\}.*/, "", tables)
			gsub(/,|NULL/, " ", tables)
			if (tables ~ /_options/)
				print noun "|" (verb == "NULL" ? "" : verb) "|" tables
		}
	}'
}

# TABLE OPTION, one a line.
options_of_source() {
	awk '
	/^const struct opt [a-z_]+\[\] = \{/ { table = $4; sub(/\[.*/, "", table) }
	/^\};/ { table = "" }
	table != "" && match($0, /\.name = "[a-z-]+"/) {
		print table, substr($0, RSTART + 9, RLENGTH - 10)
	}' cli/*.c
}

# COMMAND|OPTION OPTION ..., one a line, as the synopsis has them; "connection" and "-o" are the two
# tables that have a section of their own.
commands_of_synopsis() {
	awk '
	/^\.Sh / { inside = /SYNOPSIS/ }
	!inside { next }
	/^\.Nm/ && command != "" { print command "|" options }
	/^\.Nm/ { command = options = "" }
	/^\.Cm / && command == "" { command = substr($0, 5); next }
	/Ar connection/ { options = options " connection" }
	/Fl o / { options = options " -o" }
	{
		for (i = 1; i < NF; i++)
			if ($i == "Fl" && $(i + 1) ~ /^-/)
				options = options " " substr($(i + 1), 2)
	}' "$1"
}

check_commands() {
	local page=man/litevpnctl.1 source=cli/commands.c
	local noun verb tables command file line name table n=0 want
	local -A options=() synopsis=()
	while read -r table name; do
		options[$table]+=" $name"
	done < <(options_of_source)
	options[connect_options]=connection options[output_options]=-o options[help_options]=""
	while IFS='|' read -r command name; do
		synopsis[$command]=$name
	done < <(commands_of_synopsis "$page")
	while IFS='|' read -r noun verb tables; do
		n=$((n + 1))
		command=$noun${verb:+ $verb}
		line=$source:$(line_of "$source" "\{ \"$noun\", ${verb:+\"$verb\"}")
		grep -qE "^\.Ss Cm $command( |$)" "$page" || complain "$line: $command is not in $page"
		want=""
		for table in $tables; do
			want+=" ${options[$table]-?}"
		done
		[ "$(sorted "$want")" = "$(sorted "${synopsis[$command]-}")" ] ||
			complain "$line: the synopsis of $command in $page has other options:" \
				"$(sorted "${synopsis[$command]-none}"), not $(sorted "$want")"
	done < <(commands_of_source)
	found "$n" "commands in $source"
	n=0
	while IFS=: read -r file line name; do
		n=$((n + 1))
		grep -qE "^\.It (.* )?Fl -$name( |$)" "$page" || complain "$file:$line: --$name is not in $page"
	done < <(grep -noE '\.name = "[a-z-]+"' cli/*.c | sed -E 's/\.name = "([a-z-]+)"/\1/')
	found "$n" "options in cli/"
}

# The words of a list, each once, in order.
sorted() { printf '%s\n' "$1" | tr ' ' '\n' | sed '/^$/d' | sort -u | paste -sd ' '; }

check_form
check_references
check_keys common/conf_server.c man/litevpn-server.yml.5 etc/server.yml
check_keys common/conf_client.c man/litevpn-client.yml.5 etc/client.yml
check_reasons
check_counters
check_metrics
check_daemon_options
check_methods
check_commands
exit "$bad"
