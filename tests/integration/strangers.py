#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Opens connections and says nothing: the server takes LIMIT of them from this address, no more, and
ends them by itself. Prints "full" when it has found the limit, waits for a line, and prints "ended"
when the last of them is.

usage: strangers.py SERVER PORT LIMIT SECONDS
"""
import socket
import sys
import time


def ended(sock, seconds):
    sock.settimeout(max(seconds, 0.001))
    try:
        return sock.recv(1) == b""
    except socket.timeout:
        return False
    except ConnectionError:
        return True


def main():
    server, port, limit, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    begin = time.monotonic()
    taken = [socket.create_connection((server, port), timeout=5) for _ in range(limit)]
    if not ended(socket.create_connection((server, port), timeout=5), 2):
        sys.exit(f"connection {limit + 1} was taken")
    if any(ended(s, 0) for s in taken):
        sys.exit(f"one of the first {limit} was not taken")
    print("full", flush=True)
    sys.stdin.readline()
    for s in taken:
        if not ended(s, begin + seconds - time.monotonic()):
            sys.exit(f"a silent connection is still there after {seconds} s")
    if ended(socket.create_connection((server, port), timeout=5), 1):
        sys.exit("there is no room although all have ended")
    print("ended")


main()
