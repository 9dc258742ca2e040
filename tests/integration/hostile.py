#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Speaks nng's IPC transport by hand and says what no honest daemon says; each time the other side
must close the pipe, and answer a new one.

usage: hostile.py [--stranger | --ask HEX] SOCKET

--stranger: we are a user whom the listener does not know: it must close at once.
--ask HEX: an honest request, of which nobody learns the outcome.
"""
import os
import select
import socket
import struct
import sys
import time

REQ = 0x30  # the protocol number of a REQ0 socket (SP: "\0SP\0", protocol, reserved)
REP = 0x31


def connect(path):
    """A listener that was hurt by what came before may be away for a moment, not for longer."""
    begin = time.monotonic()
    while True:
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(5)
        try:
            s.connect(path)
            break
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() - begin > 5:
                raise
            select.select([], [], [], 0.05)
    s.sendall(b"\0SP\0" + struct.pack("!HH", REQ, 0))
    return s


def read_exact(s, n):
    data = b""
    while len(data) < n:
        part = s.recv(n - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def hello(s):
    """The listener's own header: says that the pipe was accepted."""
    head = read_exact(s, 8)
    if head[:4] != b"\0SP\0" or struct.unpack("!H", head[4:6])[0] != REP:
        raise SystemExit("not a REP socket: %r" % head)


def message(body, request=0x80000001):
    body = struct.pack("!I", request) + body
    return b"\1" + struct.pack("!Q", len(body)) + body


def item(body):
    """One request of the bundle that a message is."""
    return struct.pack("!II", 0, len(body)) + body


def must_close(s, what):
    try:
        while s.recv(4096):
            pass
    except (ConnectionResetError, BrokenPipeError, EOFError):
        pass
    except socket.timeout:
        raise SystemExit("the pipe stays open after " + what)


def ask(path, body):
    s = connect(path)
    hello(s)
    s.sendall(message(item(body)))
    kind, length = struct.unpack("!BQ", read_exact(s, 9))
    if kind != 1 or not 4 <= length < 65536:
        raise SystemExit("no answer")
    read_exact(s, length)


def main():
    stranger = sys.argv[1] == "--stranger"
    path = sys.argv[-1]
    if sys.argv[1] == "--ask":
        ask(path, bytes.fromhex(sys.argv[2]))
        return
    if stranger:
        s = connect(path)
        try:
            s.sendall(message(b""))
        except (BrokenPipeError, ConnectionResetError):
            pass
        must_close(s, "a stranger's hello")
        return
    bad = {
        "random bytes": os.urandom(200),
        "no request": b"",
        "half a request": item(b"\x0a")[:-1],
        "a length that runs past the end": item(b"\x0a\xff\xff\xff\xff\x0f"),
        "a wrong wire type": item(b"\x0b\x0c"),
        "a tag of zero": item(b"\0" * 16),
        "a deep nest of lengths": item(b"\x0a" * 1000),
    }
    for what, body in bad.items():
        s = connect(path)
        hello(s)
        s.sendall(message(body))
        must_close(s, what)
    s = connect(path)
    hello(s)
    try:
        s.sendall(b"\1" + struct.pack("!Q", 1 << 40))
    except (BrokenPipeError, ConnectionResetError):
        pass
    must_close(s, "a message of a terabyte")
    # A well-formed request without a body is answered with a refusal, not with silence.
    s = connect(path)
    hello(s)
    s.sendall(message(item(b"")))
    kind, length = struct.unpack("!BQ", read_exact(s, 9))
    if kind != 1 or not 4 <= length < 65536:
        raise SystemExit("no answer to an empty request")
    read_exact(s, length)


main()
