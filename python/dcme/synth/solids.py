"""Convex solids: a side profile extruded across the object, with decals on its faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from dcme.synth.canvas import Brush, Colour

Points = Sequence[tuple[float, float]]


@dataclass
class Decal:
    """A polygon painted on a face.

    On a side face the points are (along, up) in metres; on the face that an edge of the profile
    sweeps they are (across in -1..1, along the edge in 0..1).
    """

    points: Points
    colour: Colour


@dataclass
class Solid:
    """A convex profile [(along, up), ...] extruded to +-half_width.

    ``half_width`` may differ per vertex, so that roofs are narrower than bodies.
    """

    profile: Points
    half_width: float | Sequence[float]
    colour: Colour
    sides: list[Decal] = field(default_factory=list)
    edges: dict[int, list[Decal]] = field(default_factory=dict)

    def _rims(self) -> tuple[np.ndarray, np.ndarray]:
        outline = np.asarray(self.profile, dtype=float)
        half = np.broadcast_to(np.asarray(self.half_width, dtype=float), len(outline))
        left = np.stack([outline[:, 0], -half, outline[:, 1]], axis=1)
        right = np.stack([outline[:, 0], half, outline[:, 1]], axis=1)
        return left, right

    def paint(self, brush: Brush) -> None:
        """Paint the faces that the camera sees, each followed by its decals."""
        left, right = self._rims()
        centre = np.concatenate([left, right]).mean(axis=0)
        count = len(left)
        for index in range(count):
            after = (index + 1) % count
            face = np.stack([left[index], right[index], right[after], left[after]])
            normal = _outward_if_seen(brush, face, centre)
            if normal is not None:
                brush.shape(face, self.colour, normal)
                for decal in self.edges.get(index, ()):
                    brush.shape(_on_quad(face, decal.points), decal.colour, normal)
        for rim, sign in ((left, -1.0), (right, 1.0)):
            normal = _outward_if_seen(brush, rim, centre)
            if normal is not None:
                brush.shape(rim, self.colour, normal)
                for decal in self.sides:
                    brush.shape(self._on_side(decal.points, sign), decal.colour, normal)

    def _on_side(self, points: Points, sign: float) -> np.ndarray:
        """Local points of a side decal; it follows the slope of a narrowing side."""
        outline = np.asarray(self.profile, dtype=float)
        half = np.broadcast_to(np.asarray(self.half_width, dtype=float), len(outline))
        flat = np.asarray(points, dtype=float)
        order = np.argsort(outline[:, 1], kind="stable")
        across = np.interp(flat[:, 1], outline[order, 1], half[order])
        return np.stack([flat[:, 0], sign * across, flat[:, 1]], axis=1)


def _on_quad(quad: np.ndarray, points: Points) -> np.ndarray:
    """Points on the quad [left0, right0, right1, left1] at (across -1..1, along 0..1)."""
    flat = np.asarray(points, dtype=float)
    across = (flat[:, :1] + 1) / 2
    along = flat[:, 1:]
    near = quad[0] + (quad[1] - quad[0]) * across
    far = quad[3] + (quad[2] - quad[3]) * across
    return near + (far - near) * along


def _outward_if_seen(brush: Brush, face: np.ndarray, centre: np.ndarray) -> np.ndarray | None:
    """The face's outward unit normal in world axes, or None when it is turned away."""
    world = brush.frame.to_world(face)
    inner = brush.frame.to_world(centre[None])[0]
    middle = world.mean(axis=0)
    following = np.roll(world, -1, axis=0)
    normal = np.cross(world - middle, following - middle).sum(axis=0)
    length = float(np.linalg.norm(normal))
    if length < 1e-9:
        return None
    normal = normal / length
    if normal @ (middle - inner) < 0:
        normal = -normal
    return normal if normal @ (brush.frame.camera.position - middle) > 0 else None


def rectangle(left: float, low: float, right: float, high: float) -> Points:
    """Corners of an axis-parallel rectangle."""
    return [(left, low), (right, low), (right, high), (left, high)]


def box(low: float, high: float, rear: float, front: float, bevel: float) -> Points:
    """Profile of a box whose two upper corners are cut."""
    return [
        (rear, low),
        (front, low),
        (front, high - bevel),
        (front - bevel, high),
        (rear + bevel, high),
        (rear, high - bevel),
    ]


def nearest_last(solids: Sequence[tuple[float, Solid]], brush: Brush) -> list[Solid]:
    """Solids centred at the given ``along`` positions, those farthest from the camera first."""

    def distance(item: tuple[float, Solid]) -> float:
        point = brush.frame.to_world(np.array([[item[0], 0.0, 1.0]]))[0]
        return -float(np.linalg.norm(point - brush.frame.camera.position))

    return [solid for _, solid in sorted(solids, key=distance)]


def paint_wheels(brush: Brush, positions: Sequence[float], radius: float, half: float) -> None:
    """Tyres at +-half across, to be painted before the body that hides their upper parts."""
    tyre = (34.0, 32.0, 32.0)
    for along in positions:
        for sign in (-1.0, 1.0):
            sides = (half * sign, (half - 0.22) * sign)
            rings = [brush.wheel(along, across, radius, 14) for across in sides]
            brush.hull(np.concatenate(rings), tyre)


def paint_rims(brush: Brush, positions: Sequence[float], radius: float, half: float) -> None:
    """Wheel discs on the side that faces the camera."""
    camera = brush.frame.camera.position
    for sign in (-1.0, 1.0):
        at, out = brush.frame.to_world(np.array([[0, half * sign, 0.5], [0, 2 * half * sign, 0.5]]))
        if (out - at) @ (camera - at) <= 0:
            continue
        for along in positions:
            ring = brush.wheel(along, half * sign * 1.01, radius)
            brush.shape(ring, (30.0, 28.0, 28.0))
            hub = np.array([along, half * sign * 1.01, radius])
            brush.shape(hub + (ring - hub) * 0.6, (150.0, 150.0, 150.0))
            brush.shape(hub + (ring - hub) * 0.25, (70.0, 70.0, 72.0))
