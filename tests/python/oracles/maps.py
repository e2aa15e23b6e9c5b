"""Random instance maps and vector fields to compare on."""

import dcme
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


def best_ious(ids, labels, least_pixels=60):
    """IoU of each instance of least_pixels or more with the region of a label map that fits best.

    Regions are the values from 1 on of ``labels``. It is 0 where there are none.
    """
    sizes = np.bincount(labels.ravel())
    ious = []
    for entry in dcme.instances(ids):
        if entry["pixels"] >= least_pixels:
            overlap = np.bincount(labels[ids == entry["id"]], minlength=sizes.size)
            ious.append(max((overlap / (entry["pixels"] + sizes - overlap))[1:], default=0))
    return np.array(ious)
