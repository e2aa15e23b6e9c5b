"""``dcme submit``."""

from __future__ import annotations

import argparse
import sys

from dcme.cli.options import add_split, add_workers, counted, size, split_of, workers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dcme submit``."""
    parser.add_argument("results", help="folder written by dcme predict or dcme decode")
    parser.add_argument("source", help="the images: Cityscapes root, list, or folder of images")
    parser.add_argument("out", help="zip file to write")
    add_split(parser, "test")
    parser.add_argument(
        "--size",
        type=size,
        metavar="HxW",
        help="size of the masks; default: 1024x2048",
    )
    add_workers(parser)
    parser.epilog = "example: dcme submit results $CITYSCAPES_DATASET submission.zip"


def run(arguments: argparse.Namespace) -> None:
    """Check and zip the results."""
    from dcme.datasets.samples import find_samples
    from dcme.results.submission import FULL_SIZE, write_submission

    samples = find_samples(arguments.source, split_of(arguments))
    done = write_submission(
        arguments.results,
        samples,
        arguments.out,
        arguments.size or FULL_SIZE,
        workers=workers(arguments),
        quiet=arguments.quiet,
    )
    found = f"{counted(done.instances, 'instance')} in {counted(done.images, 'image')}"
    if not done.instances:
        print(f"dcme submit: warning: {arguments.results} holds no instance", file=sys.stderr)
    print(f"{arguments.out}: {found}, {done.bytes / 1e6:.1f} MB")
