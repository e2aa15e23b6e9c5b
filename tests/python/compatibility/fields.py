"""Which field of which message a test source sets, where several messages have one of its name."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache

from caffe.proto import caffe_pb2

# Messages that files and tests write as a whole, so that no field stands around their own.
_ROOTS = {"NetParameter", "SolverParameter", "LayerParameter"}
_MESSAGES = caffe_pb2.DESCRIPTOR.message_types_by_name


@cache
def owners() -> dict[str, set[str]]:
    """By field name, the messages that have such a field."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, message in _MESSAGES.items():
        for field in message.fields:
            found[field.name].add(name)
    return found


@cache
def _types() -> dict[str, set[str]]:
    """By field name, the messages that fields of that name hold."""
    found: dict[str, set[str]] = defaultdict(set)
    for message in _MESSAGES.values():
        for field in message.fields:
            if field.message_type is not None:
                found[field.name].add(field.message_type.name)
    return found


def _block(text: str, position: int) -> str:
    """What stands before the innermost bracket or brace that is open at a position."""
    closed = 0
    for at in range(position - 1, -1, -1):
        if text[at] in ")}":
            closed += 1
        elif text[at] in "({":
            if closed == 0:
                return text[max(0, at - 80) : at]
            closed -= 1
    return ""


def _meant_by_block(before: str) -> set[str]:
    """The messages whose fields stand in a block, by what stands before it."""
    template = re.search(r"<(\w+)>\s*$", before)  # FromText<FillerParameter>(
    if template is not None:
        return {template[1]}
    # A prototxt's `filler {`, JSON's `"filler": {`, NetSpec's `filler=dict(`.
    opener = re.search(r"(\w+)[\"']?\s*[:=]?\s*(?:dict)?[\"'\s]*$", before)
    if opener is None:
        return set()
    word = opener[1]
    if word in _MESSAGES:  # caffe_pb2.FillerParameter(
        return {word}
    if f"{word}Parameter" in _MESSAGES:  # L.Convolution(
        return {f"{word}Parameter", "LayerParameter"}
    return _types().get(word, set()) or (_ROOTS if word not in owners() else set())


def _meant_by_receiver(text: str, before: str) -> set[str]:
    """The messages of an object whose field is set: `filler.`, `mutable_filler()->`."""
    call = re.search(r"(?:mutable_|add_)?(\w+)\([^()]*\)\s*(?:->|\.)$", before)
    if call is not None:
        return _types().get(call[1], set())
    name = re.search(r"(\w+)(?:\[[^\]]*\])?\s*(?:->|\.)$", before)
    if name is None:
        return set()
    variable = name[1]
    meant = set(_types().get(variable, set()))
    for declared in re.findall(rf"\b(\w+)[*&]*\s+[*&]?{variable}\b", text):
        meant |= {declared} & set(_MESSAGES)
    for made in re.findall(rf"\b{variable}\b = (?:\w+\.)*(\w+)[(.]", text):
        meant |= {made} & set(_MESSAGES)
    part = r"(?:\.|->)(?:mutable_|add_)?(\w+)(?:\(|\.add\(|;|$)"
    for taken in re.findall(rf"\b{variable}\b = .*?{part}", text):
        meant |= _types().get(taken, set())
    return meant


def use(field: str) -> str:
    """A regular expression for places that set a field, in prototxt text or code."""
    return rf"\b(?:set_|add_|mutable_)?{field}(?:_size)?\b[\"']? *(?:[:{{(\[=]|\.extend|\.append)"


def count(text: str, message: str, field: str) -> int:
    """How often a test source sets a field of a message, as far as its surroundings show."""
    found = 0
    for place in re.finditer(use(field), text):
        before = text[max(0, place.start() - 120) : place.start()]
        if before.endswith((".", "->")):
            meant = _meant_by_receiver(text, before)
        else:
            meant = _meant_by_block(_block(text, place.start()))
        found += message in meant
    return found
