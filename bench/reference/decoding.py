"""The decoder of the published numbers, statement by statement and pixel by pixel."""

import heapq
import itertools

import cv2
import numpy as np


def to_int8(values):
    """Truncate towards zero, wrap modulo 256 into [-128, 127]."""
    whole = np.trunc(values.astype(np.float64))
    return ((np.fmod(whole, 256) + 256 + 128) % 256 - 128).astype(int)


def counts(component):
    """Whether a component of a vector votes."""
    return component != 0 and component != -128


def vote_map(dx, dy):
    """Votes by cell: one for each component that counts, where the vector points at."""
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
    """A mask with its holes, as booleans."""
    contours = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    filled = np.zeros(mask.shape, np.uint8)
    for contour in contours:
        cv2.drawContours(filled, [contour], -1, 1, cv2.FILLED)
    return filled > 0


def steps_1_to_3(dx, dy, dt, vt, et):
    """The centres, and for each the pixels that point to within ET of it."""
    height, width = dx.shape
    votes = vote_map(dx, dy)
    cells = [(r, c) for r in range(height) for c in range(width) if votes[r, c] > vt]
    found = []
    for rows_part in split(cells, 0, dt):
        for part in split(rows_part, 1, dt):
            row = int(np.floor(np.mean([cell[0] for cell in part])))
            col = int(np.floor(np.mean([cell[1] for cell in part])))
            members = np.zeros((height, width), bool)
            for r in range(height):
                for c in range(width):
                    if counts(dx[r, c]) or counts(dy[r, c]):
                        distance = np.sqrt((r + dy[r, c] - row) ** 2 + (c + dx[r, c] - col) ** 2)
                        members[r, c] = distance < et
            found.append(((row, col), members))
    return found


def decode(vectors, dt=10, vt=50, et=15):
    """List of (mask, centre)."""
    dx, dy = to_int8(vectors[0]), to_int8(vectors[1])
    found = []
    for centre, members in steps_1_to_3(dx, dy, dt, vt, et):
        mask = fill_holes(members)
        if mask.sum() > 20:
            found.append((mask, centre))
    return found


def seeds(found):
    """(row, column, label) of the pixels nearest to the centre they point at, in reading order."""
    begin = []
    for label, ((row, col), members) in enumerate(found, 1):
        away = {(r, c): np.hypot(r - row, c - col) for r, c in np.argwhere(members)}
        near = min(away.values(), default=0) + 1
        begin += [(r, c, label) for (r, c), distance in away.items() if distance <= near]
    return sorted(begin)


def watershed(vectors, dt=10, vt=50, et=15):
    """``decode`` with its fourth step replaced: the lengths, in quarters of a pixel, are flooded
    from the seeds through all foreground."""
    dx, dy = to_int8(vectors[0]), to_int8(vectors[1])
    lengths = np.hypot(*np.clip(vectors, -1e6, 1e6).astype(np.float32)) * 4
    lengths = np.minimum(lengths, 16383).astype(int)
    found = steps_1_to_3(dx, dy, dt, vt, et)
    labels, queue = np.zeros(dx.shape, int), []

    def take(row, col, label, level):
        if labels[row, col] == 0:
            labels[row, col] = label
            heapq.heappush(queue, (level, next(order), row, col))

    order = itertools.count()
    for row, col, label in seeds(found):
        take(row, col, label, 0)
    while queue:
        level, _, row, col = heapq.heappop(queue)
        for r, c in ((row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)):
            inside = 0 <= r < dx.shape[0] and 0 <= c < dx.shape[1]
            if inside and (counts(dx[r, c]) or counts(dy[r, c])):
                take(r, c, labels[row, col], max(level, lengths[r, c]))
    for k in sorted(range(1, len(found) + 1), key=lambda k: (labels == k).sum()):
        labels[fill_holes(labels == k) & (labels == 0)] = k
    masks = [labels == k for k in range(1, len(found) + 1)]
    return [(mask, centre) for mask, (centre, _) in zip(masks, found) if mask.sum() > 20]
