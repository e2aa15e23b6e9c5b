"""``dcme encode``."""

from __future__ import annotations

import argparse

from dcme.cli.options import (
    add_classes,
    add_split,
    add_workers,
    count,
    counted,
    size,
    split_of,
    workers,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dcme encode``."""
    parser.add_argument(
        "source", help="Cityscapes root, list, folder of instance maps, or one instance map"
    )
    parser.add_argument("out", help="folder for the vector maps; a file with --format h5")
    add_split(parser)
    parser.add_argument(
        "--format",
        choices=("npz", "npy", "h5"),
        default="npz",
        help="npz, npy: a file for each map; h5: one file for all; default: npz",
    )
    parser.add_argument(
        "--size", type=size, metavar="HxW", help="reduce the instance maps to this size first"
    )
    parser.add_argument(
        "--anchor",
        choices=("mass", "box"),
        default="mass",
        help="vectors to the centre of mass, or of the bounding box; default: mass",
    )
    parser.add_argument(
        "--round-centre", action="store_true", help="truncate centres to whole pixels"
    )
    parser.add_argument(
        "--grid-size",
        type=count,
        default=16,
        metavar="GS",
        help="side of a block of grid classes in pixels; 0: no grid classes; default: 16",
    )
    add_classes(parser, "SOURCE")
    add_workers(parser)
    parser.epilog = "example: dcme encode city vectors --split val --size 128x256"


def written(arguments: argparse.Namespace) -> list[str]:
    """A folder, or nothing but a file."""
    return [] if arguments.format == "h5" else [arguments.out]


def run(arguments: argparse.Namespace) -> None:
    """Encode the instance maps."""
    from dcme.datasets.class_file import classes_of
    from dcme.datasets.encode import Encoding, encode_dataset

    encoding = Encoding(
        size=arguments.size,
        anchor=arguments.anchor,
        round_centre=arguments.round_centre,
        grid_size=arguments.grid_size,
        classes=classes_of(arguments.source, arguments.classes),
    )
    number = encode_dataset(
        arguments.source,
        arguments.out,
        encoding,
        file_format=arguments.format,
        split=split_of(arguments),
        workers=workers(arguments),
        quiet=arguments.quiet,
    )
    print(f"{arguments.out}: {counted(number, 'vector map')}")
