"""Pictures: vector maps, grid classes and instances as BGR images."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import cv2
import numpy as np

from dcme.classes import ClassMap
from dcme.encoding import magnitude
from dcme.errors import UserError
from dcme.grid import block_size
from dcme.labels import COLOURS_RGB, FIRST_INSTANCE_ID

_GOLDEN_ANGLE = 0.381966
_WHITE = np.array([255, 255, 255])


def palette(count: int) -> np.ndarray:
    """Distinct BGR colours (count, 3), 8 bit; neighbours in number differ most."""
    colours = []
    for i in range(count):
        saturation, value = (0.85, 0.6)[i % 2], (1.0, 0.85)[i // 2 % 2]
        colours.append(colorsys.hsv_to_rgb((0.07 + i * _GOLDEN_ANGLE) % 1, saturation, value))
    return np.round(np.array(colours).reshape(-1, 3)[:, ::-1] * 255).astype(np.uint8)


def class_colours(classes: ClassMap) -> np.ndarray:
    """BGR colours (classes, 3), 8 bit: Cityscapes' for its own classes, else distinct ones."""
    if all(name in COLOURS_RGB for name in classes.names):
        return np.array([COLOURS_RGB[name][::-1] for name in classes.names], np.uint8)
    return palette(len(classes.names))


def show_magnitude(vectors: np.ndarray) -> np.ndarray:
    """Lengths of the vectors (2, H, W) as a grey BGR image (H, W, 3), the longest white."""
    return cv2.cvtColor(magnitude(vectors), cv2.COLOR_GRAY2BGR)


def show_directions(vectors: np.ndarray) -> np.ndarray:
    """Vectors (2, H, W) as a BGR image: direction is the hue, length the brightness."""
    angle = np.arctan2(vectors[1], vectors[0])
    length = np.hypot(vectors[0], vectors[1])
    brightness = np.sqrt(length / max(float(length.max()), 1e-6))
    hue = (angle + np.pi) / (2 * np.pi) * 179
    planes = (hue, np.full_like(hue, 200) * (length > 0.5), 255 * brightness)
    return cv2.cvtColor(np.stack(planes, axis=-1).astype(np.uint8), cv2.COLOR_HSV2BGR)


def show_grid(image: np.ndarray, grid: np.ndarray, classes: ClassMap) -> np.ndarray:
    """Grid classes, labels (h, w) or probabilities (C, h, w), laid over the image (H, W, 3)."""
    labels = np.asarray(grid if grid.ndim == 2 else grid.argmax(axis=0)).astype(int)
    if labels.max(initial=0) > len(classes.labels):
        raise UserError(
            f"grid class {labels.max()} is unknown; there are {len(classes.labels)} classes"
        )
    height, width = image.shape[:2]
    block = block_size((height, width), labels.shape)
    if block > 1:
        rows = np.minimum(np.arange(height) // block, labels.shape[0] - 1)
        columns = np.minimum(np.arange(width) // block, labels.shape[1] - 1)
    else:  # a class for each pixel, of this size or of a larger one
        rows = np.arange(height) * labels.shape[0] // height
        columns = np.arange(width) * labels.shape[1] // width
    full = labels[rows[:, None], columns[None, :]]
    shown = image.copy()
    inside = full > 0
    mixed = 0.35 * image[inside] + 0.65 * class_colours(classes)[full[inside] - 1]
    shown[inside] = mixed.astype(np.uint8)
    if block > 2:
        shown[block::block] = shown[block::block] // 4 * 3
        shown[:, block::block] = shown[:, block::block] // 4 * 3
    return shown


def show_instances(
    image: np.ndarray, ids: np.ndarray, captions: dict[int, str] | None = None
) -> np.ndarray:
    """Instances of a map (H, W), each in a colour of its own with an outline, over the image.

    Any value > 0 of a map without class labels is an instance; in maps with labels (a value of
    1000 or more occurs) smaller values are stuff or groups.
    """
    first = FIRST_INSTANCE_ID if ids.max(initial=0) >= FIRST_INSTANCE_ID else 1
    return show_labels(image, np.where(ids >= first, ids, 0), captions)


def show_labels(
    image: np.ndarray, labels: np.ndarray, captions: dict[int, str] | None = None
) -> np.ndarray:
    """Every value > 0 of a map (H, W) in a colour of its own with an outline, over the image.

    Outlines are almost white: neighbours are told apart where their colours look alike.
    """
    values = np.unique(labels[labels > 0])
    shown = image.copy()
    for value, colour in zip(values, palette(len(values))):
        mask = labels == value
        shown[mask] = (0.45 * image[mask] + 0.55 * colour).astype(np.uint8)
        outlines, _ = cv2.findContours(
            mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )
        light = (0.3 * colour + 0.7 * _WHITE).tolist()
        cv2.drawContours(shown, outlines, -1, light, 1)
        if captions and int(value) in captions:
            row, column = np.argwhere(mask).mean(axis=0)
            _caption(shown, captions[int(value)], int(row), int(column))
    return shown


def _caption(image: np.ndarray, text: str, row: int, column: int) -> None:
    scale = max(0.3, image.shape[1] / 1600)
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    at = (column - width // 2, row + height // 2)
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(
            image, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thickness, cv2.LINE_AA
        )


def strip(panels: Sequence[np.ndarray], columns: int = 0, gap: int = 4) -> np.ndarray:
    """BGR panels beside each other, all as large as the first, ``columns`` in a row (0: all)."""
    height, width = panels[0].shape[:2]
    columns = columns or len(panels)
    rows = -(-len(panels) // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for index, panel in enumerate(panels):
        if panel.shape[:2] != (height, width):
            panel = cv2.resize(panel, (width, height), interpolation=cv2.INTER_NEAREST)
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = panel
    return sheet
