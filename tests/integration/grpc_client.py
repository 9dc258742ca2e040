#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A gRPC client that knows nothing of litevpn: its only schema is what the server's reflection says.

grpc_client.py [--unix PATH | --host H --port P --ca F [--cert F --key F]] [--v1alpha] COMMAND
  list                  services with their methods
  describe SYMBOL       a service, method, message or enum
  call METHOD [JSON]    package.Service/Method; each message of the answer as JSON
  serve                 command lines of these from standard input, until it ends: how many words, then
                        the words, each ended by a NUL. For each a line with the status; what it has
                        said is in the files OUT and ERR then. Connections stay, and what was learned
                        by reflection: a start of python for each call is most of what a test waits for

The exit status is that of gRPC (0 to 16); a refusal is printed with its decoded details. With
--schema-unix PATH the schema comes from another server than the call goes to: the bootstrap port
serves no reflection.
"""

import argparse
import contextlib
import functools
import json
import os
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

TYPES = descriptor_pb2.FieldDescriptorProto
DETAILS = ("google.rpc.Status", "google.rpc.ErrorInfo", "google.rpc.RetryInfo",
           "google.rpc.BadRequest")


def message_class(descriptor):
    """The Python class of a message, by whichever way this protobuf has."""
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(descriptor.file.pool).GetPrototype(descriptor)


def reflection_types(package):
    """The few messages of the reflection service that are needed here, made by hand."""
    f = descriptor_pb2.FileDescriptorProto(name=package + ".proto", package=package, syntax="proto3")

    def message(name, *fields):
        m = f.message_type.add(name=name)
        for field, number, kind, repeated in fields:
            d = m.field.add(name=field, number=number)
            d.label = TYPES.LABEL_REPEATED if repeated else TYPES.LABEL_OPTIONAL
            if isinstance(kind, str):
                d.type, d.type_name = TYPES.TYPE_MESSAGE, "." + package + "." + kind
            else:
                d.type = kind

    message("Request", ("file_containing_symbol", 4, TYPES.TYPE_STRING, False),
            ("list_services", 7, TYPES.TYPE_STRING, False))
    message("Files", ("file_descriptor_proto", 1, TYPES.TYPE_BYTES, True))
    message("Service", ("name", 1, TYPES.TYPE_STRING, False))
    message("Services", ("service", 1, "Service", True))
    message("Error", ("error_code", 1, TYPES.TYPE_INT32, False),
            ("error_message", 2, TYPES.TYPE_STRING, False))
    message("Response", ("file_descriptor_response", 4, "Files", False),
            ("list_services_response", 6, "Services", False),
            ("error_response", 7, "Error", False))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(f)
    return [message_class(pool.FindMessageTypeByName(package + "." + n))
            for n in ("Request", "Response")]


class Schema:
    """What the server says of itself."""

    def __init__(self, channel, version, timeout):
        self.request, self.response = reflection_types("reflection")
        self.ask = channel.stream_stream(
            "/grpc.reflection.%s.ServerReflection/ServerReflectionInfo" % version,
            request_serializer=self.request.SerializeToString,
            response_deserializer=self.response.FromString)
        self.timeout = timeout
        self.pool = descriptor_pool.DescriptorPool()
        self.known = set()

    def one(self, **what):
        answer = next(self.ask(iter([self.request(**what)]), timeout=self.timeout))
        if answer.HasField("error_response"):
            sys.exit("reflection: %s" % answer.error_response.error_message)
        return answer

    def services(self):
        return [s.name for s in self.one(list_services="*").list_services_response.service]

    def load(self, symbol):
        files = self.one(file_containing_symbol=symbol).file_descriptor_response
        protos = {}
        for raw in files.file_descriptor_proto:
            proto = descriptor_pb2.FileDescriptorProto.FromString(raw)
            protos[proto.name] = proto
        for name in protos:
            self.add(protos, name)

    def add(self, protos, name):
        """Into the pool, what it needs first."""
        if name in self.known or name not in protos:
            return
        self.known.add(name)
        for dep in protos[name].dependency:
            self.add(protos, dep)
        self.pool.Add(protos[name])

    def service(self, name):
        self.load(name)
        return self.pool.FindServiceByName(name)

    def known_message(self, name):
        return message_class(self.pool.FindMessageTypeByName(name))


def print_details(schema, error):
    """The google.rpc.Status of a refusal, decoded by the server's own descriptors."""
    for key, value in error.trailing_metadata() or ():
        if key != "grpc-status-details-bin":
            continue
        status = schema.known_message("google.rpc.Status").FromString(value)
        for detail in status.details:
            name = detail.type_url.split("/")[-1]
            if name not in DETAILS:
                print("  %s" % name, file=sys.stderr)
                continue
            body = schema.known_message(name).FromString(detail.value)
            text = json_format.MessageToDict(body, descriptor_pool=schema.pool)
            print("  %s: %s" % (name, json.dumps(text, sort_keys=True)), file=sys.stderr)


def do_list(schema, _channel, _args):
    for name in schema.services():
        print(name)
        for method in schema.service(name).methods:
            print("  " + method.name)


def method_line(proto):
    return "rpc %s(%s%s) returns (%s%s);" % (
        proto.name, "stream " if proto.client_streaming else "", proto.input_type[1:],
        "stream " if proto.server_streaming else "", proto.output_type[1:])


def find_any(schema, symbol):
    for find in ("FindServiceByName", "FindMessageTypeByName", "FindEnumTypeByName",
                 "FindMethodByName"):
        try:
            return getattr(schema.pool, find)(symbol)
        except (KeyError, AttributeError):
            continue
    return None


def do_describe(schema, _channel, args):
    schema.load(args.symbol)
    found = find_any(schema, args.symbol)
    if found is None:
        sys.exit("%s: cannot be described" % args.symbol)
    if hasattr(found, "methods_by_name"):
        proto = descriptor_pb2.ServiceDescriptorProto()
        found.CopyToProto(proto)
        print("service %s {" % args.symbol)
        for method in proto.method:
            print("  " + method_line(method))
        print("}")
        return
    kind = ("DescriptorProto" if hasattr(found, "fields_by_name") else
            "EnumDescriptorProto" if hasattr(found, "values_by_name") else
            "MethodDescriptorProto")
    proto = getattr(descriptor_pb2, kind)()
    found.CopyToProto(proto)
    print(proto, end="")


def do_call(schema, channel, args):
    service, _, name = args.method.replace("/", ".").rpartition(".")
    method = schema.service(service).FindMethodByName(name)
    if method is None:
        sys.exit("%s has no method %s" % (service, name))
    proto = descriptor_pb2.MethodDescriptorProto()
    method.CopyToProto(proto)
    request = message_class(method.input_type)()
    json_format.Parse(args.json, request)
    answer = message_class(method.output_type)
    for name_of_detail in DETAILS:  # now: later the server may be gone
        schema.load(name_of_detail)
    make = channel.unary_stream if proto.server_streaming else channel.unary_unary
    result = make("/%s/%s" % (service, name),
                  request_serializer=type(request).SerializeToString,
                  response_deserializer=answer.FromString)(request, timeout=args.timeout)
    for message in result if proto.server_streaming else [result]:
        print(json_format.MessageToJson(message, including_default_value_fields=True), flush=True)


def read(path):
    with open(path, "rb") as f:
        return f.read()


@functools.lru_cache(maxsize=None)
def connect_unix(path):
    return grpc.insecure_channel("unix:" + path)


@functools.lru_cache(maxsize=None)
def connect_tls(target, *pems):
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(*pems))


def connect(args):
    if args.unix:
        return connect_unix(args.unix)
    host = "[%s]" % args.host if ":" in args.host else args.host
    return connect_tls("%s:%d" % (host, args.port), read(args.ca),
                       read(args.key) if args.key else None,
                       read(args.cert) if args.cert else None)


@functools.lru_cache(maxsize=None)
def schema_of(channel, version, timeout):
    return Schema(channel, version, timeout)


def parse_args(words):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--unix")
    p.add_argument("--host", default="127.0.0.1")
    p.add_argument("--port", type=int, default=6440)
    p.add_argument("--ca")
    p.add_argument("--cert")
    p.add_argument("--key")
    p.add_argument("--schema-unix")
    p.add_argument("--v1alpha", action="store_const", const="v1alpha", default="v1")
    p.add_argument("--timeout", type=float, default=10)
    commands = p.add_subparsers(required=True)
    commands.add_parser("list").set_defaults(run=do_list)
    c = commands.add_parser("describe")
    c.add_argument("symbol")
    c.set_defaults(run=do_describe)
    c = commands.add_parser("call")
    c.add_argument("method")
    c.add_argument("json", nargs="?", default="{}")
    c.set_defaults(run=do_call)
    c = commands.add_parser("serve")
    c.add_argument("out")
    c.add_argument("err")
    c.set_defaults(run=serve)
    return p.parse_args(words)


def next_words():
    """The words of a command line; None: there are no more."""
    def word():
        out = bytearray()
        while (byte := sys.stdin.buffer.read(1)) not in (b"", b"\0"):
            out += byte
        return out.decode()

    n = word()
    return None if n == "" else [word() for _ in range(int(n))]


def serve(_schema, _channel, args):
    while (words := next_words()) is not None:
        with open(args.out, "w", encoding="utf-8") as out, \
                open(args.err, "w", encoding="utf-8") as err, \
                contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                status = run(parse_args(words))
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 1
                if isinstance(end.code, str):
                    print(end.code, file=err)
        print(status, flush=True)


def run(args):
    channel = None if args.run is serve else connect(args)
    other = connect_unix(args.schema_unix) if args.schema_unix else channel
    schema = None if args.run is serve else schema_of(other, args.v1alpha, args.timeout)
    try:
        args.run(schema, channel, args)
    except grpc.RpcError as error:
        print("%s: %s" % (error.code().name, error.details()), file=sys.stderr)
        print_details(schema, error)
        return error.code().value[0]
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except json_format.ParseError as error:
        sys.exit("the JSON does not fit the request: %s" % error)
    return 0


if __name__ == "__main__":
    sys.exit(run(parse_args(sys.argv[1:])))
