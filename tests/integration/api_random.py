#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many threads of random calls: valid and invalid ones, with random deadlines and cancels.

api_random.py SECONDS SEED HOST DIR DESCRIPTORS   DIR has ca.pem, and client.pem with client-key.pem
                                                  for each of admin/ and node/

Fails when the server gives an answer that no request should get, or none at all. Prints how often
each status came.
"""

import collections
import os
import random
import sys
import threading
import time

import grpc
from google.protobuf import descriptor_pb2

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "clients"))
from clients import FileSchema, message_class, read  # noqa: E402

THREADS = 24
CONTROL, BOOTSTRAP = 6440, 6439
NEVER = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS}
FIELD = descriptor_pb2.FieldDescriptorProto
WORDS = ["", "default", "networks/default", "networks/x", "nodes/reserverd", "nodes/n-0", "tokens/0",
         "10.1.1.7", "10.1.1.0", "10.20.0.1/24", "a", "edge-1", "\u00fc", "x" * 70, "0123456789abcdef"]
NUMBERS = [0, 1, 2, 5, 100, 2 ** 31 - 1]


def random_value(dice, field, depth):
    if field.type == FIELD.TYPE_MESSAGE:
        return random_message(dice, field.message_type, depth + 1)
    if field.type == FIELD.TYPE_STRING:
        return dice.choice(WORDS)
    if field.type == FIELD.TYPE_BYTES:
        return dice.randbytes(dice.randrange(40))
    if field.type == FIELD.TYPE_BOOL:
        return dice.random() < 0.5
    if field.type == FIELD.TYPE_ENUM:
        return dice.randrange(4)
    return dice.choice(NUMBERS)


def random_message(dice, descriptor, depth=0):
    message = message_class(descriptor)()
    for field in descriptor.fields:
        if dice.random() < 0.5 or depth > 3:
            continue
        if field.label == FIELD.LABEL_REPEATED:
            if field.message_type is None:
                getattr(message, field.name).append(random_value(dice, field, depth))
        elif field.message_type is not None:
            getattr(message, field.name).CopyFrom(random_value(dice, field, depth))
        else:
            setattr(message, field.name, random_value(dice, field, depth))
    return message


def random_request(dice, descriptor):
    kind = dice.random()
    if kind < 0.05:
        return dice.randbytes(dice.randrange(300))
    if kind < 0.06:
        return bytes(300 * 1024)
    good = random_message(dice, descriptor).SerializeToString()
    if kind < 0.12:
        return good[:dice.randrange(len(good) + 1)]
    return good


class Caller:
    """One thread's random calls."""

    def __init__(self, seed, args, methods, until):
        self.dice = random.Random(seed)
        self.host, self.dir = args
        self.methods, self.until = methods, until
        self.statuses = collections.Counter()
        self.strange = []
        self.channel = None

    def connect(self):
        if self.channel is not None:
            self.channel.close()
        who = self.dice.choice(["admin", "admin", "node", "guest"])
        ca = read(self.dir + "/ca.pem")
        pair = (None, None) if who == "guest" else (
            read("%s/%s/client-key.pem" % (self.dir, who)), read("%s/%s/client.pem" % (self.dir, who)))
        self.channel = grpc.secure_channel(
            "%s:%d" % (self.host, BOOTSTRAP if who == "guest" else CONTROL),
            grpc.ssl_channel_credentials(ca, *pair),
            [("grpc.use_local_subchannel_pool", 1)])

    def call(self):
        """As a stream of bytes, which every kind of call is on the wire."""
        path, descriptor = self.dice.choice(self.methods)
        requests = [random_request(self.dice, descriptor)
                    for _ in range(self.dice.choice([1, 1, 1, 1, 0, 2]))]
        call = self.channel.stream_stream(path)(
            iter(requests), timeout=self.dice.choice([0.001, 0.01, 0.1, 1, 10]))
        if self.dice.random() < 0.2:
            threading.Timer(self.dice.random() * 0.02, call.cancel).start()
        left = self.dice.choice([0, 1, 5])
        try:
            for _ in call:
                left -= 1
                if left <= 0:
                    call.cancel()
        except grpc.RpcError:
            pass
        self.statuses[call.code().name] += 1
        if call.code() in NEVER and "RST_STREAM" not in (call.details() or ""):
            self.strange.append("%s: %s %s" % (path, call.code().name, call.details()))

    def run(self):
        while time.monotonic() < self.until:
            if self.channel is None or self.dice.random() < 0.02:
                self.connect()
            self.call()
        self.channel.close()


def all_methods(path):
    schema = FileSchema(path)
    out = []
    for file in descriptor_pb2.FileDescriptorSet.FromString(read(path)).file:
        for service in file.service:
            name = "%s.%s" % (file.package, service.name)
            out += [("/%s/%s" % (name, m.name), m.input_type) for m in schema.service(name).methods]
    return out + [("/litevpn.v1.Node/None", out[0][1])]


def main():
    seconds, seed, host, folder, descriptors = sys.argv[1:]
    until = time.monotonic() + float(seconds)
    methods = all_methods(descriptors)
    callers = [Caller("%s/%d" % (seed, i), (host, folder), methods, until) for i in range(THREADS)]
    threads = [threading.Thread(target=c.run) for c in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statuses = sum((c.statuses for c in callers), collections.Counter())
    print(dict(statuses.most_common()))
    strange = sum((c.strange for c in callers), [])
    print("\n".join(strange[:10]))
    if strange or statuses["OK"] == 0:
        sys.exit("%d answers that should not be" % len(strange))


main()
