"""Grid classes (paper 2): one class a block of the image, and instances classified by them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dcme import _core
from dcme._arrays import as_ids
from dcme.classes import CITYSCAPES, ClassMap

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["classify_instances", "grid_classes"]


def block_size(size: tuple[int, int], grid: tuple[int, int]) -> int:
    """Side, in pixels, of the blocks that make a grid of (rows, columns) over an image (H, W).

    The power of two, as encoders have it, that gives so many blocks, partial ones at the ends
    included; where none does, the smallest other number. Grids that leave partial blocks out, or
    do not fit at all, count as stretched over the image.
    """
    least = max(-(-side // count) for side, count in zip(size, grid))
    for block in (1 << (least - 1).bit_length(), least):
        if all(-(-side // block) == count for side, count in zip(size, grid)):
            return block
    return max(1, round(size[0] / grid[0]))


def grid_classes(
    ids: npt.ArrayLike,
    grid_size: int = 16,
    priority: Sequence[int | str] | None = None,
    classes: ClassMap = CITYSCAPES,
) -> npt.NDArray[np.uint8]:
    """Class of each ``grid_size`` x ``grid_size`` block of an instance map.

    Parameters
    ----------
    ids : (H, W) instance map.
    priority : all classes, by number (1-based) or name; a block with several takes the first.
        The default is the class map's own, for Cityscapes the class with fewest instances first.
    classes : labels that are classes; a label it does not know raises ``ValueError``.

    Returns
    -------
    uint8 (ceil(H / grid_size), ceil(W / grid_size)), 0 = background. A side that is not a multiple
    of the grid size ends in a partial block, as encoders whose poolings round up have it.
    """
    names = {name: index for index, name in enumerate(classes.names, 1)}
    unknown = [p for p in priority or () if isinstance(p, str) and p not in names]
    if unknown:
        raise ValueError(f"priority names {unknown[0]!r}; the classes are {', '.join(names)}")
    ranking = [names[p] if isinstance(p, str) else int(p) for p in priority or ()]
    values = as_ids(ids)
    whole = max(values.shape)  # a larger block is the same one, but may be no C++ int
    return _core.grid_classes(values, min(int(grid_size), whole), classes, ranking)


def classify_instances(
    centres: npt.ArrayLike,
    block_probabilities: npt.ArrayLike,
    grid_size: int = 16,
    foreground_only: bool = False,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Class and confidence of instances: those of the block that holds each centre.

    Parameters
    ----------
    centres : (K, 2) centres as (row, col) in pixels.
    block_probabilities : (classes, H / grid_size, W / grid_size), background first.
    foreground_only : choose among the classes only, never the background.
    """
    points = np.ascontiguousarray(np.asarray(centres, dtype=np.float64).reshape(-1, 2))
    blocks = np.ascontiguousarray(block_probabilities, dtype=np.float32)
    return _core.classify_instances(points, blocks, int(grid_size), bool(foreground_only))
