"""Painting: a supersampled picture with its instance ids, and layers that are laid over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from dcme.synth.camera import Frame

Colour = tuple[float, float, float]
"""Blue, green, red in 0..255."""

RIM_WIDTH = 2
"""Pixels of the supersampled picture along an object's outline that lie in shade."""
RIM_SHADE = 0.6

_SHIFT = 4
_LIMIT = 1 << 15


def _fixed(points: np.ndarray) -> np.ndarray:
    """Sub-pixel coordinates as OpenCV's fixed-point integers."""
    clipped = np.minimum(np.maximum(points, -_LIMIT), _LIMIT)
    return np.rint(clipped * (1 << _SHIFT)).astype(np.int32)


def scaled(colour: Colour, factor: float) -> Colour:
    """The colour made brighter or darker."""
    return tuple(min(255.0, channel * factor) for channel in colour)  # type: ignore[return-value]


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """``share`` of the second colour in the first."""
    return tuple(a + (b - a) * share for a, b in zip(first, second))  # type: ignore[return-value]


def multiplied(image: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """An 8-bit image (H, W, 3) times a gain (H, W), rounded and saturated."""
    planes = cv2.merge([gain.astype(np.float32)] * 3)
    return cv2.multiply(image, planes, dtype=cv2.CV_8U)


def fractal_noise(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Cloud-like noise (height, width), float32, zero mean, about unit deviation."""
    total = np.zeros((height, width), np.float32)
    for cell, weight in ((96, 1.0), (40, 0.8), (14, 0.6), (5, 0.5), (2, 0.4)):
        grid = rng.standard_normal((height // cell + 2, width // cell + 2)).astype(np.float32)
        total += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    total -= total.mean()
    return total / (total.std() + 1e-6)


def _inner(mask: np.ndarray) -> np.ndarray:
    """The mask without its rim; the border of the picture is no rim."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    return cv2.erode(mask, cross, iterations=RIM_WIDTH, borderValue=255) > 0


@dataclass(frozen=True)
class Light:
    """Sun and air of a scene."""

    sun: np.ndarray
    """Unit vector towards the sun, world axes."""
    ambient: float
    diffuse: float
    haze: Colour
    haze_depth: float
    """Depth in metres at which about two thirds of a colour are lost in the air."""

    def on(self, colour: Colour, normal: np.ndarray | None, depth: float) -> Colour:
        """The colour of a surface with this unit normal at this depth."""
        if normal is not None:
            lit = max(0.0, float(normal @ self.sun))
            colour = scaled(colour, self.ambient + self.diffuse * lit)
        return mixed(colour, self.haze, 1.0 - float(np.exp(-max(depth, 0.0) / self.haze_depth)))


class Canvas:
    """The scene painted so far: BGR ``image`` and ``ids``, both at the supersampled size."""

    def __init__(self, height: int, width: int, light: Light, noise: np.ndarray) -> None:
        self.image = np.zeros((height, width, 3), np.uint8)
        self.ids = np.zeros((height, width), np.uint16)
        self.light = light
        self.noise = noise

    def fill(
        self, polygons: Sequence[np.ndarray], colour: Colour, label: int | None = None
    ) -> None:
        """Paint polygons; with a label they take that id as well."""
        fixed = [_fixed(polygon) for polygon in polygons]
        if not fixed:
            return
        cv2.fillPoly(self.image, fixed, colour, cv2.LINE_AA, _SHIFT)
        if label is not None:
            cv2.fillPoly(self.ids, fixed, label, cv2.LINE_8, _SHIFT)

    def darken(self, polygon: np.ndarray, factor: float, softness: float) -> None:
        """Multiply the picture by a soft-edged shadow of the polygon's shape."""
        height, width = self.ids.shape
        margin = 3 * softness + 2
        low = np.floor(polygon.min(axis=0) - margin)
        high = np.ceil(polygon.max(axis=0) + margin)
        left, top = (int(v) for v in np.clip(low, 0, (width, height)))
        right, bottom = (int(v) for v in np.clip(high, 0, (width, height)))
        if right <= left or bottom <= top:
            return
        shade: np.ndarray = np.zeros((bottom - top, right - left), np.uint8)
        cv2.fillPoly(shade, [_fixed(polygon - (left, top))], 255, cv2.LINE_AA, _SHIFT)
        if softness > 0.5:
            shade = cv2.GaussianBlur(shade, (0, 0), softness)
        gain = 1.0 - (1.0 - factor) / 255.0 * shade.astype(np.float32)
        region = self.image[top:bottom, left:right]
        region[...] = multiplied(np.ascontiguousarray(region), gain)

    def texture(self, amount: float, where: np.ndarray) -> None:
        """Multiply the picture by noise of this relative amount where the mask is set."""
        gain = 1.0 + amount * self.noise * where
        self.image = multiplied(self.image, gain)

    def layer(self, bounds: Sequence[float]) -> Layer | None:
        """A layer over the box (left, top, right, bottom); None where nothing of it is seen."""
        height, width = self.ids.shape
        left, right = (int(np.clip(v, 0, width)) for v in (bounds[0] - 4, bounds[2] + 4))
        top, bottom = (int(np.clip(v, 0, height)) for v in (bounds[1] - 4, bounds[3] + 4))
        if right - left < 2 or bottom - top < 2:
            return None
        return Layer(self, left, top, right, bottom)


class Layer:
    """One object being painted: its colours blend over the scene, its mask is collected."""

    def __init__(self, canvas: Canvas, left: int, top: int, right: int, bottom: int) -> None:
        self.canvas = canvas
        self.box = (slice(top, bottom), slice(left, right))
        self.origin = np.array([left, top], dtype=float)
        self.image = canvas.image[self.box].copy()
        self.mask = np.zeros(self.image.shape[:2], np.uint8)

    def polygon(self, points: np.ndarray, colour: Colour | None) -> None:
        """Paint a polygon of image points (N, 2); without a colour it only joins the mask."""
        fixed = [_fixed(points - self.origin)]
        if colour is not None:
            cv2.fillPoly(self.image, fixed, colour, cv2.LINE_AA, _SHIFT)
        cv2.fillPoly(self.mask, fixed, 255, cv2.LINE_8, _SHIFT)

    def outline(self, points: np.ndarray, colour: Colour, thickness: float) -> None:
        """Paint a closed line without touching the mask."""
        fixed = [_fixed(points - self.origin)]
        cv2.polylines(
            self.image, fixed, True, colour, max(1, round(thickness)), cv2.LINE_AA, _SHIFT
        )

    def commit(self, rng: np.random.Generator, value: int, texture: float) -> None:
        """Lay the layer over the canvas with this id, its colours roughened by noise."""
        inside = self.mask > 0
        height, width = inside.shape
        noise = self.canvas.noise
        row = int(rng.integers(0, max(1, noise.shape[0] - height + 1)))
        column = int(rng.integers(0, max(1, noise.shape[1] - width + 1)))
        gain = 1.0 + texture * noise[row : row + height, column : column + width] * inside
        slope = float(rng.uniform(-0.18, 0.18))
        gain += np.linspace(slope, -slope, width, dtype=np.float32)[None, :] * inside
        gain[inside & ~_inner(self.mask)] *= RIM_SHADE
        self.canvas.image[self.box] = multiplied(self.image, gain)
        self.canvas.ids[self.box][inside] = value


class Brush:
    """Paints shapes given in an object's own axes (along, across, up) onto a layer."""

    def __init__(self, layer: Layer, frame: Frame) -> None:
        self.layer = layer
        self.frame = frame
        self.light = layer.canvas.light

    def lit(self, colour: Colour, normal: np.ndarray | None = None) -> Colour:
        """The colour under the scene's light at the object's depth."""
        return self.light.on(colour, normal, self.frame.z)

    def shape(
        self, points: np.ndarray, colour: Colour | None, normal: np.ndarray | None = None
    ) -> None:
        """Paint a polygon of local points (N, 3)."""
        paint = None if colour is None else self.lit(colour, normal)
        self.layer.polygon(self.frame.project(points), paint)

    def hull(self, points: np.ndarray, colour: Colour) -> None:
        """Paint the convex hull of local points (N, 3)."""
        outline = cv2.convexHull(self.frame.project(points).astype(np.float32))[:, 0, :]
        self.layer.polygon(outline, self.lit(colour))

    def limb(
        self,
        start: Sequence[float],
        end: Sequence[float],
        radius: tuple[float, float],
        colour: Colour,
    ) -> None:
        """Paint a tapered capsule between two local points; radii in metres."""
        ends = self.frame.project(np.array([start, end], dtype=float))
        sizes = np.maximum(np.array(radius) * self.frame.scale, 0.6)
        angle = np.linspace(0, 2 * np.pi, 13)[:-1]
        circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        cloud = np.concatenate([ends[0] + circle * sizes[0], ends[1] + circle * sizes[1]])
        hull = cv2.convexHull(cloud.astype(np.float32))[:, 0, :]
        self.layer.polygon(hull, self.lit(colour))

    def wheel(self, along: float, across: float, radius: float, points: int = 20) -> np.ndarray:
        """Local points of an upright disc that stands on the ground."""
        angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
        ring = np.empty((points, 3))
        ring[:, 0] = along + radius * np.cos(angle)
        ring[:, 1] = across
        ring[:, 2] = radius + radius * np.sin(angle)
        return ring
