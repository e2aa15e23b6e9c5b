"""``dcme demo``."""

from __future__ import annotations

import argparse

from dcme import demo_defaults as defaults
from dcme.cli.options import add_iterations, add_workers, count, out_folder, positive, workers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dcme demo``."""
    parser.add_argument("out", nargs="?", default="demo", help="folder to work in; default: demo")
    parser.add_argument(
        "--nets",
        default=defaults.NETS,
        metavar="DIR",
        help=f"folder with train, deploy and solver.prototxt; default: {defaults.NETS}",
    )
    parser.add_argument(
        "--train",
        type=positive,
        metavar="N",
        default=defaults.TRAIN_SCENES,
        help=f"number of training scenes; default: {defaults.TRAIN_SCENES}",
    )
    parser.add_argument(
        "--val",
        type=positive,
        metavar="M",
        default=defaults.VAL_SCENES,
        help=f"number of held-out scenes; default: {defaults.VAL_SCENES}",
    )
    parser.add_argument(
        "--seed",
        type=count,
        metavar="S",
        default=defaults.SEED,
        help=f"random seed of the scenes; default: {defaults.SEED}",
    )
    add_iterations(parser)
    parser.add_argument("--gpu", type=count, metavar="N", help="run the networks on this GPU")
    add_workers(parser)
    parser.epilog = "example: dcme demo demo --iterations 100"


written = out_folder


def run(arguments: argparse.Namespace) -> None:
    """Run the demo; the last line names the page and the metrics."""
    from pathlib import Path

    from dcme.demo import DemoSettings, run_demo

    settings = DemoSettings(
        nets=Path(arguments.nets),
        train_scenes=arguments.train,
        val_scenes=arguments.val,
        seed=arguments.seed,
        iterations=arguments.iterations,
        workers=workers(arguments),
        gpu=arguments.gpu,
        quiet=arguments.quiet,
    )
    metrics = run_demo(arguments.out, settings)
    before, after = metrics["ap50_untrained"], metrics["ap50_class_agnostic"]
    print(f"class-agnostic AP50 on held-out scenes: {before:.3f} untrained, {after:.3f} trained")
    print(f"look at {arguments.out}/index.html (figures: {arguments.out}/metrics.json)")
