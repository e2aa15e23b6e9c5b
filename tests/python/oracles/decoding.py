"""The decoder of the published numbers, statement by statement and pixel by pixel."""

import cv2
import numpy as np


def to_int8(values):
    """Truncate towards zero, wrap modulo 256 into [-128, 127]."""
    whole = np.trunc(values.astype(np.float64))
    return ((np.fmod(whole, 256) + 256 + 128) % 256 - 128).astype(int)


def counts(component):
    return component != 0 and component != -128


def vote_map(dx, dy):
    height, width = dx.shape
    votes = np.zeros((height, width), int)
    for r in range(height):
        for c in range(width):
            row, col = r + dy[r, c], c + dx[r, c]
            if row >= height or col >= width or row < -height or col < -width:
                continue
            votes[row, col] += int(counts(dx[r, c])) + int(counts(dy[r, c]))  # negative wraps
    return votes


def split(cells, axis, dt):
    """Parts of a sorted list of cells wherever one is more than dt after the one before."""
    parts = []
    for cell in sorted(cells, key=lambda cell: cell[axis]):
        if parts and cell[axis] - parts[-1][-1][axis] <= dt:
            parts[-1].append(cell)
        else:
            parts.append([cell])
    return parts


def fill_holes(mask):
    contours = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    filled = np.zeros(mask.shape, np.uint8)
    for contour in contours:
        cv2.drawContours(filled, [contour], -1, 1, cv2.FILLED)
    return filled > 0


def decode(vectors, dt=10, vt=50, et=15):
    """List of (mask, centre)."""
    dx, dy = to_int8(vectors[0]), to_int8(vectors[1])
    height, width = dx.shape
    votes = vote_map(dx, dy)
    cells = [(r, c) for r in range(height) for c in range(width) if votes[r, c] > vt]
    found = []
    for rows_part in split(cells, 0, dt):
        for part in split(rows_part, 1, dt):
            row = int(np.floor(np.mean([cell[0] for cell in part])))
            col = int(np.floor(np.mean([cell[1] for cell in part])))
            mask = np.zeros((height, width), bool)
            for r in range(height):
                for c in range(width):
                    if counts(dx[r, c]) or counts(dy[r, c]):
                        distance = np.sqrt((r + dy[r, c] - row) ** 2 + (c + dx[r, c] - col) ** 2)
                        mask[r, c] = distance < et
            mask = fill_holes(mask)
            if mask.sum() > 20:
                found.append((mask, (row, col)))
    return found
