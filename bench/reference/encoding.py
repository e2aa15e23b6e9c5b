"""Reduction, vectors and grid classes, instance by instance and block by block."""

import cv2
import numpy as np


def reduce_ids(ids, size):
    """Reduction instance by instance: wherever any of it falls, higher ids over lower ones."""
    rows, cols = size
    reduced = np.zeros(size, np.uint16)
    for i in np.unique(ids):  # ascending
        if i >= 1000:
            mask = (ids == i).view(np.uint8) * np.uint8(255)
            shrunk = cv2.resize(mask, (cols, rows), interpolation=cv2.INTER_AREA)
            reduced[shrunk > 0] = i
    return reduced


def encode(ids, anchor="mass", round_centre=False):
    """Vectors (2, H, W) to the centre of mass, or of the box around an instance."""
    vectors = np.zeros((2, *ids.shape), np.float32)
    for i in np.unique(ids):
        if i < 1000:
            continue
        rows, cols = np.nonzero(ids == i)
        if anchor == "mass":
            row, col = rows.mean(), cols.mean()
        else:
            row, col = (rows.min() + rows.max()) / 2, (cols.min() + cols.max()) / 2
        if round_centre:
            row, col = int(row), int(col)
        vectors[0, rows, cols] = col - cols
        vectors[1, rows, cols] = row - rows
    return vectors


def grid_classes(ids, grid_size, class_of_label, priority):
    """In each block the first class of ``priority`` of which any pixel is there."""
    rows = -(-ids.shape[0] // grid_size)
    cols = -(-ids.shape[1] // grid_size)
    grid = np.zeros((rows, cols), np.uint8)
    for r in range(rows):
        for c in range(cols):
            block = ids[grid_size * r : grid_size * (r + 1), grid_size * c : grid_size * (c + 1)]
            classes = {class_of_label.get(int(i) // 1000, 0) for i in np.unique(block)}
            grid[r, c] = next((k for k in priority if k in classes), 0)
    return grid
