"""caffe.proto has every message, field and value of Caffe 1.0's (tests/golden/proto)."""

from __future__ import annotations

import pytest
from google.protobuf.descriptor import FieldDescriptor
from support.goldens import GOLDEN

from caffe.proto import caffe_pb2

LISTING = (GOLDEN / "proto/caffe_proto_fields.txt").read_text().split("\n\n")
BLOCKS = [block.strip().splitlines() for block in LISTING if not block.startswith("#")]
TYPES = {
    getattr(FieldDescriptor, name): name[len("TYPE_") :].lower()
    for name in vars(FieldDescriptor)
    if name.startswith("TYPE_")
}


def described(name):
    """The descriptor of a message or an enumeration, e.g. of caffe.Datum."""
    thing = caffe_pb2
    for part in name.split(".")[1:]:
        thing = getattr(thing, part)
    return thing.DESCRIPTOR


def is_repeated(field):
    # Older releases of protobuf have the label alone, newer ones warn of its use.
    return field.is_repeated if hasattr(field, "is_repeated") else field.label == 3


def same_default(field, text):
    if field.enum_type is not None:
        return field.enum_type.values_by_number[field.default_value].name == text
    if field.type == FieldDescriptor.TYPE_BOOL:
        return str(field.default_value).lower() == text.lower()
    if field.type == FieldDescriptor.TYPE_STRING:
        return field.default_value == text.strip("\"'")
    return field.default_value == pytest.approx(float(text))


def check_field(line, descriptor):
    name, number, label, kind, *rest = line.split(maxsplit=4)
    field = descriptor.fields_by_name[name]
    assert field.number == int(number) and bool(is_repeated(field)) == (label == "repeated"), line
    own = field.message_type or field.enum_type
    assert kind.split(".")[-1] == (own.name if own is not None else TYPES[field.type]), line
    options = rest[0] if rest else ""
    assert field.is_packed == ("packed" in options.split()), line
    if "default=" in options:
        text = options.split("default=", 1)[1].removesuffix(" packed")
        assert field.has_default_value and same_default(field, text), line


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block[0])
def test_format(block):
    kind, name = block[0].split()
    descriptor = described(name)
    for line in block[1:]:
        if kind == "enum":
            value, number = line.split()
            assert descriptor.values_by_name[value].number == int(number)
        else:
            check_field(line, descriptor)
