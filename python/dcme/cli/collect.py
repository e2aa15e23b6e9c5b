"""``dcme collect``."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from dcme.cli.options import (
    OneClassList,
    add_levels,
    add_old_name,
    add_workers,
    classes,
    count,
    counted,
    out_folder,
    share,
    size,
    workers,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dcme collect``."""
    parser.description = """\
Make a data set (lists of images and instance maps) from your images and masks.

Masks may be:
- one label map per image (PNG, TIFF or .npy), named as the image or with an
  ending such as _masks: 0, 1, 2, ..., or with several --classes
  1000 * class + number;
- a folder of single masks per image: MASKS/NAME/*.png or
  MASKS/NAME/masks/*.png;
- a COCO annotation file: polygons, and run lengths, plain or compressed."""
    parser.add_argument("images", help="folder of images (or of folders NAME/images)")
    parser.add_argument("masks", help="folder of masks, or a COCO file (.json)")
    parser.add_argument("out", help="new folder for images/, instanceIds/, train.txt and val.txt")
    parser.add_argument(
        "--classes",
        type=classes,
        action=OneClassList,
        metavar="LABEL:NAME,...",
        help="the class of the masks, e.g. 1:nucleus; or the classes of instance maps (1000 * "
        "class + number); or the wanted categories of a COCO file; default: 1:object, or all "
        "categories with their ids",
    )
    parser.add_argument(
        "--parts",
        choices=("one", "each"),
        help="what the parts of a mask are if they do not touch: one instance, or each an "
        "instance; default: one, but label maps that look otherwise are refused",
    )
    parser.add_argument(
        "--val-share",
        type=share,
        default=0.2,
        metavar="SHARE",
        help="share of the images that becomes val.txt; default: 0.2",
    )
    add_old_name(parser, "--val", "val_share", type=share)
    parser.add_argument(
        "--seed",
        type=count,
        default=1,
        metavar="S",
        help="random seed for choosing the images of val.txt; default: 1",
    )
    parser.add_argument(
        "--tile",
        type=size,
        metavar="HxW",
        help="cut larger images, with their masks, into tiles of at most this size, e.g. 512x512",
    )
    add_levels(parser)
    add_workers(parser)
    parser.epilog = (
        "example: dcme collect scans/images scans/masks data/nuclei --classes 1:nucleus\n"
        "         dcme collect photos annotations.json data/street\n"
        "         dcme collect slides labels data/cells --tile 512x512"
    )


written = out_folder


def run(arguments: argparse.Namespace) -> None:
    """Write the data set."""
    from dcme.datasets.collect import Settings, collect

    done = collect(
        arguments.images,
        arguments.masks,
        arguments.out,
        classes=arguments.classes,
        settings=Settings(
            parts=arguments.parts,
            val=arguments.val_share,
            seed=arguments.seed,
            levels=arguments.levels,
            tile=arguments.tile,
        ),
        workers=workers(arguments),
        quiet=arguments.quiet,
    )
    for split, images in done.images.items():
        print(
            f"{arguments.out}/{split}.txt: {counted(images, 'image')}, "
            f"{counted(done.instances[split], 'instance')}"
        )
    if done.lost:
        print(
            f"{counted(done.lost, 'mask')} gave no instance: empty, outside of its image, or "
            "hidden by smaller ones"
        )
    if done.divided:
        number, place = done.most_divided
        print(
            f"{counted(done.divided, 'instance')} in several parts, up to {number} in {place}; "
            "use --parts each if every part is an instance, --parts one if not"
        )
    if done.left_out:
        listed = ", ".join(f"{name} {number}" for name, number in done.left_out.items())
        left = counted(sum(done.left_out.values()), "annotation")
        print(f"left out, because --classes does not name their categories: {left} ({listed})")
    if done.unused:
        first = ", ".join(done.unused[:3]) + (", ..." if len(done.unused) > 3 else "")
        print(f"{len(done.unused)} in {arguments.masks} belong to no image: {first}")
    print(f"classes: {done.classes}")
    # Nets for several classes have to be told of them.
    if len(done.classes.labels) == 1 and not arguments.quiet:
        run = Path("runs", Path(arguments.out).resolve().name)
        words = ["dcme", "train", "prototxt/nuclei", arguments.out, str(run)]
        print(f"next: {shlex.join(words)}")
