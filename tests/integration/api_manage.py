#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What administrators do, and what has come of it.

api_manage.py SOCKET tokens            made, repeated, seen, revoked
api_manage.py SOCKET networks          made, changed, deleted
api_manage.py SOCKET addresses ID      reserved, listed, released; ID is a connected node's
api_manage.py SOCKET nodes ID          named, labelled, disconnected; ID is a connected node's
api_manage.py SOCKET reclaim ID        the only idle node is; its address is free then

Each ends with everything as it was, but for the node that is reclaimed.
"""

import sys

import grpc

from api_watch import Api

V1 = "litevpn.v1."


class Manager:
    def __init__(self, socket):
        self.api = Api(socket)

    def do(self, method, **fields):
        return self.api.call(V1 + method, **fields)

    def refused(self, reason, method, resource=None, **fields):
        """Refused for that reason, with the resource in the metadata."""
        try:
            self.do(method, **fields)
        except grpc.RpcError as error:
            info = self.error_info(error)
            assert info.reason == reason, "%s: %s" % (method, error)
            assert info.domain == "litevpn"
            assert resource is None or info.metadata["resource"] == resource, info
            return
        raise AssertionError("%s is let through" % method)

    def error_info(self, error):
        raw = [v for k, v in error.trailing_metadata() if k == "grpc-status-details-bin"][0]
        self.api.schema.load("google.rpc.Status")
        self.api.schema.load("google.rpc.ErrorInfo")
        status = self.api.schema.known_message("google.rpc.Status").FromString(raw)
        detail = [d for d in status.details if d.type_url.endswith("ErrorInfo")][0]
        return self.api.schema.known_message("google.rpc.ErrorInfo").FromString(detail.value)

    def pages(self, method, field, **fields):
        """All of a list, in pages of two."""
        found, token = [], ""
        while True:
            page = self.do(method, page_size=2, page_token=token, **fields)
            items = getattr(page, field)
            assert len(items) <= 2
            found += items
            token = page.next_page_token
            if token == "":
                return found


def tokens(m):
    before = [t.name for t in m.pages("Token/ListTokens", "tokens")]
    want = dict(token={"uses": 3, "ttl": {"seconds": 600}}, request_id="t-1")
    dry = m.do("Token/CreateToken", token={"address": "10.1.1.77"}, validate_only=True)
    assert (dry.name, dry.secret, dry.address, dry.uses_left) == ("", "", "10.1.1.77", 1)
    assert [t.name for t in m.pages("Token/ListTokens", "tokens")] == before
    made = m.do("Token/CreateToken", **want)
    again = m.do("Token/CreateToken", **want)
    assert made.secret and again == made
    m.refused("FIELD_INVALID", "Token/CreateToken", token={"uses": 4}, request_id="t-1")
    seen = m.do("Token/GetToken", name=made.name)
    assert seen.secret == "" and seen.uses == 3 and seen.uses_left == 3 and seen.state == 1
    assert seen.expire_time.seconds - seen.create_time.seconds == 600
    assert seen.network == "networks/default"
    promise = m.do("Token/CreateToken", token={"address": "10.1.1.77"})
    listed = m.pages("Token/ListTokens", "tokens", network="networks/default")
    assert [t.name for t in listed] == before + [made.name, promise.name]
    assert all(t.secret == "" for t in listed) and listed[-1].address == "10.1.1.77"
    m.refused("ADDRESS_TAKEN", "Token/CreateToken", token={"address": "10.1.1.77"})
    m.do("Token/DeleteToken", name=promise.name, validate_only=True)
    for name in (made.name, promise.name):
        m.do("Token/DeleteToken", name=name, request_id=name.replace("/", ":"))
        m.do("Token/DeleteToken", name=name, request_id=name.replace("/", ":"))
        m.refused("TOKEN_NOT_FOUND", "Token/DeleteToken", resource=name, name=name)
        m.refused("TOKEN_NOT_FOUND", "Token/GetToken", resource=name, name=name)
    m.do("Token/CreateToken", token={"address": "10.1.1.77"}, validate_only=True)  # it is free


def networks(m):
    lab = dict(network_id="lab", network={"address": "10.9.0.0/24", "exclude": ["10.9.0.0/28"]})
    name = "networks/lab"
    dry = m.do("Network/CreateNetwork", validate_only=True, **lab)
    assert dry.net_token == "" and dry.address == "10.9.0.1/24" and dry.usage.size == 239
    m.refused("NETWORK_UNKNOWN", "Network/GetNetwork", resource=name, name=name)
    made = m.do("Network/CreateNetwork", request_id="n-1", **lab)
    assert made.net_token and m.do("Network/CreateNetwork", request_id="n-1", **lab) == made
    seen = m.do("Network/GetNetwork", name=name)
    assert seen.net_token == "" and not seen.open and seen.origin == 2 and seen.usage.size == 239
    m.refused("NETWORK_EXISTS", "Network/CreateNetwork", resource=name, **lab)
    assert [n.name for n in m.pages("Network/ListNetworks", "networks")] == [
        "networks/default", name]
    reserved = m.do("Address/ReserveAddress", network=name, display_name="printer")
    assert reserved.address == "10.9.0.16" and reserved.kind == 2
    m.refused("NETWORK_FIXED", "Network/RecreateNetwork", name="networks/default",
              address="10.8.0.1/24")
    plan = dict(name=name, address="10.8.0.0/25")
    dry = m.do("Network/RecreateNetwork", validate_only=True, **plan)
    assert (dry.previous_address, dry.network.address) == ("10.9.0.1/24", "10.8.0.1/25")
    assert (dry.first_address, dry.last_address) == ("10.8.0.2", "10.8.0.126")
    assert (dry.kept_inside, dry.kept_outside, dry.readdressed_nodes) == (0, 1, 0)
    assert m.do("Network/GetNetwork", name=name).address == "10.9.0.1/24"
    assert m.do("Network/RecreateNetwork", **plan) == dry
    assert m.do("Network/GetNetwork", name=name).address == "10.8.0.1/25"
    token = m.do("Network/SetNetToken", name=name).net_token
    assert token and token != made.net_token
    assert m.do("Network/SetNetToken", name=name, open=True).open
    usages = m.do("Address/GetUsage").usages
    assert [(u.network, u.reserved) for u in usages] == [("networks/default", 0), (name, 1)]
    m.do("Network/DeleteNetwork", name=name)
    m.refused("NETWORK_UNKNOWN", "Address/GetUsage", network=name)


def addresses(m, node):
    bound = m.do("Node/GetNode", name="nodes/" + node).address

    def listed(**fields):
        return [(a.address, a.kind, a.node, a.display_name)
                for a in m.pages("Address/ListAddresses", "addresses", **fields)]

    before = listed()
    assert (bound, 4, "nodes/" + node, "") in before
    kept = m.do("Address/ReserveAddress", display_name="printer", address="10.1.1.200")
    assert kept.kind == 2 and kept.node == ""
    own = m.do("Address/ReserveAddress", display_name="a", address=bound)
    assert own.node == "nodes/" + node and m.do("Node/GetNode", name=own.node).address_fixed
    now = listed()
    assert now[:2] == [("10.1.1.200", 2, "", "printer"), (bound, 2, own.node, "a")]
    assert sorted(now[2:]) == sorted(a for a in before if a[0] != bound)
    assert listed(kept_only=True) == now[:2]
    m.refused("ADDRESS_TAKEN", "Address/ReserveAddress", display_name="x", address=bound)
    assert m.do("Address/ReleaseAddress", display_name="a").kind == 4
    assert not m.do("Node/GetNode", name=own.node).address_fixed
    assert m.do("Address/ReleaseAddress", address="10.1.1.200").kind == 5
    m.refused("ADDRESS_UNKNOWN", "Address/ReleaseAddress", address="10.1.1.200")
    assert listed() == before


def nodes(m, node):
    name = "nodes/" + node
    was = m.do("Node/GetNode", name=name)
    assert was.session.mtu > 1000 and was.last_seen_time.seconds >= was.create_time.seconds
    labels = {"site": "b", "rack/row": "Z\u00fcrich"}
    change = dict(node={"name": name, "labels": labels}, request_id="u-1")
    dry = m.do("Node/UpdateNode", node={"name": name, "display_name": "other"}, validate_only=True)
    assert dry.display_name == "other"
    now = m.do("Node/UpdateNode", **change)
    assert dict(now.labels) == labels and now.display_name == was.display_name
    assert m.do("Node/UpdateNode", **change).labels == now.labels
    one = m.do("Node/UpdateNode", node={"name": name}, update_mask={"paths": ["labels.site"]})
    assert dict(one.labels) == {"rack/row": "Z\u00fcrich"}
    listed = [n for n in m.pages("Node/ListNodes", "nodes") if n.name == name][0]
    assert listed.labels == one.labels and listed.address == was.address
    m.do("Node/UpdateNode", node={"name": name}, update_mask={"paths": ["labels"]})
    assert not m.do("Node/GetNode", name=name).labels
    assert m.do("Node/DisconnectNode", name=name).had_session
    m.refused("NODE_UNKNOWN", "Node/DisconnectNode", resource="nodes/n-0", name="nodes/n-0")
    m.do("Node/DeleteNode", name=name, validate_only=True)


def reclaim(m, node):
    name = "nodes/" + node
    dry = m.do("Address/ReclaimAddresses", validate_only=True)
    assert [(v.node.name, v.eligible) for v in dry.victims] == [(name, True)] and dry.reclaimed == 1
    none = m.do("Address/ReclaimAddresses", count=5, min_idle={"seconds": 3600})
    assert none.reclaimed == 0 and not none.victims
    dry = m.do("Address/ReclaimAddresses", min_idle={"seconds": 3600}, validate_only=True)
    assert [v.eligible for v in dry.victims] == [False] and dry.reclaimed == 0
    used = m.do("Address/GetUsage", network="networks/default").usages[0].used
    done = m.do("Address/ReclaimAddresses", count=5, request_id="r-1")
    assert [v.node.name for v in done.victims] == [name] and done.reclaimed == 1
    again = m.do("Address/ReclaimAddresses", count=5, request_id="r-1")
    assert again.reclaimed == 1 and not again.victims
    m.refused("NODE_UNKNOWN", "Node/GetNode", resource=name, name=name)
    assert m.do("Address/GetUsage", network="networks/default").usages[0].used == used - 1


if __name__ == "__main__":
    {f.__name__: f for f in (tokens, networks, addresses, nodes, reclaim)}[sys.argv[2]](
        Manager(sys.argv[1]), *sys.argv[3:])
