#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SIGHUP reads the configuration again, also where the daemon was started in the background with a
# relative path, which means nothing any more in the directory that it runs in.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a
server_conf
pki_init

# level FILE LEVEL: of the log.
level() { sed -i "s/level: [a-z]*/level: $2/" "$1"; }

# raises NAME FILE NAMESPACE PROGRAM ARGS...: started with the level `error`, raised to `notice`. The
# notice that it was raised is the first one then.
raises() {
	local name=$1 file=$2 ns=$3 program=$4
	shift 4
	say "$name"
	level "$file" error
	pushd "$(dirname "$file")" >/dev/null
	daemon_start "$name" "$ns" "$program" "$@" -c "$(basename "$file")"
	popd >/dev/null
	logged "$name" ' notice ' && fail "$name does not keep to its log level"
	level "$file" notice
	kill -HUP "$(daemon_pid "$name")"
	wait_for 5 logged "$name" 'notice reloaded'
	tail -n 2 "$LAB/$name/log"
}

raises ipamd "$(server_file ipamd)" s ipamd
raises tunneld "$(server_file tunneld)" s tunneld server
wait_for 5 logged tunneld 'notice identity_renewed'	# the engine's own level was raised too
raises ctld "$(server_file ctld)" s ctld
node_conf a
node_enroll a
raises a "$LAB/a/client.yml" a tunneld node
wait_for 5 logged a 'notice identity_renewed'

say "and they work"
wait_for 10 node_connected a
pings a 10.1.1.1 3
