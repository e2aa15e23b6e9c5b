"""How far instances are: from Cityscapes' disparity images and camera files, for AP100m and AP50m.

Cityscapes' evaluation takes the median depth of an instance's pixels, baseline * focal length /
disparity, and the share of its pixels that have one (at least half must).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dcme import _core
from dcme._arrays import as_ids
from dcme.datasets.samples import IDS_ENDING, TRUTH_FOLDER, Sample
from dcme.errors import UserError
from dcme.files import PathLike, read_json

if TYPE_CHECKING:
    import numpy.typing as npt

DISPARITY_FOLDER, CAMERA_FOLDER = "disparity", "camera"

Distances = dict[int, tuple[float, float]]
"""By instance id: median distance in metres, and the share of pixels that have one."""


@dataclass(frozen=True)
class StereoFiles:
    """The disparity image and the camera file of an image."""

    disparity: Path
    camera: Path


def stereo_files(sample: Sample) -> StereoFiles | None:
    """The stereo files beside a Cityscapes instance map; None where either is not on disk.

    ``disparity/<split>/<city>/<name>_disparity.png`` and ``camera/..._camera.json`` beside
    ``gtFine``.
    """
    path = sample.ids
    if path is None or not path.stem.endswith(IDS_ENDING):
        return None
    city, split, fine = path.parent, path.parent.parent, path.parent.parent.parent
    if fine.name != TRUTH_FOLDER:
        return None
    stem = path.stem[: -len(IDS_ENDING)]
    below = Path(split.name) / city.name
    files = StereoFiles(
        fine.parent / DISPARITY_FOLDER / below / f"{stem}_disparity.png",
        fine.parent / CAMERA_FOLDER / below / f"{stem}_camera.json",
    )
    return files if files.disparity.is_file() and files.camera.is_file() else None


def with_distances(samples: Sequence[Sample]) -> int:
    """How many of the samples have their stereo files."""
    return sum(stereo_files(sample) is not None for sample in samples)


def instance_distances(
    ids: npt.ArrayLike, disparity: npt.ArrayLike, baseline: float, focal_length: float
) -> Distances:
    """Median distance and share of measured pixels of every instance that has one.

    Parameters
    ----------
    ids : (H, W) instance map.
    disparity : (H, W) uint16 as Cityscapes stores it: 256 * disparity + 1, 0 = not measured.
    baseline : in metres.
    focal_length : in pixels, along the rows.
    """
    array = np.asarray(disparity)
    if array.dtype != np.uint16 or array.ndim != 2:
        raise ValueError(f"a disparity image is uint16 (H, W), this is {array.dtype} {array.shape}")
    return _core.instance_distances(
        as_ids(ids), np.ascontiguousarray(array), float(baseline), float(focal_length)
    )


def read_distances(ids: PathLike, files: StereoFiles) -> Distances:
    """The distances of the instances of a map in a file."""
    values = read_json(files.camera)
    try:
        baseline = float(values["extrinsic"]["baseline"])
        focal_length = float(values["intrinsic"]["fx"])
        if not (0 < baseline and 0 < baseline * focal_length < math.inf):
            raise ValueError("no distances come of such a camera")
    except (ValueError, KeyError, TypeError, OverflowError):
        raise UserError(
            f"{files.camera}: is no camera file with numbers above 0 for extrinsic.baseline and "
            "intrinsic.fx"
        ) from None
    try:
        truth, disparity = (_core.read_grey_png(str(p)) for p in (ids, files.disparity))
        return instance_distances(truth, disparity, baseline, focal_length)
    except ValueError as error:
        raise UserError(f"{files.disparity}: {error}") from None
