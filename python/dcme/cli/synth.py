"""``dcme synth``."""

from __future__ import annotations

import argparse

from dcme.cli.options import add_workers, count, out_folder, size, workers


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dcme synth``."""
    parser.add_argument("out", help="folder to write leftImg8bit/, gtFine/ ... to")
    parser.add_argument(
        "--train",
        type=count,
        default=160,
        metavar="N",
        help="number of training scenes; default: 160",
    )
    parser.add_argument(
        "--val", type=count, default=40, metavar="M", help="number of held-out scenes; default: 40"
    )
    parser.add_argument(
        "--test", type=count, default=0, metavar="K", help="number of test scenes; default: 0"
    )
    parser.add_argument(
        "--seed", type=count, default=0, metavar="S", help="random seed of the scenes; default: 0"
    )
    parser.add_argument(
        "--size",
        type=size,
        default=(256, 512),
        metavar="HxW",
        help="size of the scenes; default: 256x512",
    )
    add_workers(parser)
    parser.epilog = "example: dcme synth city --train 160 --val 40 --seed 1 --size 256x512"


written = out_folder


def run(arguments: argparse.Namespace) -> None:
    """Write the data set."""
    from dcme.synth import write_dataset

    painted = write_dataset(
        arguments.out,
        train=arguments.train,
        val=arguments.val,
        test=arguments.test,
        seed=arguments.seed,
        size=arguments.size,
        workers=workers(arguments),
        quiet=arguments.quiet,
    )
    kept = arguments.train + arguments.val + arguments.test - painted
    print(f"{arguments.out}: {painted} scenes painted, {kept} already there")
