#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every method x every role x arguments that are missing, malformed, too large, of no network, unknown.

api_every.py control DESC HOST DIR        all that the control port has, by every role; DIR has ca.pem
                                          and, for each role, ROLE/client.pem with its key
api_every.py bootstrap DESC HOST DIR METHOD...  those of the bootstrap port, without a certificate

DESC is the file of descriptors: a method, or a text in a request, without a row below is a failure.
Rows say what a request gives from who may make it; what is no request at all is refused before it is
asked who makes it, and all else after that. api_table.py has what is special about each method.
"""

import collections
import sys

import grpc
from google.protobuf import descriptor_pb2

from api_roles import BOOTSTRAP, BY_TOKEN, CONTROL, METHODS, NODES_OWN, ROLES, dial, new_csr, read, text
from api_table import (CUT, GROUP, INVALID, OK, TOO_LARGE, UNKNOWN, enroll, message, number,
                       reason_of)

FIELD = descriptor_pb2.FieldDescriptorProto
LONG = "n" * 9000
MISSING_NETWORK = ("NOT_FOUND", "NETWORK_UNKNOWN")
REFUSED = ("PERMISSION_DENIED", "ROLE_REQUIRED")
TOO_MUCH = ("RESOURCE_EXHAUSTED", "")
ALONE = ("litevpn.v1.Server/BackupDatabase", "litevpn.v1.Server/Reload",
         "litevpn.v1.Enrollment/Enroll", "pb.LiteKubeNCBootstrapService/GetToken")
ENDLESS = ("WatchNodes", "WatchEvents", "Watch", "ServerReflectionInfo")

# What a text is to a request, that is what it gives when it is too long.
BAD = INVALID
NETWORK = "networks/ID, or nothing"  # also one of another form, and one that there is not
ANY_NETWORK = "the same, but it need not be there"
IGNORED = "the server's to say"
LATER = "looked at when that is found what the request is about"  # api_table.py has one that is there

# missing: what no argument gives; None: it is not asked, since it would be done. base: a request that
# is good, but for what it is about; answer: what it gives. texts: every text of a request.
Row = collections.namedtuple("Row", "missing base answer texts")


def nobody(collection):
    return text(1, collection + "/nobody")


def gone(what):
    return ("NOT_FOUND", what)


TOKEN_TEXTS = {"token.name": IGNORED, "token.secret": IGNORED, "token.network": NETWORK,
               "token.address": BAD, "token.ca_fingerprint": IGNORED, "request_id": BAD}
NODE_TEXTS = {"node.name": BAD, "node.display_name": BAD, "node.network": IGNORED,
              "node.address": IGNORED, "node.session.endpoint": IGNORED, "node.session.version": IGNORED,
              "node.session.cipher": IGNORED, "update_mask.paths": BAD, "node.labels.key": LATER,
              "node.labels.value": LATER, "request_id": BAD}
NETWORK_TEXTS = {"network_id": BAD, "network.name": IGNORED, "network.address": BAD,
                 "network.exclude": BAD, "network.net_token": IGNORED,
                 "network.usage.network": IGNORED, "request_id": BAD}
ADDRESS_TEXTS = {"network": NETWORK, "display_name": BAD, "address": BAD, "request_id": BAD}
PAGE = {"page_token": BAD}
NAME = {"name": BAD}
ONCE = {"name": BAD, "request_id": BAD}
REFLECTED = Row(OK, text(7, "*"), OK, {  # what is not found is an answer
    "host": IGNORED, "file_by_filename": IGNORED, "file_containing_symbol": IGNORED,
    "file_containing_extension.containing_type": IGNORED,
    "all_extension_numbers_of_type": IGNORED, "list_services": IGNORED})
EVENT_TEXTS = {"filter.node": BAD, "filter.network": ANY_NETWORK}

CONTROL_ROWS = {
    "litevpn.v1.Enrollment/GetEnrollmentInfo": Row(OK, b"", OK, {}),
    "litevpn.v1.Enrollment/RenewCertificate": Row(
        INVALID, text(1, new_csr()), ("PERMISSION_DENIED", "KEY_UNKNOWN"),
        {"grpc_csr": BAD, "vpn_csr": BAD}),
    "litevpn.v1.Enrollment/GetSelf": Row(OK, b"", OK, {}),
    "litevpn.v1.Enrollment/Unregister": Row(None, None, None, {}),
    "litevpn.v1.Token/CreateToken": Row(OK, number(3, 1), OK, TOKEN_TEXTS),
    "litevpn.v1.Token/GetToken": Row(INVALID, nobody("tokens"), gone("TOKEN_NOT_FOUND"), NAME),
    "litevpn.v1.Token/ListTokens": Row(OK, b"", OK, {**PAGE, "network": NETWORK}),
    "litevpn.v1.Token/DeleteToken": Row(INVALID, nobody("tokens"), gone("TOKEN_NOT_FOUND"), ONCE),
    "litevpn.v1.Node/GetNode": Row(INVALID, nobody("nodes"), gone("NODE_UNKNOWN"), NAME),
    "litevpn.v1.Node/ListNodes": Row(OK, b"", OK, {**PAGE, "network": NETWORK}),
    "litevpn.v1.Node/WatchNodes": Row(OK, b"", OK, {"network": NETWORK, "node": BAD}),
    "litevpn.v1.Node/UpdateNode": Row(
        INVALID, message(1, nobody("nodes") + text(2, "x")), gone("NODE_UNKNOWN"), NODE_TEXTS),
    "litevpn.v1.Node/DisconnectNode": Row(INVALID, nobody("nodes"), gone("NODE_UNKNOWN"), NAME),
    "litevpn.v1.Node/DeleteNode": Row(INVALID, nobody("nodes"), gone("NODE_UNKNOWN"), NAME),
    "litevpn.v1.Event/ListEvents": Row(OK, b"", OK, {**PAGE, **EVENT_TEXTS}),
    "litevpn.v1.Event/WatchEvents": Row(OK, b"", OK, EVENT_TEXTS),
    "litevpn.v1.Address/ListAddresses": Row(OK, b"", OK, {**PAGE, "network": NETWORK}),
    "litevpn.v1.Address/ReserveAddress": Row(
        INVALID, text(2, "kept") + number(5, 1), OK, ADDRESS_TEXTS),
    "litevpn.v1.Address/ReleaseAddress": Row(
        INVALID, text(2, "kept"), gone("ADDRESS_UNKNOWN"), {**ADDRESS_TEXTS, "display_name": LATER}),
    "litevpn.v1.Address/GetUsage": Row(OK, b"", OK, {"network": NETWORK}),
    "litevpn.v1.Address/ReclaimAddresses": Row(
        INVALID, number(2, 1) + number(5, 1), OK, {"network": NETWORK, "request_id": BAD}),
    "litevpn.v1.Network/CreateNetwork": Row(
        INVALID, text(1, "lab") + message(2, text(2, "10.9.0.1/24")) + number(4, 1), OK,
        NETWORK_TEXTS),
    "litevpn.v1.Network/GetNetwork": Row(INVALID, nobody("networks"), MISSING_NETWORK, NAME),
    "litevpn.v1.Network/ListNetworks": Row(OK, b"", OK, PAGE),
    "litevpn.v1.Network/RecreateNetwork": Row(
        INVALID, nobody("networks") + text(2, "10.9.0.1/24"), MISSING_NETWORK,
        {**ONCE, "address": LATER, "exclude": LATER}),
    "litevpn.v1.Network/SetNetToken": Row(INVALID, nobody("networks"), MISSING_NETWORK, ONCE),
    "litevpn.v1.Network/DeleteNetwork": Row(INVALID, nobody("networks"), MISSING_NETWORK, ONCE),
    "litevpn.v1.Server/GetServerInfo": Row(OK, b"", OK, {}),
    "litevpn.v1.Server/CheckConfig": Row(OK, b"", OK, {"text": IGNORED}),  # a mistake is an answer
    "litevpn.v1.Server/Reload": Row(OK, number(1, 1), OK, {}),
    "litevpn.v1.Server/SetLogLevel": Row(INVALID, number(2, 5), OK, {"components": BAD}),
    "litevpn.v1.Server/BackupDatabase": Row(OK, b"", OK, {}),
    "pb.LiteKubeNCService/HelloWorld": Row(OK, text(1, "hello"), OK, {"hello_text": IGNORED}),
    "pb.LiteKubeNCService/HealthCheck": Row(OK, b"", OK, {}),
    "pb.LiteKubeNCService/GetBootStrapToken": Row(OK, number(1, 1), OK, {}),
    # These say in their answers what is wrong.
    "pb.LiteKubeNCService/CheckConnState": Row(OK, text(1, "0" * 16), OK, {"token": IGNORED}),
    "pb.LiteKubeNCService/UnRegister": Row(OK, text(1, "0" * 16), OK, {"token": IGNORED}),
    "pb.LiteKubeNCService/GetRegistedIp": Row(OK, text(1, "0" * 16), OK, {"token": IGNORED}),
    "grpc.health.v1.Health/Check": Row(OK, b"", OK, {"service": gone("SERVICE_UNKNOWN")}),
    "grpc.health.v1.Health/Watch": Row(OK, b"", OK, {"service": IGNORED}),
    "grpc.reflection.v1.ServerReflection/ServerReflectionInfo": REFLECTED,
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": REFLECTED,
}
BOOTSTRAP_ROWS = {
    "litevpn.v1.Enrollment/Enroll": Row(
        INVALID, enroll(), ("UNAUTHENTICATED", "TOKEN_UNKNOWN"),
        {"bootstrap_token": BAD, "display_name": BAD, "grpc_csr": BAD, "vpn_csr": BAD}),
    "pb.LiteKubeNCBootstrapService/HealthCheck": Row(OK, b"", OK, {}),
    "pb.LiteKubeNCBootstrapService/GetToken": Row(
        OK, text(1, "0" * 16), OK, {"bootStrapToken": IGNORED}),
}
LEAST = {path[1:]: least for path, least in METHODS + BY_TOKEN}
ALSO_NODES = [path[1:] for path, _ in BY_TOKEN]
ONLY_NODES = [path[1:] for path in NODES_OWN]
FOR_ALL = [path for path in CONTROL_ROWS if path.startswith("grpc.")]


# --- what there is ------------------------------------------------------------------------------------

class Schema:
    """Methods, and the texts of their requests by their paths: [numbers of fields]."""

    def __init__(self, path):
        files = descriptor_pb2.FileDescriptorSet.FromString(read(path)).file
        self.types, self.methods = {}, {}
        for f in files:
            for m in f.message_type:
                self.enter("." + f.package, m)
        for f in files:
            for s in f.service:
                for m in s.method:
                    self.methods["%s.%s/%s" % (f.package, s.name, m.name)] = m.input_type

    def enter(self, package, m):
        name = package + "." + m.name
        self.types[name] = m
        for inner in m.nested_type:
            self.enter(name, inner)

    def texts(self, method):
        return dict(self.walk(self.methods[method], "", [], ()))

    def walk(self, kind, path, numbers, seen):
        if kind not in self.types or kind in seen:
            return
        for f in self.types[kind].field:
            if f.type == FIELD.TYPE_STRING:
                yield path + f.name, numbers + [f.number]
            elif f.type == FIELD.TYPE_MESSAGE:
                yield from self.walk(f.type_name, path + f.name + ".", numbers + [f.number],
                                     seen + (kind,))


def delimited(field, body):
    size, length = len(body), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([field << 3 | 2]) + length + bytes([size]) + body


def at(numbers, value):
    body = value.encode()
    for field in reversed(numbers):
        body = delimited(field, body)
    return body


# --- what is asked ------------------------------------------------------------------------------------

def text_rows(base, answer, numbers, rule):
    """Of one text, put into a good request."""
    with_it = lambda value: base + at(numbers, value)
    if rule in (NETWORK, ANY_NETWORK):
        yield with_it("default"), INVALID
        yield with_it("nodes/default"), INVALID
        yield with_it("networks/" + LONG), INVALID
        yield with_it("networks/nowhere"), MISSING_NETWORK if rule == NETWORK else answer
    else:
        yield with_it(LONG), answer if rule in (IGNORED, LATER) else rule


def rows(row, texts):
    """Request, what it gives to who may make it, and whether it is a request at all. Those that are
    come first: of who has made too many that are none, no more are heard at the bootstrap port."""
    if row.missing is not None:
        yield b"", row.missing, True
        yield UNKNOWN, row.missing, True
        yield row.base, row.answer, True
        yield row.base + UNKNOWN, row.answer, True
        for path, numbers in texts.items():
            for request, want in text_rows(row.base, row.answer, numbers, row.texts[path]):
                yield request, want, True
        for numbers in texts.values():
            yield row.base + at(numbers, "x\0y"), INVALID, False
    for request, want in ((CUT, INVALID), (GROUP, INVALID), (TOO_LARGE, TOO_MUCH)):
        yield request, want, False


def is_let_in(role, method):
    if method in ONLY_NODES:
        return role == "node"
    if method in FOR_ALL or (role == "node" and method in ALSO_NODES):
        return True
    return ROLES.index(role) >= ROLES.index(LEAST[method])


def ask(channel, method, request):
    if "Reflection" in method:
        return channel.stream_stream("/" + method)(iter([request]), timeout=10)
    return channel.unary_stream("/" + method)(request, timeout=10)


def answer_of(method, stream):
    """Of what never ends, the first message is enough."""
    try:
        for _ in stream:
            if method.endswith(ENDLESS):
                stream.cancel()
                break
        return OK
    except grpc.RpcError as error:
        return error.code().name, reason_of(error)


def complete(schema, table, others):
    """Whether the table has every method, and every text, and nothing that is not there."""
    wrong = ["no row: " + m for m in schema.methods if m not in table and m not in others]
    wrong += ["no such method: " + m for m in table if m not in schema.methods]
    for method in set(table) & set(schema.methods):
        texts = set(schema.texts(method))
        wrong += ["%s: no rule for %s" % (method, t) for t in texts - set(table[method].texts)]
        wrong += ["%s: there is no %s" % (method, t) for t in set(table[method].texts) - texts]
    for line in wrong:
        print("WRONG", line)
    return not wrong


def check(schema, who, channel, table, methods, let_in):
    n = wrong = 0
    for method in methods:
        # All of one method at once, but for those that only one at a time is given.
        asked = [(request, want if let_in(method) or not is_one else REFUSED,
                  ask(channel, method, request) if method not in ALONE else None)
                 for request, want, is_one in rows(table[method], schema.texts(method))]
        for request, want, stream in asked:
            got = answer_of(method, stream or ask(channel, method, request))
            n += 1
            if got != want:
                wrong += 1
                print("WRONG %s %s %r: %s instead of %s" % (who, method, request[:60], got, want))
    print("%-9s %d answers" % (who, n), flush=True)
    return wrong


def control(schema, host, directory):
    wrong = not complete(schema, CONTROL_ROWS, BOOTSTRAP_ROWS)
    for role in ROLES:
        channel = dial(host, CONTROL, directory + "/ca.pem", directory + "/" + role)
        wrong += check(schema, role, channel, CONTROL_ROWS, CONTROL_ROWS,
                       lambda method, role=role: is_let_in(role, method))
    return wrong


def bootstrap(schema, host, directory, *methods):
    wrong = not complete(schema, BOOTSTRAP_ROWS, CONTROL_ROWS)
    channel = dial(host, BOOTSTRAP, directory + "/ca.pem")
    return wrong + check(schema, "bootstrap", channel, BOOTSTRAP_ROWS, methods, lambda _: True)


def main(what, desc, *args):
    sys.exit({"control": control, "bootstrap": bootstrap}[what](Schema(desc), *args) != 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
