"""cityscapesScripts' own evaluation, made to run: its files kept out of the way, its crashes named.

Three things stop release 2.3.0: ``np.in1d`` is gone from NumPy, its JSON caches reject NumPy's
integers (and one lands in the installed package), and a class all of whose predictions are
forgiven makes it fail, for which AP 0 is right.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np

__all__ = ["average_precisions", "cityscapes_scripts", "evaluate", "write_image"]

TRUTH_ENDING = "_gtFine_instanceIds.png"

Prediction = tuple[np.ndarray, int, float]
"""Mask, label, confidence."""
MaskFile = tuple[str, int, float]
"""The same with the mask in a file."""
Distances = Sequence[Mapping[int, tuple[float, float]]]
"""By image and id: metres, and the share of the pixels that have a distance."""


@contextmanager
def cityscapes_scripts() -> Iterator[ModuleType]:
    """Their module, which runs as long as this context lasts."""
    with patch.object(np, "in1d", np.isin, create=True), patch.object(sys, "argv", sys.argv[:1]):
        from cityscapesscripts.evaluation import evalInstanceLevelSemanticLabeling as scripts

        with patch.object(scripts, "writeDict2JSON", lambda *_: None):
            yield scripts


def write_image(
    folder: Path, index: int, ids: np.ndarray, predictions: Iterable[Prediction]
) -> tuple[str, list[MaskFile]]:
    """Ground truth and predictions of an image in the benchmark's files."""
    stem = f"city_{index:06d}_000000"
    truth = folder / f"{stem}{TRUTH_ENDING}"
    cv2.imwrite(str(truth), ids)
    files, lines = [], []
    for k, (mask, label, confidence) in enumerate(predictions):
        path = folder / f"{stem}_{k}.png"
        cv2.imwrite(str(path), mask.astype(np.uint8) * 255)
        files.append((str(path), label, confidence))
        lines.append(f"{path.name} {label} {confidence!r}\n")
    (folder / f"{stem}.txt").write_text("".join(lines))
    return str(truth), files


def _with_distances(scripts: ModuleType, distances: Distances) -> Any:
    """Their ground truth reader, which leaves distances out, with these filled in."""
    read = scripts.getGtInstances

    def filled(truths: list[str], args: Any) -> Any:
        found = read(truths, args)
        for truth, known in zip(truths, distances):
            for objects in found[scripts.os.path.abspath(truth)].values():
                for one in objects:
                    values = known.get(one["instID"], (-1, 0))
                    one["medDist"], one["distConf"] = values
        return found

    return filled


def average_precisions(
    scripts: ModuleType, truths: Sequence[str], distances: Distances | None = None
) -> dict[str, Any]:
    """Their result for files of ``write_image``."""
    args = SimpleNamespace(**vars(scripts.args))
    folder = Path(truths[0]).parent
    args.gtInstancesFile, args.predictionPath = str(folder / "gtInstances.json"), str(folder)
    args.quiet, args.JSONOutput = True, False
    listings = [truth.replace(TRUTH_ENDING, ".txt") for truth in truths]
    if distances is None:
        return scripts.evaluateImgLists(listings, list(truths), args)
    args.distanceAvailable = True
    with patch.object(scripts, "getGtInstances", _with_distances(scripts, distances)):
        return scripts.evaluateImgLists(listings, list(truths), args)


def evaluate(
    folder: Path,
    images: Iterable[tuple[np.ndarray, Iterable[Prediction]]],
    distances: Distances | None = None,
) -> tuple[list[str], np.ndarray]:
    """Names, and AP by class and threshold, of images written into a folder.

    With distances the table has a first axis for all ground truth, that within 100 m and that
    within 50 m.
    """
    truths = [write_image(folder, i, *image)[0] for i, image in enumerate(images)]
    with cityscapes_scripts() as scripts:
        result = average_precisions(scripts, truths, distances)
    table = np.array(result["resultApMatrix"])
    return result["instLabels"], table if distances is not None else table[0]
