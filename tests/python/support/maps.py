"""Instance maps of single pixels, and how well regions fit the instances of a map."""

import dcme
import numpy as np


def scattered_ids(rng, shape):
    """Every pixel drawn on its own from a few ids around the limits of what is an instance."""
    pool = np.concatenate([[0, 7, 999, 1000, 1001], rng.integers(1001, 65536, 6)])
    return rng.choice(pool, size=shape).astype(np.uint16)


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
