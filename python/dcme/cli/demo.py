"""``dcme demo``."""

from __future__ import annotations

import argparse

from dcme.cli.options import add_iterations, add_workers, count, out_folder, positive, workers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dcme demo``."""
    parser.add_argument("out", nargs="?", default="demo", help="folder to work in; default: demo")
    parser.add_argument(
        "--nets",
        default="prototxt/small",
        metavar="DIR",
        help="folder with train, deploy and solver.prototxt; default: prototxt/small",
    )
    parser.add_argument(
        "--train", type=positive, metavar="N", help="number of training scenes; default: 400"
    )
    parser.add_argument(
        "--val", type=positive, metavar="M", help="number of held-out scenes; default: 40"
    )
    parser.add_argument(
        "--seed", type=count, metavar="S", help="random seed of the scenes; default: 7"
    )
    add_iterations(parser)
    parser.add_argument("--gpu", type=count, metavar="N", help="run the networks on this GPU")
    add_workers(parser)
    parser.epilog = "example: dcme demo demo --iterations 100"


written = out_folder


def run(arguments: argparse.Namespace) -> None:
    """Run the demo; the last line names the page and the metrics."""
    from dataclasses import replace
    from pathlib import Path

    from dcme.demo import DemoSettings, run_demo

    given = {
        "train_scenes": arguments.train,
        "val_scenes": arguments.val,
        "seed": arguments.seed,
        "iterations": arguments.iterations,
    }
    settings = replace(
        DemoSettings(
            nets=Path(arguments.nets),
            workers=workers(arguments),
            gpu=arguments.gpu,
            quiet=arguments.quiet,
        ),
        **{key: value for key, value in given.items() if value is not None},
    )
    metrics = run_demo(arguments.out, settings)
    before, after = metrics["ap50_untrained"], metrics["ap50_class_agnostic"]
    print(f"class-agnostic AP50 on held-out scenes: {before:.3f} untrained, {after:.3f} trained")
    print(f"look at {arguments.out}/index.html (figures: {arguments.out}/metrics.json)")
