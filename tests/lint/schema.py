#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the protocols promise, a line for each message field, enum value and RPC.

schema.py DESCRIPTORS                  prints them
schema.py DESCRIPTORS RELEASED         says what of the released ones holds no more; 1 if something

A field that is not needed any more is removed by reserving its number and its name: then both are
safe from being used for something else. Anything else that a client could notice is a change of
meaning, and needs a new field. What is new may be added freely.
"""

import sys

from google.protobuf import descriptor_pb2 as pb

FIELD = pb.FieldDescriptorProto
TYPES = {number: name[5:].lower() for name, number in FIELD.Type.items()}


def type_of(field, owner):
    """Maps are repeated messages of a nested type, which says what is in them."""
    name = field.type_name.lstrip(".") or TYPES[field.type]
    many = "repeated " if field.label == FIELD.LABEL_REPEATED else ""
    oneof = ""
    if field.proto3_optional:
        oneof = " optional"
    elif field.HasField("oneof_index"):
        oneof = " oneof " + owner.oneof_decl[field.oneof_index].name
    return f"{many}{name}{oneof}"


def walk_enum(enum, prefix):
    name = f"{prefix}.{enum.name}"
    for value in enum.value:
        yield f"{name} {value.number}", value.name
    for span in enum.reserved_range:
        for number in range(span.start, min(span.end, span.start + 1000) + 1):
            yield f"{name} {number}", "reserved"
    for word in enum.reserved_name:
        yield f"{name} {word}", "reserved"


def walk_message(message, prefix):
    name = f"{prefix}.{message.name}"
    for field in message.field:
        yield f"{name} {field.number}", f"{field.name} {type_of(field, message)}"
    for span in message.reserved_range:
        for number in range(span.start, min(span.end, span.start + 1000)):
            yield f"{name} {number}", "reserved"
    for word in message.reserved_name:
        yield f"{name} {word}", "reserved"
    for nested in message.nested_type:
        yield from walk_message(nested, name)
    for enum in message.enum_type:
        yield from walk_enum(enum, name)


def walk_service(service, prefix):
    for method in service.method:
        streams = ("stream " if method.client_streaming else "",
                   "stream " if method.server_streaming else "")
        yield (f"{prefix}.{service.name}/{method.name} rpc",
               f"{streams[0]}{method.input_type[1:]} -> {streams[1]}{method.output_type[1:]}")


def promises(path):
    with open(path, "rb") as file:
        files = pb.FileDescriptorSet.FromString(file.read())
    out = {}
    for file in files.file:
        for message in file.message_type:
            out.update(walk_message(message, file.package))
        for enum in file.enum_type:
            out.update(walk_enum(enum, file.package))
        for service in file.service:
            out.update(walk_service(service, file.package))
    return out


def complaints(now, released):
    for what, meaning in released.items():
        if now.get(what) == meaning:
            continue
        owner, number = what.rsplit(" ", 1)
        name = meaning.split(" ")[0]
        if what not in now:
            yield f"{what} ({meaning}) is gone: reserve {number} and \"{name}\""
        elif now[what] != "reserved":
            yield f"{what} was \"{meaning}\" and is \"{now[what]}\": make a new one instead"
        elif now.get(f"{owner} {name}") != "reserved":
            yield f"{what}: reserve \"{name}\", too"


def read_released(path):
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if line[0] != "#"]
    return dict(line.split(": ", 1) for line in lines)


def main():
    now = promises(sys.argv[1])
    if len(sys.argv) == 2:
        for what, meaning in sorted(now.items()):
            print(f"{what}: {meaning}")
        return 0
    bad = list(complaints(now, read_released(sys.argv[2])))
    for text in bad:
        print(text)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
