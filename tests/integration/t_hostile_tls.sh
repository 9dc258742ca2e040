#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Strangers, and a node with a valid certificate, that break off the control connection at every
# moment, or talk nonsense: the server's engine lives, and a ping beside it loses nothing.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

"$PYTHON" -c 'import OpenSSL' 2>/dev/null || skip "needs python3-openssl"
lab_up a h
server_up
node_up a
node_conf h
node_enroll h
mkdir "$LAB/pb"
protoc -I"$TOP/proto" --python_out="$LAB/pb" tunnel.proto
ROUNDS=${LV_SOAK:+500}
ROUNDS=${ROUNDS:-12}
engine() { pgrep -P "$(pgrep -P "$(daemon_pid tunneld)")"; }
before=$(engine)
ping_start a 10.1.1.1
run on h "$PYTHON" "$TOP/tests/integration/hostile_tls.py" "$SERVER_IP" 6441 "$LAB/h/vpn" "$LAB/pb" \
	"$ROUNDS"
ping_stop
[ "$(engine)" = "$before" ] || fail "the engine is another one: $(engine), was $before"

say "rubbish on the UDP port is answered by nothing"
on h "$PYTHON" - "$SERVER_IP" <<'EOT'
import os, random, socket, struct, sys
random.seed(7)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], 6441))
for n in range(3000):
    s.send(os.urandom(random.randrange(0, 1400)))
s.settimeout(0.5)
try:
    s.recv(1)
except socket.timeout:
    sys.exit(0)
sys.exit("answered")
EOT
pings a 10.1.1.1 5
start_node h
wait_for 10 node_connected h
