"""Cityscapes' label ids and colours, where the ids of instances begin, and the labels in a map."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from dcme import _core

LABEL_ID: Final[dict[str, int]] = {
    "unlabeled": 0,
    "ego vehicle": 1,
    "rectification border": 2,
    "out of roi": 3,
    "static": 4,
    "dynamic": 5,
    "ground": 6,
    "road": 7,
    "sidewalk": 8,
    "building": 11,
    "wall": 12,
    "fence": 13,
    "pole": 17,
    "traffic light": 19,
    "traffic sign": 20,
    "vegetation": 21,
    "terrain": 22,
    "sky": 23,
    "person": 24,
    "rider": 25,
    "car": 26,
    "truck": 27,
    "bus": 28,
    "caravan": 29,
    "trailer": 30,
    "train": 31,
    "motorcycle": 32,
    "bicycle": 33,
}
"""Label name to the id that Cityscapes' label and instance maps hold."""

FIRST_INSTANCE_ID: Final = _core.FIRST_INSTANCE_ID
"""Instance maps hold ``1000 * label + k`` for instances, less for stuff and group regions."""

COLOURS_RGB: Final[dict[str, tuple[int, int, int]]] = {
    "unlabeled": (0, 0, 0),
    "ego vehicle": (0, 0, 0),
    "rectification border": (0, 0, 0),
    "out of roi": (0, 0, 0),
    "static": (0, 0, 0),
    "dynamic": (111, 74, 0),
    "ground": (81, 0, 81),
    "road": (128, 64, 128),
    "sidewalk": (244, 35, 232),
    "building": (70, 70, 70),
    "wall": (102, 102, 156),
    "fence": (190, 153, 153),
    "pole": (153, 153, 153),
    "traffic light": (250, 170, 30),
    "traffic sign": (220, 220, 0),
    "vegetation": (107, 142, 35),
    "terrain": (152, 251, 152),
    "sky": (70, 130, 180),
    "person": (220, 20, 60),
    "rider": (255, 0, 0),
    "car": (0, 0, 142),
    "truck": (0, 0, 70),
    "bus": (0, 60, 100),
    "caravan": (0, 0, 90),
    "trailer": (0, 0, 110),
    "train": (0, 80, 100),
    "motorcycle": (0, 0, 230),
    "bicycle": (119, 11, 32),
}
"""Colours of Cityscapes' colour maps."""


def no_instances(maps: Sequence[Path]) -> str:
    """What to say of instance maps that hold no instance at all."""
    others = f", nor does any of {len(maps) - 1} others" if len(maps) > 1 else ""
    return (
        f"{maps[0]}: holds no instance (ids from {FIRST_INSTANCE_ID} on){others}; of label maps 0, "
        "1, 2, ... dcme collect makes instance maps"
    )


def labels_in(ids: np.ndarray) -> set[int]:
    """The class labels of the instances in an instance map (H, W)."""
    values = np.flatnonzero(np.bincount(ids.ravel(), minlength=FIRST_INSTANCE_ID))
    return set((values[values >= FIRST_INSTANCE_ID] // FIRST_INSTANCE_ID).tolist())
