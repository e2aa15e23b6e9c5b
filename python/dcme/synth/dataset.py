"""Writes synthetic scenes as a Cityscapes tree (leftImg8bit/, gtFine/, disparity/, camera/)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from dcme.datasets.recipe import Recipe
from dcme.errors import UserError
from dcme.files import PathLike, write_json, write_png
from dcme.labels import COLOURS_RGB, LABEL_ID
from dcme.parallel import ordered_map, progress
from dcme.synth.scene import Scene, render_scene

CITIES = {"train": "centreville", "val": "massbury", "test": "momentham"}
RECIPE = "synth.json"
VERSION = 2
"""Raised whenever the same seed paints other pictures."""

MOST_SCENES = 10**6
"""Of a split: their names number six digits."""


@dataclass(frozen=True)
class Settings:
    """What fixes the content of a data set."""

    seed: int
    height: int
    width: int
    version: int = VERSION


@dataclass(frozen=True)
class Job:
    """One scene to be written."""

    split: str
    index: int


def scene_paths(root: Path, job: Job) -> dict[str, Path]:
    """The files of a scene; ``instanceIds`` is the one that is written last."""
    city = CITIES[job.split]
    stem = f"{city}_{job.index:06d}_000000"
    below = Path(job.split) / city
    fine = root / "gtFine" / below
    return {
        "disparity": root / "disparity" / below / f"{stem}_disparity.png",
        "camera": root / "camera" / below / f"{stem}_camera.json",
        "image": root / "leftImg8bit" / below / f"{stem}_leftImg8bit.png",
        "labelIds": fine / f"{stem}_gtFine_labelIds.png",
        "color": fine / f"{stem}_gtFine_color.png",
        "instanceIds": fine / f"{stem}_gtFine_instanceIds.png",
    }


def _colour_table() -> np.ndarray:
    table = np.zeros((256, 3), np.uint8)
    for name, (red, green, blue) in COLOURS_RGB.items():
        table[LABEL_ID[name]] = (blue, green, red)
    return table


BASELINE = 0.21
"""Metres between the eyes of the stereo camera, about as in Cityscapes."""


def _disparity(scene: Scene) -> np.ndarray:
    """As Cityscapes stores it, 256 * disparity + 1, of the instances; 0 (not measured) elsewhere.

    An instance counts as one upright plane at its place on the street.
    """
    stored = np.zeros(1 << 16, np.uint16)
    for value, depth in scene.depths.items():
        disparity = BASELINE * scene.focal_length / depth
        stored[value] = min(round(256 * disparity) + 1, 65535)
    return stored[scene.instance_ids]


def write_scene(root: Path, settings: Settings, job: Job) -> None:
    """Paint one scene and write its files."""
    split = list(CITIES).index(job.split)
    scene = render_scene((settings.seed, split, job.index), (settings.height, settings.width))
    paths = scene_paths(root, job)
    write_png(paths["image"], scene.image)
    write_png(paths["disparity"], _disparity(scene))
    write_json(
        paths["camera"],
        {"extrinsic": {"baseline": BASELINE}, "intrinsic": {"fx": scene.focal_length}},
    )
    write_png(paths["labelIds"], scene.label_ids)
    write_png(paths["color"], _colour_table()[scene.label_ids])
    write_png(paths["instanceIds"], scene.instance_ids)


def write_dataset(
    out: PathLike,
    *,
    train: int,
    val: int,
    seed: int = 0,
    size: tuple[int, int] = (256, 512),
    workers: int = 1,
    quiet: bool = True,
    test: int = 0,
) -> int:
    """Write ``train`` + ``val`` + ``test`` scenes below ``out``; returns how many were painted now.

    Scenes that an earlier, interrupted call has finished are kept. The same seed and size give the
    same files to the bit, however many workers there are and however many scenes are asked for.
    """
    root, settings = Path(out), Settings(seed, *size)
    scenes = {"train": train, "val": val, "test": test}
    if min(size) < 32 or min(scenes.values()) < 0 or not any(scenes.values()) or seed < 0:
        raise UserError("synth needs at least one scene of at least 32x32 pixels and a seed >= 0")
    if max(scenes.values()) > MOST_SCENES:
        raise UserError(f"synth paints at most {MOST_SCENES} scenes for a split")
    recipe = Recipe(root, RECIPE, asdict(settings), "another data set", required=True)
    recipe.require_folder_of_its_own()
    recipe.check()
    recipe.keep()
    jobs = [Job(split, i) for split, count in scenes.items() for i in range(count)]
    jobs = [job for job in jobs if not scene_paths(root, job)["instanceIds"].exists()]
    done = ordered_map(partial(write_scene, root, settings), jobs, workers, processes=True)
    for _ in progress(done, len(jobs), "painting scenes", quiet):
        pass
    return len(jobs)
