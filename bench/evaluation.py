"""Evaluation of Cityscapes' files beside cityscapesScripts, which must find the same figures."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import dcme
import numpy as np

from bench.memory import resident
from bench.reference.evaluation import (
    MaskFile,
    Prediction,
    average_precisions,
    cityscapes_scripts,
    write_image,
)
from bench.reference.scenes import street
from bench.report import Row, faster
from bench.timing import milliseconds

__all__ = ["evaluation_rows"]

# cityscapesScripts are given no more images than this: their time for each is the same throughout.
MOST_IMAGES_FOR_PEER = 100

Files = list[MaskFile]


def _moved(ids: np.ndarray, rng: np.random.Generator) -> Iterator[Prediction]:
    """Each instance a little moved, with a score."""
    for entry in dcme.instances(ids):
        mask = np.roll(ids == entry["id"], rng.integers(-4, 5, 2), axis=(0, 1))
        yield mask, int(entry["label"]), float(rng.random())


def _write_image(folder: Path, index: int, count: int) -> tuple[str, Files]:
    """Ground truth and predictions of one image in Cityscapes' files."""
    ids = street((1024, 2048), count, index)
    return write_image(folder, index, ids, _moved(ids, np.random.default_rng(index)))


def _evaluate_files(samples: list[tuple[str, Files]]) -> np.ndarray:
    evaluator = dcme.Evaluator()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda sample: evaluator.add_files(*sample), samples))
    return evaluator.results().ap_table


def _their_aps(scripts: ModuleType, truths: list[str]) -> np.ndarray:
    return np.array(average_precisions(scripts, truths)["resultApMatrix"])[0]


def _write_images(folder: Path, images: int, count: int) -> list[tuple[str, Files]]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda index: _write_image(folder, index, count), range(images)))


def evaluation_rows(images: int, count: int) -> list[Row]:
    """Files of 1024x2048 with ``count`` instances each: ours on all processors, before and after.

    Both read the same PNGs of ground truth and of each instance's mask, the peer those of the first
    images only (MOST_IMAGES_FOR_PEER), on which both must find the same figures.
    """
    found: dict[str, np.ndarray] = {}
    part = min(images, MOST_IMAGES_FOR_PEER)

    def run(name: str, evaluate: Callable[[list[Any]], np.ndarray], files: list[Any]) -> float:
        return milliseconds(lambda: found.update({name: evaluate(files)})) / len(files)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = _write_images(folder, images, count)
        truths = [truth for truth, _ in samples]
        _evaluate_files(samples[:4])
        at_start = resident()
        before = run("all", _evaluate_files, samples)
        grown = resident() - at_start
        with cityscapes_scripts() as scripts:
            theirs = run("theirs", partial(_their_aps, scripts), truths[:part])
        run("ours", _evaluate_files, samples[:part])
        after = run("all", _evaluate_files, samples)
    if not np.array_equal(found["ours"], found["theirs"], equal_nan=True):
        difference = np.nanmax(np.abs(found["ours"] - found["theirs"]))
        assert difference < 1e-12, f"our AP differs from cityscapesScripts' by {difference}"
    return [
        Row(
            name=f"evaluate-{count}",
            what=f"evaluate 1024x2048, {count} instances, each of {images} images",
            ours=(before + after) / 2,
            peer="cityscapesScripts",
            theirs=theirs,
            targets=[faster(25)],
            note=f"equal figures on the {part} images that cityscapesScripts had; memory grew by "
            f"{grown:.0f} MiB over all {images}",
        )
    ]
