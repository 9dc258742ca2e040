#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The database as a file: checks, a backup while ipamd runs, a restore, databases of other versions.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

# ipamd STATUS ARGS...: an errand, by root; its words are in $LAB/out.
ipamd() {
	local expected=$1 status=0
	shift
	printf '+ ipamd %s\n' "$*"
	"$BUILD/ipamd" -c "$(server_file ipamd)" -S "$SANDBOX" "$@" >"$LAB/out" 2>&1 || status=$?
	cat "$LAB/out"
	[ "$status" = "$expected" ] || fail "exit status $status instead of $expected"
}
says() { grep -qE "$1" "$LAB/out" || fail "it does not say: $1"; }

# What a database holds, but for what changes all the time.
content() {
	sqlite3 "$1" 'select node_id, token, bind_ip from vpn_mgr order by id'
}

lab_up a
readonly DB=$LAB/state/ipamd/litevpn.db BACKUP=$LAB/backup.db
server_up
node_up a
a=$(node_addr a)

say "a check and a backup while it runs"
ipamd 0 --check
says ': ok$'
ipamd 0 --backup "$BACKUP"
[ "$(stat -c '%a %U' "$BACKUP")" = "600 root" ] || fail "$(stat -c '%a %U' "$BACKUP") is not 600 root"
[ "$(content "$BACKUP")" = "$(content "$DB")" ] || fail "the backup differs"
ipamd 0 --check "$BACKUP"
pings a 10.1.1.1 3

say "nothing is overwritten, and no piece is left"
before=$(sha256sum "$BACKUP")
ipamd 71 --backup "$BACKUP"
says 'exists already'
[ "$(sha256sum "$BACKUP")" = "$before" ] || fail "the backup was changed"
ipamd 71 --backup "$LAB/nowhere/backup.db"
[ "$(find "$LAB" -name '*backup.db*' | wc -l)" = 1 ] || fail "a piece is left"

say "a restore is refused while it runs"
ipamd 71 --restore "$BACKUP"
says 'another ipamd has it open'

say "a restore: what was deleted since is there again, under its address"
ctl node delete "$(node_id a)"
wait_for 10 logged a 'refused.*TOKEN_UNKNOWN'
daemon_stop ipamd
changed=$(content "$DB")
epoch=$(sqlite3 "$DB" "select value from counters where name='boot'")
revision=$(sqlite3 "$DB" 'select max(revision) from events')
ipamd 0 --restore "$BACKUP"
snapshot=$(sed -n 's/^\(.*\): what was there before$/\1/p' "$LAB/out")
[ "$(content "$snapshot")" = "$changed" ] || fail "the snapshot is not what was there"
[ "$(content "$DB")" = "$(content "$BACKUP")" ] || fail "the database is not the backup"
[ "$(stat -c '%a %U' "$DB")" = "600 litevpn-ipamd" ] || fail "$(stat -c '%a %U' "$DB")"
[ "$(sqlite3 "$DB" "select value from counters where name='boot'")" -ge "$epoch" ] ||
	fail "epochs went back"
[ "$(sqlite3 "$DB" 'select min(revision) from events')" -gt $((revision + 1)) ] ||
	fail "revisions went back"
ipamd 0 --check
start_ipamd
wait_for 15 node_connected a
[ "$(node_addr a)" = "$a" ] || fail "a has another address"
pings a 10.1.1.1 3
daemon_stop ipamd

say "a duplicate that somebody has planted is found, and is not restored"
cp "$DB" "$LAB/planted.db"
sqlite3 "$LAB/planted.db" "drop index vpn_mgr_address;
	insert into vpn_mgr(token, state, bind_ip, node_id) values('0123456789abcdef', -1, '$a', 'n-x')"
ipamd 1 --check "$LAB/planted.db"
says "^duplicate-address: network default: $a belongs to 2 nodes: n-.* n-x; delete"
says '^schema: index vpn_mgr_address: is missing'
ipamd 1 --restore "$LAB/planted.db"
says 'serious'
ipamd 0 --check

say "a file that is none"
printf 'this is a letter\n%4096d' 0 >"$LAB/letter"
ipamd 1 --restore "$LAB/letter"
says 'not a database'
ipamd 71 --restore "$LAB/missing"
ipamd 64 --restore
ipamd 0 --check

say "a database that is damaged is not run on, and what to do about it is said"
cp "$DB" "$LAB/good.db"
damage() {	# PAGE, of 4 KiB, the first one is 0
	dd if=/dev/urandom of="$DB" bs=4096 seek="$1" count=1 conv=notrunc status=none
}
for page in 0 1; do
	damage "$page"
	start_ipamd 2>"$LAB/out" && fail "it runs on a damaged database"
	says "$DB.*ipamd --check.*ipamd --restore"
	ipamd 1 --check
	ipamd 0 --restore "$LAB/good.db"
done
ipamd 0 --check

say "a newer schema is refused, with the snapshot that can be restored"
cp "$DB" "$LAB/good.db"
version=$(sqlite3 "$DB" 'pragma user_version')
cp "$DB" "$DB.step$((version + 1))-20310101T000000.000Z"
sqlite3 "$DB" "pragma user_version=$((version + 1))"
start_ipamd 2>"$LAB/out" && fail "it runs on a newer schema"
says "version $((version + 1)), made by a newer ipamd.* $DB.step$((version + 1))-20310101T000000.000Z"
ipamd 0 --restore "$DB.step$((version + 1))-20310101T000000.000Z"
start_ipamd
wait_for 15 node_connected a
daemon_stop ipamd

say "the seed's own database becomes ours, with its nodes, tokens and addresses"
sqlite3 "$LAB/seed.db" <<'SQL'
create table if not exists "vpn_mgr" (
    "id"          integer primary key autoincrement,
    "token"       text not null unique,
    "state"       integer not null,
    "bind_ip"     text not null default "",
    "create_time" timestamp default (datetime(CURRENT_TIMESTAMP, 'localtime')),
    "update_time" timestamp default (datetime(CURRENT_TIMESTAMP, 'localtime'))
);
CREATE TRIGGER if not exists update_time_trigger UPDATE OF id,token,state,bind_ip,create_time ON vpn_mgr
BEGIN
    UPDATE vpn_mgr SET update_time=datetime(CURRENT_TIMESTAMP, 'localtime') WHERE id=OLD.id;
END;
insert into vpn_mgr(token, state, bind_ip) values
    ('00112233445566aa', 3, '10.1.1.42'), ('00112233445566bb', -1, '10.1.1.43'),
    ('00112233445566cc', -1, '');
SQL
ipamd 0 --restore "$LAB/seed.db"
start_ipamd
ctl address usage 2>/dev/null || ctl node list
[ "$(sqlite3 "$DB" "select group_concat(token || '=' || bind_ip) from vpn_mgr where reserved=0")" = \
	00112233445566aa=10.1.1.42,00112233445566bb=10.1.1.43,00112233445566cc= ] ||
	fail "$(sqlite3 "$DB" 'select token, bind_ip from vpn_mgr')"
ctl node list | grep -q 10.1.1.42 || fail "the node with 10.1.1.42 is missing"
daemon_stop ipamd

say "a seed's database that already stands in its place is brought forward, after a snapshot"
rm -f "$DB" "$DB".step* "$DB"-*
install -o litevpn-ipamd -m 600 "$LAB/seed.db" "$DB"
start_ipamd
[ "$(sqlite3 "$DB" "select bind_ip from vpn_mgr where token='00112233445566bb'")" = 10.1.1.43 ] ||
	fail "the address is lost"
[ "$(sqlite3 "$(ls "$DB".step1-*)" 'select count(*) from vpn_mgr')" = 3 ] || fail "no snapshot"
ipamd 0 --check
