"""Random instance maps and vector fields to compare on."""

import numpy as np


def scattered_ids(rng, shape):
    """Every pixel drawn on its own from a few ids around the limits of what is an instance."""
    pool = np.concatenate([[0, 7, 999, 1000, 1001], rng.integers(1001, 65536, 6)])
    return rng.choice(pool, size=shape).astype(np.uint16)


def scene_ids(rng, shape, count, labels=(24, 25, 26, 27, 28, 31, 32, 33), size=0.6):
    """Ellipses one over the other on stuff: a street scene to the code under test."""
    height, width = shape
    ids = np.full(shape, 7, np.uint16)
    ids[: height // 3] = 23
    typical = size * np.sqrt(height * width / max(count, 1))
    for k in range(count):
        half_height, half_width = typical * rng.uniform(0.3, 1, 2)
        row, col = rng.uniform(0, height), rng.uniform(0, width)
        top, left = int(max(0, row - half_height)), int(max(0, col - half_width))
        part = ids[top : int(row + half_height) + 2, left : int(col + half_width) + 2]
        rows, cols = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
        inside = ((rows - row) / half_height) ** 2 + ((cols - col) / half_width) ** 2 < 1
        part[inside] = 1000 * rng.choice(labels) + k
    return ids
