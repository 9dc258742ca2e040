#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every method with arguments that are missing, malformed, too large or unknown, and what is said.

api_table.py good SOCKET HOST CA NODE   all is up; NODE is the id of a registered node, which stays
api_table.py node HOST CA DIR           all is up; DIR has a node's certificate and key
api_table.py WHAT SOCKET HOST CA        ipam_down, no_signer: what is said then

The requests are made byte by byte: a client library would not send most of them.
"""

import sys

import grpc

from api_roles import BOOTSTRAP, CONTROL, dial, new_csr, text

NODE = "/litevpn.v1.Node/"
TOKEN = "/litevpn.v1.Token/CreateToken"
TOKENS = "/litevpn.v1.Token/"
ADDRESS = "/litevpn.v1.Address/"
NETWORK = "/litevpn.v1.Network/"
ENROLLMENT = "/litevpn.v1.Enrollment/"
ENROLL = ENROLLMENT + "Enroll"
WANTED = ENROLLMENT + "GetEnrollmentInfo"
INFO = "/litevpn.v1.Server/GetServerInfo"
SERVER = "/litevpn.v1.Server/"
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
DOWN = ("UNAVAILABLE", "IPAM_DOWN")


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


def message(field, body):
    """A message as a field, of less than 128 bytes."""
    return bytes([field << 3 | 2, len(body)]) + body


def name_rows(method, collection, missing):
    """Of a request whose first field is a required name; `missing`: what an unknown one gives."""
    unknown = text(1, collection + "/nobody-at-all")
    return [(method, request, *want) for request, want in (
        (b"", INVALID),
        (text(1, collection + "/"), INVALID),
        (text(1, "nobody"), INVALID),
        (text(1, "others/nobody"), INVALID),
        (text(1, collection + "/nobody/x"), INVALID),
        (text(1, collection + "/nobody\0"), INVALID),
        (message(1, collection.encode() + b"/\xff\xfe"), INVALID),
        (text(1, collection + "/" + "n" * 9000), INVALID),
        (CUT, INVALID),
        (GROUP, INVALID),
        (TOO_LARGE, ("RESOURCE_EXHAUSTED", "")),
        (unknown, missing),
        (unknown + UNKNOWN, missing),
    )]


def network_rows(method, field):
    """Of a request in which that field is the name of a network, which may be left out."""
    return [(method, request, *want) for request, want in (
        (text(field, "default"), INVALID),
        (text(field, "nodes/default"), INVALID),
        (text(field, "networks/default\0"), INVALID),
        (text(field, "networks/" + "n" * 9000), INVALID),
        (CUT, INVALID),
        (TOO_LARGE, ("RESOURCE_EXHAUSTED", "")),
    )]


def list_rows(method, network, size=1, token=2):
    """Of a list in pages; network: the field by which it is cut down."""
    return [(method, request, *want) for request, want in (
        (b"", OK),
        (UNKNOWN, OK),
        (number(size, 1 << 30), OK),
        (number(size, -1), INVALID),
        (text(token, "nonsense"), INVALID),
        (text(token, "\0"), INVALID),
        (text(token, "1" * 9000), INVALID),
    )] + ([] if network is None else network_rows(method, network) + [
        (method, text(network, "networks/default"), *OK),
        (method, text(network, "networks/nowhere"), "NOT_FOUND", "NETWORK_UNKNOWN"),
    ])


def once_rows(method, request, field):
    """Of a request that does well without: a request_id in that field."""
    return [(method, request + text(field, wrong), *INVALID)
            for wrong in ("with space", "x" * 65, "\u00fc", "x\0")]


def token_rows():
    gone = ("NOT_FOUND", "TOKEN_NOT_FOUND")
    return (name_rows(TOKENS + "GetToken", "tokens", gone) +
            name_rows(TOKENS + "DeleteToken", "tokens", gone) +
            list_rows(TOKENS + "ListTokens", 3) + network_rows(TOKEN, 1)[4:] +
            once_rows(TOKEN, b"", 2) + once_rows(TOKENS + "DeleteToken", text(1, "tokens/x"), 2) +
            [(TOKEN, number(3, 1), *OK),
             (TOKEN, text(2, "once-and-again"), *OK),
             (TOKEN, text(2, "once-and-again"), *OK),
             (TOKEN, token(number(6, 2)) + text(2, "once-and-again"), *INVALID)])


def node_rows(node):
    """What changes a node is tried on the one that stays, so that it is as before."""
    gone = ("NOT_FOUND", "NODE_UNKNOWN")
    update, disconnect = NODE + "UpdateNode", NODE + "DisconnectNode"
    its, mask = text(1, "nodes/" + node), lambda path: message(2, text(1, path))
    nobody = message(1, text(1, "nodes/nobody-at-all") + text(2, "x"))
    label = lambda key, value: message(9, text(1, key) + text(2, value))
    return (name_rows(disconnect, "nodes", gone) + [
        (NODE + "ListNodes", text(3, "networks/nowhere"), "NOT_FOUND", "NETWORK_UNKNOWN"),
        (NODE + "ListNodes", text(3, "networks/default"), *OK),
        (NODE + "ListNodes", text(3, "default"), *INVALID),
        (NODE + "DeleteNode", its + number(2, 1), *OK),  # validate_only: it stays
        (update, b"", *INVALID),
        (update, CUT, *INVALID),
        (update, TOO_LARGE, "RESOURCE_EXHAUSTED", ""),
        (update, message(1, b""), *INVALID),
        (update, message(1, text(1, node)), *INVALID),
        (update, message(1, text(1, "nodes/" + node + "\0")), *INVALID),
        (update, message(1, its), *INVALID),
        (update, message(1, its) + mask("name"), *INVALID),
        (update, message(1, its) + mask(""), *INVALID),
        (update, nobody, *gone),
        (update, message(1, its + text(2, "\n")), *INVALID),
        (update, message(1, its + text(2, "x" * 64)), *INVALID),
        (update, message(1, its + label("A", "x")), *INVALID),
        (update, message(1, its + label("", "x")), *INVALID),
        (update, message(1, its + label("a", "\t")), *INVALID),
        (update, message(1, its + label("a", "x" * 64)), *INVALID),
        (update, message(1, its + label("a", "1")) + number(4, 1), *OK),
        (update, message(1, its + label("a", "1")), *OK),
        (update, message(1, its) + mask("labels.a"), *OK),
    ] + once_rows(update, message(1, its + text(2, "x")), 3))


def address_rows(node):
    reserve, release = ADDRESS + "ReserveAddress", ADDRESS + "ReleaseAddress"
    reclaim = ADDRESS + "ReclaimAddresses"
    nowhere = ("NOT_FOUND", "NETWORK_UNKNOWN")
    kept, name = text(3, "10.1.1.200"), text(2, "kept-name")
    return (list_rows(ADDRESS + "ListAddresses", 1, 2, 3) + network_rows(ADDRESS + "GetUsage", 1) +
            network_rows(reclaim, 1) + [
        (ADDRESS + "ListAddresses", number(4, 1), *OK),
        (ADDRESS + "GetUsage", b"", *OK),
        (ADDRESS + "GetUsage", text(1, "networks/default"), *OK),
        (ADDRESS + "GetUsage", text(1, "networks/nowhere"), *nowhere),
        (reserve, b"", *INVALID),
        (reserve, kept, *INVALID),
        (reserve, text(1, "default") + name, *INVALID),
        (reserve, text(1, "networks/nowhere") + name, *nowhere),
        (reserve, text(2, "\n"), *INVALID),
        (reserve, text(2, "x" * 64), *INVALID),
        (reserve, text(2, "x" * 9000), *INVALID),
        (reserve, name + text(3, "nonsense"), *INVALID),
        (reserve, name + text(3, "192.168.7.7"), "INVALID_ARGUMENT", "ADDRESS_INVALID"),
        (reserve, name + text(3, "10.1.1.1"), "INVALID_ARGUMENT", "ADDRESS_INVALID"),
        (reserve, name + text(3, "10.1.1.2"), "ALREADY_EXISTS", "ADDRESS_TAKEN"),
        (reserve, CUT, *INVALID),
        (reserve, TOO_LARGE, "RESOURCE_EXHAUSTED", ""),
        (release, b"", *INVALID),
        (release, name + kept, *INVALID),
        (release, name, "NOT_FOUND", "ADDRESS_UNKNOWN"),
        (release, kept, "NOT_FOUND", "ADDRESS_UNKNOWN"),
        (release, text(3, "nonsense"), *INVALID),
        (release, text(1, "networks/nowhere") + kept, *nowhere),
        (release, CUT, *INVALID),
        (release, TOO_LARGE, "RESOURCE_EXHAUSTED", ""),
        (reserve, name + kept + number(5, 1), *OK),
        (release, name, "NOT_FOUND", "ADDRESS_UNKNOWN"),  # it was only asked
        (reserve, name + kept, *OK),
        (reserve, name + kept, *OK),
        (reserve, text(2, "other") + kept, "ALREADY_EXISTS", "ADDRESS_TAKEN"),
        (release, name + number(5, 1), *OK),
        (release, name, *OK),
        (reclaim, b"", *INVALID),
        (reclaim, number(2, 0), *INVALID),
        (reclaim, number(2, -1), *INVALID),
        (reclaim, number(2, 1001), *INVALID),
        (reclaim, number(2, 1) + message(3, number(1, -1)), *INVALID),
        (reclaim, text(1, "networks/nowhere") + number(2, 1), *nowhere),
        (reclaim, number(5, 1), *OK),
        (reclaim, number(2, 1), *OK),  # the only node is connected
    ] + once_rows(reserve, name, 4) + once_rows(release, name, 4) +
            once_rows(reclaim, number(2, 1), 4))


def network_table():
    create, recreate = NETWORK + "CreateNetwork", NETWORK + "RecreateNetwork"
    gone = ("NOT_FOUND", "NETWORK_UNKNOWN")
    lab, at = text(1, "lab"), lambda address: message(2, text(2, address))
    its = text(1, "networks/lab")
    default = text(1, "networks/default")
    fixed = ("FAILED_PRECONDITION", "NETWORK_FIXED")
    return (name_rows(NETWORK + "GetNetwork", "networks", gone) +
            name_rows(NETWORK + "SetNetToken", "networks", gone) +
            name_rows(NETWORK + "DeleteNetwork", "networks", gone) +
            name_rows(recreate, "networks", INVALID)[:-2] +
            list_rows(NETWORK + "ListNetworks", None) + [
        (create, b"", *INVALID),
        (create, lab, *INVALID),
        (create, at("10.2.0.1/24"), *INVALID),
        (create, text(1, "Lab") + at("10.2.0.1/24"), *INVALID),
        (create, text(1, "lab\0") + at("10.2.0.1/24"), *INVALID),
        (create, text(1, "l" * 64) + at("10.2.0.1/24"), *INVALID),
        (create, text(1, "l" * 9000) + at("10.2.0.1/24"), *INVALID),
        (create, lab + at("nonsense"), *INVALID),
        (create, lab + at("10.2.0.1"), *INVALID),
        (create, lab + at("10.2.0.1/31"), *INVALID),
        (create, lab + at("10.1.0.1/16"), "INVALID_ARGUMENT", "NETWORK_OVERLAP"),
        (create, text(1, "default") + at("10.2.0.1/24"), "ALREADY_EXISTS", "NETWORK_EXISTS"),
        (create, CUT, *INVALID),
        (create, TOO_LARGE, "RESOURCE_EXHAUSTED", ""),
        (create, lab + at("10.2.0.0/24") + number(4, 1), *OK),
        (NETWORK + "GetNetwork", its, *gone),  # it was only asked
        (recreate, its + text(2, "10.3.0.1/24"), *gone),
        (create, lab + at("10.2.0.0/24") + text(3, "make-lab"), *OK),
        (create, lab + at("10.2.0.0/24") + text(3, "make-lab"), *OK),
        (create, lab + at("10.2.0.0/24"), "ALREADY_EXISTS", "NETWORK_EXISTS"),
        (NETWORK + "GetNetwork", its, *OK),
        (TOKENS + "CreateToken", token(text(3, "networks/lab")), *OK),
        (TOKENS + "CreateToken", token(text(3, "networks/lab"), text(7, "10.1.1.9")),
         "INVALID_ARGUMENT", "ADDRESS_INVALID"),
        (TOKENS + "ListTokens", text(3, "networks/lab"), *OK),
        (ADDRESS + "ListAddresses", text(1, "networks/lab"), *OK),
        (recreate, its, *INVALID),
        (recreate, its + text(2, "nonsense"), *INVALID),
        (recreate, its + text(2, "10.1.0.0/16"), "INVALID_ARGUMENT", "NETWORK_OVERLAP"),
        (recreate, default + text(2, "10.3.0.1/24"), *fixed),
        (recreate, its + text(2, "10.3.0.1/24") + number(5, 1), *OK),
        (recreate, its + text(2, "10.3.0.1/24"), *OK),
        (NETWORK + "SetNetToken", its + number(2, 1), *OK),
        (NETWORK + "SetNetToken", its, *OK),
        (NETWORK + "SetNetToken", default + number(2, 1) + number(4, 1), *OK),
        (NETWORK + "DeleteNetwork", default, *fixed),
        (NETWORK + "DeleteNetwork", its + number(4, 1), *OK),
        (NETWORK + "DeleteNetwork", its, *OK),
        (NETWORK + "DeleteNetwork", its, *gone),
    ] + once_rows(create, text(1, "lab2") + at("10.4.0.0/24"), 3) +
            once_rows(recreate, its + text(2, "10.3.0.1/24"), 4) +
            once_rows(NETWORK + "SetNetToken", its, 3) +
            once_rows(NETWORK + "DeleteNetwork", its, 3))


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
    return rows + token_rows() + node_rows(node) + address_rows(node) + network_table() + [
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
        (SERVER + "CheckConfig", b"", *OK),
        (SERVER + "CheckConfig", text(1, "mtu: [") + UNKNOWN, *OK),
        (SERVER + "CheckConfig", text(1, "mtu: 1280\0"), *INVALID),
        (SERVER + "CheckConfig", NOT_UTF8, *OK),
        (SERVER + "CheckConfig", CUT, *INVALID),
        (SERVER + "Reload", number(1, 1), *OK),
        (SERVER + "Reload", CUT, *INVALID),
        (SERVER + "SetLogLevel", b"", *INVALID),
        (SERVER + "SetLogLevel", number(2, 5) + UNKNOWN, *OK),
        (SERVER + "SetLogLevel", number(2, 6), *INVALID),
        (SERVER + "SetLogLevel", number(2, -1), *INVALID),
        (SERVER + "SetLogLevel", number(2, 5) + number(4, 1), *INVALID),
        (SERVER + "SetLogLevel", number(2, 5) + text(1, "cron"), *INVALID),
        (SERVER + "SetLogLevel", number(2, 5) + text(1, "ctld\0"), *INVALID),
        (SERVER + "SetLogLevel", number(2, 5) + text(3, number(1, 0).decode()), *INVALID),
        (SERVER + "SetLogLevel", number(2, 5) + b"\x1a\x0b" + number(1, -5), *INVALID),
        (SERVER + "SetLogLevel", number(4, 1), *OK),
        (SERVER + "SetLogLevel", CUT, *INVALID),
        (SERVER + "BackupDatabase", CUT, *INVALID),
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
        (NODE + "WatchNodes", text(2, "networks/nowhere"), "NOT_FOUND", "NETWORK_UNKNOWN"),
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


def rows_of_a_node():
    """What a node asks about itself. LiteKube's calls tell in their answers what is wrong."""
    renew = ENROLLMENT + "RenewCertificate"
    litekube = "/pb.LiteKubeNCService/"
    return [
        (ENROLLMENT + "GetSelf", b"", *OK),
        (ENROLLMENT + "GetSelf", UNKNOWN, *OK),
        (ENROLLMENT + "GetSelf", CUT, *INVALID),
        (ENROLLMENT + "Unregister", CUT, *INVALID),
        (renew, b"", *INVALID),
        (renew, UNKNOWN, *INVALID),
        (renew, CUT, *INVALID),
        (renew, text(1, "x" * 9000), *INVALID),
        (renew, text(2, "x" * 9000), *INVALID),
        (renew, text(1, "nonsense"), "INVALID_ARGUMENT", "CSR_INVALID"),
        (renew, text(2, "nonsense"), "INVALID_ARGUMENT", "CSR_INVALID"),
        (renew, text(1, "x\0y"), *INVALID),
        (renew, text(1, new_csr()), "PERMISSION_DENIED", "KEY_UNKNOWN"),
        (renew, text(2, new_csr()), "PERMISSION_DENIED", "KEY_UNKNOWN"),
        (renew, text(1, new_csr()) + text(2, new_csr()), "PERMISSION_DENIED", "KEY_UNKNOWN"),
        (litekube + "HelloWorld", text(1, "hello"), *OK),
        (litekube + "HelloWorld", CUT, *INVALID),
        (litekube + "HealthCheck", UNKNOWN, *OK),
        (litekube + "GetBootStrapToken", number(1, -1), "PERMISSION_DENIED", "ROLE_REQUIRED"),
    ] + [(litekube + method, request, *want)
         for method in ("CheckConnState", "GetRegistedIp", "UnRegister")
         for request, want in ((b"", OK), (text(1, "0123456789abcdef"), OK),
                               (text(1, "n" * 9000), OK), (text(1, "x\0y"), INVALID),
                               (NOT_UTF8, OK), (CUT, INVALID), (GROUP, INVALID),
                               (TOO_LARGE, ("RESOURCE_EXHAUSTED", "")))]


def reason_of(error):
    """The reason of the ErrorInfo: a text before the domain, which is \"litevpn\"."""
    details = b"".join(v for k, v in error.trailing_metadata() or ()
                       if k == "grpc-status-details-bin")
    before, found, _ = details.partition(b"\x12\x07litevpn")
    at = before.rfind(b"\x0a")
    return before[at + 2:].decode() if found and at >= 0 else ""


def begin(channel, method, request):
    return channel.unary_unary(method).future(request, timeout=10)


def answer(call):
    try:
        call.result()
        return OK
    except grpc.RpcError as error:
        return error.code().name, reason_of(error)


def run(channel, rows, together=False):
    """How many answers are not as the table has them. together: all are asked at once."""
    wrong = 0
    calls = [begin(channel, *row[:2]) for row in rows] if together else []
    for method, request, code, reason in rows:
        got = answer(calls.pop(0) if together else begin(channel, method, request))
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


def down_rows():
    """Each of these waits a second for ipamd to come back."""
    one, lab = text(1, "networks/default"), message(2, text(2, "10.2.0.1/24"))
    name, node, token_id = text(2, "x"), text(1, "nodes/n-1"), text(1, "tokens/x")
    return [(method, request, *DOWN) for method, request in (
        (TOKEN, b""),
        (TOKENS + "GetToken", token_id),
        (TOKENS + "ListTokens", b""),
        (TOKENS + "DeleteToken", token_id),
        (NODE + "GetNode", node),
        (NODE + "ListNodes", b""),
        (NODE + "UpdateNode", message(1, node + name)),
        (NODE + "DisconnectNode", node),
        (NODE + "DeleteNode", node),
        (ADDRESS + "ListAddresses", b""),
        (ADDRESS + "ReserveAddress", name),
        (ADDRESS + "ReleaseAddress", name),
        (ADDRESS + "GetUsage", b""),
        (ADDRESS + "ReclaimAddresses", number(2, 1)),
        (NETWORK + "CreateNetwork", text(1, "x") + lab),
        (NETWORK + "GetNetwork", one),
        (NETWORK + "ListNetworks", b""),
        (NETWORK + "RecreateNetwork", one + text(2, "10.2.0.1/24")),
        (NETWORK + "SetNetToken", one),
        (NETWORK + "DeleteNetwork", one),
    )] + [(INFO, b"", *OK), (HEALTH + "Check", b"", *OK)]


def main(what, socket, host, ca, node=""):
    admin = grpc.insecure_channel("unix:" + socket)
    bootstrap = dial(host, BOOTSTRAP, ca)
    if what == "good":
        sys.exit(run(admin, admin_rows(node)) + run(bootstrap, bootstrap_rows()) + streams(admin))
    if what == "ipam_down":
        sys.exit(run(admin, down_rows(), together=True) +
                 run(bootstrap, [(ENROLL, enroll(), *DOWN)]))
    sys.exit(run(bootstrap, [(ENROLL, enroll(), "FAILED_PRECONDITION", "NO_SIGNER")]))


def node_main(host, ca, directory):
    sys.exit(run(dial(host, CONTROL, ca, directory), rows_of_a_node()))


if __name__ == "__main__":
    (node_main if sys.argv[1] == "node" else main)(*sys.argv[1 + (sys.argv[1] == "node"):])
