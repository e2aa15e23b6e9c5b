"""Instance maps to compare and to measure on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["scene_ids", "street"]

LABELS = (24, 25, 26, 27, 28, 31, 32, 33)


def scene_ids(
    rng: np.random.Generator,
    shape: tuple[int, int],
    count: int,
    labels: Sequence[int] = LABELS,
    smallest: float = 0.3,
) -> np.ndarray:
    """Ellipses one over the other on stuff: a street scene to the code under test.

    smallest : half axes of the smallest ellipse, as a share of the largest one's.
    """
    height, width = shape
    ids = np.full(shape, 7, np.uint16)
    ids[: height // 3] = 23
    largest = 0.6 * np.sqrt(height * width / max(count, 1))
    for k in range(count):
        half_height, half_width = largest * rng.uniform(smallest, 1, 2)
        row, col = rng.uniform(0, height), rng.uniform(0, width)
        top, left = int(max(0, row - half_height)), int(max(0, col - half_width))
        part = ids[top : int(row + half_height) + 2, left : int(col + half_width) + 2]
        rows, cols = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
        inside = ((rows - row) / half_height) ** 2 + ((cols - col) / half_width) ** 2 < 1
        part[inside] = 1000 * rng.choice(labels) + k
    return ids


def street(shape: tuple[int, int], count: int, seed: int = 0) -> np.ndarray:
    """The scene of a seed that is measured on."""
    return scene_ids(np.random.default_rng(seed), shape, count, smallest=0.25)
