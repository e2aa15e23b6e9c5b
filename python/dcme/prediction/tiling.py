"""Images too large for a network at once: overlapping tiles whose outputs are blended.

Vectors point from each pixel to a centre, wherever the tile lies, so that overlapping outputs may
be averaged; each counts less towards the edges of its tile, where the network sees least.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dcme.grid import block_size

Outputs = tuple[np.ndarray, "np.ndarray | None"]
"""Vectors (2, H, W), and grid probabilities (C, H / block, W / block) or None."""


def starts(length: int, tile: int, overlap: int, stride: int) -> list[int]:
    """Where tiles begin along a side, at multiples of ``stride``; neighbours overlap by at least
    ``overlap`` (less than the tile), and the last one may reach past the end."""
    if length <= tile:
        return [0]
    step = max((tile - overlap) // stride * stride, stride)
    count = -(-(length - tile) // step)
    return [k * step for k in range(count + 1)]


def _ramp(begin: int, end: int, length: int, overlap: int) -> np.ndarray:
    """Weights along a tile: rising from its inner borders, 1 at the borders of the image."""
    places = np.arange(end - begin, dtype=np.float32) + 0.5
    weights = np.ones(end - begin, np.float32)
    reach = max(overlap, 1)
    if begin > 0:
        weights = np.minimum(weights, places / reach)
    if end < length:
        weights = np.minimum(weights, places[::-1] / reach)
    return weights


@dataclass
class _Blend:
    """A weighted mean that grows tile by tile."""

    total: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, channels: int, rows: int, columns: int) -> _Blend:
        return cls(
            np.zeros((channels, rows, columns), np.float32), np.zeros((rows, columns), np.float32)
        )

    def add(self, values: np.ndarray, top: int, left: int, overlap: int) -> None:
        rows, columns = self.weight.shape
        bottom, right = top + values.shape[1], left + values.shape[2]
        down = _ramp(top, bottom, rows, overlap)
        across = _ramp(left, right, columns, overlap)
        weight = down[:, None] * across[None, :]
        self.total[:, top:bottom, left:right] += values * weight
        self.weight[top:bottom, left:right] += weight

    def mean(self) -> np.ndarray:
        return self.total / self.weight


def run_tiled(
    function: Callable[[np.ndarray], Outputs],
    image: np.ndarray,
    tile: tuple[int, int],
    overlap: int,
    stride: int,
) -> Outputs:
    """``function`` on overlapping tiles of an image (H, W, 3), its outputs put together.

    ``tile`` = (H, W) is a multiple of ``stride``, as the tiles' places are, so that the blocks of
    their grids fall on those of the whole. ``overlap`` in pixels is less than the tile's sides.
    """
    height, width = image.shape[:2]
    vectors, grid, block = _Blend.of(2, height, width), None, 1
    for top in starts(height, tile[0], overlap, stride):
        for left in starts(width, tile[1], overlap, stride):
            part = image[top : top + tile[0], left : left + tile[1]]
            part_vectors, part_grid = function(part)
            vectors.add(part_vectors, top, left, overlap)
            if part_grid is None:
                continue
            if grid is None:
                block = block_size(part.shape[:2], part_grid.shape[1:])
                grid = _Blend.of(len(part_grid), -(-height // block), -(-width // block))
            grid.add(part_grid, top // block, left // block, overlap // block)
    return vectors.mean(), None if grid is None else grid.mean()
