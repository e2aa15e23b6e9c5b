"""``dcme evaluate``."""

from __future__ import annotations

import argparse

from dcme.cli.options import (
    add_classes,
    add_split,
    add_table,
    add_workers,
    ious,
    output_file,
    split_of,
    workers,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dcme evaluate``."""
    parser.add_argument("results", help="folder written by dcme predict or dcme decode")
    parser.add_argument("source", help="ground truth: Cityscapes root, list, or folder with lists")
    add_split(parser)
    parser.add_argument(
        "--iou",
        type=ious,
        default=(0.5, 0.7),
        help="IoUs at which matching scores are computed; default: 0.5,0.7",
    )
    parser.add_argument(
        "--json", type=output_file, metavar="FILE", help="also write all scores as JSON"
    )
    add_table(parser)
    add_classes(parser, "RESULTS")
    add_workers(parser)
    parser.epilog = "example: dcme evaluate results city --split val --json scores.json"


def run(arguments: argparse.Namespace) -> None:
    """Print the scores and write the files asked for."""
    from dcme.datasets.class_file import classes_of
    from dcme.datasets.samples import find_maps
    from dcme.files import write_json
    from dcme.results.files import require_no_results
    from dcme.results.scoring import score_results
    from dcme.tables import write_tables

    require_no_results(arguments.source)
    scores = score_results(
        arguments.results,
        find_maps(arguments.source, split_of(arguments)),
        classes_of(arguments.results, arguments.classes),
        workers=workers(arguments),
        ious=arguments.iou,
        quiet=arguments.quiet,
    )
    print(scores.as_text())
    if arguments.json:
        write_json(arguments.json, scores.as_dict())
    if arguments.table:
        write_tables(arguments.table, scores.tables())
