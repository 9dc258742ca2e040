#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Drives the API with python3-grpcio, as steps.json says.

clients.py HOST VARIABLES SCHEMA    SCHEMA: v1, v1alpha (reflection), or a file of descriptors

VARIABLES is a JSON file: those of the steps, and ca, cert, key (the administrator's), node_key.
Prints the methods that it has driven; fails at the first answer that is not as it should be.
"""

import json
import os
import re
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from grpc_client import DETAILS, Schema, message_class, read  # noqa: E402

CONTROL, BOOTSTRAP = 6440, 6439
TIMEOUT = 10
REFLECTION = "grpc.reflection.%s.ServerReflection/ServerReflectionInfo"


class FileSchema:
    """What a file of descriptors says: a client that was built with the .proto files."""

    def __init__(self, path):
        self.pool = descriptor_pool.DescriptorPool()
        for file in descriptor_pb2.FileDescriptorSet.FromString(read(path)).file:
            self.pool.Add(file)

    def load(self, _symbol):
        pass

    def service(self, name):
        return self.pool.FindServiceByName(name)

    def known_message(self, name):
        return message_class(self.pool.FindMessageTypeByName(name))


class Client:
    def __init__(self, host, variables, schema):
        self.host, self.vars = host, variables
        self.channels = {}
        self.driven = set()
        if schema in ("v1", "v1alpha"):
            self.schema = Schema(self.channel("admin"), schema, TIMEOUT)
            self.driven.add(REFLECTION % schema)
        else:
            self.schema = FileSchema(schema)
        for name in DETAILS:
            self.schema.load(name)

    def channel(self, who):
        if who not in self.channels:
            key, cert, port = None, None, CONTROL
            if who == "admin":
                key, cert = read(self.vars["key"]), read(self.vars["cert"])
            elif who == "node":
                key, cert = read(self.vars["node_key"]), self.vars["certificate"].encode()
            else:
                port = BOOTSTRAP
            credentials = grpc.ssl_channel_credentials(read(self.vars["ca"]), key, cert)
            self.channels[who] = grpc.secure_channel("%s:%d" % (self.host, port), credentials)
        return self.channels[who]

    def fill(self, value):
        if isinstance(value, str):
            return re.sub(r"\$\{(\w+)\}", lambda m: self.vars[m.group(1)], value)
        if isinstance(value, dict):
            return {k: self.fill(v) for k, v in value.items()}
        return value

    def ask(self, step):
        service, name = step["call"].split("/")
        method = self.schema.service(service).methods_by_name[name]
        request = json_format.ParseDict(self.fill(step["request"]), message_class(method.input_type)())
        channel = self.channel(step["as"])
        make = channel.unary_stream if "take" in step else channel.unary_unary
        call = make("/" + step["call"], request_serializer=type(request).SerializeToString,
                    response_deserializer=message_class(method.output_type).FromString)
        if "take" not in step:
            return call(request, timeout=TIMEOUT)
        stream = call(request, timeout=TIMEOUT)
        answers = [next(stream) for _ in range(step["take"])]
        stream.cancel()
        return answers[-1]

    def details(self, error):
        """By name, what stands in the google.rpc.Status of a refusal."""
        for key, value in error.trailing_metadata():
            if key == "grpc-status-details-bin":
                status = self.schema.known_message("google.rpc.Status").FromString(value)
                return status, {d.type_url.split(".")[-1]:
                                self.schema.known_message(d.type_url.split("/")[-1]).FromString(d.value)
                                for d in status.details}
        sys.exit("no details")

    def check_refusal(self, step, error):
        status, details = self.details(error)
        info = details["ErrorInfo"]
        got = (error.code().name, status.code, status.message, info.domain, info.reason)
        want = (step["code"], error.code().value[0], error.details(), "litevpn", step["reason"])
        if got != want:
            sys.exit("%s: %s, but should be %s" % (step["call"], got, want))
        fields = [v.field for v in details["BadRequest"].field_violations] if "field" in step else None
        if "field" in step and fields != [step["field"]]:
            sys.exit("%s: the fields %s are wrong" % (step["call"], fields))

    def step(self, step):
        self.driven.add(step["call"])
        try:
            answer = self.ask(step)
        except grpc.RpcError as error:
            if "code" not in step:
                sys.exit("%s: %s: %s" % (step["call"], error.code().name, error.details()))
            self.check_refusal(step, error)
            return
        if "code" in step:
            sys.exit("%s: is let through, but should be %s" % (step["call"], step["code"]))
        found = json_format.MessageToDict(answer)
        for name, path in step.get("save", {}).items():
            value = found
            for part in path.split("."):
                value = value[part]
            self.vars[name] = value


def main():
    host, variables, schema = sys.argv[1], json.loads(read(sys.argv[2])), sys.argv[3]
    client = Client(host, variables, schema)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "steps.json"),
              encoding="utf-8") as file:
        for step in json.load(file)["steps"]:
            client.step(step)
    print("\n".join(sorted(client.driven)))


if __name__ == "__main__":
    main()
