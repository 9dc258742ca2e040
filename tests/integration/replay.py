#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Catches ten ESP datagrams on their way to the server and sends each again: as it was, with a bit
flipped, and with another SPI. From the same outer addresses, by a packet socket on the switch.

usage: replay.py INTERFACE SERVER PORT
"""
import socket
import struct
import sys

ETH_P_IP = 0x0800
COUNT = 10


def udp_checksum_off(frame, payload):
    """The frame with another payload of the same length; an IPv4 UDP checksum may be zero."""
    head = bytearray(frame[: len(frame) - len(payload)])
    head[-2:] = b"\0\0"
    return bytes(head) + payload


def main():
    interface, server, port = sys.argv[1], socket.inet_aton(sys.argv[2]), int(sys.argv[3])
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # ETH_P_ALL
    sock.bind((interface, 0))
    sock.settimeout(10)
    print("listening", flush=True)
    caught = []
    while len(caught) < COUNT:
        frame = sock.recv(65536)
        if len(frame) < 42 or struct.unpack("!H", frame[12:14])[0] != ETH_P_IP or frame[23] != 17:
            continue
        length = struct.unpack("!H", frame[16:18])[0]
        frame = frame[: 14 + length]
        if frame[30:34] == server and struct.unpack("!H", frame[36:38])[0] == port:
            caught.append(frame)
    for frame in caught:
        payload = frame[42:]
        flipped = bytearray(payload)
        # The sequence number moves on, or the window would refuse it before the cipher does.
        flipped[4:8] = struct.pack("!I", struct.unpack("!I", payload[4:8])[0] + 100000)
        flipped[20] ^= 1
        other = bytes([payload[0] ^ 0x40]) + payload[1:]
        for again in (payload, bytes(flipped), other):
            sock.send(udp_checksum_off(frame, again))
    print("sent", 3 * len(caught))


main()
