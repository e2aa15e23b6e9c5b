"""``dcme reproduce``."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from dcme.cli.options import add_old_name, add_workers, count, workers

if TYPE_CHECKING:
    from dcme.reproduce.context import Context
    from dcme.reproduce.runner import Report

DATASET = "CITYSCAPES_DATASET"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dcme reproduce``."""
    parser.add_argument(
        "tables",
        nargs="*",
        metavar="TABLE",
        help="table or paper, e.g. isisa-2019/table2 or dcme-2017; default: all. Saves little time "
        "with --synthetic, which trains and tunes all nets first",
    )
    parser.add_argument(
        "--source",
        metavar="DIR",
        help=f"Cityscapes root (gtFine alone gives some tables); default: ${DATASET}",
    )
    parser.add_argument(
        "--out",
        default="reproduce",
        metavar="DIR",
        help="folder for the report and all intermediate files; default: reproduce",
    )
    parser.add_argument(
        "--weights",
        metavar="DIR",
        help="folder of weights, NET.caffemodel for each folder NET of the nets",
    )
    parser.add_argument(
        "--nets",
        default="prototxt",
        metavar="DIR",
        help="folder of the nets; default: prototxt, or those installed with dcme",
    )
    parser.add_argument(
        "--mode",
        choices=("reference", "standard"),
        default="reference",
        help="mode of the decoder, as in dcme predict; default: reference",
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what can be computed")
    add_old_name(parser, "--list", "dry_run", action="store_true")
    parser.add_argument("--no-figures", action="store_true", help="compute only the tables")
    parser.add_argument(
        "--synthetic",
        action="store_true",
        help="compute on synthetic scenes, with narrow copies of the nets trained on the spot",
    )
    parser.add_argument(
        "--effort",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="share of the scenes and iterations of --synthetic; default: 1",
    )
    parser.add_argument("--gpu", type=count, metavar="N", help="run the networks on this GPU")
    add_workers(parser)
    parser.epilog = (
        "example: dcme reproduce --source /data/cityscapes --weights weights\n"
        "         dcme reproduce --synthetic --out synthetic"
    )


def _context(arguments: argparse.Namespace) -> Context:
    from dcme.datasets.samples import is_cityscapes
    from dcme.errors import UserError
    from dcme.reproduce.context import THRESHOLD_FILE, Context, find_nets, read_thresholds
    from dcme.training.caffe_train import nets_path

    out, nets = Path(arguments.out), nets_path(arguments.nets)
    if arguments.synthetic:
        from dcme.reproduce.synthetic import Scale, synthetic_context

        if arguments.dry_run:
            raise UserError("--dry-run is of no use with --synthetic, which computes every table")
        if not 0 < arguments.effort <= 10:
            raise UserError("--effort is a share above 0, at most 10")
        return synthetic_context(
            out,
            nets,
            Scale.of_effort(arguments.effort),
            mode=arguments.mode,
            workers=workers(arguments),
            quiet=arguments.quiet,
            gpu=None if arguments.gpu is None else str(arguments.gpu),
        )
    source = arguments.source or os.environ.get(DATASET)
    if source is None:
        raise UserError(
            f"name the Cityscapes folder (the one that holds gtFine): --source DIR or ${DATASET}; "
            "without Cityscapes: --synthetic"
        )
    if not is_cityscapes(source):
        beside = " (its parent does)" if is_cityscapes(Path(source).parent) else ""
        raise UserError(f"{source}: holds neither gtFine nor leftImg8bit{beside}")
    weights = Path(arguments.weights) if arguments.weights else None
    if weights is not None and not weights.is_dir():
        raise UserError(f"{weights}: no such folder of weights")
    return Context(
        Path(source),
        out,
        find_nets(nets, weights),
        mode=arguments.mode,
        thresholds=read_thresholds(weights / THRESHOLD_FILE) if weights else {},
        workers=workers(arguments),
        quiet=arguments.quiet,
    )


def _print_survey(reports: list[Report]) -> None:
    wide = max(len(report.experiment.key) for report in reports)
    needed: dict[str, int] = {}
    for report in reports:
        key = f"{report.experiment.key:<{wide}}"
        print(f"{key}  {report.state:<7}  {report.experiment.title}")
        if report.failure:
            print(f"{'':<{wide}}  {report.failure}")
        for reason in report.missing:
            needed[reason] = needed.get(reason, 0) + 1
    if needed:
        print("\nwhat is missing (and for how many of these):")
        for reason, tables in needed.items():
            print(f"  {reason} ({tables})")


def written(arguments: argparse.Namespace) -> list[str]:
    """The folder of the report, unless it is only said what would be in it."""
    return [] if arguments.dry_run else [arguments.out]


def run(arguments: argparse.Namespace) -> None:
    """Compute and print the tables; the last line names the report."""
    from dcme.errors import UserError
    from dcme.prediction.net_loading import use_gpu
    from dcme.reproduce.figures import Drawn, draw_figures
    from dcme.reproduce.page import write_report
    from dcme.reproduce.runner import choose, reproduce, survey

    experiments = choose(arguments.tables)
    if arguments.gpu is not None:
        use_gpu(arguments.gpu)
    context = _context(arguments)
    if arguments.dry_run:
        _print_survey(survey(context, experiments))
        return
    reports = reproduce(context, experiments)
    for report in reports:
        if report.state == "done":
            print(report.table().as_text())
            for note in report.outcome.notes if report.outcome else ():
                print(f"  {note}")
            print()
    rest = [report for report in reports if report.state != "done"]
    if rest:
        print("Not computed:")
        _print_survey(rest)
    drawn = Drawn() if arguments.no_figures else draw_figures(context)
    for caption, reason in drawn.failed.items():
        print(f"not drawn: {caption}: {reason}")
    kind = "synthetic street scenes, nets in small" if arguments.synthetic else context.source
    about = f"Paper, ours and difference, in percent where it is AP or accuracy. Data: {kind}."
    print(f"look at {write_report(context, reports, drawn.figures, about)}")
    failed = len(drawn.failed) + sum(report.state == "failed" for report in reports)
    if failed:
        raise UserError(f"{failed} tables or figures failed; the reasons are above")
