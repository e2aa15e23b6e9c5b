"""Instance maps to measure on."""

from __future__ import annotations

import numpy as np

__all__ = ["street"]

LABELS = (24, 25, 26, 27, 28, 31, 32, 33)


def street(shape: tuple[int, int], count: int, seed: int = 0) -> np.ndarray:
    """An instance map of ellipses, later ones in front."""
    rng = np.random.default_rng(seed)
    ids = np.full(shape, 7, np.uint16)
    typical = np.sqrt(shape[0] * shape[1] / count)
    for k in range(count):
        half_height, half_width = typical * rng.uniform(0.15, 0.6, 2)
        row, col = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        top, left = int(max(0, row - half_height)), int(max(0, col - half_width))
        part = ids[top : int(row + half_height) + 2, left : int(col + half_width) + 2]
        rows, cols = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
        inside = ((rows - row) / half_height) ** 2 + ((cols - col) / half_width) ** 2 < 1
        part[inside] = 1000 * rng.choice(LABELS) + k
    return ids
