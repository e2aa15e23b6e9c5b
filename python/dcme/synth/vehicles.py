"""Cars, trucks, buses and trains as solids seen from any side. Sizes in metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dcme.synth.canvas import Brush, Colour, mixed, scaled
from dcme.synth.solids import (
    Decal,
    Solid,
    box,
    nearest_last,
    paint_rims,
    paint_wheels,
    rectangle,
)

GLASS: Colour = (92.0, 78.0, 64.0)
RED_LIGHT: Colour = (40.0, 40.0, 215.0)
WHITE_LIGHT: Colour = (225.0, 245.0, 250.0)
PLATE: Colour = (225.0, 230.0, 232.0)
DARK: Colour = (48.0, 46.0, 46.0)


@dataclass(frozen=True)
class Size:
    """Outer size of an object in metres."""

    length: float
    width: float
    height: float


def _ends(front: int, rear: int, low: float, high: float) -> dict[int, list[Decal]]:
    """Head and tail lights and number plates on the front and rear faces of a body."""
    decals: dict[int, list[Decal]] = {front: [], rear: []}
    for sign in (-1.0, 1.0):
        corners = [(sign * 0.95, low), (sign * 0.55, low), (sign * 0.6, high), (sign * 0.95, high)]
        decals[front].append(Decal(corners, WHITE_LIGHT))
        corners = [(x, 1 - y) for x, y in corners]
        decals[rear].append(Decal(corners, RED_LIGHT))
    decals[front].append(Decal(rectangle(-0.45, low * 0.5, 0.45, high * 0.9), DARK))
    decals[rear].append(Decal(rectangle(-0.28, 0.55, 0.28, 0.75), PLATE))
    return decals


@dataclass(frozen=True)
class CarShape:
    """What tells a saloon from a hatchback or a van: fractions of the length, heights."""

    windscreen_foot: float
    windscreen_top: float
    rear_top: float
    rear_foot: float
    belt: float
    roof: float


CAR_SHAPES = (
    CarShape(0.20, 0.05, -0.22, -0.38, 0.93, 1.44),
    CarShape(0.20, 0.06, -0.36, -0.47, 0.93, 1.48),
    CarShape(0.22, 0.08, -0.44, -0.49, 1.05, 1.72),
    CarShape(0.33, 0.20, -0.47, -0.495, 1.08, 1.95),
)


def car_size(rng: np.random.Generator) -> Size:
    """Random size of a car; the height also picks its shape."""
    shape = CAR_SHAPES[int(rng.integers(len(CAR_SHAPES)))]
    return Size(float(rng.uniform(3.9, 4.8)), float(rng.uniform(1.72, 1.95)), shape.roof)


def _car_body(shape: CarShape, length: float, half: float, colour: Colour) -> Solid:
    """Everything below the windows."""
    return Solid(
        [
            (-length / 2, 0.28),
            (length / 2, 0.28),
            (length / 2, 0.62),
            (length / 2 - 0.14, 0.76),
            (shape.windscreen_foot * length, shape.belt),
            (-length / 2 + 0.06, shape.belt),
            (-length / 2, 0.72),
        ],
        half,
        colour,
        sides=[
            Decal(rectangle(-0.5 * length, 0.28, 0.5 * length, 0.36), DARK),
            Decal(
                rectangle(-0.06 * length, 0.36, -0.055 * length, shape.belt), scaled(colour, 0.6)
            ),
        ],
        edges=_ends(1, 6, 0.45, 0.95),
    )


def _car_cabin(shape: CarShape, length: float, half: float, colour: Colour) -> Solid:
    """Roof, pillars and windows."""
    foot, tail = shape.windscreen_foot * length, shape.rear_foot * length
    top, back = shape.windscreen_top * length, shape.rear_top * length
    low, high = shape.belt, shape.roof
    sill, lintel, pillar = low + 0.05, high - 0.09, (top + back) / 2
    front = [(foot - 0.22, sill), (top - 0.02, lintel), (pillar + 0.05, lintel)]
    rear = [(pillar - 0.05, sill), (pillar - 0.05, lintel), (back + 0.06, lintel)]
    pane = rectangle(-0.88, 0.12, 0.88, 0.9)
    return Solid(
        [(foot, low), (top, high), (back, high), (tail, low)],
        [half * 0.96, half * 0.78, half * 0.78, half * 0.96],
        colour,
        sides=[
            Decal([*front, (pillar + 0.05, sill)], GLASS),
            Decal([*rear, (tail + 0.2, sill)], GLASS),
        ],
        edges={0: [Decal(pane, GLASS)], 2: [Decal(pane, scaled(GLASS, 0.9))]},
    )


def paint_car(brush: Brush, rng: np.random.Generator, size: Size, colour: Colour) -> None:
    """A passenger car with windows, lights and wheels."""
    shape = min(CAR_SHAPES, key=lambda candidate: abs(candidate.roof - size.height))
    length, half = size.length, size.width / 2
    axles, radius = (-0.31 * length, 0.32 * length), 0.33
    paint_wheels(brush, axles, radius, half)
    _car_body(shape, length, half, colour).paint(brush)
    _car_cabin(shape, length, half, colour).paint(brush)
    paint_rims(brush, axles, radius, half)


def truck_size(rng: np.random.Generator) -> Size:
    """Random size of a truck."""
    length = float(rng.uniform(6.2, 8.2))
    return Size(length, float(rng.uniform(2.2, 2.5)), float(rng.uniform(3.0, 3.5)))


def _truck_cargo(rear: float, front: float, size: Size, colour: Colour, stripe: Colour) -> Solid:
    """The box behind the cab."""
    doors = [
        Decal(rectangle(-0.03, 0.02, 0.03, 0.95), scaled(colour, 0.55)),
        Decal(rectangle(-0.95, 0.9, -0.6, 0.99), RED_LIGHT),
        Decal(rectangle(0.6, 0.9, 0.95, 0.99), RED_LIGHT),
    ]
    return Solid(
        rectangle(rear, 0.95, front, size.height),
        size.width / 2,
        colour,
        sides=[
            Decal(rectangle(rear, 0.95, front, 1.12), DARK),
            Decal(rectangle(0.8 * rear, 1.7, front - 0.65, 2.3), stripe),
        ],
        edges={3: doors},
    )


def _truck_cab(rear: float, front: float, half: float, colour: Colour) -> Solid:
    """The driver's cab with its slanted windscreen."""
    window = [(rear + 0.5, 1.5), (front - 0.12, 1.5), (front - 0.3, 2.3), (rear + 0.5, 2.3)]
    return Solid(
        [(rear, 0.5), (front, 0.5), (front, 1.35), (front - 0.22, 2.5), (rear, 2.6)],
        half,
        colour,
        sides=[Decal(window, GLASS)],
        edges={
            1: _ends(1, 0, 0.15, 0.4)[1],
            2: [Decal(rectangle(-0.9, 0.1, 0.9, 0.92), GLASS)],
        },
    )


def paint_truck(brush: Brush, rng: np.random.Generator, size: Size, colour: Colour) -> None:
    """A cab, a gap, and a taller cargo box."""
    rear, front, half = -size.length / 2, size.length / 2, size.width / 2
    cab_rear = front - 1.9
    load = mixed(colour, (215.0, 215.0, 215.0), float(rng.uniform(0, 1)))
    stripe = scaled(load, float(rng.uniform(0.5, 0.8)))
    cargo = _truck_cargo(rear, cab_rear - 0.25, size, load, stripe)
    cab = _truck_cab(cab_rear, front, half * 0.95, colour)
    axles = (rear + 1.0, rear + 2.1, front - 1.0)
    paint_wheels(brush, axles, 0.48, half * 0.95)
    Solid(rectangle(rear, 0.6, cab_rear, 0.95), half * 0.6, DARK).paint(brush)
    for solid in nearest_last([((cab_rear + rear) / 2, cargo), (front - 1, cab)], brush):
        solid.paint(brush)
    paint_rims(brush, axles, 0.48, half * 0.95)


def _window_row(
    rear: float, front: float, low: float, high: float, pitch: float, colour: Colour
) -> list[Decal]:
    count = max(1, round((front - rear) / pitch))
    step = (front - rear) / count
    return [
        Decal(rectangle(rear + i * step + 0.08, low, rear + (i + 1) * step - 0.08, high), colour)
        for i in range(count)
    ]


def bus_size(rng: np.random.Generator) -> Size:
    """Random size of a bus."""
    return Size(float(rng.uniform(8.5, 11.5)), float(rng.uniform(2.4, 2.6)), 3.0)


def paint_bus(brush: Brush, rng: np.random.Generator, size: Size, colour: Colour) -> None:
    """One long box with a row of windows, a door and a destination sign."""
    length, half, height = size.length, size.width / 2, size.height
    low_stripe = scaled(colour, 0.62)
    sides = [Decal(rectangle(-length / 2, 0.35, length / 2, 0.85), low_stripe)]
    sides += _window_row(-length / 2 + 0.3, length / 2 - 1.6, 1.3, 2.45, 1.5, GLASS)
    sides.append(Decal(rectangle(length / 2 - 1.45, 0.5, length / 2 - 0.45, 2.45), GLASS))
    ends = _ends(1, 5, 0.08, 0.2)
    ends[1] = [
        *ends[1][:2],
        Decal(rectangle(-0.9, 0.32, 0.9, 0.82), GLASS),
        Decal(rectangle(-0.7, 0.87, 0.7, 0.98), (60.0, 190.0, 240.0)),
    ]
    ends[5] = [*ends[5][:2], Decal(rectangle(-0.8, 0.12, 0.8, 0.5), GLASS)]
    hull = Solid(box(0.35, height, -length / 2, length / 2, 0.18), half, colour, sides, ends)
    axles = (-length / 2 + 2.3, length / 2 - 2.4)
    paint_wheels(brush, axles, 0.48, half)
    hull.paint(brush)
    paint_rims(brush, axles, 0.48, half)


def train_size(rng: np.random.Generator) -> Size:
    """Random size of a tram of two or three sections."""
    return Size(float(rng.uniform(7.0, 8.0)) * int(rng.integers(2, 4)), 2.5, 3.5)


def _tram_section(
    rear: float, front: float, first: bool, last: bool, size: Size, colour: Colour
) -> Solid:
    """One section; the outer ends of the first and the last are slanted and lit."""
    height, slant = size.height, (0.9 if first else 0.05, 0.9 if last else 0.05)
    accent = mixed(colour, (235.0, 235.0, 235.0), 0.75)
    band = [
        (rear + 0.02, 1.1),
        (front - 0.02, 1.1),
        (front - slant[1] * 0.15, 1.45),
        (rear + slant[0] * 0.15, 1.45),
    ]
    sides = [Decal(rectangle(rear, 0.2, front, 0.45), DARK), Decal(band, accent)]
    sides += _window_row(rear + slant[0] + 0.1, front - slant[1] - 0.1, 1.6, 2.75, 1.25, GLASS)
    lights = _ends(1, 5, 0.4, 0.8)
    return Solid(
        [
            (rear, 0.2),
            (front, 0.2),
            (front, 1.1),
            (front - slant[1], height),
            (rear + slant[0], height),
            (rear, 1.1),
        ],
        size.width / 2,
        colour,
        sides,
        edges={
            1: lights[1][:2] if last else [],
            2: [Decal(rectangle(-0.85, 0.2, 0.85, 0.75), GLASS)],
            4: [Decal(rectangle(-0.85, 0.25, 0.85, 0.8), GLASS)],
            5: lights[5][:2] if first else [],
        },
    )


def paint_train(brush: Brush, rng: np.random.Generator, size: Size, colour: Colour) -> None:
    """A tram: sections with slanted noses at both ends, wheels hidden behind skirts."""
    length, height = size.length, size.height
    count = max(2, round(length / 7.5))
    joints = np.linspace(-length / 2, length / 2, count + 1)
    bellows = rectangle(-length / 2 + 1, 0.4, length / 2 - 1, height - 0.3)
    Solid(bellows, 0.45 * size.width, DARK).paint(brush)
    sections = []
    for index in range(count):
        first, last = index == 0, index == count - 1
        rear = joints[index] + (0.0 if first else 0.15)
        front = joints[index + 1] - (0.0 if last else 0.15)
        solid = _tram_section(rear, front, first, last, size, colour)
        sections.append(((rear + front) / 2, solid))
    for solid in nearest_last(sections, brush):
        solid.paint(brush)
    mast = [(0.0, 0.0, height), (0.9, 0.0, height + 0.6), (0.1, 0.0, height + 1.0)]
    for start, end in zip(mast, mast[1:]):
        brush.limb(start, end, (0.05, 0.05), DARK)
