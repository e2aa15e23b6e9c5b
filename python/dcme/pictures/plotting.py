"""Pictures: vector maps, grid classes and instances as BGR images."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np

from dcme.classes import ClassMap
from dcme.errors import UserError
from dcme.grid import block_size
from dcme.labels import COLOURS_RGB, FIRST_INSTANCE_ID

_GOLDEN_ANGLE = 0.381966
_WHITE = np.array([255, 255, 255])


def palette(count: int, step: float = _GOLDEN_ANGLE) -> np.ndarray:
    """Distinct BGR colours (count, 3), 8 bit; by default neighbours in number differ most.

    step: from hue to hue; ``1 / count`` keeps all of them as far apart as may be.
    """
    colours = []
    for i in range(count):
        saturation, value = (0.85, 0.6)[i % 2], (1.0, 0.85)[i // 2 % 2]
        colours.append(colorsys.hsv_to_rgb((0.07 + i * step) % 1, saturation, value))
    return np.round(np.array(colours).reshape(-1, 3)[:, ::-1] * 255).astype(np.uint8)


def class_colours(classes: ClassMap) -> np.ndarray:
    """BGR colours (classes, 3), 8 bit: Cityscapes' for its own classes, else distinct ones."""
    if all(name in COLOURS_RGB for name in classes.names):
        return np.array([COLOURS_RGB[name][::-1] for name in classes.names], np.uint8)
    return palette(len(classes.names))


def show_magnitude(vectors: np.ndarray, white: float | None = None) -> np.ndarray:
    """Lengths of the vectors (2, H, W) as a grey BGR image (H, W, 3).

    white: the length from which on a pixel is white; the longest by default.
    """
    grey = np.rint(255 * _share(vectors, white)).astype(np.uint8)
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)


def show_directions(vectors: np.ndarray, bright: float | None = None) -> np.ndarray:
    """Vectors (2, H, W) as a BGR image: direction is the hue, length the brightness.

    bright: the length from which on a pixel has full brightness; the longest by default.
    """
    angle = np.arctan2(vectors[1], vectors[0])
    hue = (angle + np.pi) / (2 * np.pi) * 179
    saturation = np.full_like(hue, 200) * (np.hypot(vectors[0], vectors[1]) > 0.5)
    planes = (hue, saturation, 255 * np.sqrt(_share(vectors, bright)))
    return cv2.cvtColor(np.stack(planes, axis=-1).astype(np.uint8), cv2.COLOR_HSV2BGR)


def _share(vectors: np.ndarray, whole: float | None) -> np.ndarray:
    """Lengths as shares of this one, or of the longest; no more than 1."""
    length = np.hypot(vectors[0], vectors[1])
    return np.minimum(length / max(whole or float(length.max()), 1e-6), 1)


def show_grid(image: np.ndarray, labels: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Grid classes (h, w), 0 for background, laid over the image (H, W, 3) in their colours."""
    if labels.max(initial=0) > len(colours):
        raise UserError(f"grid class {labels.max()} is unknown; there are {len(colours)} classes")
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
    mixed = 0.35 * image[inside] + 0.65 * colours[full[inside] - 1]
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


def text_scale(width: int) -> float:
    """Of OpenCV's font in a picture so wide."""
    return max(0.3, width / 1600)


def _caption(image: np.ndarray, text: str, row: int, column: int) -> None:
    """Write a text with its middle here, or as near as the whole of it is in the picture."""
    scale = text_scale(image.shape[1])
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    left = min(column - width // 2, image.shape[1] - width - 2)
    at = (max(left, 2), max(row + height // 2, height + 2))
    for colour, thickness in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(
            image, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thickness, cv2.LINE_AA
        )
