"""Evaluation of Cityscapes' files beside cityscapesScripts, which must find the same figures."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import cv2
import dcme
import numpy as np

from bench.memory import resident
from bench.report import Row, faster
from bench.scenes import street
from bench.timing import milliseconds

__all__ = ["evaluation_rows"]

# cityscapesScripts are given no more images than this: their time for each is the same throughout.
MOST_IMAGES_FOR_PEER = 100

Files = list[tuple[str, int, float]]


def _write_image(folder: Path, index: int, count: int) -> tuple[str, Files]:
    """Ground truth and predictions (a little moved) of one image in Cityscapes' files."""
    ids = street((1024, 2048), count, index)
    stem = f"city_{index:06d}_000019"
    truth = folder / f"{stem}_gtFine_instanceIds.png"
    cv2.imwrite(str(truth), ids)
    rng = np.random.default_rng(index)
    files, lines = [], []
    for k, entry in enumerate(dcme.instances(ids)):
        mask = np.roll(ids == entry["id"], rng.integers(-4, 5, 2), axis=(0, 1))
        path = folder / f"{stem}_{k}.png"
        cv2.imwrite(str(path), mask.astype(np.uint8) * 255)
        score = float(rng.random())
        files.append((str(path), int(entry["label"]), score))
        lines.append(f"{path.name} {entry['label']} {score!r}\n")
    (folder / f"{stem}.txt").write_text("".join(lines))
    return str(truth), files


def _cityscapes_scripts(folder: Path) -> Callable[[list[str]], np.ndarray]:
    """Their evaluation of ground truth files, made to run with today's NumPy and without files."""
    setattr(np, "in1d", np.isin)  # noqa: B010  # gone from NumPy 2.4
    argv, sys.argv = sys.argv, sys.argv[:1]
    from cityscapesscripts.evaluation import evalInstanceLevelSemanticLabeling as reference

    sys.argv = argv
    reference.writeDict2JSON = lambda *_: None
    args = SimpleNamespace(**vars(reference.args))
    args.gtInstancesFile, args.predictionPath = str(folder / "none.json"), str(folder)
    args.quiet, args.JSONOutput = True, False

    def evaluate(truths: list[str]) -> np.ndarray:
        listings = [truth.replace("_gtFine_instanceIds.png", ".txt") for truth in truths]
        result = reference.evaluateImgLists(listings, truths, args)
        return np.array(result["resultApMatrix"])[0]

    return evaluate


def _evaluate_files(samples: list[tuple[str, Files]]) -> np.ndarray:
    evaluator = dcme.Evaluator()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda sample: evaluator.add_files(*sample), samples))
    return evaluator.results().ap_table


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

    def run(name: str, evaluate: Callable[[list], np.ndarray], files: list) -> float:
        return milliseconds(lambda: found.update({name: evaluate(files)})) / len(files)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = _write_images(folder, images, count)
        truths = [truth for truth, _ in samples]
        _evaluate_files(samples[:4])
        at_start = resident()
        before = run("all", _evaluate_files, samples)
        grown = resident() - at_start
        theirs = run("theirs", _cityscapes_scripts(folder), truths[:part])
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
