#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A TCP connection that carries so many bytes, under a congestion control of choice.

    stream.py take ADDRESS PORT            one connection; prints how much came and its SHA-256
    stream.py give ADDRESS PORT BYTES CC   prints the same of what was sent
"""
import hashlib
import random
import socket
import sys

PIECE = 1 << 16


def take(address, port):
    listener = socket.create_server((address, port))
    print("ready", flush=True)
    sock, _ = listener.accept()
    digest, total = hashlib.sha256(), 0
    while piece := sock.recv(PIECE):
        digest.update(piece)
        total += len(piece)
    print(total, digest.hexdigest())


def give(address, port, size, control):
    sock = socket.socket()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, control.encode())
    sock.connect((address, port))
    digest, piece = hashlib.sha256(), random.Random(size).randbytes(PIECE)
    for begin in range(0, size, PIECE):
        part = piece[:size - begin]
        digest.update(part)
        sock.sendall(part)
    sock.shutdown(socket.SHUT_WR)
    sock.recv(1)
    print(size, digest.hexdigest())


if sys.argv[1] == "take":
    take(sys.argv[2], int(sys.argv[3]))
else:
    give(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
