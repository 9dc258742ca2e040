#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every method of the API, called by every role: who is let in and who is not.

api_roles.py matrix HOST DIR NODE OTHER   DIR has ca.pem and, for each role, ROLE/client.pem with its
                                          key; NODE is the id of the role "node", OTHER another one
api_roles.py guess HOST CA N              N enrolments with wrong tokens; prints how each is refused

Nothing is changed: where a role is let in, the request is about something that is not there.
"""

import collections
import sys

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

CONTROL, BOOTSTRAP = 6440, 6439
ROLES = ("none", "node", "viewer", "operator", "admin")

# Method, who is let in from (a role and all above it).
METHODS = (
    ("/litevpn.v1.Token/CreateToken", "operator"),
    ("/litevpn.v1.Token/GetToken", "viewer"),
    ("/litevpn.v1.Token/ListTokens", "viewer"),
    ("/litevpn.v1.Token/DeleteToken", "operator"),
    ("/litevpn.v1.Node/GetNode", "viewer"),
    ("/litevpn.v1.Node/ListNodes", "viewer"),
    ("/litevpn.v1.Node/UpdateNode", "operator"),
    ("/litevpn.v1.Node/DisconnectNode", "operator"),
    ("/litevpn.v1.Node/DeleteNode", "operator"),
    ("/litevpn.v1.Node/WatchNodes", "viewer"),
    ("/litevpn.v1.Event/ListEvents", "viewer"),
    ("/litevpn.v1.Event/WatchEvents", "viewer"),
    ("/litevpn.v1.Address/ListAddresses", "viewer"),
    ("/litevpn.v1.Address/ReserveAddress", "operator"),
    ("/litevpn.v1.Address/ReleaseAddress", "operator"),
    ("/litevpn.v1.Address/GetUsage", "viewer"),
    ("/litevpn.v1.Address/ReclaimAddresses", "operator"),
    ("/litevpn.v1.Network/CreateNetwork", "admin"),
    ("/litevpn.v1.Network/GetNetwork", "viewer"),
    ("/litevpn.v1.Network/ListNetworks", "viewer"),
    ("/litevpn.v1.Network/RecreateNetwork", "admin"),
    ("/litevpn.v1.Network/SetNetToken", "admin"),
    ("/litevpn.v1.Network/DeleteNetwork", "admin"),
    ("/litevpn.v1.Server/GetServerInfo", "viewer"),
    ("/litevpn.v1.Server/CheckConfig", "admin"),
    ("/litevpn.v1.Server/Reload", "admin"),
    ("/litevpn.v1.Server/SetLogLevel", "admin"),
    ("/litevpn.v1.Server/BackupDatabase", "admin"),
    ("/litevpn.v1.Enrollment/GetEnrollmentInfo", "none"),
    ("/pb.LiteKubeNCService/HelloWorld", "none"),
    ("/pb.LiteKubeNCService/HealthCheck", "none"),
    ("/pb.LiteKubeNCService/GetBootStrapToken", "operator"),
    ("/grpc.health.v1.Health/Check", "none"),
)
# The same, and every node: the handler finds out which node a token is of.
BY_TOKEN = (
    ("/pb.LiteKubeNCService/CheckConnState", "viewer"),
    ("/pb.LiteKubeNCService/GetRegistedIp", "viewer"),
    ("/pb.LiteKubeNCService/UnRegister", "operator"),
)
# For nodes alone, about themselves. The last is left out for the node: it would be gone.
NODES_OWN = (
    "/litevpn.v1.Enrollment/GetSelf",
    "/litevpn.v1.Enrollment/RenewCertificate",
    "/litevpn.v1.Enrollment/Unregister",
)
ITSELF = "/litevpn.v1.Node/GetNode"
ENDLESS = b"\x08\x01\x18\x01"  # WatchEventsRequest { after_revision: 1 only_new: true }: refused
TOO_MANY_USES = b"\x0a\x04\x30\xa0\x9c\x01"  # token { uses: 20000 }


def text(number, value):
    size = len(value)  # as a varint of two bytes at most
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    return bytes([number << 3 | 2]) + length + value.encode()


def read(path):
    with open(path, "rb") as f:
        return f.read()


def dial(host, port, ca, pair=None):
    key = read(pair + "/client-key.pem") if pair else None
    cert = read(pair + "/client.pem") if pair else None
    return grpc.secure_channel("%s:%d" % (host, port),
                               grpc.ssl_channel_credentials(read(ca), key, cert))


def call(channel, method, request):
    """The code and, of a refusal, its details."""
    try:
        channel.unary_unary(method)(request, timeout=10)
        return "OK", b""
    except grpc.RpcError as error:
        return error.code().name, b"".join(v for k, v in error.trailing_metadata() or ()
                                           if k == "grpc-status-details-bin")


def request_of(method, name):
    if method.endswith("CreateToken"):
        return TOO_MANY_USES
    if method.endswith("Reload"):
        return b"\x08\x01"  # validate_only
    if method.endswith("WatchEvents"):
        return ENDLESS
    if method.endswith("WatchNodes"):
        return text(2, "nowhere")
    if method.endswith(("GetNode", "DeleteNode")):
        return text(1, "nodes/" + name)
    return b""


def report(role, method, code, right):
    print("%-8s %-40s %-18s %s" % (role, method, code, "" if right else "WRONG"))
    return not right


def matrix(host, directory, node, other):
    wrong = 0
    for role in ROLES:
        channel = dial(host, CONTROL, directory + "/ca.pem", directory + "/" + role)
        for method, least in METHODS:
            code, details = call(channel, method, request_of(method, other))
            refused = code == "PERMISSION_DENIED" and b"ROLE_REQUIRED" in details
            wrong += report(role, method, code,
                            refused == (ROLES.index(role) < ROLES.index(least)))
        for method, least in BY_TOKEN:
            code, details = call(channel, method, text(1, "0123456789abcdef"))
            refused = code == "PERMISSION_DENIED" and b"ROLE_REQUIRED" in details
            wrong += report(role, method, code, refused == (
                role != "node" and ROLES.index(role) < ROLES.index(least)))
        for method in NODES_OWN[:-1] if role == "node" else NODES_OWN:
            code, details = call(channel, method, b"")
            refused = code == "PERMISSION_DENIED" and b"ROLE_REQUIRED" in details
            wrong += report(role, method, code, refused == (role != "node"))
        if role == "node":
            code, _ = call(channel, ITSELF, request_of(ITSELF, node))
            wrong += report("itself", ITSELF, code, code == "OK")
    sys.exit(wrong != 0)


def new_csr():
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def guess(host, ca, n):
    channel = dial(host, BOOTSTRAP, ca)
    requests = text(3, new_csr()) + text(4, new_csr())
    ends = collections.OrderedDict()
    for i in range(int(n)):
        token = "%016x" % i if i % 2 else "A" * (i % 40 + 1)
        end = call(channel, "/litevpn.v1.Enrollment/Enroll", text(1, token) + requests)
        retry = " RetryInfo" if b"RetryInfo" in end[1] else ""
        ends.setdefault(end[0] + retry, []).append(end[1])
    for end, details in ends.items():
        print("%d %s, %d kinds" % (len(details), end, len(set(details))))


if __name__ == "__main__":
    {f.__name__: f for f in (matrix, guess)}[sys.argv[1]](*sys.argv[2:])
