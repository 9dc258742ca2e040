#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every method with arguments that are missing, malformed, too large or unknown, and what is said.

api_table.py good SOCKET HOST CA NODE   all is up; NODE is the id of a registered node, which stays
api_table.py WHAT SOCKET HOST CA        ipam_down, no_signer: what is said then

The requests are made byte by byte: a client library would not send most of them.
"""

import sys

import grpc

from api_roles import BOOTSTRAP, dial, new_csr, text

NODE = "/litevpn.v1.Node/"
TOKEN = "/litevpn.v1.Token/CreateToken"
ENROLLMENT = "/litevpn.v1.Enrollment/"
ENROLL = ENROLLMENT + "Enroll"
WANTED = ENROLLMENT + "GetEnrollmentInfo"
INFO = "/litevpn.v1.Server/GetServerInfo"
EVENT = "/litevpn.v1.Event/"
HEALTH = "/grpc.health.v1.Health/"
REFLECTION = "/grpc.reflection.%s.ServerReflection/ServerReflectionInfo"

CUT = b"\x0a\x7f" + b"nodes/n-1"  # a text that is longer than what comes
GROUP = b"\x7b\x7c"  # wire types that proto3 does not have
UNKNOWN = b"\xfa\x07\x05later"  # field 127, of a later version of the API
NOT_UTF8 = b"\x0a\x09nodes/\xff\xfe\xfd"
TOO_LARGE = text(1, "nodes/") + b"\xfa\x07\x80\x80\x14" + bytes(5 << 16)
LONG = text(1, "nodes/" + "n" * 9000)
SERVING, SERVICE_UNKNOWN = b"\x08\x01", b"\x08\x03"

INVALID = ("INVALID_ARGUMENT", "FIELD_INVALID")
GONE = ("OUT_OF_RANGE", "REVISION_GONE")
OK = ("OK", "")


def token(*fields):
    return b"\x0a" + bytes([len(b"".join(fields))]) + b"".join(fields)


def number(field, value):
    out = bytes([field << 3])
    value &= (1 << 64) - 1
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def enroll(secret="0123456789abcdef", name="", grpc_csr=None, vpn_csr=None):
    return (text(1, secret) + text(2, name) + text(3, new_csr() if grpc_csr is None else grpc_csr) +
            text(4, new_csr() if vpn_csr is None else vpn_csr))


def admin_rows(node):
    """Through the administrator's socket: method, request, code and reason."""
    rows = [(NODE + method, request, *want) for method in ("GetNode", "DeleteNode")
            for request, want in (
                (b"", INVALID),
                (text(1, ""), INVALID),
                (text(1, "nodes/"), INVALID),
                (text(1, node), INVALID),
                (text(1, "tokens/" + node), INVALID),
                (text(1, "nodes/" + node + "/x"), INVALID),
                (text(1, "nodes/" + node + "\0"), INVALID),
                (text(1, "nodes/" + node + "\0rest"), INVALID),
                (text(1, "nodes/../" + node), INVALID),
                (NOT_UTF8, INVALID),
                (LONG, INVALID),
                (CUT, INVALID),
                (GROUP, INVALID),
                (TOO_LARGE, ("RESOURCE_EXHAUSTED", "")),
                (text(1, "nodes/n-000000000000"), ("NOT_FOUND", "NODE_UNKNOWN")),
                (text(1, "nodes/n-000000000000") + UNKNOWN, ("NOT_FOUND", "NODE_UNKNOWN")),
            )]
    return rows + [
        (NODE + "GetNode", text(1, "nodes/" + node), *OK),
        (NODE + "GetNode", text(1, "nodes/" + node) + UNKNOWN, *OK),
        (NODE + "ListNodes", b"", *OK),
        (NODE + "ListNodes", UNKNOWN, *OK),
        (NODE + "ListNodes", number(1, 1 << 30), *OK),
        (NODE + "ListNodes", number(1, -1), *INVALID),
        (NODE + "ListNodes", text(2, "nonsense"), *INVALID),
        (NODE + "ListNodes", text(2, "\0"), *INVALID),
        (NODE + "ListNodes", CUT, *INVALID),
        (TOKEN, b"", *OK),
        (TOKEN, CUT, *INVALID),
        (TOKEN, token(number(6, -1)), *INVALID),
        (TOKEN, token(number(6, 10001)), *INVALID),
        (TOKEN, token(b"\x22\x0b" + number(1, -5)), *INVALID),
        (TOKEN, token(text(3, "networks/nowhere")), "NOT_FOUND", "NETWORK_UNKNOWN"),
        (TOKEN, token(text(3, "networks/default\0x")), *INVALID),
        (TOKEN, token(text(7, "nonsense")), "INVALID_ARGUMENT", None),
        (TOKEN, token(text(7, "192.168.7.7")), "INVALID_ARGUMENT", "ADDRESS_INVALID"),
        (TOKEN, token(text(7, "10.1.1.1")), "INVALID_ARGUMENT", "ADDRESS_INVALID"),
        (TOKEN, token(text(7, "10.1.1.9"), number(6, 2)), *INVALID),
        (INFO, b"", *OK),
        (INFO, UNKNOWN, *OK),
        (INFO, CUT, *INVALID),
        (EVENT + "ListEvents", b"", *OK),
        (EVENT + "ListEvents", UNKNOWN, *OK),
        (EVENT + "ListEvents", number(1, 1 << 30), *OK),
        (EVENT + "ListEvents", number(1, -1), *INVALID),
        (EVENT + "ListEvents", text(2, "nonsense"), *INVALID),
        (EVENT + "ListEvents", number(3, 1 << 60), *GONE),
        (EVENT + "ListEvents", number(3, -1), *GONE),
        (EVENT + "ListEvents", text(4, text(1, node).decode()), *INVALID),
        (EVENT + "ListEvents", text(4, text(1, "nodes/" + node).decode()), *OK),
        (EVENT + "ListEvents", text(4, text(2, "nodes/" + node).decode()), *INVALID),
        (EVENT + "ListEvents", text(4, text(2, "networks/nowhere").decode()), *OK),
        (EVENT + "ListEvents", text(4, number(3, 99).decode()), *INVALID),
        (EVENT + "ListEvents", text(4, number(3, 0).decode()), *INVALID),
        (EVENT + "ListEvents", CUT, *INVALID),
        (EVENT + "WatchEvents", number(1, 1 << 60), *GONE),
        (EVENT + "WatchEvents", number(1, 1) + number(3, 1), *INVALID),
        (EVENT + "WatchEvents", text(2, text(1, "nodes/\0").decode()), *INVALID),
        (EVENT + "WatchEvents", CUT, *INVALID),
        (NODE + "WatchNodes", number(1, 1 << 60), *GONE),
        (NODE + "WatchNodes", text(2, "default"), *INVALID),
        (NODE + "WatchNodes", text(3, node), *INVALID),
        (NODE + "WatchNodes", text(3, "nodes/" + node + "\0"), *INVALID),
        (NODE + "WatchNodes", CUT, *INVALID),
        (HEALTH + "Check", b"", *OK),
        (HEALTH + "Check", text(1, "litevpn.v1.Node"), *OK),
        (HEALTH + "Check", text(1, "nobody"), "NOT_FOUND", "SERVICE_UNKNOWN"),
        (HEALTH + "Check", text(1, "litevpn.v1.Node\0"), *INVALID),
        (HEALTH + "Check", CUT, *INVALID),
        (NODE + "Nothing", b"", "UNIMPLEMENTED", "METHOD_UNKNOWN"),
        ("/nobody/Nothing", b"", "UNIMPLEMENTED", "METHOD_UNKNOWN"),
        (WANTED, b"", *OK),
        (WANTED, CUT, *INVALID),
        # Not by this door.
        (ENROLL, b"", "UNIMPLEMENTED", "METHOD_UNKNOWN"),
        (ENROLLMENT + "RenewCertificate", b"", "UNIMPLEMENTED", "METHOD_UNKNOWN"),
        (ENROLLMENT + "GetSelf", b"", "UNIMPLEMENTED", "METHOD_UNKNOWN"),
        (ENROLLMENT + "Unregister", b"", "UNIMPLEMENTED", "METHOD_UNKNOWN"),
    ]


def bootstrap_rows():
    """Of Enroll ten: who fails more often is not heard for a while."""
    same = new_csr()
    return [
        (ENROLL, b"", *INVALID),
        (ENROLL, CUT, *INVALID),
        (ENROLL, enroll(secret="x" * 500), *INVALID),
        (ENROLL, enroll(secret="0123456789abcdef\0"), *INVALID),
        (ENROLL, enroll(name="\n"), *INVALID),
        (ENROLL, enroll(grpc_csr=""), *INVALID),
        (ENROLL, enroll(vpn_csr="x" * 9000), *INVALID),
        (ENROLL, enroll(vpn_csr="nonsense"), "INVALID_ARGUMENT", "CSR_INVALID"),
        (ENROLL, enroll(grpc_csr=same, vpn_csr=same), "INVALID_ARGUMENT", "CSR_INVALID"),
        (ENROLL, enroll(), "UNAUTHENTICATED", "TOKEN_UNKNOWN"),
        (WANTED, b"", *OK),
        (WANTED, UNKNOWN, *OK),
        (ENROLLMENT + "GetSelf", b"", "UNIMPLEMENTED", "METHOD_UNKNOWN"),
        (HEALTH + "Check", b"", *OK),
        (NODE + "ListNodes", b"", "UNIMPLEMENTED", "METHOD_UNKNOWN"),
        (INFO, b"", "UNIMPLEMENTED", "METHOD_UNKNOWN"),
        (REFLECTION % "v1", b"", "UNIMPLEMENTED", "METHOD_UNKNOWN"),
    ]


def reason_of(error):
    """The reason of the ErrorInfo: a text before the domain, which is \"litevpn\"."""
    details = b"".join(v for k, v in error.trailing_metadata() or ()
                       if k == "grpc-status-details-bin")
    before, found, _ = details.partition(b"\x12\x07litevpn")
    at = before.rfind(b"\x0a")
    return before[at + 2:].decode() if found and at >= 0 else ""


def call(channel, method, request):
    try:
        channel.unary_unary(method)(request, timeout=10)
        return OK
    except grpc.RpcError as error:
        return error.code().name, reason_of(error)


def run(channel, rows):
    """How many answers are not as the table has them."""
    wrong = 0
    for method, request, code, reason in rows:
        got = call(channel, method, request)
        if got[0] != code or reason not in (None, got[1]):
            print("WRONG %s %r: %s %s instead of %s %s" % (method, request[:40], *got, code, reason))
            wrong += 1
    print("%d answers" % len(rows))
    return wrong


def streams(channel):
    """Health Watch and both reflections: the first message of each."""
    wrong = 0
    for service, want in ((b"", SERVING), (text(1, "litevpn.v1.Node"), SERVING),
                          (text(1, "nobody"), SERVICE_UNKNOWN)):
        watch = channel.unary_stream(HEALTH + "Watch")(service, timeout=10)
        wrong += next(watch) != want
        watch.cancel()
    for version in ("v1", "v1alpha"):
        ask = channel.stream_stream(REFLECTION % version)
        for request, want in ((text(7, "*"), b"litevpn.v1.Node"),
                              (text(4, "litevpn.v1.Node"), b"litevpn/v1/node.proto"),
                              (text(3, "litevpn/v1/node.proto"), b"GetNodeRequest"),
                              (text(4, "nobody.Knows"), b"\x3a"),
                              (text(3, "nobody.proto"), b"\x3a")):
            answer = next(ask(iter([request]), timeout=10))
            if want not in answer:
                print("WRONG reflection %s %r: %r" % (version, request, answer[:80]))
                wrong += 1
        try:
            next(ask(iter([text(4, "litevpn.v1.Node\0x")]), timeout=10))
            wrong += 1
        except grpc.RpcError as error:
            wrong += reason_of(error) != "FIELD_INVALID"
    print("streams: %d wrong" % wrong)
    return wrong


def main(what, socket, host, ca, node=""):
    admin = grpc.insecure_channel("unix:" + socket)
    bootstrap = dial(host, BOOTSTRAP, ca)
    if what == "good":
        sys.exit(run(admin, admin_rows(node)) + run(bootstrap, bootstrap_rows()) + streams(admin))
    down = ("UNAVAILABLE", "IPAM_DOWN")
    if what == "ipam_down":
        sys.exit(run(admin, [(NODE + "GetNode", text(1, "nodes/n-1"), *down),
                             (NODE + "ListNodes", b"", *down),
                             (NODE + "DeleteNode", text(1, "nodes/n-1"), *down),
                             (TOKEN, b"", *down), (INFO, b"", *OK), (HEALTH + "Check", b"", *OK)]) +
                 run(bootstrap, [(ENROLL, enroll(), *down)]))
    sys.exit(run(bootstrap, [(ENROLL, enroll(), "FAILED_PRECONDITION", "NO_SIGNER")]))


if __name__ == "__main__":
    main(*sys.argv[1:])
