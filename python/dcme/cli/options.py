"""Argument types and options that several commands share."""

from __future__ import annotations

import argparse
import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcme.decoding import DEFAULTS

if TYPE_CHECKING:
    from dcme.classes import ClassMap
    from dcme.results.decode import Decoding

FIGURES = (".png", ".pdf", ".svg", ".jpg")
"""Formats of plotted curves."""


def counted(number: int, noun: str) -> str:
    """``1 image``, ``2 images``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def out_folder(arguments: argparse.Namespace) -> list[str]:
    """What most commands write into."""
    return [arguments.out]


def size(text: str) -> tuple[int, int]:
    """``HxW`` as (height, width)."""
    match = re.fullmatch(r"(\d+)[xX](\d+)", text)
    if not match or 0 in map(int, match.groups()):
        raise argparse.ArgumentTypeError(f"'{text}' is not a size; write HxW, e.g. 512x1024")
    return int(match[1]), int(match[2])


def count(text: str) -> int:
    """A whole number of at least 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number >= 0")
    return int(text)


def share(text: str) -> float:
    """A number from 0 to below 1."""
    value = number(text)
    if value >= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a share from 0 to below 1, e.g. 0.2")
    return value


def names(text: str) -> tuple[str, ...]:
    """Comma-separated names."""
    parts = tuple(part.strip() for part in text.split(","))
    if not all(parts):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of names, e.g. train,val")
    return parts


def positive(text: str) -> int:
    """A whole number of at least 1."""
    number = count(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def classes(text: str) -> ClassMap:
    """``cityscapes`` or ``label:name,...``."""
    from dcme.classes import ClassMap

    try:
        return ClassMap.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def iterations(text: str) -> int:
    """A whole number of at least 1 that a solver's ``max_iter`` can be."""
    number = positive(text)
    if number > 2**31 - 1:
        raise argparse.ArgumentTypeError(f"{text} is more than a solver counts to, {2**31 - 1}")
    return number


def add_iterations(parser: argparse.ArgumentParser) -> None:
    """``--iterations``."""
    parser.add_argument(
        "--iterations",
        type=iterations,
        metavar="N",
        help="training iterations; default: the solver's max_iter",
    )


def add_split(
    parser: argparse.ArgumentParser,
    default: str = "val",
    what: str = "which split of a Cityscapes root or folder of lists",
) -> None:
    """``--split``, which ``split_of`` looks up."""
    parser.add_argument("--split", help=f"{what}; default: {default}")
    parser.set_defaults(default_split=default)


def split_of(arguments: argparse.Namespace) -> str:
    """The split asked for; raises where one is, and the source is a file, which has none."""
    from dcme.errors import UserError

    if arguments.split is not None and Path(arguments.source).is_file():
        raise UserError("--split is for a Cityscapes root or a folder of lists, not for a file")
    return str(arguments.split or arguments.default_split)


class OneClassList(argparse.Action):
    """Take one list of classes: of two, the last would silently be all that counts."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        """Keep the list; end where there is one already."""
        if getattr(namespace, self.dest, self.default) is not self.default:
            raise argparse.ArgumentError(self, "is given twice; name all in one: LABEL:NAME,...")
        setattr(namespace, self.dest, values)


def add_classes(parser: argparse.ArgumentParser, place: str = "") -> None:
    """``--classes``; None by default where a file ``classes.json`` in a ``place`` may tell them."""
    told = f"those in classes.json of {place}, else " if place else ""
    parser.add_argument(
        "--classes",
        type=classes,
        action=OneClassList,
        default=None if place else "cityscapes",
        metavar="LABEL:NAME,...",
        help=f"classes of the data set, e.g. 1:nucleus; default: {told}Cityscapes' eight",
    )


def output_file(text: str) -> str:
    """A path that can be written, as far as can be told before the work begins."""
    path = Path(text)
    folder = next((parent for parent in path.absolute().parents if parent.exists()), path)
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise argparse.ArgumentTypeError(f"'{text}' cannot be written")
    return text


def figure_file(text: str) -> str:
    """An output file whose suffix is a format of figures."""
    if Path(text).suffix.lower() not in FIGURES:
        raise argparse.ArgumentTypeError(f"'{text}': figures are written as {', '.join(FIGURES)}")
    return output_file(text)


def table_file(text: str) -> str:
    """An output file whose suffix is a format of tables."""
    from dcme.tables import format_of

    try:
        format_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return output_file(text)


def add_table(parser: argparse.ArgumentParser) -> None:
    """``--table``."""
    parser.add_argument(
        "--table",
        type=table_file,
        metavar="FILE",
        help="also write the table (.txt, .csv, .json, .md or .tex); further tables beside it: "
        "FILE_matching, FILE_accuracy",
    )


def add_old_name(parser: argparse.ArgumentParser, old: str, destination: str, **how: Any) -> None:
    """Take an option by the name that it had before, too, of which the help is silent."""
    parser.add_argument(
        old, dest=destination, default=argparse.SUPPRESS, help=argparse.SUPPRESS, **how
    )


def add_no_masks(parser: argparse.ArgumentParser) -> None:
    """``--no-masks``."""
    parser.add_argument(
        "--no-masks",
        dest="masks",
        action="store_false",
        help="write only the map of all instances, instanceIds/, without a PNG for each; in the "
        "map, overlapping masks hide each other",
    )


def finite(text: str) -> float:
    """A number, neither infinite nor NaN."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number")
    return value


def number(text: str) -> float:
    """A finite number of at least 0."""
    value = finite(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number >= 0")
    return value


def factor(text: str) -> float:
    """A finite number other than 0."""
    value = finite(text)
    if value == 0:
        raise argparse.ArgumentTypeError("0 would leave nothing of the image")
    return value


def numbers(text: str) -> tuple[float, ...]:
    """Comma-separated finite numbers."""
    return tuple(finite(part) for part in text.split(","))


def levels(text: str) -> tuple[float, float]:
    """``LOW,HIGH``: two numbers in ascending order."""
    values = numbers(text)
    if len(values) != 2 or values[0] >= values[1]:
        raise argparse.ArgumentTypeError(f"'{text}' is not LOW,HIGH, e.g. 0,4095")
    return values[0], values[1]


def add_levels(parser: argparse.ArgumentParser) -> None:
    """``--levels``."""
    parser.add_argument(
        "--levels",
        type=levels,
        metavar="LOW,HIGH",
        help="which values become black and white, in images of more than 8 bits, e.g. 0,4095",
    )


def ious(text: str) -> tuple[float, ...]:
    """Comma-separated IoUs, each at least 0 and below 1."""
    values = tuple(dict.fromkeys(numbers(text)))
    if not all(0 <= value < 1 for value in values):
        raise argparse.ArgumentTypeError(f"'{text}': an IoU is at least 0 and below 1, e.g. 0.5")
    return values


def add_decoding(parser: argparse.ArgumentParser, place: str) -> None:
    """The thresholds and mode of the decoder; ``place`` says where a file is taken from unasked."""
    group = parser.add_argument_group("decoding (pixels and votes of the vector map)")
    group.add_argument(
        "--dt", type=number, help=f"votes this close form one centre; default: {DEFAULTS['dt']:g}"
    )
    group.add_argument(
        "--vt",
        type=number,
        help="a centre needs more votes than this (standard: within DT / 2); "
        f"default: {DEFAULTS['vt']:g}",
    )
    group.add_argument(
        "--et",
        type=number,
        help=f"by how much a pixel's vector may miss its centre; default: {DEFAULTS['et']:g}",
    )
    group.add_argument(
        "--foreground",
        type=number,
        metavar="LEN",
        help=f"vectors not longer than this are background; default: {DEFAULTS['foreground']:g} "
        "(objects of 3 px are hardly longer)",
    )
    group.add_argument(
        "--probability",
        type=share,
        metavar="P",
        help="probability of foreground that a pixel must exceed, if the network classifies "
        "pixels; default: 0.5",
    )
    group.add_argument(
        "--mode",
        choices=("standard", "reference", "watershed"),
        help="how votes become masks: standard: each pixel votes once and is in one mask; "
        "reference: as in the papers; watershed: as reference, but with masks by flooding the "
        "lengths of the vectors; default: standard",
    )
    group.add_argument(
        "--decoding",
        metavar="FILE",
        help="read these settings from a file of dcme tune --save; options override it; default: "
        f"decoding.json {place}, if there is one",
    )


def decoding(
    arguments: argparse.Namespace, classes: ClassMap, place: str, searched: bool = False
) -> Decoding:
    """The decoder asked for by ``add_decoding``: its options, else a file's, else the defaults.

    The file is the one given, or that beside a deploy net or among vector maps, the ``place``, if
    there is one. What is taken from it is printed; so is that nothing tells thresholds, unless they
    are to be ``searched``.
    """
    from dataclasses import fields

    from dcme.results.decode import Decoding
    from dcme.results.thresholds import decoding_beside, read_decoding

    path = arguments.decoding
    if path is None and decoding_beside(place).is_file():
        path = decoding_beside(place)
    told = read_decoding(path) if path is not None else {}
    names = {field.name for field in fields(Decoding)} - {"classes"}
    given = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    if told:
        used = (
            f"--{name} {value:g}" if isinstance(value, float) else f"--{name} {value}"
            for name, value in told.items()
            if name not in given
        )
        print(f"{path}: {' '.join(used) or 'all of it is overridden by options'}")
    elif not searched and not {"dt", "vt", "et"} & set(given):
        defaults = " ".join(f"--{name} {DEFAULTS[name]:g}" for name in ("dt", "vt", "et"))
        print(
            f"{decoding_beside(place)}: no such file; {defaults} are the defaults (dcme tune finds "
            "what fits a net and its data)"
        )
    return Decoding(**{**told, **given}, classes=classes)


def add_threads(parser: argparse.ArgumentParser) -> None:
    """``--workers``."""
    parser.add_argument(
        "--workers", type=positive, metavar="N", help="threads; default: all usable cores"
    )


def add_workers(parser: argparse.ArgumentParser) -> None:
    """``--workers`` and ``--quiet``."""
    add_threads(parser)
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")


def workers(arguments: argparse.Namespace) -> int:
    """The number of workers asked for."""
    from dcme.parallel import usable_cores

    return int(arguments.workers or usable_cores())
