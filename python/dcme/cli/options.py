"""Argument types and options that several commands share."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcme.dataset_decoding import Decoding
    from dcme.labels import ClassTable


def size(text: str) -> tuple[int, int]:
    """``HxW`` as (height, width)."""
    match = re.fullmatch(r"(\d+)[xX](\d+)", text)
    if not match or "0" in match.groups():
        raise argparse.ArgumentTypeError(f"'{text}' is not a size; write HxW, e.g. 512x1024")
    return int(match[1]), int(match[2])


def count(text: str) -> int:
    """A whole number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number >= 0")
    return int(text)


def positive(text: str) -> int:
    """A whole number of at least 1."""
    number = count(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def classes(text: str) -> ClassTable:
    """``cityscapes`` or ``label:name,...``."""
    from dcme.labels import ClassTable

    try:
        return ClassTable.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_classes(parser: argparse.ArgumentParser) -> None:
    """``--classes``."""
    parser.add_argument(
        "--classes",
        type=classes,
        default="cityscapes",
        metavar="LABEL:NAME,...",
        help="classes of the data set, e.g. 1:nucleus; default: the eight of Cityscapes",
    )


def table_file(text: str) -> str:
    """A path whose suffix is a format of tables."""
    from dcme.tables import format_of

    try:
        format_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def add_table(parser: argparse.ArgumentParser) -> None:
    """``--table``."""
    parser.add_argument(
        "--table",
        type=table_file,
        metavar="FILE",
        help="also write the table: .txt, .csv, .json, .md or .tex",
    )


def number(text: str) -> float:
    """A finite number of at least 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number >= 0")
    return value


def numbers(text: str) -> tuple[float, ...]:
    """Comma-separated numbers."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of numbers") from None


def add_decoding(parser: argparse.ArgumentParser) -> None:
    """The thresholds and mode of the decoder."""
    group = parser.add_argument_group("decoding (pixels and votes of the vector map)")
    group.add_argument(
        "--dt", type=number, default=10, help="votes this close form one centre; default: 10"
    )
    group.add_argument("--vt", type=number, default=50, help="votes a centre needs; default: 50")
    group.add_argument(
        "--et", type=number, default=15, help="how far from the centre pixels may point; 15"
    )
    group.add_argument(
        "--foreground",
        type=number,
        default=1,
        metavar="LEN",
        help="shorter vectors do not count; 1",
    )
    group.add_argument(
        "--probability",
        type=number,
        default=0.5,
        metavar="P",
        help="of foreground that a pixel must exceed, where the network classifies pixels; 0.5",
    )
    group.add_argument("--mode", choices=("standard", "reference", "watershed"), default="standard")


def decoding(arguments: argparse.Namespace) -> Decoding:
    """The decoder asked for by ``add_decoding`` and ``add_classes``."""
    from dcme.dataset_decoding import Decoding

    return Decoding(
        arguments.dt,
        arguments.vt,
        arguments.et,
        arguments.mode,
        arguments.foreground,
        arguments.classes,
        arguments.probability,
    )


def add_workers(parser: argparse.ArgumentParser) -> None:
    """``--workers`` and ``--quiet``."""
    parser.add_argument(
        "--workers", type=positive, default=None, metavar="N", help="default: all usable cores"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def workers(arguments: argparse.Namespace) -> int:
    """The number of workers asked for."""
    from dcme.parallel import usable_cores

    return int(arguments.workers or usable_cores())
