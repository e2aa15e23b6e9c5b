"""Encoder and decoders with whole-array operations of NumPy and OpenCV.

Peers of the benchmark; ``decode_standard`` is what defines that mode in the tests."""

from __future__ import annotations

import cv2
import numpy as np

__all__ = ["decode_reference", "decode_standard", "encode", "filled"]

Mask = np.ndarray


def encode(ids: np.ndarray) -> np.ndarray:
    """Vectors by bincount over the whole map."""
    flat = ids.ravel().astype(np.int64)
    rows, cols = np.divmod(np.arange(flat.size), ids.shape[1])
    counts = np.maximum(np.bincount(flat), 1)
    centre_rows = np.bincount(flat, rows) / counts
    centre_cols = np.bincount(flat, cols) / counts
    vectors = np.stack([centre_cols[flat] - cols, centre_rows[flat] - rows]).astype(np.float32)
    vectors[:, flat < 1000] = 0
    return vectors.reshape(2, *ids.shape)


def _parts(cells: np.ndarray, axis: int, dt: float) -> list[np.ndarray]:
    cells = cells[np.argsort(cells[:, axis], kind="stable")]
    return np.split(cells, np.flatnonzero(np.diff(cells[:, axis]) > dt) + 1)


def filled(mask: np.ndarray) -> Mask:
    """A mask (H, W) with its holes, as booleans."""
    mask = mask.astype(np.uint8)
    contours = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    return cv2.drawContours(mask, contours, -1, 1, cv2.FILLED) > 0


def decode_reference(
    vectors: np.ndarray, dt: float = 10, vt: float = 50, et: float = 15
) -> list[Mask]:
    """Masks by the published decoder (for vectors below 128 pixels)."""
    dx, dy = np.trunc(vectors).astype(int)
    height, width = dx.shape
    rows, cols = np.indices(dx.shape)
    to_row, to_col = rows + dy, cols + dx
    weight = (dx != 0).astype(int) + (dy != 0)
    inside = (weight > 0) & (to_row < height) & (to_col < width)
    cells = (to_row[inside] % height) * width + to_col[inside] % width
    votes = np.bincount(cells, weight[inside], height * width).reshape(dx.shape)
    found = np.argwhere(votes > vt)
    masks = []
    for part in [p for rows_part in _parts(found, 0, dt) for p in _parts(rows_part, 1, dt)]:
        if len(part) == 0:
            continue
        row, col = np.floor(part.mean(axis=0))
        near = (to_row - row) ** 2 + (to_col - col) ** 2 < et * et
        mask = filled(near & (weight > 0))
        if np.count_nonzero(mask) > 20:
            masks.append(mask)
    return masks


def _box_sums(heights: np.ndarray, radius: int) -> np.ndarray:
    """Sums over squares of (2 * radius + 1)^2 cells, 0 outside."""
    summed = np.pad(heights, ((radius + 1, radius), (radius + 1, radius))).cumsum(0).cumsum(1)
    side = 2 * radius + 1
    return (
        summed[side:, side:]
        - summed[:-side, side:]
        - summed[side:, :-side]
        + summed[:-side, :-side]
    )


def _window(votes: np.ndarray, row: int, col: int, radius: int) -> tuple[float, float, int]:
    """Mean place and number of the votes within ``radius`` of a cell."""
    top, left = max(row - radius, 0), max(col - radius, 0)
    part = votes[top : row + radius + 1, left : col + radius + 1]
    count = int(part.sum())
    if count == 0:
        return 0, 0, 0
    rows, cols = part.sum(axis=1), part.sum(axis=0)
    return (
        (rows @ np.arange(top, top + len(rows))) / count,
        (cols @ np.arange(left, left + len(cols))) / count,
        count,
    )


def _take_sharp_centres(votes: np.ndarray, vt: float) -> list[tuple[float, float, int]]:
    """Centres with 90 % of their votes in 3x3 cells; those votes are taken out of ``votes``."""
    centres = []
    for row, col in np.argwhere(votes > int(vt / 9)):
        y, x, count = _window(votes, row, col, 1)
        nearest_cell = (np.floor(y + 0.5), np.floor(x + 0.5))
        if votes[row, col] <= int(vt / 9) or count <= vt or nearest_cell != (row, col):
            continue
        if count >= 0.9 * _window(votes, row, col, 2)[2]:
            centres.append((y, x, count))
            votes[max(row - 1, 0) : row + 2, max(col - 1, 0) : col + 2] = 0
    return centres


def _is_first_highest(heights: np.ndarray, cell: tuple[int, int], reach: int) -> bool:
    """Whether no cell that comes first in reading order is as high within ``reach``."""
    top, left = max(cell[0] - reach, 0), max(cell[1] - reach, 0)
    part = heights[top : cell[0] + reach + 1, left : cell[1] + reach + 1]
    return divmod(int(part.argmax()), part.shape[1]) == (cell[0] - top, cell[1] - left)


def _lowest_between(heights: np.ndarray, a: tuple[int, int], b: tuple[int, int]) -> int:
    steps = max(abs(a[0] - b[0]), abs(a[1] - b[1]))
    along = np.arange(steps + 1)[:, None] / max(steps, 1)
    rows, cols = np.floor(np.array(a) + along * np.subtract(b, a) + 0.5).astype(int).T
    return heights[rows, cols].min()


def _gathers(votes: np.ndarray, voters: np.ndarray, cell: tuple[int, int], radius: int) -> bool:
    """Whether a square around a cell holds more votes than its voters leave there by chance."""
    for reach in range(min(radius, max(votes.shape)) + 1):
        expected = _window(voters, *cell, reach)[2] + 1
        if _window(votes, *cell, reach)[2] > expected + 4 * np.sqrt(expected) + 2.5:
            return True
    return False


def _broad_centres(
    votes: np.ndarray, cells: np.ndarray, dt: float, vt: float
) -> list[tuple[float, float, int]]:
    """Centres at the peaks of the smoothed votes that stand apart from all higher ones."""
    voters = (cells >= 0) & (votes.ravel()[cells] > 0)
    radius = int(dt / 2)
    heights = _box_sums(_box_sums(votes, radius // 2), radius - radius // 2)
    reach = max(radius, 1)
    window = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    highest = heights == cv2.dilate(heights.astype(np.float64), window)
    tops = map(tuple, np.argwhere(highest & (heights > int(vt))))
    peaks = [
        top
        for top in tops
        if _is_first_highest(heights, top, reach)
        and _window(votes, top[0], top[1], radius)[2] > vt
        and _gathers(votes, voters, top, radius)
    ]
    peaks.sort(key=lambda peak: (-heights[peak], peak))
    far = int(np.ceil(max(2 * dt, 1)))
    kept: list[tuple[int, int]] = []
    for peak in peaks:
        near = (k for k in kept if max(abs(k[0] - peak[0]), abs(k[1] - peak[1])) <= far)
        if not any(_lowest_between(heights, k, peak) >= 0.75 * heights[peak] for k in near):
            kept.append(peak)
    return [_window(votes, *peak, radius) for peak in kept]


def _centres(votes: np.ndarray, cells: np.ndarray, dt: float, vt: float) -> np.ndarray:
    """Rows and columns of all centres, (N, 2), in reading order.

    ``cells`` has the cell that the pixel at each place of the map votes for, or -1.
    """
    left = votes.copy()
    centres = sharp = _take_sharp_centres(left, vt)
    for broad in _broad_centres(left, cells, dt, vt):
        beside = [
            s
            for s in sharp
            if s[2] >= broad[2] and np.hypot(s[0] - broad[0], s[1] - broad[1]) <= dt
        ]
        if not beside:
            centres = [*centres, broad]
    return np.array(sorted(c[:2] for c in centres)).reshape(-1, 2)


def _nearest(centres: np.ndarray, shape: tuple[int, ...], reach: float) -> np.ndarray:
    """For each cell the nearest centre within ``reach``, or -1; of equally near ones the first."""
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    nearest = np.full(shape, -1)
    least = np.full(shape, np.inf)
    for k, (row, col) in enumerate(centres):
        distance = (row - rows) ** 2 + (col - cols) ** 2
        closer = (distance <= reach * reach) & (distance < least)
        nearest[closer], least[closer] = k, distance[closer]
    return nearest


def decode_standard(
    vectors: np.ndarray, dt: float = 10, vt: float = 50, et: float = 15, foreground: float = 1
) -> list[Mask]:
    """Masks by our decoder: one vote a pixel, each pixel in one mask at most."""
    dx, dy = np.clip(vectors, -1e9, 1e9)  # what squares can hold
    height, width = dx.shape
    margin = int(np.ceil(min(dt, 128))) + 1
    rows, cols = np.indices(dx.shape, np.float32)
    y, x = rows + np.float32(margin + 0.5) + dy, cols + np.float32(margin + 0.5) + dx
    map_shape = (height + 2 * margin, width + 2 * margin)
    counts = (dx * dx + dy * dy > foreground * foreground) & (y >= 0) & (x >= 0)
    counts &= (y < map_shape[0]) & (x < map_shape[1])
    cells = y[counts].astype(int) * map_shape[1] + x[counts].astype(int)
    votes = np.bincount(cells, minlength=map_shape[0] * map_shape[1]).reshape(map_shape)
    voted = np.full(map_shape, -1)
    voted[margin : margin + height, margin : margin + width][counts] = cells
    centres = _centres(votes, voted, dt, vt)
    if len(centres) == 0:
        return []
    owner = np.full(dx.shape, -1)
    owner[counts] = _nearest(centres, map_shape, et + 1).ravel()[cells]
    way = (centres - margin).astype(np.float32)[owner] - np.stack([rows, cols], axis=-1)
    vector = np.stack([dy, dx], axis=-1)
    miss = ((way - vector) ** 2).sum(axis=-1)
    along = (way * vector).sum(axis=-1)
    belongs = (miss < et * et) & (along >= np.float32(0.3) * (way * way).sum(axis=-1))
    labels = np.where(belongs & (owner >= 0), owner + 1, 0)
    for k in (
        np.argsort(np.bincount(labels.ravel(), minlength=len(centres) + 1)[1:], kind="stable") + 1
    ):
        labels[filled(labels == k) & (labels == 0)] = k
    return [mask for mask in (labels == k for k in range(1, len(centres) + 1)) if mask.any()]
