"""``dcme oracle``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dcme.cli.options import (
    add_classes,
    add_split,
    add_table,
    add_workers,
    number,
    size,
    split_of,
    workers,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcme.datasets.samples import Sample
    from dcme.results.files import ImageResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dcme oracle``."""
    parser.add_argument(
        "kind",
        choices=("ceiling", "instance", "class"),
        help="ceiling: the ground truth itself at --size; instance: true masks, classes from the "
        "grids in --vectors; class: masks of --results, true classes",
    )
    parser.add_argument("source", help="ground truth: Cityscapes root, list, or folder with lists")
    add_split(parser)
    parser.add_argument(
        "--size", type=size, metavar="HxW", help="ceiling: size that the network sees"
    )
    parser.add_argument(
        "--masks",
        action="store_true",
        help="ceiling: only reduce and enlarge the masks, without encoding and decoding them",
    )
    parser.add_argument(
        "--dt",
        type=number,
        default=0,
        help="ceiling: the decoder's DT (see dcme decode); default: 0",
    )
    parser.add_argument(
        "--vt", type=number, default=0, help="ceiling: the decoder's VT; default: 0"
    )
    parser.add_argument(
        "--et", type=number, default=1, help="ceiling: the decoder's ET; default: 1"
    )
    parser.add_argument(
        "--vectors", metavar="DIR", help="instance: folder written by dcme predict --vectors"
    )
    parser.add_argument(
        "--results",
        metavar="DIR",
        help="class: folder written by dcme decode --no-grid, or by dcme predict of a network "
        "without a grid",
    )
    add_table(parser)
    add_classes(parser, "SOURCE or else DIR")
    add_workers(parser)
    parser.epilog = "example: dcme oracle ceiling $CITYSCAPES_DATASET --size 512x1024"


def run(arguments: argparse.Namespace) -> None:
    """Print the scores."""
    from dcme.datasets.class_file import classes_of, read_classes
    from dcme.datasets.samples import find_maps
    from dcme.errors import UserError
    from dcme.results.decode import Decoding
    from dcme.results.oracles import Ceiling, ClassOracle, InstanceOracle, class_accuracy
    from dcme.results.scoring import score_images
    from dcme.tables import Table, write_tables

    samples = find_maps(arguments.source, split_of(arguments))
    option = {"ceiling": "size", "instance": "vectors", "class": "results"}[arguments.kind]
    given = getattr(arguments, option)
    if given is None:
        raise UserError(f"the {arguments.kind} oracle needs --{option}")
    classes = arguments.classes or read_classes(arguments.source)
    if classes is None:  # lists may tell none, but what a network made of their images does
        classes = classes_of(arguments.source if option == "size" else given)
    threads, quiet = workers(arguments), arguments.quiet
    make: Callable[[Sample], ImageResult]
    more: dict[str, Table] = {}
    if arguments.kind == "ceiling":
        exact = Decoding(arguments.dt, arguments.vt, arguments.et, "reference")
        make = Ceiling(given, None if arguments.masks else exact, classes)
    elif arguments.kind == "class":
        make = ClassOracle(Path(given), classes)
    else:
        make = oracle = InstanceOracle(Path(given), classes)
        more = {"accuracy": class_accuracy(oracle, samples, threads, quiet).table()}
        print(more["accuracy"].as_text())
    scores = score_images(make, samples, classes, workers=threads, quiet=quiet)
    print(scores.as_text())
    if arguments.table:
        write_tables(arguments.table, {**scores.tables(), **more})
