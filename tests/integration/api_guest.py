#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Clients of the API that ask for too much, and one that measures how the others fare meanwhile.

api_guest.py COMMAND ...
  crowd HOST PORT N        N connections that say nothing; prints how many are let in, then keeps
                           them until its standard input ends
  silent HOST PORT CA      connections that stop before and after the TLS handshake; prints after
                           how many seconds each is closed
  unread HOST PORT CA N    N calls over one connection that takes no answer; prints how they end
  oversize HOST PORT CA    a request larger than what is read; prints the status
  stalled SOCKET N SECONDS N calls that need ipamd, health checks beside them; prints how they end
"""

import socket
import ssl
import struct
import sys
import time

import grpc

HEALTH = "/grpc.health.v1.Health/Check"
GET_NODE = "/litevpn.v1.Node/GetNode"


def is_open(s):
    """Nothing to read yet is open; an end or a reset is not."""
    try:
        return s.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def crowd(host, port, n):
    sockets = [socket.create_connection((host, int(port)), timeout=5) for _ in range(int(n))]
    for s in sockets:
        s.setblocking(False)
    before, count = -1, len(sockets)
    while before != count:  # until no more are turned away
        before = count
        time.sleep(0.5)
        count = sum(is_open(s) for s in sockets)
    print("in %d" % count, flush=True)
    sys.stdin.read()


def tls(host, port, ca):
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols(["h2"])
    return context.wrap_socket(socket.create_connection((host, int(port)), timeout=20),
                               server_hostname=host)


def silent(host, port, ca):
    begin = time.monotonic()
    for name, s in (("plain", socket.create_connection((host, int(port)), timeout=20)),
                    ("tls", tls(host, port, ca))):
        while True:  # the server may say what it has to say of itself
            try:
                if not s.recv(4096):
                    break
            except OSError as error:
                if isinstance(error, TimeoutError):
                    sys.exit("%s is never closed" % name)
                break
        print("%s %.0f" % (name, time.monotonic() - begin), flush=True)


# --- HTTP/2 by hand: a client library would always read ---------------------------------------------

DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
INITIAL_WINDOW_SIZE = 4


def frame(kind, flags, stream, body=b""):
    return struct.pack(">I", len(body))[1:] + struct.pack(">BBI", kind, flags, stream) + body


def literal(name, value):
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def exactly(s, n):
    out = b""
    while len(out) < n:
        part = s.recv(n - len(out))
        if not part:
            raise EOFError
        out += part
    return out


def read_frame(s):
    head = exactly(s, 9)
    length = int.from_bytes(head[:3], "big")
    return head[3], int.from_bytes(head[5:9], "big"), exactly(s, length)


def unread(host, port, ca, n):
    s = tls(host, port, ca)
    headers = b"".join(literal(k, v) for k, v in (
        (b":method", b"POST"), (b":scheme", b"https"), (b":path", HEALTH.encode()),
        (b":authority", host.encode()), (b"content-type", b"application/grpc"),
        (b"te", b"trailers")))
    s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
              frame(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, 0)))
    for i in range(int(n)):
        s.sendall(frame(HEADERS, 4, 2 * i + 1, headers) + frame(DATA, 1, 2 * i + 1, b"\0" * 5))
    reset = 0
    while reset < int(n):
        kind, _, _ = read_frame(s)
        reset += kind == RST_STREAM
        if kind == DATA:
            sys.exit("an answer went out without a window")
    print("reset %d" % reset)


# --- gRPC ---------------------------------------------------------------------------------------------

def oversize(host, port, ca):
    with open(ca, "rb") as f:
        channel = grpc.secure_channel("%s:%s" % (host, port), grpc.ssl_channel_credentials(f.read()))
    try:
        channel.unary_unary(HEALTH)(b"\0" * 300000, timeout=5)
        print("OK")
    except grpc.RpcError as error:
        print(error.code().name)


def stalled(path, n, seconds):
    own = [("grpc.use_local_subchannel_pool", 1)]  # else all channels share one connection
    checking, *asking = (grpc.insecure_channel("unix:" + path, own) for _ in range(5))
    name = b"nodes/n-000000000000"
    calls = [asking[i % len(asking)].unary_unary(GET_NODE).future(
        bytes([10, len(name)]) + name, timeout=float(seconds)) for i in range(int(n))]
    worst = 0
    while not all(c.done() for c in calls):
        start = time.monotonic()
        checking.unary_unary(HEALTH)(b"", timeout=5)
        worst = max(worst, time.monotonic() - start)
        time.sleep(0.01)
    ends = {}
    for c in calls:
        details = b"".join(v for k, v in c.trailing_metadata() or () if k == "grpc-status-details-bin")
        end = c.code().name + (" RetryInfo" if b"google.rpc.RetryInfo" in details else "")
        ends[end] = ends.get(end, 0) + 1
    for end, count in sorted(ends.items()):
        print("%d %s" % (count, end))
    print("the slowest health check took %.0f ms" % (worst * 1000))
    sys.exit(0 if worst < 0.5 else 1)


if __name__ == "__main__":
    {f.__name__: f for f in (crowd, silent, unread, oversize, stalled)}[sys.argv[1]](*sys.argv[2:])
