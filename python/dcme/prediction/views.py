"""Seeing images mirrored and turned, and averaging what a network says of all these views."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

VIEWS = (1, 2, 8)
"""As it is; also mirrored left to right; also both by one, two and three quarter turns."""

Batch = np.ndarray
"""(N, C, H, W)."""
BatchOutputs = tuple[np.ndarray, "np.ndarray | None"]
"""Vectors (N, 2, H, W) and class probabilities (N, classes, h, w) of a batch."""


def seen(batch: Batch, view: int) -> Batch:
    """View 0 .. 7 of a batch: mirrored if odd, then turned left by ``view // 2`` quarters."""
    mirrored = batch[..., ::-1] if view % 2 else batch
    return np.rot90(mirrored, view // 2, axes=(2, 3))


def turned_back(batch: Batch, view: int) -> Batch:
    """Undoes ``seen``."""
    upright = np.rot90(batch, -(view // 2), axes=(2, 3))
    return upright[..., ::-1] if view % 2 else upright


def vectors_turned_back(vectors: Batch, view: int) -> Batch:
    """Undoes ``seen`` for vectors, which turn as the image does. y points down."""
    dx, dy = turned_back(vectors[:, 0:1], view), turned_back(vectors[:, 1:2], view)
    for _ in range(view // 2):
        dx, dy = -dy, dx
    return np.concatenate([-dx if view % 2 else dx, dy], axis=1)


def averaged(forward: Callable[[Batch], BatchOutputs], batch: Batch, views: int) -> BatchOutputs:
    """The mean of the outputs over the first ``views`` views (one of VIEWS)."""
    vectors, grid = forward(batch)
    for view in range(1, views):
        more, more_grid = forward(seen(batch, view))
        vectors = vectors + vectors_turned_back(more, view)
        if grid is not None and more_grid is not None:
            grid = grid + turned_back(more_grid, view)
    return vectors / views, None if grid is None else grid / views
