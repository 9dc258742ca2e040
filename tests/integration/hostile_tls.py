#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Connects to the tunnel's port again and again and goes away at every possible moment: without TLS,
without ALPN, without a certificate, with one and then silent, rubbish or too much; each time ended
by a reset. The server must go on.

usage: hostile_tls.py SERVER PORT DIR PB ROUNDS
"""
import os
import socket
import struct
import sys

from OpenSSL import SSL


def connect(server, port):
    sock = socket.create_connection((server, port), timeout=5)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # end by a reset
    return sock


def tls(sock, directory, certificate=True, alpn=True):
    ctx = SSL.Context(SSL.TLS_CLIENT_METHOD)
    if certificate:
        ctx.use_certificate_chain_file(directory + "/client.pem")
        ctx.use_privatekey_file(directory + "/client-key.pem")
    if alpn:
        ctx.set_alpn_protos([b"litevpn/1"])
    sock.settimeout(None)
    conn = SSL.Connection(ctx, sock)
    conn.set_connect_state()
    conn.do_handshake()
    return conn


def frame(kind, body):
    return struct.pack("!BBH", kind, 0, len(body)) + body


def main():
    server, port, directory = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    sys.path.insert(0, sys.argv[4])
    import tunnel_pb2 as pb

    hello = pb.Control()
    hello.hello.node_token = "0123456789abcdef"
    hello.hello.ciphers.append(1)
    hello.hello.workers = 1
    hello.hello.receive_spis.append(0x1000)
    unknown = frame(1, hello.SerializeToString())
    hello.hello.receive_spis[0] = 7
    reserved_spi = frame(1, hello.SerializeToString())
    says = {
        "nothing": b"",
        "Hello with an unknown token": unknown,
        "Hello twice": unknown + unknown,
        "Hello with a reserved SPI": reserved_spi,
        "half a frame": unknown[:-3],
        "a frame of 65535 bytes": frame(1, b"\0" * 65535),
        "rubbish in a frame": frame(1, os.urandom(100)),
        "a packet before Hello": frame(2, b"E" * 100),
        "a frame of another type": frame(9, b"?"),
        "rubbish": os.urandom(3000),
    }
    tried = 0
    for _ in range(int(sys.argv[5])):
        sock = connect(server, port)
        sock.send(os.urandom(200))
        sock.close()
        connect(server, port).close()
        for certificate, alpn in ((False, True), (True, False)):
            sock = connect(server, port)
            try:
                conn = tls(sock, directory, certificate, alpn)
                conn.recv(100)
            except (SSL.Error, OSError):
                pass
            else:
                raise SystemExit("let in without certificate or ALPN")
            sock.close()
        for words in says.values():
            sock = connect(server, port)
            conn = tls(sock, directory)
            try:
                if words:
                    conn.send(words)
            except (SSL.Error, OSError):
                pass
            sock.close()
            tried += 1
        # The same, but with its ears open: each is refused or ended, none is left hanging.
        for what, words in says.items():
            if what in ("nothing", "half a frame", "a frame of another type"):
                continue  # the server rightly waits for more
            sock = connect(server, port)
            conn = tls(sock, directory)
            sock.settimeout(5)
            try:
                conn.send(words)
                while conn.recv(4096):
                    pass
            except (SSL.Error, OSError):
                pass
            sock.close()
            tried += 1
    print("%d connections" % tried)


main()
