"""``dcme prepare``."""

from __future__ import annotations

import argparse
from pathlib import Path

from dcme.cli.options import (
    OneClassList,
    add_workers,
    classes,
    counted,
    names,
    out_folder,
    positive,
    size,
    workers,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dcme prepare``."""
    parser.add_argument(
        "source", help="Cityscapes root, folder with <split>.txt lists, or one list file"
    )
    parser.add_argument("out", help="folder for images/, instanceIds/ and the lists")
    parser.add_argument(
        "--size", type=size, metavar="HxW", help="reduce to this size; default: check and copy"
    )
    parser.add_argument(
        "--splits",
        type=names,
        help="splits of a Cityscapes root or folder of lists to prepare; default: train,val",
    )
    parser.add_argument("--lmdb", action="store_true", help="also write each split as an LMDB")
    parser.add_argument(
        "--balance",
        action="store_true",
        help="also write train_balanced.txt: images with trucks, buses, trains or motorcycles "
        "three times, of the others one in 30 (paper 1; for Cityscapes' labels)",
    )
    group = parser.add_argument_group("pictures of single instances, for paper 1's classifier")
    group.add_argument(
        "--crops",
        type=positive,
        metavar="SIDE",
        help="write square crops of this many pixels (GoogLeNet: 224) and lists of their classes "
        "instead of reduced images",
    )
    group.add_argument(
        "--smallest",
        type=positive,
        metavar="PX",
        help="smallest side of a box that is cut out, in pixels; default: 50",
    )
    group.add_argument(
        "--classes",
        type=classes,
        action=OneClassList,
        metavar="LABEL:NAME,...",
        help="classes of the crops, e.g. 1:nucleus; default: those in classes.json beside the "
        "lists, else Cityscapes' eight",
    )
    add_workers(parser)
    parser.epilog = (
        "example: dcme prepare $CITYSCAPES_DATASET cityscapes_512x1024 --size 512x1024\n"
        "         dcme prepare $CITYSCAPES_DATASET cityscapes_crops --crops 224"
    )


written = out_folder


def run(arguments: argparse.Namespace) -> None:
    """Reduce the data set."""
    from dcme.datasets.class_file import classes_of
    from dcme.datasets.crops import CropRule, CropSettings
    from dcme.datasets.prepare import prepare, prepare_crops, write_balanced_list
    from dcme.errors import UserError

    if arguments.splits and Path(arguments.source).is_file():
        raise UserError("--splits is for a Cityscapes root or a folder of lists, not for one list")
    splits = arguments.splits or ("train", "val")
    threads, quiet = workers(arguments), arguments.quiet
    if arguments.crops:
        if arguments.size or arguments.balance or arguments.lmdb:
            raise UserError("--crops cannot be combined with --size, --balance and --lmdb")
        rule = CropRule(arguments.crops, arguments.smallest or CropRule.smallest)
        chosen = classes_of(arguments.source, arguments.classes)
        settings = CropSettings.of_classes(rule, chosen)
        counts = prepare_crops(
            arguments.source,
            arguments.out,
            settings,
            splits=splits,
            workers=threads,
            quiet=quiet,
        )
        for split, crops in counts.items():
            print(f"{arguments.out}/{split}.txt: {counted(crops, 'crop')}")
        return
    if arguments.classes or arguments.smallest:
        raise UserError("--classes and --smallest are for --crops; reduced maps keep all classes")
    done = prepare(
        arguments.source,
        arguments.out,
        size=arguments.size,
        splits=splits,
        lmdb=arguments.lmdb,
        workers=threads,
        quiet=quiet,
    )
    for split, pairs in done.items():
        images = counted(pairs.kept + pairs.new, "image")
        print(f"{arguments.out}/{split}.txt: {images}: {pairs.kept} kept, {pairs.new} new")
    if arguments.balance:
        lines = write_balanced_list(arguments.out)
        print(f"{arguments.out}/train_balanced.txt: {counted(lines, 'line')}")
