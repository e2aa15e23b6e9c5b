"""What a classical method finds on nuclei: Otsu's threshold and a watershed, by OpenCV.

Run as ``python -m bench.nuclei_classical data/nuclei``, a folder as docs/nuclei.md describes it.
The image is smoothed and cut at Otsu's threshold, holes are filled, the peaks of the distance to
the background are seeds, and a watershed of that distance parts what touches. The settings are
those of the highest mean score on the training images; ``val.txt`` is only scored.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from dcme.datasets.samples import Sample, read_list
from dcme.files import read_ids, read_image
from dcme.matching import Matching, matching
from dcme.parallel import ordered_map, usable_cores

from bench.reference.vectorised import filled

IOUS = (0.5, 0.7)
LEVEL = 0.25
"""Of the distances, in pixels, from one level of the watershed to the next."""
Scores = tuple[Matching, ...]
"""At each of IOUS."""


@dataclass(frozen=True)
class Settings:
    """What can be chosen. All in pixels."""

    blur: float
    """Standard deviation of the Gaussian before the threshold; 0: none."""
    root: bool
    """Whether the threshold is that of the square root of the image, which nets here take, too."""
    smooth: float
    """Standard deviation of the Gaussian on the distances; 0: none."""
    apart: int
    """Seeds are the highest within so many rows and columns."""
    least: int
    """Smaller instances are left out."""


def candidates() -> list[Settings]:
    """What is tried on the training images."""
    grid = itertools.product((0, 1), (False, True), (0, 0.5, 1), (2, 3, 5), (20, 30, 50))
    return [Settings(*values) for values in grid]


def blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    """The image behind a Gaussian; itself for a sigma of 0."""
    return cv2.GaussianBlur(image, (0, 0), sigma) if sigma else image


def foreground(image: np.ndarray, how: Settings) -> np.ndarray:
    """(H, W), uint8, 0 or 1: what is brighter than Otsu's threshold, without holes."""
    if how.root:
        image = np.rint(np.sqrt(image.astype(np.float32) * 255)).astype(np.uint8)
    _, bright = cv2.threshold(blurred(image, how.blur), 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return filled(bright).astype(np.uint8)


def watershed(height: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Seeds (H, W), 1, 2, ... at some pixels, grown over all of a positive height that they reach.

    They grow from level to level of the height downwards, which OpenCV's own watershed does not: it
    goes by the steps between neighbours.
    """
    labels, square = seeds.astype(np.float32), np.ones((3, 3), np.uint8)
    for level in [*np.arange(height.max(), 0, -LEVEL).tolist(), 0]:
        free = (height > level) & (labels == 0)
        while (grown := cv2.dilate(labels, square) * free).any():
            labels += grown
            free &= grown == 0
    return labels.astype(np.int32)


def segment(image: np.ndarray, how: Settings) -> np.ndarray:
    """The label map (H, W), int32, of a grey image (H, W), uint8."""
    inside = foreground(image, how)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    height = blurred(distance, how.smooth) * inside
    window = np.ones((2 * how.apart + 1, 2 * how.apart + 1), np.uint8)
    peaks = (height == cv2.dilate(height, window)) & (inside != 0)
    _, seeds = cv2.connectedComponents(peaks.astype(np.uint8))
    labels = watershed(height, seeds)
    labels[np.bincount(labels.reshape(-1))[labels] < how.least] = 0
    return labels


def score(truth: np.ndarray, image: np.ndarray, how: Settings) -> Scores:
    """What is found of an instance map in its image."""
    found = segment(image, how)
    return tuple(matching(truth, found, iou) for iou in IOUS)


def read(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """The instance map, and the image in grey."""
    image = cv2.cvtColor(read_image(sample.image_path()), cv2.COLOR_BGR2GRAY)
    return read_ids(sample.ids_path()), image


def total(samples: Iterable[tuple[np.ndarray, np.ndarray]], how: Settings) -> Scores:
    """Summed over images."""
    sums = tuple(map(Matching, IOUS))
    for truth, image in samples:
        sums = tuple(a + b for a, b in zip(sums, score(truth, image, how)))
    return sums


def main() -> None:
    """Choose the settings, score the validation images."""
    parser = argparse.ArgumentParser(prog="python -m bench.nuclei_classical", description=__doc__)
    parser.add_argument("data", type=Path, help="folder with train.txt and val.txt")
    folder = parser.parse_args().data
    sets = {name: [read(s) for s in read_list(folder / f"{name}.txt")] for name in ("train", "val")}
    tried = candidates()
    cv2.setNumThreads(1)
    trained = list(ordered_map(partial(total, sets["train"]), tried, usable_cores()))
    best = max(range(len(tried)), key=lambda i: sum(one.score for one in trained[i]))
    print(f"best of {len(tried)} on {len(sets['train'])} training images: {tried[best]}")
    for name, found in (("train", trained[best]), ("val", total(sets["val"], tried[best]))):
        for one in found:
            print(
                f"{name:5}  IoU > {one.iou}: score {one.score:.3f}  "
                f"TP / FP / FN {one.tp} / {one.fp} / {one.fn}"
            )


if __name__ == "__main__":
    main()
