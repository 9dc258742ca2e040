#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Datagrams of a live session sent a second time, and damaged ones, are dropped and counted; none is
# answered; the session does not notice.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

lab_up a
server_up
node_up a
wait_for 5 node_uses a UDP
replayed=$(drops esp_replayed)
damaged=$(drops esp_auth_failed)
unknown=$(drops esp_spi_unknown)

on n "$PYTHON" "$TOP/tests/integration/replay.py" vs "$SERVER_IP" 6441 >"$LAB/replay.log" 2>&1 &
sniffer=$!
sniffing() { grep -q listening "$LAB/replay.log"; }
wait_for 10 sniffing
pings a 10.1.1.1 20
wait "$sniffer" || fail "$(cat "$LAB/replay.log")"
cat "$LAB/replay.log"
wait_for 3 rises esp_replayed "$((replayed + 9))"
wait_for 3 rises esp_auth_failed "$((damaged + 9))"
wait_for 3 rises esp_spi_unknown "$((unknown + 9))"
pings a 10.1.1.1 5
node_uses a UDP || fail "the session has left UDP"
