#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What an administrator wants of the server itself: a configuration is checked, the daemons reload, log
# more for a while, and hand out a backup while they run, which can be restored.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a
server_up
SOCKET=$LAB/run/admin/ctld.sock
api_client s
client() { api --unix "$SOCKET" "$@"; }
server() { client call "litevpn.v1.Server/$1" "${2:-{\}}"; }
# has TEXT: somewhere in the last answer.
has() { grep -qF "$1" "$LAB/answer" || fail "no $1 in $(cat "$LAB/answer")"; }
ask() { server "$@" >"$LAB/answer" 2>&1; }
# In one line of JSON.
quote() { "$PYTHON" -c 'import json,sys; print(json.dumps({"text": sys.argv[1]}))' "$1"; }
lines() { wc -l <"$LAB/$1/log"; }

say "a configuration is checked: every mistake with its place, or what would change"
ask CheckConfig "$(quote $'mtu: 12\nporrt: 1\nlog: {level: loud}\n')"
has '"mistakeCount": 3'
has '"line": 2'
has 'did you mean'
has '"column": 14'
ask CheckConfig "$(quote "$(cat "$LAB/ctld/server.yml"; echo 'keepalive: 20s')")"
has '"mistakeCount": 0'
has '"key": "keepalive"'
has RESTART
[ "$(grep -c '"key"' "$LAB/answer")" = 1 ] || fail "more than keepalive has changed"
ask CheckConfig "$(quote "$(cat "$LAB/ctld/server.yml")")"
grep -q '"key"' "$LAB/answer" && fail "its own file is another one: $(cat "$LAB/answer")"
ask CheckConfig "$("$PYTHON" -c 'print("{\"text\": \"" + "#" * 70000 + "\"}")')" &&
	fail "70,000 bytes are taken"
has FIELD_INVALID

say "what can be called here, by whom"
ask GetServerInfo
has '"litevpn.v1.Server/BackupDatabase"'
has '"litevpn.v1.Node/WatchNodes"'

say "levels of the log, for a while and back"
for name in ctld ipamd tunneld; do
	grep -q ' debug ' "$LAB/$name/log" || fail "$name does not log debug"
done
ask SetLogLevel '{"level": "LOG_LEVEL_WARN"}'
[ "$(grep -c '"done": true' "$LAB/answer")" = 3 ] || fail "$(cat "$LAB/answer")"
ask SetLogLevel '{"level": "LOG_LEVEL_WARN", "components": ["ipamd"], "duration": "1s"}'
before=$(lines tunneld)
wait_for 5 logged ipamd 'notice log_level_restored level=4'
[ "$(lines tunneld)" = "$before" ] || fail "tunneld logs as before"
# cli STATUS ARGS...: the administrator's command ends so; what it says is the answer.
cli() {
	local want=$1 status=0
	shift
	ctl "$@" >"$LAB/answer" 2>&1 || status=$?
	[ "$status" = "$want" ] || fail "litevpnctl $*: status $status: $(cat "$LAB/answer")"
}
cli 0 server log-level info
grep -qE '^ipamd: +done$' "$LAB/answer" || fail "$(cat "$LAB/answer")"
cli 2 server log-level loud
daemon_stop tunneld
cli 1 server log-level debug
grep -qE '^tunneld: +failed: .*tunneld' "$LAB/answer" || fail "$(cat "$LAB/answer")"
grep -qE '^ctld: +done$' "$LAB/answer" || fail "$(cat "$LAB/answer")"
cli 1 -o json server log-level debug
has '"done": false'
cli 0 server log-level debug --component ipamd
start_tunneld
ask SetLogLevel '{"reset": true}'
for bad in '{}' '{"level": "LOG_LEVEL_INFO", "reset": true}' \
	'{"level": "LOG_LEVEL_INFO", "components": ["cron"]}' \
	'{"level": "LOG_LEVEL_INFO", "duration": "700000s"}'; do
	ask SetLogLevel "$bad" && fail "$bad is accepted"
	has FIELD_INVALID
done

say "the daemons reload; a file with mistakes changes nothing"
sed -i 's/level: debug/level: notice/' "$LAB"/*/server.yml
ask Reload '{"validateOnly": true}'
has '"key": "log.level"'
has AT_ONCE
grep -q '"component"' "$LAB/answer" && fail "something was done"
ask Reload
[ "$(grep -c '"done": true' "$LAB/answer")" = 3 ] || fail "$(cat "$LAB/answer")"
for name in ctld ipamd tunneld; do
	logged "$name" 'notice reloaded' || fail "$name has not reloaded"
done
sed -i 's/level: notice/level: debug/' "$LAB"/*/server.yml
echo 'mtu: nonsense' >>"$LAB/tunneld/server.yml"
ask Reload
[ "$(grep -c '"done": true' "$LAB/answer")" = 2 ] || fail "$(cat "$LAB/answer")"
has 'tunneld/server.yml'
cli 1 server reload
grep -qE '^tunneld: +failed: .*tunneld/server.yml:[0-9]+:[0-9]+: mtu' "$LAB/answer" || fail "$(cat "$LAB/answer")"
grep -qE '^ipamd: +done$' "$LAB/answer" || fail "$(cat "$LAB/answer")"
echo 'mtu: nonsense' >>"$LAB/ctld/server.yml"
ask Reload && fail "it is accepted"
has CONFIG_INVALID
cli 1 server reload
has CONFIG_INVALID
sed -i '/nonsense/d' "$LAB"/*/server.yml
ask Reload

say "a backup while it runs, with what was committed before"
node_conf a
node_enroll a
on s "$PYTHON" "$TOP/tests/integration/api_backup.py" "$SOCKET" "$LAB/backup.db" 20
"$BUILD/ipamd" -c "$LAB/ipamd/server.yml" --check "$LAB/backup.db"
id=$(node_id a)
[ -n "$id" ] || fail "no node"
[ -e "$LAB/state/ipamd/litevpn.db.hotcopy" ] && fail "the copy is still there"
for role in viewer operator; do
	"$BUILD/litevpnctl" pki issue grpc --dir "$LAB/pki" --role "$role" --out "$LAB/$role" >/dev/null
	api --host "$SERVER_IP" --ca "$LAB/pki/grpc/ca.pem" \
		--cert "$LAB/$role/client.pem" --key "$LAB/$role/client-key.pem" \
		call litevpn.v1.Server/BackupDatabase >"$LAB/answer" 2>&1 && fail "$role gets it"
	has ROLE_REQUIRED
done
logged ctld 'audit method=/litevpn.v1.Server/BackupDatabase result=OK' || fail "it is not in the record"
logged ctld 'audit method=/litevpn.v1.Server/SetLogLevel result=OK' || fail "the level is not"

say "and restored, after the node was deleted"
ctl node delete "$id"
daemon_stop ipamd
run "$BUILD/ipamd" -c "$LAB/ipamd/server.yml" --restore "$LAB/backup.db"
start_ipamd
wait_for 5 node_is a NEVER

say "with ipamd away"
daemon_stop ipamd
ask BackupDatabase && fail "there is a backup"
has IPAM_DOWN
ask Reload
[ "$(grep -c '"done": true' "$LAB/answer")" = 2 ] || fail "$(cat "$LAB/answer")"
start_ipamd
