"""The street itself: sky, road, pavements, house fronts, trees and poles, all of them stuff."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from dcme.labels import LABEL_ID
from dcme.synth.camera import Camera
from dcme.synth.canvas import Canvas, Colour, Light, fractal_noise, mixed, scaled

FAR = 90.0
"""Depth in metres at which the street ends."""
NEAR = 1.2


@dataclass(frozen=True)
class Mood:
    """Sky colours, light and tint of a time of day."""

    zenith: Colour
    skyline: Colour
    ambient: float
    diffuse: float
    tint: Colour
    lit_windows: float


MOODS = (
    Mood((222, 165, 105), (245, 225, 205), 0.66, 0.46, (1.0, 1.0, 1.0), 0.05),
    Mood((205, 196, 188), (228, 224, 220), 0.82, 0.16, (1.02, 1.0, 0.97), 0.1),
    Mood((190, 150, 125), (165, 205, 250), 0.6, 0.55, (0.84, 0.97, 1.08), 0.15),
    Mood((120, 75, 70), (140, 150, 235), 0.62, 0.35, (0.95, 0.86, 0.92), 0.45),
    Mood((62, 40, 30), (110, 85, 78), 0.5, 0.2, (0.86, 0.72, 0.68), 0.6),
)


@dataclass(frozen=True)
class Street:
    """Widths in metres of a straight street, its light and the scene's palette."""

    camera: Camera
    road: float
    """Half the width of the road."""
    walk: float
    """Width of each pavement."""
    lawn: float
    """Strip of grass between pavement and houses."""
    mood: Mood
    light: Light
    palette: list[Colour]

    @property
    def wall(self) -> float:
        """Distance of the house fronts from the middle of the road."""
        return self.road + self.walk + self.lawn


def random_palette(rng: np.random.Generator, count: int = 14) -> list[Colour]:
    """Colours that cars, clothes and houses of one scene share, so that colour tells nothing."""
    palette: list[Colour] = []
    base = float(rng.uniform(0, 1))
    for index in range(count):
        hue = (base + index * 0.381966 + float(rng.normal(0, 0.03))) % 1.0
        grey = rng.random() < 0.35
        saturation = float(rng.uniform(0.0, 0.12) if grey else rng.uniform(0.25, 0.8))
        value = float(rng.uniform(0.25, 0.95))
        wheel = (hue * 6 + np.array([0.0, 4.0, 2.0])) % 6
        pure = np.clip(np.abs(wheel - 3) - 1, 0, 1)
        red, green, blue = 255 * value * (1 - saturation + saturation * pure)
        palette.append((float(blue), float(green), float(red)))
    return palette


def random_street(rng: np.random.Generator, height: int, width: int) -> Street:
    """A street seen by a camera whose pictures have this size in pixels."""
    focal = float(rng.uniform(0.78, 0.92)) * width
    camera = Camera(
        focal=focal,
        centre=width * float(rng.uniform(0.4, 0.6)),
        horizon=height * float(rng.uniform(0.36, 0.45)),
        height=float(rng.uniform(1.5, 2.3)),
    )
    mood = MOODS[int(rng.choice(len(MOODS), p=[0.4, 0.26, 0.2, 0.1, 0.04]))]
    sun = np.array([rng.uniform(-1, 1), rng.uniform(0.5, 1.2), rng.uniform(-1, 0.6)])
    light = Light(
        sun=sun / np.linalg.norm(sun),
        ambient=mood.ambient,
        diffuse=mood.diffuse,
        haze=mood.skyline,
        haze_depth=float(rng.uniform(90, 260)),
    )
    lawn = float(rng.choice([0.0, rng.uniform(1, 5)], p=[0.6, 0.4]))
    road, walk = float(rng.uniform(4.5, 7.5)), float(rng.uniform(2.2, 4.5))
    return Street(camera, road, walk, lawn, mood, light, random_palette(rng))


def _ground(camera: Camera, left: float, right: float, near: float, far: float) -> np.ndarray:
    corners = np.array([[left, 0, near], [right, 0, near], [right, 0, far], [left, 0, far]])
    return camera.project(corners)


def _facade(
    camera: Camera, x: float, near: float, far: float, low: float, high: float
) -> np.ndarray:
    corners = np.array([[x, low, near], [x, low, far], [x, high, far], [x, high, near]])
    return camera.project(corners)


def paint_sky(canvas: Canvas, street: Street, rng: np.random.Generator) -> None:
    """Gradient from zenith to skyline with clouds."""
    width = canvas.ids.shape[1]
    rows = max(2, int(street.camera.horizon) + 2)
    share = np.linspace(0, 1, rows, dtype=np.float32)[:, None, None] ** 1.3
    sky = np.asarray(street.mood.zenith, np.float32) * (1 - share)
    sky = np.repeat(sky + np.asarray(street.mood.skyline, np.float32) * share, width, axis=1)
    soft = cv2.GaussianBlur(canvas.noise[:rows], (0, 0), width / 100, sigmaY=width / 250)
    cloud = np.clip(soft * 0.5 - rng.uniform(-0.25, 0.4), 0, 0.75)[..., None]
    canvas.image[:rows] = np.clip(sky + (np.float32(238) - sky) * cloud, 0, 255)
    canvas.image[rows:] = street.mood.skyline
    canvas.ids[:] = LABEL_ID["sky"]


def _paint_end(canvas: Canvas, street: Street, rng: np.random.Generator) -> None:
    """What closes the view: distant house fronts or woods."""
    camera, x = street.camera, -70.0
    woods = rng.random() < 0.4
    while x < 70:
        wide = float(rng.uniform(6, 16))
        high = float(rng.uniform(5, 13) if woods else rng.uniform(8, 24))
        quad = camera.project(
            np.array([[x, 0, FAR], [x + wide, 0, FAR], [x + wide, high, FAR], [x, high, FAR]])
        )
        if woods:
            colour: Colour = (45.0, float(rng.uniform(75, 120)), 60.0)
        else:
            colour = street.palette[int(rng.integers(len(street.palette)))]
        label = LABEL_ID["vegetation" if woods else "building"]
        canvas.fill([quad], street.light.on(colour, None, FAR), label)
        x += wide


def paint_ground(canvas: Canvas, street: Street, rng: np.random.Generator) -> None:
    """Road with lane marks, pavements with kerbs, lawns."""
    camera, light = street.camera, street.light
    edge = street.road + street.walk
    tone = float(rng.uniform(70, 125))
    asphalt: Colour = (tone + 4, tone, tone - 3)
    grass: Colour = (50.0, float(rng.uniform(95, 140)), float(rng.uniform(80, 110)))
    paving = mixed((165.0, 168.0, 170.0), street.palette[0], 0.25)
    flat = np.array([0.0, 1.0, 0.0])

    def lay(left: float, right: float, near: float, far: float, colour: Colour, name: str) -> None:
        shown = light.on(colour, flat, (near + min(far, 30.0)) / 3)
        canvas.fill([_ground(camera, left, right, near, far)], shown, LABEL_ID[name])

    for sign in (-1, 1):
        lay(sign * edge, sign * 200.0, NEAR, FAR, grass, "terrain")
        lay(sign * street.road, sign * edge, NEAR, FAR, paving, "sidewalk")
        for depth in np.arange(NEAR, 40, 2.0).tolist():
            lay(
                sign * street.road,
                sign * edge,
                depth,
                depth + 0.06,
                scaled(paving, 0.82),
                "sidewalk",
            )
    lay(-street.road, street.road, NEAR, FAR, asphalt, "road")
    for sign in (-1, 1):
        side = sign * street.road
        lay(side, side + sign * 0.25, NEAR, FAR, scaled(paving, 1.15), "sidewalk")
    white: Colour = (205.0, 208.0, 210.0)
    gap = float(rng.uniform(3, 6))
    for depth in np.arange(float(rng.uniform(1, 4)), FAR, gap + 3).tolist():
        lay(-0.08, 0.08, depth, depth + 3, white, "road")
    if rng.random() < 0.35:
        depth = float(rng.uniform(5, 16))
        for x in np.arange(-street.road + 0.4, street.road - 0.5, 1.0).tolist():
            lay(x, x + 0.5, depth, depth + 3.0, white, "road")


def _paint_house(
    canvas: Canvas, street: Street, rng: np.random.Generator, sign: int, near: float, far: float
) -> None:
    """One house front with rows of windows and a ground floor of shops."""
    camera, light = street.camera, street.light
    x = sign * street.wall
    storeys = int(rng.integers(2, 6))
    rise = float(rng.uniform(2.9, 3.5))
    high = storeys * rise + float(rng.uniform(0.5, 1.5))
    colour = street.palette[int(rng.integers(len(street.palette)))]
    colour = mixed(colour, (190.0, 195.0, 200.0), float(rng.uniform(0.0, 0.5)))
    normal, middle = np.array([-float(sign), 0.0, 0.0]), (near + far) / 2
    label = LABEL_ID["building"]
    canvas.fill([_facade(camera, x, near, far, 0, high)], light.on(colour, normal, middle), label)
    roof = light.on(scaled(colour, 0.6), normal, middle)
    canvas.fill([_facade(camera, x, near, far, high - 0.35, high)], roof, label)
    shop = light.on(street.palette[int(rng.integers(len(street.palette)))], normal, middle)
    canvas.fill([_facade(camera, x, near, far, 0, rise * 0.95)], shop, label)
    pitch = float(rng.uniform(1.9, 3.0))
    count = max(1, int((far - near - 0.6) / pitch))
    step = (far - near - 0.6) / count
    glass: list[np.ndarray] = []
    bright: list[np.ndarray] = []
    frames: list[np.ndarray] = []
    for storey in range(storeys):
        low = storey * rise + (0.5 if storey == 0 else 0.95)
        top = (storey + 1) * rise - (0.75 if storey == 0 else 0.45)
        for column in range(count):
            start = near + 0.3 + step * column + step * 0.22
            end = start + step * (0.7 if storey == 0 else 0.52)
            frames.append(_facade(camera, x, start - 0.08, end + 0.08, low - 0.1, top + 0.08))
            pane = _facade(camera, x, start, end, low, top)
            (bright if rng.random() < street.mood.lit_windows else glass).append(pane)
    canvas.fill(frames, light.on(mixed(colour, (225.0, 228.0, 230.0), 0.5), normal, middle))
    canvas.fill(glass, light.on((105.0, 88.0, 72.0), normal, middle))
    canvas.fill(bright, light.on((130.0, 205.0, 250.0), None, middle))


def paint_houses(canvas: Canvas, street: Street, rng: np.random.Generator) -> None:
    """Both rows of house fronts, from the end of the street towards the camera."""
    _paint_end(canvas, street, rng)
    for sign in (-1, 1):
        far = FAR
        while far > NEAR:
            near = max(NEAR, far - float(rng.uniform(6, 14)))
            if rng.random() > 0.1:
                _paint_house(canvas, street, rng, sign, near, far)
            far = near


def paint_tree(
    canvas: Canvas, street: Street, rng: np.random.Generator, x: float, z: float
) -> None:
    """A trunk under a crown of many overlapping tufts."""
    camera, label = street.camera, LABEL_ID["vegetation"]
    rise = float(rng.uniform(1.9, 2.8))
    radius = float(rng.uniform(1.1, 2.0))
    bark = street.light.on((50.0, 62.0, 78.0), None, z)
    trunk = np.array([[x - 0.14, 0, z], [x + 0.14, 0, z], [x + 0.09, rise, z], [x - 0.09, rise, z]])
    canvas.fill([camera.project(trunk)], bark, label)
    leaf: Colour = (
        float(rng.uniform(30, 60)),
        float(rng.uniform(95, 150)),
        float(rng.uniform(55, 130)),
    )
    angle = np.linspace(0, 2 * np.pi, 11)[:-1]
    for level in range(34):
        spread = rng.normal(0, 0.45, 2) * radius
        size = radius * float(rng.uniform(0.25, 0.5))
        centre = np.array([x + spread[0], rise + radius * 0.9 + spread[1] * 0.8, z])
        ring = np.zeros((10, 3))
        ring[:, 0], ring[:, 1] = np.cos(angle) * size, np.sin(angle) * size * 0.85
        glow = 0.72 + 0.012 * level + 0.12 * spread[1] / radius + float(rng.normal(0, 0.05))
        tuft = street.light.on(scaled(leaf, max(0.3, glow)), None, z)
        canvas.fill([camera.project(centre + ring)], tuft, label)


def _upright(
    camera: Camera, x: float, z: float, half: float, low: float, high: float
) -> np.ndarray:
    corners = [[x - half, low, z], [x + half, low, z], [x + half, high, z], [x - half, high, z]]
    return camera.project(np.array(corners))


def paint_pole(
    canvas: Canvas, street: Street, rng: np.random.Generator, x: float, z: float
) -> None:
    """A lamp post, a traffic sign or a traffic light."""
    camera, light = street.camera, street.light
    metal = light.on(scaled((120.0, 122.0, 118.0), float(rng.uniform(0.4, 1.2))), None, z)
    kind = rng.random()
    half = float(rng.uniform(0.05, 0.11))
    high = float(rng.uniform(4.5, 6.5) if kind < 0.45 else rng.uniform(2.6, 3.2))
    canvas.fill([_upright(camera, x, z, half, 0.0, high)], metal, LABEL_ID["pole"])
    if kind < 0.45:
        reach = -1.6 * np.sign(x)
        arm = np.array([[x, high, z], [x + reach, high + 0.2, z], [x + reach, high + 0.05, z]])
        canvas.fill([camera.project(arm)], metal, LABEL_ID["pole"])
    elif kind < 0.75:
        angle = np.linspace(0, 2 * np.pi, 17)[:-1]
        for size, colour in ((0.36, (45.0, 45.0, 200.0)), (0.25, (230.0, 232.0, 235.0))):
            ring = np.tile([float(x), high, float(z)], (16, 1))
            ring[:, 0] += size * np.cos(angle)
            ring[:, 1] += size * np.sin(angle)
            canvas.fill([camera.project(ring)], light.on(colour, None, z), LABEL_ID["traffic sign"])
    else:
        case = _upright(camera, x, z, 0.17, high - 0.3, high + 0.6)
        canvas.fill([case], light.on((30.0, 34.0, 32.0), None, z), LABEL_ID["traffic light"])
        for up, colour in (
            (0.45, (60.0, 60.0, 235.0)),
            (0.15, (60.0, 200.0, 240.0)),
            (-0.15, (90.0, 200.0, 60.0)),
        ):
            lamp = _upright(camera, x, z, 0.09, high + up - 0.09, high + up + 0.09)
            canvas.fill([lamp], colour, LABEL_ID["traffic light"])


def paint_backdrop(street: Street, rng: np.random.Generator, height: int, width: int) -> Canvas:
    """A fresh canvas with everything that stands behind all objects."""
    noise = fractal_noise(rng, height, width)
    canvas = Canvas(height, width, street.light, noise)
    paint_sky(canvas, street, rng)
    paint_houses(canvas, street, rng)
    paint_ground(canvas, street, rng)
    below = np.where(canvas.ids != LABEL_ID["sky"], 1.0, 0.15).astype(np.float32)
    canvas.texture(float(rng.uniform(0.05, 0.11)), below)
    if rng.random() < 0.6:
        side = float(rng.choice([-1, 1])) * street.wall
        reach = side - np.sign(side) * float(rng.uniform(3, 12))
        start = float(rng.uniform(0.7, 10))
        shadow = _ground(street.camera, side, reach, start, FAR)
        canvas.darken(shadow, float(rng.uniform(0.55, 0.8)), 2.0)
    return canvas
