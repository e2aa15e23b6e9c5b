"""``dcme train``."""

from __future__ import annotations

import argparse
import math
import shlex
from pathlib import Path

from dcme.cli.options import OneClassList, add_iterations, classes, count, out_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dcme train``."""
    parser.add_argument("nets", help="folder with train, deploy and solver.prototxt")
    parser.add_argument("data", help="folder written by dcme collect or dcme prepare")
    parser.add_argument("out", help="folder for snapshots and log; continues if it has any")
    parser.add_argument(
        "--weights", metavar="FILE", help="weights to start from, one file or FILE,FILE,..."
    )
    parser.add_argument(
        "--variant",
        default="",
        metavar="NAME",
        help="train with train_NAME.prototxt and solver_NAME.prototxt; last_layers fine-tunes only "
        "the last layers",
    )
    add_iterations(parser)
    reads = parser.add_mutually_exclusive_group()
    reads.add_argument(
        "--balanced", action="store_true", help="read train_balanced.txt (dcme prepare --balance)"
    )
    reads.add_argument(
        "--lmdb",
        action="store_true",
        help="read the LMDBs (dcme prepare --lmdb), if a GPU waits for PNGs to be decoded",
    )
    parser.add_argument(
        "--anchor",
        choices=("mass", "box"),
        default="mass",
        help="learn vectors to the centre of mass, or of the bounding box; default: mass",
    )
    parser.add_argument(
        "--classes",
        type=classes,
        action=OneClassList,
        metavar="LABEL:NAME,...",
        help="classes of the data, e.g. 1:cell,2:debris; default: those that the prototxts name, "
        "or else those in classes.json of DATA",
    )
    parser.add_argument(
        "--held-out",
        type=count,
        default=20,
        metavar="N",
        help="also measure the loss on this many images of val.txt (or on their middle, if the "
        "net's TEST phase has a crop), about ten times in a training, for the log and dcme plot "
        "--log; takes a few percent of the time; 0: none; default: 20",
    )
    parser.add_argument("--gpu", metavar="N", help="train on these GPUs, e.g. 0 or 0,1 or all")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.epilog = (
        "example: dcme train prototxt/isisa2019_deeplabv3plus cityscapes_512x1024 run1 \\\n"
        "           --weights VGG_ILSVRC_16_layers.caffemodel --gpu 0"
    )


written = out_folder


def run(arguments: argparse.Namespace) -> None:
    """Train; the last line names the weights or, unless quiet, the command that uses them."""
    from dcme.datasets.class_file import read_classes
    from dcme.training.job import TrainingJob, run_job

    read = "train_balanced.txt" if arguments.balanced else "train.txt"
    job = TrainingJob(
        nets=arguments.nets,
        data=arguments.data,
        out=arguments.out,
        variant=arguments.variant,
        weights=arguments.weights,
        iterations=arguments.iterations,
        train_list="train_lmdb" if arguments.lmdb else read,
        box_anchor=arguments.anchor == "box",
        held_out=arguments.held_out,
        gpu=arguments.gpu,
        classes=arguments.classes,
    )
    done = run_job(job, arguments.quiet)
    print(done)
    held_out = Path(arguments.data) / "val.txt"
    segments = read_classes(arguments.out) is not None  # the classifier of paper 1 does not
    if segments and held_out.is_file() and not arguments.quiet:
        if done.loss is not None and not math.isfinite(done.loss[1]):
            return  # a warning has told that they are of no use
        deploy = Path(arguments.out) / "deploy.prototxt"
        words = ["dcme", "predict", str(deploy), str(done.weights), str(held_out), "results"]
        print(f"next: {shlex.join(words)}")
