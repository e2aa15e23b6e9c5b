"""``dcme plot``: one picture with the panels that the given files allow."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dcme.classes import ClassMap
from dcme.datasets.samples import IMAGE_ENDING
from dcme.datasets.vectors import find_vectors
from dcme.encoding import encode
from dcme.errors import UserError
from dcme.files import (
    Levels,
    PathLike,
    read_ids,
    read_image,
    require_picture,
    require_size,
    write_picture,
)
from dcme.grid import grid_classes
from dcme.pictures.charts import plot_losses
from dcme.pictures.plotting import (
    show_directions,
    show_grid,
    show_instances,
    show_labels,
    show_magnitude,
    strip,
)
from dcme.results.files import read_result
from dcme.training.log import read_log


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


def plot_scene(
    out: PathLike, files: SceneFiles, classes: ClassMap, grid_size: int = 16, columns: int = 4
) -> list[str]:
    """Write panels with titles for one image, ``columns`` in a row (0: all); returns the titles.

    Input; with ``ids`` the true instances, their magnitudes and grid classes; with ``vectors`` (a
    file or a folder that holds the image's map) magnitudes, directions and grid classes; with
    ``results`` (a text file or an instance map) the found instances, with a warning where these
    are named after another image. The suffix of ``out`` picks the format: see ``write_picture``.
    Maps of another size than the image raise UserError.
    """
    require_picture(out)
    image = read_image(files.image, files.levels)
    panels = {"input": image}
    if files.ids is not None:
        ids = _of_image(read_ids(files.ids), files.ids, image)
        panels["true instances"] = show_instances(image, ids)
        try:
            panels["true magnitudes"] = show_magnitude(encode(ids, classes=classes))
            grid = grid_classes(ids, grid_size, classes=classes)
        except ValueError as error:
            raise UserError(f"{files.ids}: {error}") from None
        panels["true grid classes"] = show_grid(image, grid, classes, named=True)
    if files.vectors is not None:
        item = find_vectors(files.vectors, _names(files.image))
        vectors = _of_image(item.vectors, f"{files.vectors} ({item.name})", image)
        panels["magnitudes"] = show_magnitude(vectors)
        panels["directions"] = show_directions(vectors)
        if item.grid is not None:
            panels["grid classes"] = show_grid(image, item.grid, classes, named=True)
    if files.results is not None:
        panels["found instances"] = _found(files.results, image)
        _warn_of_other_name(files.results, files.image)
    write_picture(out, strip(list(panels.values()), columns, titles=list(panels)))
    return list(panels)


def plot_logs(out: PathLike, logs: Sequence[PathLike]) -> None:
    """Write the loss curves of log files as one figure, named after the files.

    Where those have one name, as those that ``dcme train`` writes, their folders come along.
    """
    names = [Path(log).stem for log in logs]
    if len(set(names)) < len(names):
        names = [str(Path(log).with_suffix("")) for log in logs]
    plot_losses(out, list(zip(names, map(read_log, logs))))
