#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A node that is not ours: does the real TLS handshake (python3-openssl), derives the ESP keys by
the exporter of RFC 8446 itself, and speaks ESP in UDP through scapy's IPsec layer, or has the kernel
do it (ip xfrm). Shows that tunneld's format is the published one, in both directions.

usage: esp_peer.py [--kernel] --server IP --port N --dir DIR --token FILE --cipher NAME --pb DIR
"""
import argparse
import select
import socket
import struct
import subprocess
import sys
import time

from OpenSSL import SSL
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.ipsec import ESP, SecurityAssociation, _ESPPlain

CIPHERS = {"aes-256-gcm": (1, "AES-GCM"), "chacha20-poly1305": (2, "CHACHA20-POLY1305")}
LABEL = b"EXPORTER-litevpn-esp"
NODE_TO_SERVER, SERVER_TO_NODE = 0, 1
NEXT_IPV4, NEXT_NONE = 4, 59
OUR_SPI = 0x12345678
CONTROL, DATA = 1, 2
DEADLINE = 15


class Control:
    """The control stream: frames over TLS."""

    def __init__(self, args, pb):
        ctx = SSL.Context(SSL.TLS_CLIENT_METHOD)
        ctx.set_min_proto_version(SSL.TLS1_3_VERSION)
        ctx.use_certificate_chain_file(args.dir + "/client.pem")
        ctx.use_privatekey_file(args.dir + "/client-key.pem")
        ctx.load_verify_locations(args.dir + "/ca.pem")
        ctx.set_verify(SSL.VERIFY_PEER, lambda conn, cert, err, depth, ok: ok)
        ctx.set_alpn_protos([b"litevpn/1"])
        self.pb = pb
        self.sock = socket.create_connection((args.server, args.port), timeout=DEADLINE)
        self.sock.settimeout(None)
        self.tls = SSL.Connection(ctx, self.sock)
        self.tls.set_connect_state()
        self.tls.do_handshake()
        self.have = b""

    def send(self, message):
        body = message.SerializeToString()
        self.tls.sendall(struct.pack("!BBH", CONTROL, 0, len(body)) + body)

    def receive(self):
        while True:
            if len(self.have) >= 4:
                kind, _, length = struct.unpack("!BBH", self.have[:4])
                if len(self.have) >= 4 + length:
                    body, self.have = self.have[4:4 + length], self.have[4 + length:]
                    return kind, body
            self.have += self.tls.recv(65536)

    def key(self, direction, cipher, spi):
        context = struct.pack("!BBI", direction, cipher, spi)
        return self.tls.export_keying_material(LABEL, 36, context)


class Esp:
    """One session's two SAs by scapy. crypt_key is key and salt; ESN on, its high half zero here."""

    def __init__(self, name, key_out, spi_out, key_in, spi_in, local, remote):
        def sa(spi, key, src, dst):
            return SecurityAssociation(
                ESP, spi=spi, crypt_algo=name, crypt_key=key, esn_en=True, esn=0,
                tunnel_header=IP(src=src, dst=dst), nat_t_header=UDP(sport=4500, dport=4500))
        self.out = sa(spi_out, key_out, local, remote)
        self.inn = sa(spi_in, key_in, remote, local)
        self.seq = 0
        self.window = set()

    def seal(self, data, next_header):
        self.seq += 1
        plain = _ESPPlain(spi=self.out.spi, seq=self.seq, data=bytes(data), nh=next_header,
                          iv=struct.pack("!Q", 0xABCD0000 + self.seq))  # any IV is right
        plain = self.out.crypt_algo.pad(plain)
        esp = self.out.crypt_algo.encrypt(self.out, plain, self.out.crypt_key, esn_en=True, esn=0)
        return bytes(esp)

    def open(self, datagram):
        """Next header and inner bytes; raises when it is not authentic."""
        esp = ESP(datagram)
        if esp.spi != self.inn.spi:
            raise ValueError("SPI %#x is not ours" % esp.spi)
        if esp.seq in self.window or esp.seq == 0:
            raise ValueError("sequence number %d comes twice" % esp.seq)
        self.window.add(esp.seq)
        plain = self.inn.crypt_algo.decrypt(self.inn, esp, self.inn.crypt_key, esn_en=True, esn=0)
        return plain.nh, plain.data


def ping(address, server, number):
    return IP(src=address, dst=server) / ICMP(id=77, seq=number) / b"from another implementation"


def is_reply(packet, address, server, number):
    ip = IP(packet)
    return (ip.src == server and ip.dst == address and ICMP in ip and ip[ICMP].type == 0
            and ip[ICMP].id == 77 and ip[ICMP].seq == number)


def handshake(args, pb, cipher):
    control = Control(args, pb)
    hello = pb.Control()
    hello.hello.node_token = open(args.token).read().strip()
    hello.hello.ciphers.append(cipher)
    hello.hello.workers = 1
    hello.hello.receive_spis.append(OUR_SPI)
    hello.hello.version = "not ours"
    control.send(hello)
    kind, body = control.receive()
    answer = pb.Control.FromString(body)
    if kind != CONTROL or answer.WhichOneof("body") != "welcome":
        raise SystemExit("no Welcome but %s" % answer)
    keepalive = pb.Control()
    keepalive.keepalive.SetInParent()
    control.send(keepalive)
    return control, answer.welcome


def talk_by_scapy(args, control, welcome, cipher, name):
    """Pings over ESP; answers tunneld's echoes, so that it takes UDP; counts what came which way."""
    spi_out = welcome.receive_spis[0]
    address = welcome.address.split("/")[0]
    local = control.sock.getsockname()[0]
    esp = Esp(name, control.key(NODE_TO_SERVER, cipher, spi_out), spi_out,
              control.key(SERVER_TO_NODE, cipher, OUR_SPI), OUR_SPI, local, args.server)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.connect((args.server, args.port))
    echoes, replies, number, begin, sent = 0, 0, 0, time.monotonic(), 0.0
    while replies < 5:
        if time.monotonic() - begin > DEADLINE:
            raise SystemExit("only %d echoes and %d replies over ESP" % (echoes, replies))
        if time.monotonic() - sent > 0.2:
            number += 1
            udp.send(esp.seal(bytes(ping(address, welcome.server_address, number)), NEXT_IPV4))
            sent = time.monotonic()
        ready, _, _ = select.select([udp], [], [], 0.1)
        if not ready:
            continue
        next_header, data = esp.open(udp.recv(65536))
        if next_header == NEXT_NONE and data[0] == 0:
            echoes += 1
            udp.send(esp.seal(b"\1" + data[1:], NEXT_NONE))
        elif next_header == NEXT_IPV4 and is_reply(data, address, welcome.server_address, number):
            replies += 1
            sent = 0.0
    if echoes == 0:
        raise SystemExit("tunneld has asked no echo")
    print("%s: %d echoes answered, %d pings answered over ESP" % (name, echoes, replies))


def xfrm(*words):
    subprocess.run(["ip", "xfrm", *words], check=True)


def talk_by_kernel(args, control, welcome, cipher, name):
    """The same with the kernel's ESP: states and policies, encapsulated in UDP."""
    algo = {"AES-GCM": "rfc4106(gcm(aes))",
            "CHACHA20-POLY1305": "rfc7539esp(chacha20,poly1305)"}[name]
    spi_out = welcome.receive_spis[0]
    address = welcome.address.split("/")[0]
    local = control.sock.getsockname()[0]
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((local, 0))
    udp.setsockopt(socket.IPPROTO_UDP, 100, 2)  # UDP_ENCAP, UDP_ENCAP_ESPINUDP
    port = udp.getsockname()[1]
    ends = [(local, args.server, spi_out, control.key(NODE_TO_SERVER, cipher, spi_out), port,
             args.port, "out", address, welcome.server_address),
            (args.server, local, OUR_SPI, control.key(SERVER_TO_NODE, cipher, OUR_SPI), args.port,
             port, "in", welcome.server_address, address)]
    for src, dst, spi, key, sport, dport, direction, inner_src, inner_dst in ends:
        xfrm("state", "add", "src", src, "dst", dst, "proto", "esp", "spi", hex(spi), "mode",
             "tunnel", "replay-window", "64", "flag", "esn", "aead", algo, "0x" + key.hex(), "128",
             "encap", "espinudp", str(sport), str(dport), "0.0.0.0")
        xfrm("policy", "add", "src", inner_src, "dst", inner_dst, "dir", direction, "tmpl", "src",
             src, "dst", dst, "proto", "esp", "mode", "tunnel")
    subprocess.run(["ip", "addr", "add", address + "/32", "dev", "lo"], check=True)
    subprocess.run(["ip", "route", "add", welcome.server_address, "dev", "eth0", "src", address],
                   check=True)
    # tunneld's answers come inside of TLS until its echo is answered, which the kernel cannot do:
    # so what counts is that the kernel's packets are accepted.
    subprocess.run(["ping", "-c", "3", "-W", "1", "-I", address, welcome.server_address],
                   check=False)
    got, begin = 0, time.monotonic()
    while got < 3 and time.monotonic() - begin < DEADLINE:
        kind, body = control.receive()
        if kind == DATA and IP(body)[ICMP].type == 0:
            got += 1
    if got < 3:
        raise SystemExit("only %d of the kernel's pings were answered" % got)
    print("%s: %d pings of the kernel's ESP accepted" % (name, got))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kernel", action="store_true")
    for option in ("server", "dir", "token", "cipher", "pb"):
        parser.add_argument("--" + option, required=True)
    parser.add_argument("--port", type=int, required=True)
    args = parser.parse_args()
    sys.path.insert(0, args.pb)
    import tunnel_pb2 as pb  # made by protoc for this run
    cipher, name = CIPHERS[args.cipher]
    control, welcome = handshake(args, pb, cipher)
    if welcome.cipher != cipher:
        raise SystemExit("the server chose another cipher")
    talk = talk_by_kernel if args.kernel else talk_by_scapy
    talk(args, control, welcome, cipher, name)


main()
