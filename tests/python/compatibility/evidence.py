"""Where tests use a layer, a field, a tool or a call, found out from goldens and test sources."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path

from google.protobuf import text_format
from google.protobuf.message import Message
from support.goldens import GOLDEN, case, case_names

from caffe.proto import caffe_pb2

REPOSITORY = Path(__file__).parents[3]
TESTS = REPOSITORY / "tests"


@cache
def golden_nets() -> dict[str, Message]:
    """The nets of the golden cases, by the name of the case."""
    nets = {}
    for archive in sorted((GOLDEN / "layers").glob("*.npz")):
        for name in case_names(f"layers/{archive.name}"):
            prototxt = str(case(f"layers/{archive.name}", name)["prototxt"])
            nets[name] = text_format.Parse(prototxt, caffe_pb2.NetParameter())
    return nets


@cache
def golden_solvers() -> dict[str, Message]:
    """The solvers of the golden cases, by the name of the case."""
    return {
        name: text_format.Parse(
            str(case("solvers/solvers.npz", name)["solver_prototxt"]), caffe_pb2.SolverParameter()
        )
        for name in case_names("solvers/solvers.npz")
    }


def _golden_texts() -> list[Message]:
    """The other messages that stand as text among the goldens."""
    found: list[Message] = []
    for path in sorted((GOLDEN / "upgrade").glob("*.prototxt")):
        for kind in (caffe_pb2.NetParameter, caffe_pb2.SolverParameter):
            try:
                found.append(text_format.Parse(path.read_text(), kind()))
                break
            except text_format.ParseError:
                continue
    for name in case_names("solvers/solvers.npz"):
        prototxt = str(case("solvers/solvers.npz", name)["net_prototxt"])
        found.append(text_format.Parse(prototxt, caffe_pb2.NetParameter()))
    for path in sorted((GOLDEN / "io").glob("*data*.npz")):
        prototxt = str(case_of_file(path))
        found.append(text_format.Parse(prototxt, caffe_pb2.NetParameter()))
    return found


def case_of_file(path: Path) -> str:
    """The prototxt of an .npz that holds a single case."""
    import numpy as np

    with np.load(path) as arrays:
        return str(arrays["prototxt"])


def _visit(message: Message, fields: dict[str, set[str]]) -> None:
    for descriptor, value in message.ListFields():
        fields[message.DESCRIPTOR.name].add(descriptor.name)
        if descriptor.message_type is not None:
            for part in [value] if isinstance(value, Message) else value:
                _visit(part, fields)


@cache
def golden_fields() -> dict[str, set[str]]:
    """By message, the fields that golden cases set."""
    fields: dict[str, set[str]] = defaultdict(set)
    for message in [*golden_nets().values(), *golden_solvers().values(), *_golden_texts()]:
        _visit(message, fields)
    return fields


@cache
def sources() -> dict[str, str]:
    """The test sources by file name; lists of everything there is count as no test."""
    lists = {
        "test_public_headers.cpp",
        "test_gradient_coverage.cpp",
        "test_adding_a_layer.py",
        "test_fields.py",
    }
    paths = [*TESTS.glob("cpp/**/test_*.cpp"), *TESTS.glob("python/**/test_*.py")]
    return {p.name: p.read_text() for p in sorted(paths) if p.name not in lists}


def best(count: Callable[[str], int]) -> str:
    """Name of the test source of which `count` gives most; "" where it gives 0 of all."""
    counts = {name: count(text) for name, text in sources().items()}
    name = max(counts, key=lambda name: counts[name])
    return name if counts[name] else ""


def best_file(pattern: str, beside: str = "") -> str:
    """Name of the test source in which a regular expression is found most often; "" for none.

    Only sources count in which `beside`, another one, is found, too.
    """
    compiled = re.compile(pattern)
    return best(lambda text: len(compiled.findall(text)) if re.search(beside, text) else 0)


@cache
def gradient_excuses() -> dict[str, str]:
    """The layer types without gradient check, and why; all others have one.

    test_gradient_coverage.cpp fails where that is not so.
    """
    text = (TESTS / "cpp/runtime/test_gradient_coverage.cpp").read_text()
    return dict(re.findall(r'\{"(\w+)", "([^"]+)"\},', text))
