"""People, and what they ride: bicycles and motorcycles. Sizes in metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dcme.synth.canvas import Brush, Colour, scaled
from dcme.synth.vehicles import DARK, RED_LIGHT, WHITE_LIGHT, Size

SKIN: tuple[Colour, ...] = (
    (150.0, 180.0, 225.0),
    (120.0, 155.0, 205.0),
    (80.0, 115.0, 165.0),
    (50.0, 75.0, 110.0),
)
HAIR: tuple[Colour, ...] = (
    (28.0, 28.0, 32.0),
    (40.0, 60.0, 90.0),
    (90.0, 140.0, 180.0),
    (150.0, 150.0, 150.0),
)
SHOES: Colour = (45.0, 45.0, 50.0)


@dataclass(frozen=True)
class Outfit:
    """Colours of one person."""

    skin: Colour
    hair: Colour
    top: Colour
    bottom: Colour
    helmet: bool = False


def random_outfit(rng: np.random.Generator, palette: list[Colour], helmet: bool = False) -> Outfit:
    """Clothes from the scene's palette."""
    top, bottom = (palette[int(i)] for i in rng.integers(len(palette), size=2))
    skin = SKIN[int(rng.integers(len(SKIN)))]
    hair = top if helmet else HAIR[int(rng.integers(len(HAIR)))]
    return Outfit(skin, hair, top, scaled(bottom, 0.75), helmet)


def person_size(rng: np.random.Generator) -> Size:
    """Random size of a pedestrian, children included."""
    height = float(rng.uniform(1.2, 1.45) if rng.random() < 0.12 else rng.uniform(1.58, 1.92))
    return Size(0.8, 0.7, height)


def _head(brush: Brush, at: tuple[float, float, float], outfit: Outfit, unit: float) -> None:
    along, across, up = at
    brush.limb((along, across, up - 0.14 * unit), at, (0.05 * unit, 0.05 * unit), outfit.skin)
    crown = (along - 0.015 * unit, across, up + 0.035 * unit)
    brush.limb(crown, crown, (0.118 * unit, 0.118 * unit), outfit.hair)
    if not outfit.helmet:
        face = (along + 0.03 * unit, across, up - 0.015 * unit)
        brush.limb(
            face, (face[0], across, up - 0.04 * unit), (0.085 * unit, 0.075 * unit), outfit.skin
        )


def paint_person(brush: Brush, rng: np.random.Generator, size: Size, outfit: Outfit) -> None:
    """A pedestrian in mid-step, perhaps with a coat, a skirt, a rucksack or a bag."""
    unit = size.height / 1.75
    stride = float(rng.uniform(0.02, 0.34)) * unit
    swing = float(rng.uniform(0.3, 1.0)) * stride
    hip, shoulder = 0.88 * unit, 1.42 * unit
    style = rng.random()
    for sign in (-1.0, 1.0):
        side = 0.09 * unit * sign
        knee = (stride * 0.55 * sign + 0.04, side, 0.47 * unit)
        foot = (stride * sign, side, 0.06 * unit)
        brush.limb((0, side, hip), knee, (0.105 * unit, 0.08 * unit), outfit.bottom)
        brush.limb(knee, foot, (0.078 * unit, 0.055 * unit), outfit.bottom)
        brush.limb(foot, (foot[0] + 0.14 * unit, side, 0.045 * unit), (0.05, 0.045), SHOES)
    if style < 0.2:
        brush.limb((0, 0, 0.6 * unit), (0, 0, hip + 0.1), (0.24 * unit, 0.16 * unit), outfit.bottom)
    far, near = (-1.0, 1.0) if np.cos(brush.frame.yaw) > 0 else (1.0, -1.0)
    _arm(brush, far, swing, unit, outfit, scaled(outfit.top, 0.82))
    for sign in (-1.0, 1.0):
        brush.limb(
            (0, 0.1 * unit * sign, shoulder - 0.05 * unit),
            (0, 0.075 * unit * sign, hip - (0.22 * unit if 0.2 <= style < 0.4 else 0.0)),
            (0.12 * unit, 0.11 * unit),
            outfit.top,
        )
    if style > 0.78:
        brush.limb((-0.2 * unit, 0, 1.3 * unit), (-0.2 * unit, 0, 1.0 * unit), (0.14, 0.15), DARK)
    _head(brush, (0.02, 0.0, 1.62 * unit), outfit, unit)
    _arm(brush, near, -swing, unit, outfit, outfit.top)
    if 0.6 < style <= 0.78:
        bag = (-swing, 0.3 * unit * near, 0.55 * unit)
        brush.limb(
            bag, (bag[0], bag[1], 0.68 * unit), (0.13 * unit, 0.11 * unit), scaled(DARK, 1.5)
        )


def _arm(
    brush: Brush, sign: float, swing: float, unit: float, outfit: Outfit, sleeve: Colour
) -> None:
    side = 0.215 * unit * sign
    elbow = (swing * 0.4, side * 1.08, 1.13 * unit)
    hand = (swing + 0.05, side * 1.1, 0.86 * unit)
    brush.limb((0, side, 1.38 * unit), elbow, (0.068 * unit, 0.055 * unit), sleeve)
    brush.limb(elbow, hand, (0.055 * unit, 0.042 * unit), sleeve)
    brush.limb(hand, hand, (0.05 * unit, 0.05 * unit), outfit.skin)


BICYCLE = Size(1.75, 0.5, 1.1)
MOTORCYCLE = Size(2.1, 0.75, 1.2)


def _open_wheel(brush: Brush, along: float, radius: float, tyre: float) -> None:
    """A spoked wheel: see-through in the picture, a full disc in the mask."""
    ring = brush.wheel(along, 0.0, radius)
    brush.shape(ring, None)
    points = brush.frame.project(ring)
    scale = brush.frame.scale
    brush.layer.outline(points, brush.lit((36.0, 36.0, 36.0)), tyre * scale)
    hub = np.array([along, 0.0, radius])
    inner = brush.frame.project(hub + (ring - hub) * 0.86)
    brush.layer.outline(inner, brush.lit((165.0, 165.0, 165.0)), 0.4 * tyre * scale)
    for angle in np.linspace(0.3, np.pi + 0.3, 4)[:-1]:
        reach = radius * 0.85 * np.array([np.cos(angle), 0.0, np.sin(angle)])
        spoke = brush.frame.project(np.stack([hub - reach, hub + reach]))
        brush.layer.outline(spoke, brush.lit((150.0, 150.0, 150.0)), 0.02 * scale)


def paint_bicycle(brush: Brush, rng: np.random.Generator, size: Size, colour: Colour) -> None:
    """Two spoked wheels, a diamond frame, saddle and handlebar."""
    for along in (-0.52, 0.52):
        _open_wheel(brush, along, 0.35, 0.06)
    rear, front, crank = (-0.52, 0.0, 0.35), (0.52, 0.0, 0.35), (-0.06, 0.0, 0.3)
    seat, head = (-0.22, 0.0, 0.86), (0.38, 0.0, 0.88)
    brush.shape(np.array([crank, seat, head]), None)
    tubes = ((rear, crank), (rear, seat), (seat, crank), (crank, head), (seat, head), (head, front))
    for start, end in tubes:
        brush.limb(start, end, (0.035, 0.035), colour)
    brush.limb((-0.36, 0, 0.95), (-0.1, 0, 0.95), (0.055, 0.035), DARK)
    brush.limb((-0.22, 0, 0.93), seat, (0.025, 0.025), DARK)
    brush.limb((0.36, -0.26, 1.02), (0.36, 0.26, 1.02), (0.035, 0.035), DARK)
    brush.limb(head, (0.36, 0, 1.02), (0.03, 0.03), DARK)
    if rng.random() < 0.4:
        brush.limb((-0.75, 0, 0.78), (-0.4, 0, 0.78), (0.06, 0.06), scaled(colour, 0.7))


def paint_motorcycle(brush: Brush, rng: np.random.Generator, size: Size, colour: Colour) -> None:
    """Two thick wheels with a heavy body, tank, seat and exhaust between them."""
    for along in (-0.68, 0.7):
        ring = brush.wheel(along, 0.0, 0.33)
        hub = np.array([along, 0.0, 0.33])
        for across in (-0.08, 0.08):
            brush.shape(ring + np.array([0.0, across, 0.0]), (34.0, 32.0, 32.0))
        brush.shape(hub + (ring - hub) * 0.5, (140.0, 140.0, 142.0))
    brush.limb((0.7, 0, 0.33), (0.42, 0, 0.98), (0.05, 0.06), (120.0, 120.0, 124.0))
    brush.limb((-0.68, 0, 0.36), (-0.05, 0, 0.45), (0.07, 0.1), DARK)
    brush.limb((-0.25, 0, 0.42), (0.28, 0, 0.45), (0.2, 0.2), (85.0, 85.0, 88.0))
    brush.limb((-0.8, 0.16, 0.42), (-0.1, 0.16, 0.32), (0.07, 0.05), (160.0, 165.0, 168.0))
    brush.limb((-0.75, 0, 0.8), (-0.1, 0, 0.75), (0.09, 0.13), DARK)
    brush.limb((-0.05, 0, 0.82), (0.36, 0, 0.88), (0.16, 0.17), colour)
    brush.limb((-0.85, 0, 0.72), (-0.7, 0, 0.7), (0.1, 0.12), colour)
    brush.limb((0.42, 0, 0.9), (0.55, 0, 1.1), (0.16, 0.08), colour)
    brush.limb((0.36, -0.36, 1.08), (0.36, 0.36, 1.08), (0.04, 0.04), DARK)
    brush.limb((0.6, 0, 0.92), (0.6, 0, 0.92), (0.1, 0.1), WHITE_LIGHT)
    brush.limb((-0.93, 0, 0.72), (-0.93, 0, 0.72), (0.07, 0.07), RED_LIGHT)


def paint_rider(brush: Brush, rng: np.random.Generator, outfit: Outfit, motor: bool) -> None:
    """A person seated on a bicycle or, lower and further back, on a motorcycle."""
    seat = (-0.25, 0.0, 0.92 if motor else 1.0)
    lean = float(rng.uniform(0.12, 0.34))
    shoulder = (seat[0] + lean, 0.0, seat[2] + 0.5)
    phase = float(rng.uniform(0, np.pi))
    for sign in (-1.0, 1.0):
        side = 0.13 * sign
        turn = phase + (np.pi if sign > 0 else 0.0)
        foot = (
            (0.05, 0.2 * sign, 0.35)
            if motor
            else (
                -0.06 + 0.17 * np.cos(turn),
                0.11 * sign,
                0.3 + 0.17 * np.sin(turn),
            )
        )
        knee = (0.24, side * 1.2, 0.55 * seat[2] + 0.45 * foot[2] + 0.05)
        brush.limb((seat[0], side * 0.7, seat[2]), knee, (0.115, 0.085), outfit.bottom)
        brush.limb(knee, foot, (0.085, 0.06), outfit.bottom)
        brush.limb(foot, (foot[0] + 0.12, foot[1], foot[2] - 0.02), (0.055, 0.045), SHOES)
    for sign in (-1.0, 1.0):
        start = (shoulder[0], 0.1 * sign, shoulder[2] - 0.05)
        brush.limb(start, (seat[0], 0.07 * sign, seat[2]), (0.125, 0.125), outfit.top)
        elbow = (shoulder[0] + 0.13, 0.27 * sign, shoulder[2] - 0.28)
        brush.limb(start, elbow, (0.07, 0.06), scaled(outfit.top, 0.9))
        brush.limb(elbow, (0.34, 0.26 * sign, 1.06), (0.058, 0.045), scaled(outfit.top, 0.9))
        brush.limb(
            (0.34, 0.26 * sign, 1.06), (0.36, 0.26 * sign, 1.06), (0.045, 0.045), outfit.skin
        )
    _head(brush, (shoulder[0] + 0.08, 0.0, shoulder[2] + 0.2), outfit, 1.05)
