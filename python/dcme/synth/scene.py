"""One street scene: places objects, paints them from far to near, keeps their instance ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from dcme.labels import FIRST_INSTANCE_ID, LABEL_ID
from dcme.synth import people, vehicles
from dcme.synth.camera import Frame
from dcme.synth.canvas import Brush, Canvas
from dcme.synth.solids import Solid, box
from dcme.synth.street import Street, paint_backdrop, paint_pole, paint_tree, random_street
from dcme.synth.vehicles import Size

SUPERSAMPLE = 2
SMALLEST_INSTANCE = 12
"""Instances with fewer visible pixels than this become void, as annotators leave such remains."""

HEAVY = {
    "car": (vehicles.car_size, vehicles.paint_car),
    "truck": (vehicles.truck_size, vehicles.paint_truck),
    "bus": (vehicles.bus_size, vehicles.paint_bus),
    "train": (vehicles.train_size, vehicles.paint_train),
}


@dataclass(frozen=True)
class Scene:
    """A picture (H, W, 3, BGR, 8 bit) with its Cityscapes instance and label ids (H, W)."""

    image: np.ndarray
    instance_ids: np.ndarray
    label_ids: np.ndarray
    depths: dict[int, float]
    """Metres from the camera of each instance, by id."""
    focal_length: float
    """Of the camera, in pixels of the picture."""


@dataclass
class _Stage:
    """The scene while it is being arranged."""

    rng: np.random.Generator
    street: Street
    canvas: Canvas
    items: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    spots: list[tuple[float, float, float]] = field(default_factory=list)
    boxes: list[tuple[float, ...]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    depths: dict[int, float] = field(default_factory=dict)

    def instance_id(self, name: str) -> int:
        """The next id of this class."""
        index = self.counts.get(name, 0)
        self.counts[name] = index + 1
        return FIRST_INSTANCE_ID * LABEL_ID[name] + index

    def colour(self) -> tuple[float, float, float]:
        """A colour that the whole scene shares."""
        return self.street.palette[int(self.rng.integers(len(self.street.palette)))]

    def take_spot(self, frame: Frame, size: Size) -> bool:
        """Whether the object stands clear of the others and stays in view; if so it is noted."""
        reach = 0.5 * size.width
        steps = max(1, round(size.length / max(size.width, 0.5)))
        along = np.linspace(-0.5, 0.5, 2 * steps + 1)[1::2] * size.length
        points = frame.to_world(np.stack([along, 0 * along, 0 * along], axis=1))
        circles = [(float(p[0]), float(p[2]), reach) for p in points]
        for x, z, radius in circles:
            if z - radius < 2.5:
                return False
            if any(np.hypot(x - a, z - b) < radius + r + 0.15 for a, b, r in self.spots):
                return False
        box = frame.bounds(size.length, size.width, size.height)
        if not self._in_view(box) or any(_covered(box, other) > 0.45 for other in self.boxes):
            return False
        self.spots += circles
        self.boxes.append(box)
        return True

    def _in_view(self, box: Sequence[float]) -> bool:
        height, width = self.canvas.ids.shape
        seen = max(0.0, min(box[2], width) - max(box[0], 0.0))
        return seen > 0.45 * (box[2] - box[0]) and box[1] < height

    def add(
        self,
        frame: Frame,
        size: Size,
        value: int,
        paint: Callable[[Brush], None],
        texture: float = 0.05,
        order: float = 0.0,
    ) -> None:
        """Schedule an object; the farthest are painted first, ``order`` metres break ties."""
        if value >= FIRST_INSTANCE_ID:
            self.depths[value] = frame.z
        pixels = frame.bounds(size.length * 1.15, size.width * 1.1, size.height * 1.35)

        def run() -> None:
            layer = self.canvas.layer(pixels)
            if layer is not None:
                paint(Brush(layer, frame))
                layer.commit(self.rng, value, texture)

        self.items.append((frame.z - order, run))
        corners = np.array(
            [(i * 0.5, j * 0.5, 0.0) for i, j in ((-1, -1), (-1, 1), (1, 1), (1, -1))]
        )
        shadow = frame.project(corners * (size.length * 1.03, size.width * 1.1, 1.0))
        soft = 0.08 * frame.scale
        self.items.append(
            (frame.z + 50.0, lambda: self.canvas.darken(shadow, 0.45, min(soft, 12.0)))
        )


def _covered(box: Sequence[float], other: Sequence[float]) -> float:
    """How much of the smaller of two image boxes the other covers, 0..1."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (box, other)]
    return width * height / max(min(areas), 1e-6)


def _heavy(stage: _Stage, name: str, value: int | None = None, frame: Frame | None = None) -> bool:
    """Place a car, truck, bus or train: parked along the kerb, driving, or crossing."""
    rng, street = stage.rng, stage.street
    sizes, paint = HEAVY[name]
    size = sizes(rng)
    if frame is None:
        far = {"car": 22.0, "truck": 26.0, "bus": 28.0, "train": 30.0}[name]
        near = 0.9 * size.length + 3.0
        z = near + (far - near) * float(rng.beta(1.1, 1.6))
        side = float(rng.choice([-1, 1]))
        crossing = rng.random() < (0.45 if name != "train" else 0.6)
        if crossing:
            x = float(rng.uniform(-0.42, 0.42)) * z
            yaw = side * np.pi / 2 + float(rng.normal(0, 0.25))
            z = max(z, 6.5)
        else:
            parked = rng.random() < 0.5
            x = side * (street.road - 1.1 if parked else street.road * float(rng.uniform(0.3, 0.6)))
            yaw = (0.0 if side > 0 else np.pi) + float(rng.normal(0, 0.08))
        frame = Frame(street.camera, x, z, yaw)
    if not stage.take_spot(frame, size):
        return False
    colour = stage.colour()
    stage.add(
        frame,
        size,
        stage.instance_id(name) if value is None else value,
        lambda brush: paint(brush, rng, size, colour),
        texture=float(rng.uniform(0.02, 0.08)),
    )
    return True


def _person(stage: _Stage, value: int | None = None, frame: Frame | None = None) -> bool:
    """Place a pedestrian on a pavement or crossing the road."""
    rng, street = stage.rng, stage.street
    size = people.person_size(rng)
    if frame is None:
        z = 5.0 + 8.5 * float(rng.beta(1.1, 1.5))
        if rng.random() < 0.6:
            side = float(rng.choice([-1, 1]))
            x = side * (street.road + street.walk * float(rng.uniform(0.1, 0.9)))
        else:
            x = float(rng.uniform(-0.4, 0.4)) * z
        frame = Frame(street.camera, x, z, float(rng.uniform(0, 2 * np.pi)))
    if value is None and not stage.take_spot(frame, size):
        return False
    outfit = people.random_outfit(rng, street.palette)
    stage.add(
        frame,
        size,
        stage.instance_id("person") if value is None else value,
        lambda brush: people.paint_person(brush, rng, size, outfit),
    )
    return True


def _two_wheeler(stage: _Stage, name: str, ridden: bool, frame: Frame | None = None) -> bool:
    """Place a bicycle or motorcycle, with its rider as an instance of its own."""
    rng, street = stage.rng, stage.street
    motor = name == "motorcycle"
    size = people.MOTORCYCLE if motor else people.BICYCLE
    side = float(rng.choice([-1, 1]))
    if frame is None:
        z = 4.9 + 7.5 * float(rng.beta(1.1, 1.6))
        x = float(rng.uniform(-0.42, 0.42)) * z
        yaw = side * np.pi / 2 + float(rng.normal(0, 0.4))
        frame = Frame(street.camera, x, z, yaw)
        whole = Size(size.length, size.width, 1.8 if ridden else size.height)
        if not stage.take_spot(frame, whole):
            return False
    colour = stage.colour()
    paint = people.paint_motorcycle if motor else people.paint_bicycle
    stage.add(frame, size, stage.instance_id(name), lambda brush: paint(brush, rng, size, colour))
    if ridden:
        outfit = people.random_outfit(rng, street.palette, helmet=motor or rng.random() < 0.4)
        stage.add(
            frame,
            Size(1.5, 0.9, 1.85),
            stage.instance_id("rider"),
            lambda brush: people.paint_rider(brush, rng, outfit, motor),
            order=0.1,
        )
    return True


def _crowd(stage: _Stage) -> None:
    """A group region: people or parked cars that nobody told apart (ids below 1000)."""
    rng, street = stage.rng, stage.street
    side = float(rng.choice([-1, 1]))
    if rng.random() < 0.65:
        z = float(rng.uniform(17, 26))
        x = side * (street.road + street.walk * 0.5)
        for _ in range(int(rng.integers(5, 11))):
            at = Frame(
                street.camera,
                x + float(rng.normal(0, 0.8)),
                z + float(rng.normal(0, 0.8)),
                float(rng.uniform(0, 6.28)),
            )
            _person(stage, LABEL_ID["person"], at)
    else:
        x = side * (street.road - 1.1)
        z = float(rng.uniform(30, 36))
        for _ in range(int(rng.integers(3, 6))):
            _heavy(stage, "car", LABEL_ID["car"], Frame(street.camera, x, z, 0.0))
            z += 5.3


def _furniture(stage: _Stage) -> None:
    """Trees and poles, some of them right before an object so that they split it in two."""
    rng, street, canvas = stage.rng, stage.street, stage.canvas

    def put(paint: Callable[..., None], x: float, z: float) -> None:
        stage.items.append((z, lambda: paint(canvas, street, rng, x, z)))

    for side in (-1, 1):
        if rng.random() < 0.55:
            pitch = float(rng.uniform(7, 12))
            for z in np.arange(float(rng.uniform(9, 15)), 60, pitch).tolist():
                put(paint_tree, side * (street.road + street.walk * 0.85), float(z))
        pitch = float(rng.uniform(8, 20))
        for z in np.arange(float(rng.uniform(6, 14)), 60, pitch).tolist():
            put(paint_pole, side * (street.road + 0.4), float(z))
    for x, z, radius in stage.spots:
        if radius > 0.7 and z > 8 and rng.random() < 0.22:
            depth = z - radius - float(rng.uniform(1.0, 2.5))
            put(paint_pole, x * depth / z + float(rng.normal(0, 0.3)), depth)


def _void(stage: _Stage) -> None:
    """Things that nobody labelled: bins and boxes (static) and push carts (dynamic)."""
    rng, street = stage.rng, stage.street
    for _ in range(int(rng.integers(0, 3))):
        z = float(rng.uniform(6, 20))
        side = float(rng.choice([-1, 1]))
        frame = Frame(street.camera, side * (street.road + 0.8), z, float(rng.uniform(0, 1.5)))
        size = Size(0.7, 0.6, float(rng.uniform(0.8, 1.3)))
        if not stage.take_spot(frame, size):
            continue
        colour = stage.colour()
        solid = Solid(box(0.0, size.height, -0.35, 0.35, 0.08), 0.3, colour)
        name = "static" if rng.random() < 0.7 else "dynamic"
        stage.add(frame, size, LABEL_ID[name], solid.paint)


def _populate(stage: _Stage) -> None:
    """Choose and place the objects of the scene."""
    rng = stage.rng
    heavy = ["car", "truck", "bus", "train"]
    light = ["person", "bicycle", "motorcycle"]
    wanted = [str(rng.choice(heavy, p=[0.5, 0.18, 0.17, 0.15])) for _ in range(rng.integers(2, 5))]
    wanted += [str(rng.choice(light, p=[0.56, 0.24, 0.2])) for _ in range(rng.integers(3, 8))]
    for name in wanted:
        for _ in range(12):
            if name in HEAVY:
                done = _heavy(stage, name)
            elif name == "person":
                done = _person(stage)
            else:
                done = _two_wheeler(stage, name, ridden=rng.random() < 0.65)
            if done:
                break
    if rng.random() < 0.45:
        _crowd(stage)
    _void(stage)
    _furniture(stage)


def _bonnet(stage: _Stage) -> None:
    """The camera car's own bonnet along the lower edge."""
    height, width = stage.canvas.ids.shape
    rise = float(stage.rng.uniform(0.03, 0.08)) * height
    x = np.linspace(-0.05, 1.05, 40)
    row = height - rise * np.clip(1 - (2 * x - 1) ** 4, 0, 1)
    outline = np.concatenate([np.stack([x * width, row], axis=1), [[width, height], [0, height]]])
    stage.canvas.fill([outline], (38.0, 34.0, 32.0), LABEL_ID["ego vehicle"])
    shine = np.stack([x * width, row + 0.14 * rise], axis=1)
    band = np.concatenate([shine, shine[::-1] + np.array([0.0, 0.1 * rise])])
    stage.canvas.fill([band], (110.0, 100.0, 92.0))


def _develop(image: np.ndarray, rng: np.random.Generator, tint: Sequence[float]) -> np.ndarray:
    """What lens and sensor do: tint, vignette, contrast, blur, noise."""
    height, width = image.shape[:2]
    balance = np.asarray(tint, np.float32) * rng.normal(1, 0.03, 3).astype(np.float32)
    light = np.multiply(image, balance / 255, dtype=np.float32)
    rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    light *= (1 - 0.16 * (rows**2 + columns**2) / 2)[..., None]
    light = np.clip(light, 0, 1) ** np.float32(rng.uniform(0.85, 1.15))
    if rng.random() < 0.35:
        light = cv2.GaussianBlur(light, (0, 0), float(rng.uniform(0.4, 0.8)))
    sigma = float(rng.uniform(0.006, 0.02))
    grain = rng.standard_normal((height, width, 1), dtype=np.float32) * sigma
    grain = grain + rng.standard_normal((height, width, 3), dtype=np.float32) * (0.5 * sigma)
    return np.round(np.clip(light + grain, 0, 1) * 255).astype(np.uint8)


def _drop_remains(ids: np.ndarray) -> None:
    """Turn the barely visible remains of instances into void, in place."""
    values, counts = np.unique(ids, return_counts=True)
    for value in values[(values >= FIRST_INSTANCE_ID) & (counts < SMALLEST_INSTANCE)]:
        ids[ids == value] = LABEL_ID["dynamic"]


def render_scene(seed: int | Sequence[int], size: tuple[int, int] = (256, 512)) -> Scene:
    """Paint the scene of this seed; ``size`` is (height, width) in pixels.

    The same seed and size give the same scene, whatever was painted before.
    """
    rng = np.random.default_rng(seed)
    height, width = (side * SUPERSAMPLE for side in size)
    street = random_street(rng, height, width)
    stage = _Stage(rng, street, paint_backdrop(street, rng, height, width))
    _populate(stage)
    for _, paint in sorted(stage.items, key=lambda item: -item[0]):
        paint()
    if rng.random() < 0.6:
        _bonnet(stage)
    image = cv2.resize(stage.canvas.image, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    ids = np.ascontiguousarray(stage.canvas.ids[SUPERSAMPLE // 2 :: SUPERSAMPLE, 1::SUPERSAMPLE])
    _drop_remains(ids)
    labels = np.where(ids >= FIRST_INSTANCE_ID, ids // FIRST_INSTANCE_ID, ids).astype(np.uint8)
    focal_length = street.camera.focal / SUPERSAMPLE
    return Scene(_develop(image, rng, street.mood.tint), ids, labels, stage.depths, focal_length)
