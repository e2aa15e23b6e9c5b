"""``dcme prepare``."""

from __future__ import annotations

import argparse

from dcme.cli.options import add_workers, size, workers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dcme prepare``."""
    parser.add_argument(
        "source", help="Cityscapes root, folder with <split>.txt lists, or one list file"
    )
    parser.add_argument("out", help="folder for images/, instanceIds/ and the lists")
    parser.add_argument(
        "--size", type=size, metavar="HxW", help="reduce to this size; default: check and copy"
    )
    parser.add_argument("--splits", default="train,val", help="default: train,val")
    parser.add_argument("--lmdb", action="store_true", help="also write each split as an LMDB")
    add_workers(parser)
    parser.epilog = "example: dcme prepare $CITYSCAPES_DATASET cityscapes_512 --size 512x1024"


def run(arguments: argparse.Namespace) -> None:
    """Reduce the data set."""
    from dcme.prepare import prepare

    splits = [split for split in arguments.splits.split(",") if split]
    done = prepare(
        arguments.source,
        arguments.out,
        arguments.size,
        splits,
        arguments.lmdb,
        workers(arguments),
        arguments.quiet,
    )
    for split, pairs in done.items():
        print(f"{arguments.out}/{split}.txt: {pairs} images")
