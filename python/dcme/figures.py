"""``dcme plot``: one picture with the panels that the given files allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from dcme.errors import UserError
from dcme.files import PathLike, read_ids, read_image, write_png
from dcme.labels import ClassTable
from dcme.plotting import (
    plot_losses,
    show_directions,
    show_grid,
    show_instances,
    show_magnitude,
    strip,
)
from dcme.results import read_result
from dcme.trainlog import read_log
from dcme.vectors import read_vectors


@dataclass(frozen=True)
class SceneFiles:
    """The files of one image that can be shown; all but the image may be absent."""

    image: PathLike
    ids: PathLike | None = None
    vectors: PathLike | None = None
    results: PathLike | None = None


def _same_size(ids: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return cv2.resize(ids, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)


def plot_scene(
    out: PathLike, files: SceneFiles, classes: ClassTable, grid_size: int = 16, columns: int = 0
) -> list[str]:
    """Write a strip of panels for one image; returns the panels' names in order.

    Input; with ``ids`` the true instances, their magnitudes and grid classes; with ``vectors``
    (2, H, W) the given magnitudes, directions and grid classes; with ``results`` (a text file or
    an instance map) the found instances.
    """
    from dcme.encoding import encode
    from dcme.grid import grid_classes

    image = read_image(files.image)
    shape = image.shape[:2]
    panels = {"input": image}
    if files.ids is not None:
        ids = _same_size(read_ids(files.ids), shape)
        panels["true instances"] = show_instances(image, ids)
        panels["true magnitudes"] = show_magnitude(encode(ids))
        try:
            grid = grid_classes(ids, grid_size, classes=classes.to_map())
        except ValueError as error:
            raise UserError(f"{files.ids}: {error}") from None
        panels["true grid classes"] = show_grid(image, grid, classes)
    if files.vectors is not None:
        item = next(read_vectors(files.vectors))
        panels["magnitudes"] = show_magnitude(item.vectors)
        panels["directions"] = show_directions(item.vectors)
        if item.grid is not None:
            panels["grid classes"] = show_grid(image, item.grid, classes)
    if files.results is not None:
        text = Path(files.results).suffix == ".txt"
        found = read_result(files.results).instance_map() if text else read_ids(files.results)
        panels["found instances"] = show_instances(image, _same_size(found, shape))
    write_png(out, strip(list(panels.values()), columns))
    return list(panels)


def plot_logs(out: PathLike, logs: Sequence[PathLike]) -> None:
    """Write the loss curves of log files as one figure."""
    plot_losses(out, [(Path(log).stem, read_log(log)) for log in logs])
