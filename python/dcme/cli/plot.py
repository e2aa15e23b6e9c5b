"""``dcme plot``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dcme.cli.options import add_classes, add_levels, count, positive

if TYPE_CHECKING:
    from dcme.classes import ClassMap


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``dcme plot``."""
    parser.add_argument("out", help="picture to write (.png, .jpg; loss curves: .svg, .pdf)")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--image", metavar="FILE", help="image to show with the files below")
    kind.add_argument(
        "--log", metavar="FILE", nargs="+", help="training logs, drawn as loss curves"
    )
    parser.add_argument("--ids", metavar="FILE", help="instance map of the image")
    parser.add_argument(
        "--vectors",
        metavar="PATH",
        help="vector map of the image's name, in a file (.npy, .npz, .h5) or a folder",
    )
    parser.add_argument(
        "--results",
        metavar="PATH",
        help="results of the image: .txt or instance map, or the folder of it",
    )
    parser.add_argument(
        "--grid-size",
        type=positive,
        metavar="GS",
        help="side of a block of the true grid classes in pixels; default: that of the predicted "
        "ones, or 16",
    )
    parser.add_argument(
        "--columns",
        type=count,
        metavar="N",
        help="panels in a row, 0: all; default: predicted vectors in a row below true ones",
    )
    add_levels(parser)
    add_classes(parser, "the folder of results, vectors or data")
    parser.epilog = (
        "example: dcme plot strip.png --image street.png --ids street_ids.png --columns 2\n"
        "         dcme plot loss.png --log train.log"
    )


def _classes(arguments: argparse.Namespace) -> ClassMap:
    from dcme.classes import CITYSCAPES
    from dcme.datasets.class_file import read_classes

    # An instance map is in a folder of its own within that of the data.
    data = Path(arguments.ids).parent.parent if arguments.ids else None
    places = [place for place in (arguments.results, arguments.vectors, data) if place]
    found = (read_classes(place) for place in places)
    return arguments.classes or next(filter(None, found), CITYSCAPES)


def _require_other_file(arguments: argparse.Namespace) -> None:
    """Raise where the picture would take the place of what it is to show."""
    from dcme.errors import UserError

    out = Path(arguments.out).resolve()
    if arguments.results:
        folder = Path(arguments.results).resolve().parent
        if out.parent in (folder / "masks", folder / "instanceIds"):
            raise UserError(f"{arguments.out}: is among the results; name another file")
    shown = (arguments.image, arguments.ids, arguments.vectors, arguments.results)
    for path in (*filter(None, shown), *(arguments.log or ())):
        if Path(path).resolve() == out:
            raise UserError(
                f"{arguments.out}: is one of the files to show; name another file for the picture"
            )
    if arguments.image and out.is_file():
        _require_picture_of_ours(arguments)


def _require_picture_of_ours(arguments: argparse.Namespace) -> None:
    """Raise where the file to be replaced is likely one to show, whose option was forgotten."""
    from dcme.errors import UserError
    from dcme.files import is_deep_grey_png
    from dcme.pictures.figures import is_picture_of

    if is_deep_grey_png(arguments.out):
        raise UserError(
            f"{arguments.out}: is an instance map, which --ids shows; name another file for the "
            "picture"
        )
    if arguments.ids or arguments.vectors or arguments.results:
        return
    if not is_picture_of(arguments.out, arguments.image, arguments.levels):
        raise UserError(
            f"{arguments.out}: exists, and is no earlier picture of {arguments.image} alone; "
            "delete it, or name another file for the picture (to show it as well: --ids, "
            "--vectors, --results)"
        )


def run(arguments: argparse.Namespace) -> None:
    """Write the picture."""
    from dcme.datasets.samples import Sample
    from dcme.pictures.figures import SceneFiles, plot_logs, plot_scene
    from dcme.results.files import result_path

    if arguments.image and arguments.results and Path(arguments.results).is_dir():
        image = Path(arguments.image)
        arguments.results = str(result_path(arguments.results, Sample(image.stem, image, None)))
    _require_other_file(arguments)
    if arguments.log:
        plot_logs(arguments.out, arguments.log)
        print(f"{arguments.out}: loss of {', '.join(arguments.log)}")
        return
    files = SceneFiles(
        arguments.image, arguments.ids, arguments.vectors, arguments.results, arguments.levels
    )
    panels = plot_scene(
        arguments.out, files, _classes(arguments), arguments.grid_size, arguments.columns
    )
    print(f"{arguments.out}: {', '.join(panels)}")
