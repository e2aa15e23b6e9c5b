"""``dcme decode``."""

from __future__ import annotations

import argparse

from dcme.cli.options import (
    add_classes,
    add_decoding,
    add_no_masks,
    add_workers,
    counted,
    decoding,
    out_folder,
    size,
    workers,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dcme decode``."""
    parser.add_argument("source", help="vector maps: .npy, .npz or .h5 file, or a folder of them")
    parser.add_argument("out", help="folder for the results (.txt, masks/, instanceIds/)")
    parser.add_argument("--size", type=size, metavar="HxW", help="enlarge the masks to this size")
    parser.add_argument(
        "--list",
        metavar="FILE",
        help="list of images: names the maps of a stack, in order, or chooses maps of a folder",
    )
    parser.add_argument(
        "--no-grid",
        dest="grid",
        action="store_false",
        help="ignore the maps' grid classes: keep all instances, without classes, as dcme oracle "
        "class needs them",
    )
    add_no_masks(parser)
    add_decoding(parser, "beside SOURCE or in it")
    add_classes(parser, "SOURCE")
    add_workers(parser)
    parser.epilog = "example: dcme decode vectors results --dt 5 --vt 12 --et 8 --size 256x512"


written = out_folder


def run(arguments: argparse.Namespace) -> None:
    """Decode the vector maps."""
    from dcme.datasets.class_file import classes_of
    from dcme.datasets.samples import find_samples
    from dcme.files import folder_of, require_apart
    from dcme.prediction.predict import decode_files

    if arguments.list:
        require_apart(arguments.out, [folder_of(arguments.list)], "the list is")
    images, instances = decode_files(
        arguments.source,
        arguments.out,
        decoding(arguments, classes_of(arguments.source, arguments.classes), arguments.source),
        size=arguments.size,
        samples=find_samples(arguments.list) if arguments.list else None,
        workers=workers(arguments),
        quiet=arguments.quiet,
        with_grid=arguments.grid,
        masks=arguments.masks,
    )
    print(f"{arguments.out}: {counted(instances, 'instance')} in {counted(images, 'image')}")
