#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the page of metrics as a program of this machine does, and as one should not.

metrics.py ADDRESS PORT text | value NAME{LABELS} | hostile | refused
"""

import socket
import sys
import time

ADDRESS = (sys.argv[1], int(sys.argv[2]))
PLACES = 8  # HTTP_PLACES of daemons/ctld/http.h
DEADLINE = 5  # HTTP_DEADLINE_MS


def connect():
    return socket.create_connection(ADDRESS, timeout=10)


def rest(sock):
    """What comes until the end; the end may be a reset."""
    out = b""
    try:
        while part := sock.recv(65536):
            out += part
    except ConnectionError:
        pass
    return out


def ask(request):
    with connect() as sock:
        try:
            sock.sendall(request)
        except ConnectionError:
            pass
        return rest(sock)


def status(answer):
    return int(answer.split(b" ", 2)[1]) if answer else 0


def page():
    answer = ask(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    if status(answer) != 200:
        sys.exit(f"no page: {answer[:200]}")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    if int(fields[b"content-length"]) != len(body):
        sys.exit("the length is wrong")
    if not fields[b"content-type"].startswith(b"text/plain; version=0.0.4"):
        sys.exit("the type is wrong")
    return body.decode()


def value(name):
    for line in page().splitlines():
        if line.rpartition(" ")[0] == name:
            return line.rpartition(" ")[2]
    return "none"


REQUESTS = [
    (b"GET / HTTP/1.1\r\n\r\n", 404),
    (b"GET /metrics/x HTTP/1.1\r\n\r\n", 404),
    (b"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 405),
    (b"GET /metrics?x=y HTTP/1.0\r\n\r\n", 200),
    (b"GET /metrics HTTP/1.1\nHost: x\n\n", 200),
    (b"GET /metrics\r\n\r\n", 400),
    (b"GET /metrics HTTP/2\r\n\r\n", 400),
    (b"\r\n\r\n", 400),
    (b"GET /metrics\0 HTTP/1.1\r\n", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), 400),
    (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 8192, 431),
]


def expect(what, want, got):
    if want != got:
        sys.exit(f"{what}: {got}, but should be {want}")


def hostile():
    for request, want in REQUESTS:
        expect(request[:40], want, status(ask(request)))
    # Half a request, byte by byte, and a reader that does not read: both end by themselves.
    begin = time.monotonic()
    with connect() as slow, connect() as deaf:
        slow.sendall(b"GET /metr")
        deaf.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        expect("another one", 200, status(ask(REQUESTS[3][0])))
        expect("half a request", b"", rest(slow))
        if time.monotonic() - begin > DEADLINE + 3:
            sys.exit("half a request holds its place for too long")
    # All places taken: the oldest goes.
    held = [connect() for _ in range(3 * PLACES)]
    expect("with all places taken", 200, status(ask(REQUESTS[3][0])))
    expect("the oldest", b"", rest(held[0]))
    for sock in held:
        sock.close()


def refused():
    try:
        connect().close()
    except ConnectionRefusedError:
        return
    sys.exit("somebody listens")


match sys.argv[3]:
    case "text":
        sys.stdout.write(page())
    case "value":
        print(value(sys.argv[4]))
    case "hostile":
        hostile()
    case "refused":
        refused()
