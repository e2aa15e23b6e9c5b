"""Sheets: panels beside each other with titles above them and a legend below."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from dcme.pictures.plotting import show_directions, text_scale

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_TITLE_WIDTH = 256
"""Room that a title has at least, in pixels."""

Entry = tuple[str, np.ndarray]
"""Of a legend: a name, and its colour (BGR) or a small picture (H, W, 3)."""


def enlarged(panel: np.ndarray, least: int = 256) -> np.ndarray:
    """A small picture (H, W, 3) with each pixel as a square, the longer side ``least`` or more."""
    times = max(1, -(-least // max(panel.shape[:2])))
    return panel.repeat(times, axis=0).repeat(times, axis=1)


def direction_wheel(side: int = 48) -> np.ndarray:
    """Which hue of ``show_directions`` is which: a disc, each point coloured as the vector from the
    middle to it, on white."""
    across = np.arange(side) - (side - 1) / 2
    vectors = np.stack(np.meshgrid(across, across))
    disc = show_directions(vectors)
    disc[np.hypot(*vectors) > side / 2] = 255
    return disc


def _title(text: str, width: int, scale: float) -> np.ndarray:
    """A white band so wide with a text, in letters of this scale or smaller ones that fit."""
    (needed, _), _ = cv2.getTextSize(text, _FONT, scale, 1)
    height = round(32 * scale) + 4
    band = np.full((height, width, 3), 255, np.uint8)
    fitting = scale * min(1.0, (width - 4) / needed)
    cv2.putText(band, text, (2, height - round(10 * scale)), _FONT, fitting, 0, 1, cv2.LINE_AA)
    return band


def _letters(panel: np.ndarray) -> float:
    """The scale of titles and legends; a low panel has small ones, however wide it is."""
    height, width = panel.shape[:2]
    return 1.3 * text_scale(min(max(width, _TITLE_WIDTH), 4 * height))


def _titled(panel: np.ndarray, title: str) -> np.ndarray:
    """A panel below its title, and white beside it where the title needs more room."""
    width = panel.shape[1]
    room = max(width, _TITLE_WIDTH)
    band = _title(title, room, _letters(panel))
    body = np.pad(panel, ((0, 0), (0, room - width), (0, 0)), constant_values=255)
    return np.vstack([band, body])


def strip(
    panels: Sequence[np.ndarray | None],
    columns: int = 0,
    gap: int = 4,
    titles: Sequence[str] = (),
    legend: Sequence[Entry] = (),
) -> np.ndarray:
    """BGR panels beside each other, all as large as the first, ``columns`` in a row (0: all).

    None leaves its place empty. Each has its title above it where there are ``titles``. The
    ``legend`` is one for all, below them.
    """
    first = next(panel for panel in panels if panel is not None)
    height, width = first.shape[:2]
    columns = min(columns or len(panels), len(panels))
    cells = {}
    for index, panel in enumerate(panels):
        if panel is None:
            continue
        if panel.shape[:2] != (height, width):
            panel = cv2.resize(panel, (width, height), interpolation=cv2.INTER_NEAREST)
        cells[index] = _titled(panel, titles[index]) if titles else panel
    rows = -(-len(panels) // columns)
    tall, wide = next(iter(cells.values())).shape[:2]
    sheet = np.full((rows * (tall + gap) - gap, columns * (wide + gap) - gap, 3), 255, np.uint8)
    for index, cell in cells.items():
        top, left = index // columns * (tall + gap), index % columns * (wide + gap)
        sheet[top : top + tall, left : left + wide] = cell
    if not legend:
        return sheet
    return np.vstack([sheet, _legend(legend, sheet.shape[1], _letters(first))])


def _legend(entries: Sequence[Entry], width: int, scale: float) -> np.ndarray:
    """A white band so wide with all entries, in as many lines as they need."""
    gap = round(24 * scale)
    lines: list[np.ndarray] = []
    for name, sign in entries:
        entry = _entry(name, sign, scale)
        if lines and lines[-1].shape[1] + gap + entry.shape[1] <= width:
            space = np.full((entry.shape[0], gap, 3), 255, np.uint8)
            lines[-1] = np.hstack([lines[-1], space, entry])
        else:
            lines.append(entry)
    band = np.full((sum(line.shape[0] for line in lines), width, 3), 255, np.uint8)
    top = 0
    for line in lines:
        shown = line[:, :width]
        band[top : top + len(shown), : shown.shape[1]] = shown
        top += len(shown)
    return band


def _entry(name: str, sign: np.ndarray, scale: float) -> np.ndarray:
    """A square of a colour, or a picture, and the name beside it."""
    (needed, tall), _ = cv2.getTextSize(name, _FONT, scale, 1)
    height = round(48 * scale)
    side = height - 4
    picture = sign if sign.ndim == 3 else np.full((1, 1, 3), sign, np.uint8)
    entry = np.full((height, side + needed + 12, 3), 255, np.uint8)
    entry[2 : 2 + side, 2 : 2 + side] = cv2.resize(
        picture, (side, side), interpolation=cv2.INTER_AREA
    )
    at = (side + 8, (height + tall) // 2)
    cv2.putText(entry, name, at, _FONT, scale, 0, 1, cv2.LINE_AA)
    return entry
