# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The contenders of tunnel.sh. Each has NAME_up, which sets SERVER_IN, A_IN, B_IN (the addresses to
# measure between) and SERVER_PID (whose processor time counts), and NAME_down.

# --- no tunnel at all -----------------------------------------------------------------------------

raw_up() {
	SERVER_IN=$SERVER_IP A_IN=192.0.2.11 B_IN=192.0.2.12 SERVER_PID=""
}
raw_down() { :; }

# --- litevpn --------------------------------------------------------------------------------------

litevpn_start() {
	local node
	start_ipamd
	start_tunneld
	start_ctld
	for node in a b; do
		node_up "$node" "$@"
	done
	SERVER_IN=10.1.1.1 A_IN=$(node_addr a) B_IN=$(node_addr b) SERVER_PID=${LAB_PID[tunneld]}
}

litevpn_down() {
	local name
	for name in b a ctld tunneld ipamd; do
		daemon_stop "$name"
	done
}

litevpn_up() {
	litevpn_start
	wait_for 10 node_uses a UDP
	wait_for 10 node_uses b UDP
}

# So many workers at both ends.
workers_up() {
	echo "workers: $1" >>"$LAB/server.yml"
	litevpn_start "workers: $1"
	wait_for 10 node_uses a UDP
	wait_for 10 node_uses b UDP
}
one_up() { workers_up 1; }
one_down() { litevpn_down; }
two_up() { workers_up 2; }
two_down() { litevpn_down; }

# What a build without ipsec-mb does.
openssl_up() { TUNNELD=bench/tunneld-openssl litevpn_up; }
openssl_down() { litevpn_down; }

tls_up() { litevpn_start "transport: tls"; }
tls_down() { litevpn_down; }

# The same with a cipher that only copies: what the data path could do at most.
null_up() {
	TUNNELD=bench/tunneld litevpn_up
}
null_down() { litevpn_down; }

# --- OpenVPN --------------------------------------------------------------------------------------

# Certificates with what OpenVPN asks for.
openvpn_pki() {
	local dir=$LAB/openvpn name
	mkdir "$dir"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca \
		-keyout "$dir/ca.key" -out "$dir/ca.pem" 2>/dev/null
	for name in s a b; do
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
			-keyout "$dir/$name.key" -out "$dir/$name.csr" 2>/dev/null
		openssl x509 -req -days 2 -in "$dir/$name.csr" -CA "$dir/ca.pem" \
			-CAkey "$dir/ca.key" -CAcreateserial -out "$dir/$name.pem" 2>/dev/null
	done
}

# openvpn_run NAME OPTIONS...: in the namespace NAME; its pid is in $LAB/openvpn/NAME.pid.
openvpn_run() {
	local name=$1 dir=$LAB/openvpn
	shift
	on "$name" openvpn --daemon --log "$dir/$name.log" --writepid "$dir/$name.pid" --verb 3 \
		--dev "ov-$name" --dev-type tun --topology subnet --ca "$dir/ca.pem" \
		--cert "$dir/$name.pem" --key "$dir/$name.key" --data-ciphers AES-256-GCM \
		--sndbuf 4194304 --rcvbuf 4194304 --disable-dco "$@" ||
		fail "openvpn does not start: $(tail -n 1 "$dir/$name.log" 2>/dev/null)"
}

openvpn_ready() { grep -q 'Initialization Sequence Completed' "$LAB/openvpn/$1.log"; }

# openvpn_start SERVER_PROTOCOL NODE_PROTOCOL
openvpn_start() {
	local node
	openvpn_pki
	openvpn_run s --mode server --tls-server --dh none --port 1194 --proto "$1" \
		--ifconfig 10.8.0.1 255.255.255.0 --ifconfig-pool 10.8.0.10 10.8.0.20 255.255.255.0 \
		--push "topology subnet" --client-to-client --keepalive 10 60
	wait_for 10 openvpn_ready s
	for node in a b; do
		openvpn_run "$node" --client --remote "$SERVER_IP" 1194 --proto "$2" --nobind
		wait_for 15 openvpn_ready "$node"
	done
	SERVER_IN=10.8.0.1 SERVER_PID=$(cat "$LAB/openvpn/s.pid")
	A_IN=$(inner_of a ov-a) B_IN=$(inner_of b ov-b)
}

openvpn_up() { openvpn_start udp udp; }
openvpn_down() {
	local name pid
	for name in b a s; do
		pid=$(cat "$LAB/openvpn/$name.pid")
		kill "$pid"
		gone_within 10 "$pid" || fail "openvpn does not stop"
	done
}

openvpntcp_up() { openvpn_start tcp-server tcp-client; }
openvpntcp_down() { openvpn_down; }

inner_of() { ip -n "$(ns_of "$1")" -4 -o addr show dev "$2" | sed -E 's,.* inet ([0-9.]+)/.*,\1,'; }

# --- wireguard-go ---------------------------------------------------------------------------------

# The one of bookworm-backports has the offloads. It is unpacked beside the other results; where
# that suite is not to be had, Debian's own is taken.
wireguard_fetch() {
	local dir=$BACKPORTS
	[ ! -x "$dir/usr/bin/wireguard-go" ] || return 0
	rm -rf "$dir"
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	echo "deb http://deb.debian.org/debian bookworm-backports main" >"$dir/sources.list"
	(
		cd "$dir"
		apt=(apt-get -qq -o "Dir::Etc::sourcelist=$dir/sources.list"
			-o Dir::Etc::sourceparts=- -o "Dir::State::lists=$dir/lists"
			-o "Dir::Cache=$dir/cache" -o APT::Sandbox::User=root)
		"${apt[@]}" update && "${apt[@]}" download wireguard-go/bookworm-backports &&
			dpkg-deb -x wireguard-go_*.deb .
	) >"$dir/log" 2>&1 || { tail -n 1 "$dir/log" && echo "Debian's own wireguard-go instead"; } >&2
}

BACKPORTS=$BUILD/bench/backports
wireguard_program() {
	local own=$BACKPORTS/usr/bin/wireguard-go
	if [ -x "$own" ]; then echo "$own"; else command -v wireguard-go; fi
}

# What the rows call it: which version, of which suite.
wireguard_name() {
	if [ -x "$BACKPORTS/usr/bin/wireguard-go" ]; then
		echo "wireguard-go $(dpkg-deb -f "$BACKPORTS"/wireguard-go_*.deb Version) (backports)"
	else
		dpkg-query -W -f='wireguard-go ${Version} (Debian)\n' wireguard-go
	fi
}

# Their sockets stand in one directory, whatever the namespace.
wireguard_device() { echo "wg$1-$$"; }

wireguard_run() {
	local name=$1
	WG_PROCESS_FOREGROUND=1 ip netns exec "$(ns_of "$name")" "$WIREGUARD" -f "$(wireguard_device "$name")" \
		>"$LAB/wireguard/$name.log" 2>&1 &
	WIREGUARD_PID[$name]=$!
	wait_for 5 test -S "/var/run/wireguard/$(wireguard_device "$name").sock"
	(umask 077; wg genkey >"$LAB/wireguard/$name.key")
}

# wireguard_set NAME ADDRESS WG-ARGUMENTS...
wireguard_set() {
	local name=$1 addr=$2
	shift 2
	on "$name" wg set "$(wireguard_device "$name")" private-key "$LAB/wireguard/$name.key" "$@"
	ip -n "$(ns_of "$name")" addr add "$addr/24" dev "$(wireguard_device "$name")"
	ip -n "$(ns_of "$name")" link set "$(wireguard_device "$name")" mtu 1420 up
}

wireguard_public() { wg pubkey <"$LAB/wireguard/$1.key"; }

declare -A WIREGUARD_PID=()
wireguard_up() {
	local name
	wireguard_fetch
	WIREGUARD=$(wireguard_program)
	mkdir "$LAB/wireguard"
	for name in s a b; do
		wireguard_run "$name"
	done
	wireguard_set s 10.9.0.1 listen-port 51820 \
		peer "$(wireguard_public a)" allowed-ips 10.9.0.2/32 \
		peer "$(wireguard_public b)" allowed-ips 10.9.0.3/32
	for name in a b; do
		wireguard_set "$name" "10.9.0.$([ "$name" = a ] && echo 2 || echo 3)" \
			peer "$(wireguard_public s)" endpoint "$SERVER_IP:51820" allowed-ips 10.9.0.0/24
	done
	on s sysctl -qw net.ipv4.ip_forward=1
	SERVER_IN=10.9.0.1 A_IN=10.9.0.2 B_IN=10.9.0.3 SERVER_PID=${WIREGUARD_PID[s]}
	wait_for 5 on a ping -q -c 1 -W 1 "$SERVER_IN"
	wait_for 5 on b ping -q -c 1 -W 1 "$SERVER_IN"
}

wireguard_down() {
	local name
	for name in s a b; do
		kill "${WIREGUARD_PID[$name]}"
		wait "${WIREGUARD_PID[$name]}" || true
	done
}
