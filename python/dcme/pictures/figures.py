"""``dcme plot``: one picture with the panels that the given files allow."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dcme.classes import ClassMap
from dcme.datasets.samples import IMAGE_ENDING
from dcme.datasets.vectors import VectorMap, find_vectors
from dcme.encoding import encode
from dcme.errors import UserError
from dcme.files import (
    Levels,
    PathLike,
    image_size,
    read_ids,
    read_image,
    require_picture,
    require_size,
    write_picture,
)
from dcme.grid import block_size, grid_classes
from dcme.pictures.charts import plot_losses
from dcme.pictures.plotting import (
    palette,
    show_directions,
    show_grid,
    show_instances,
    show_labels,
    show_magnitude,
)
from dcme.pictures.sheets import Entry, direction_wheel, enlarged, strip
from dcme.results.decode import Decoding, classifies_pixels
from dcme.results.files import read_result
from dcme.results.thresholds import decoding_beside, read_decoding
from dcme.training.log import read_log

_Panel = tuple[str, "np.ndarray | None"]
"""Title and picture; no picture leaves the place empty."""
_EMPTY: _Panel = ("", None)
_ALONE = "input"
"""Title of the image itself."""
_KINDS = ("instances", "magnitudes", "directions", "classes")


@dataclass(frozen=True)
class SceneFiles:
    """The files of one image that can be shown; all but the image may be absent."""

    image: PathLike
    ids: PathLike | None = None
    vectors: PathLike | None = None
    results: PathLike | None = None
    levels: Levels | None = None
    """Of an image of more than 8 bits: what becomes black and white."""


def _of_image(array: np.ndarray, path: PathLike, image: np.ndarray) -> np.ndarray:
    """The map (..., H, W) of a file; raises where the image (H, W, 3) has another size."""
    require_size(path, array.shape[-2:], image.shape[:2])
    return array


def _names(image: PathLike) -> tuple[str, str]:
    """What the files of an image may be called after."""
    stem = Path(image).stem
    return stem, stem.removesuffix(IMAGE_ENDING)


def _warn_of_other_name(path: PathLike, image: PathLike) -> None:
    """Warn where results are not named after the image (``a.txt``, ``a_instanceIds.png``, or
    ``folder_a.txt`` where names would else be equal)."""
    own = Path(path).stem
    if not any(f"{own}_".startswith(f"{n}_") or own.endswith(f"_{n}") for n in _names(image)):
        warnings.warn(f"{path}: shown over {image}, but named after another image", stacklevel=3)


def _found(path: PathLike, image: np.ndarray) -> np.ndarray:
    """The panel of found instances from a text file or an instance map."""
    if Path(path).suffix == ".txt":
        result = read_result(path)
        if not len(result):
            return image
        return show_labels(image, _of_image(result.label_map(), path, image))
    return show_instances(image, _of_image(read_ids(path), path, image))


@dataclass
class _Scene:
    """The panels of an image, and what their legend has to name."""

    image: np.ndarray
    classes: ClassMap
    colours: np.ndarray
    """Of the classes."""
    numbers: set[int] = field(default_factory=set)
    """Those of the classes that are seen."""
    longest: float | None = None
    """The length that is white in every panel of magnitudes: predicted ones compare to true ones
    only so."""

    def of_vectors(self, kind: str, vectors: np.ndarray) -> dict[str, _Panel]:
        """Magnitudes and directions of the ``kind`` "true" or "predicted", the first of them white
        at their own longest."""
        self.longest = self.longest or float(np.hypot(vectors[0], vectors[1]).max())
        white = f" (white: {self.longest:.3g} px)" if self.longest else ""
        return {
            "magnitudes": (f"{kind} magnitudes{white}", show_magnitude(vectors, self.longest)),
            "directions": (f"{kind} directions", show_directions(vectors, self.longest)),
        }

    def of_grid(self, title: str, labels: np.ndarray) -> dict[str, _Panel]:
        """Grid classes (h, w)."""
        shown = show_grid(self.image, labels, self.colours)
        self.numbers.update(np.unique(labels[labels > 0]).tolist())
        return {"classes": (title, shown)}

    def legend(self) -> list[Entry]:
        """What the hues and the colours mean."""
        wheel = [("direction of the vectors", direction_wheel())] if self.longest else []
        seen = sorted(self.numbers)
        return [*wheel, *((self.classes.names[k - 1], self.colours[k - 1]) for k in seen)]


def _true_panels(scene: _Scene, path: PathLike, grid_size: int) -> dict[str, _Panel]:
    ids = _of_image(read_ids(path), path, scene.image)
    try:
        vectors = encode(ids, classes=scene.classes)
        grid = grid_classes(ids, grid_size, classes=scene.classes)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None
    return {
        "instances": ("true instances", show_instances(scene.image, ids)),
        **scene.of_vectors("true", vectors),
        **scene.of_grid("true grid classes", grid),
    }


def _predicted_panels(scene: _Scene, item: VectorMap, source: PathLike) -> dict[str, _Panel]:
    """Of a vector map; grid classes as the decoder takes them by the thresholds beside it."""
    panels = scene.of_vectors("predicted", item.vectors)
    if item.grid is None:
        return panels
    beside = decoding_beside(source)
    decoding = Decoding(**read_decoding(beside)) if beside.is_file() else Decoding()
    by_pixel = classifies_pixels(item) and not decoding.published
    over = f" (over {decoding.probability:g})" if by_pixel else ""
    grid = scene.of_grid(f"predicted grid classes{over}", decoding.grid_labels(item))
    return {**panels, **grid}


def _arranged(
    image: _Panel, true: dict[str, _Panel], predicted: dict[str, _Panel]
) -> tuple[list[_Panel], int]:
    """Panels and how many make a row: those of predicted vectors have their places below those of
    true ones."""
    kinds = [kind for kind in _KINDS if kind in true or kind in predicted]
    if "magnitudes" in true and "magnitudes" in predicted:
        rows = ((image, true), (_EMPTY, predicted))
        panels = [p for first, row in rows for p in (first, *(row.get(k, _EMPTY) for k in kinds))]
        return panels, 1 + len(kinds)
    panels = [image, *(row[kind] for kind in kinds for row in (true, predicted) if kind in row)]
    return panels, len(panels) if len(panels) <= 5 else 3


def plot_scene(
    out: PathLike,
    files: SceneFiles,
    classes: ClassMap,
    grid_size: int | None = None,
    columns: int | None = None,
) -> list[str]:
    """Write panels with titles for one image, and a legend below them; returns the titles.

    Input; with ``ids`` the true instances, magnitudes, directions and grid classes; with
    ``results`` (a text file or an instance map) the found instances, with a warning where these
    are named after another image; with ``vectors`` (a file or a folder that holds the image's map)
    the predicted magnitudes, directions and grid classes.

    grid_size : side of a block of the true grid classes; by default that of the predicted ones, or
        else 16.
    columns : panels in a row, 0: all; by default predicted vectors make a row below true ones.

    The suffix of ``out`` picks the format: see ``write_picture``. Maps of another size than the
    image raise UserError.
    """
    require_picture(out)
    image = read_image(files.image, files.levels)
    scene = _Scene(image, classes, palette(len(classes.names), 1 / len(classes.names)))
    item = None
    if files.vectors is not None:
        item = find_vectors(files.vectors, _names(files.image))
        _of_image(item.vectors, f"{files.vectors} ({item.name})", image)
    true: dict[str, _Panel] = {}
    predicted: dict[str, _Panel] = {}
    if files.ids is not None:
        true = _true_panels(scene, files.ids, grid_size or _block(item))
    if files.results is not None:
        predicted["instances"] = ("found instances", _found(files.results, image))
        _warn_of_other_name(files.results, files.image)
    if item is not None and files.vectors is not None:
        predicted.update(_predicted_panels(scene, item, files.vectors))
    panels, in_a_row = _arranged((_ALONE, image), true, predicted)
    if columns is not None:
        panels, in_a_row = [panel for panel in panels if panel is not _EMPTY], columns
    titles = [title for title, _ in panels]
    shown = [panel if panel is None else enlarged(panel) for _, panel in panels]
    write_picture(out, strip(shown, in_a_row, titles=titles, legend=scene.legend()))
    return [title for title in titles if title]


def is_picture_of(path: PathLike, image: PathLike, levels: Levels | None = None) -> bool:
    """Whether a file may be what ``plot_scene`` leaves of an image alone.

    It has that size, which no file that belongs to the image has: there is a title in it.
    """
    sheet = strip([enlarged(read_image(image, levels))], titles=[_ALONE])
    try:
        return image_size(path) == sheet.shape[:2]
    except UserError:  # no picture at all
        return False


def _block(item: VectorMap | None) -> int:
    """Side of a block of the grid of a vector map, in pixels; 16, as in paper 2, where it has
    none."""
    if item is None or item.grid is None:
        return 16
    return block_size(item.vectors.shape[1:], item.grid.shape[-2:])


def _told_apart(logs: Sequence[PathLike]) -> list[str]:
    """Names of log files: their own, or where these are equal, as those that ``dcme train`` writes
    are, those of their folders below the one that they share; their paths below it where that tells
    no more."""
    paths = [Path(os.path.abspath(log)) for log in logs]
    stems = [path.stem for path in paths]
    if len(set(stems)) == len(stems):
        return stems
    short = [path.parent if len(set(stems)) == 1 else path.with_suffix("") for path in paths]
    places = short if len(set(short)) == len(short) else paths
    shared = Path(os.path.commonpath(places))
    shared = shared.parent if shared in places else shared
    return [str(place.relative_to(shared)) for place in places]


def plot_logs(out: PathLike, logs: Sequence[PathLike]) -> None:
    """Write the loss curves of log files as one figure, named after the files."""
    plot_losses(out, list(zip(_told_apart(logs), map(read_log, logs))))
