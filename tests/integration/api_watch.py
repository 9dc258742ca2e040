#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Watchers of the API.

api_watch.py SOCKET resume N      watches events while N happen, is killed every now and then, resumes
api_watch.py SOCKET crowd K N     K watchers, one of which never reads, while N events happen
api_watch.py SOCKET nodes N       WatchNodes beside ListNodes while N things happen to one node
api_watch.py SOCKET pages         ListEvents, page by page, all and chosen

What happens is that the reserved node is unregistered: it stays, so that this can be repeated.
"""

import sys
import threading

import grpc

from grpc_client import Schema, message_class

STREAMS = 100  # that the server allows per connection
IN_FLIGHT = 8  # of the calls that make something happen
LIMIT = 25  # seconds for the whole


class Api:
    def __init__(self, socket):
        self.target = "unix:" + socket
        self.channel = self.dial()
        self.schema = Schema(self.channel, "v1", LIMIT)

    def dial(self):
        # An own connection for each; nothing is shared behind our back.
        return grpc.insecure_channel(self.target, [("grpc.use_local_subchannel_pool", 1)])

    def call(self, path, channel=None, later=False, **fields):
        service, _, name = path.rpartition("/")
        method = self.schema.service(service).FindMethodByName(name)
        streams = name.startswith("Watch") or name == "BackupDatabase"
        make = (channel or self.channel).unary_stream if streams else self.channel.unary_unary
        request = message_class(method.input_type)(**fields)
        stub = make("/" + path, request_serializer=type(request).SerializeToString,
                    response_deserializer=message_class(method.output_type).FromString)
        return (stub.future if later else stub)(request, timeout=LIMIT)

    def events(self, channel=None, **fields):
        return self.call("litevpn.v1.Event/WatchEvents", channel, **fields)

    def happen(self, times):
        under_way = []
        for _ in range(times):
            under_way.append(self.call("litevpn.v1.Node/DeleteNode", later=True,
                                       name="nodes/reserverd"))
            if len(under_way) >= IN_FLIGHT:
                under_way.pop(0).result()
        for call in under_way:
            call.result()

    def newest(self):
        stream = self.events(only_new=True)
        first = next(stream)
        stream.cancel()
        assert first.synced and not first.events, first
        return first.revision


def check_row(revisions, begin, end):
    assert revisions == list(range(begin + 1, end + 1)), \
        "gap or duplicate: %s of %d..%d" % (revisions[:20], begin + 1, end)


def resume(api, n):
    begin = api.newest()
    seen, revisions, breaks = begin, [], 0
    maker = threading.Thread(target=api.happen, args=(n,))
    maker.start()
    while len(revisions) < n:
        channel = api.dial()
        for message in api.events(channel, after_revision=seen):
            revisions += [e.revision for e in message.events]
            assert not message.events or message.events[-1].revision <= message.revision
            seen = message.revision
            if len(revisions) >= n or len(revisions) > (breaks + 1) * n // 10:
                break
        channel.close()  # with whatever is under way
        breaks += 1
    maker.join()
    check_row(revisions, begin, begin + n)
    print("%d events, %d times killed" % (n, breaks))


def crowd(api, k, n):
    begin = api.newest()
    channels = [api.dial() for _ in range((k + STREAMS) // STREAMS)]
    slow = api.dial()
    stopped = api.events(slow, after_revision=begin)  # nobody ever reads it
    ready, wrong = threading.Barrier(k + 1), []

    def watch(i):
        revisions = []
        try:
            stream = api.events(channels[i % len(channels)], after_revision=begin)
            for message in stream:
                if message.synced and not revisions and not message.events:
                    ready.wait()
                revisions += [e.revision for e in message.events]
                if revisions and revisions[-1] >= begin + n:
                    break
            stream.cancel()
            check_row(revisions, begin, begin + n)
        except Exception as error:  # pylint: disable=broad-except
            wrong.append(error)
            ready.abort()

    threads = [threading.Thread(target=watch, args=(i,)) for i in range(k)]
    for t in threads:
        t.start()
    ready.wait()
    api.happen(n)
    for t in threads:
        t.join()
    assert not wrong, wrong[0]
    # The one that had stopped has missed nothing.
    revisions = []
    for message in stopped:
        revisions += [e.revision for e in message.events]
        if revisions and revisions[-1] >= begin + n:
            break
    check_row(revisions, begin, begin + n)
    print("%d watchers, %d events" % (k, n))


def nodes(api, n):
    present = {x.name for x in api.call("litevpn.v1.Node/ListNodes").nodes}
    stream = api.call("litevpn.v1.Node/WatchNodes")
    listed, seen = set(), 0
    for message in stream:
        assert message.synced or message.revision == 0, "a list that breaks off cannot be resumed"
        listed |= {c.node.name for c in message.changes}
        if message.synced:
            seen = message.revision
            break
    assert listed == present, (listed, present)
    api.happen(n)
    changes = 0
    for message in stream:
        for change in message.changes:
            assert change.node.name == "nodes/reserverd" and not change.deleted, change
            changes += 1
        if message.revision >= seen + n:
            break
    stream.cancel()
    assert 1 <= changes <= n
    again = api.call("litevpn.v1.Node/WatchNodes", after_revision=seen)
    changes = [c for c in next(again).changes]
    again.cancel()
    assert [c.node.name for c in changes] == ["nodes/reserverd"], changes
    other = api.call("litevpn.v1.Node/WatchNodes", after_revision=seen, node="nodes/n-other")
    first = next(other)
    other.cancel()
    assert first.synced and not first.changes, first
    print("%d nodes" % len(present))


def pages(api):
    def walk(**fields):
        revisions, token, n = [], "", 0
        while n == 0 or token:
            page = api.call("litevpn.v1.Event/ListEvents", page_token=token, page_size=50, **fields)
            revisions += [e.revision for e in page.events]
            token, n = page.next_page_token, n + 1
        return revisions, n, page.revision

    revisions, n, newest = walk()
    check_row(revisions, revisions[0] - 1, newest)
    assert n == -(-len(revisions) // 50), n
    after, _, _ = walk(after_revision=revisions[10])
    assert after == revisions[11:]
    create = api.schema.pool.FindEnumTypeByName("litevpn.v1.EventInfo.Kind").values_by_name["CREATE"]
    chosen, m, end = walk(filter={"kinds": [create.number]})
    assert len(chosen) == 1 and m == n and end == newest, (chosen, m, end)
    print("%d events on %d pages" % (len(revisions), n))


def main(socket, what, *numbers):
    {"resume": resume, "crowd": crowd, "nodes": nodes, "pages": pages}[what](Api(socket), *map(int, numbers))


if __name__ == "__main__":
    main(*sys.argv[1:])
