"""``dcme tune``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from dcme.cli.options import (
    add_classes,
    add_decoding,
    add_split,
    add_workers,
    count,
    counted,
    decoding,
    figure_file,
    ious,
    output_file,
    split_of,
    workers,
)

if TYPE_CHECKING:
    from dcme.prediction.tuning import Trial


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dcme tune``."""
    parser.add_argument("vectors", help="network outputs of the images (dcme predict --vectors)")
    parser.add_argument("source", help="ground truth: Cityscapes root, list, or folder with lists")
    add_split(parser, what="split to tune on, never the test split")
    parser.add_argument(
        "--goal",
        choices=("score", "ap"),
        default="score",
        help="what to maximise: score: TP / (TP + FP + FN); ap: Cityscapes' average precision; "
        "default: score",
    )
    parser.add_argument(
        "--iou",
        type=ious,
        default=(0.5, 0.7),
        help="IoUs at which the score is computed; default: 0.5,0.7",
    )
    parser.add_argument(
        "--images",
        type=count,
        default=0,
        metavar="N",
        help="number of images to tune on, spread evenly; default: all",
    )
    parser.add_argument("--plot", type=figure_file, metavar="FILE", help="picture of the trade-off")
    parser.add_argument(
        "--json", type=output_file, metavar="FILE", help="write everything that was tried"
    )
    parser.add_argument(
        "--save",
        type=output_file,
        metavar="FILE",
        help="write the best thresholds, e.g. to decoding.json beside the network, where dcme "
        "predict reads them",
    )
    add_decoding(parser, "in VECTORS")
    add_classes(parser, "VECTORS")
    add_workers(parser)
    parser.epilog = (
        "The search starts from the thresholds given and keeps the mode.\n"
        "example: dcme tune vectors data/nuclei --save runs/nuclei/decoding.json\n"
        "         dcme tune vectors $CITYSCAPES_DATASET --goal ap --plot tune.png"
    )


def run(arguments: argparse.Namespace) -> None:
    """Search; the last line are the options for ``dcme predict``, printed before any file."""
    from dcme.datasets.class_file import classes_of
    from dcme.datasets.samples import find_maps, spread
    from dcme.datasets.vectors import require_no_vectors
    from dcme.files import write_json
    from dcme.prediction.tuning import load_scenes, plot_tuning, refuse_test_data, tune
    from dcme.results.thresholds import write_decoding

    split = split_of(arguments)
    require_no_vectors(arguments.source)
    refuse_test_data(arguments.source, split)
    samples = find_maps(arguments.source, split)
    if arguments.images:
        samples = spread(samples, arguments.images)

    def report(trial: Trial, better: bool) -> None:
        if better and not arguments.quiet:
            print(f"  {_thresholds(trial)}: {arguments.goal} {trial.value:.4f}", flush=True)

    threads = workers(arguments)
    classes = classes_of(arguments.vectors, arguments.classes)
    start = decoding(arguments, classes, arguments.vectors, searched=True)
    scenes = load_scenes(arguments.vectors, samples, start.classes, threads)
    found = tune(scenes, start, arguments.goal, arguments.iou, workers=threads, report=report)
    found.require_found()
    best = found.best
    print(
        f"{arguments.goal} {best.value:.4f} (precision {best.precision:.3f}, recall "
        f"{best.recall:.3f} at IoU > {arguments.iou[0]:g}) in "
        f"{counted(len(samples), 'image')}, "
        f"{counted(len(found.trials), 'trial')}"
    )
    for name in found.edges():
        print(f"--{name} is best at {getattr(best.decoding, name):g}, the last value tried")
    if arguments.save:
        write_decoding(arguments.save, best.decoding)
        print(f"{arguments.save}: for dcme predict and decode --decoding")
    print(found.flags(), flush=True)
    if arguments.json:
        write_json(arguments.json, [_record(trial, trial is best) for trial in found.trials])
    if arguments.plot:
        plot_tuning(arguments.plot, found)


def _thresholds(trial: Trial) -> str:
    d = trial.decoding
    names = f"DT {d.dt:g}, VT {d.vt:g}, ET {d.et:g}"
    if d.published:  # which knows no others
        return names
    return f"{names}, foreground {d.foreground:g}, probability {d.probability:g}"


def _record(trial: Trial, best: bool) -> dict[str, float | None]:
    from dcme._arrays import json_number
    from dcme.results.thresholds import THRESHOLDS

    d = trial.decoding
    return {
        "best": best,
        **{name: getattr(d, name) for name in THRESHOLDS},
        **{name: json_number(getattr(trial, name)) for name in ("value", "precision", "recall")},
    }
