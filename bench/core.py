"""DCME's algorithms beside vectorised NumPy, OpenCV and cityscapesScripts.

Run as ``python -m bench.core [--images N] [--json FILE]``. Every figure is the median of runs that
alternate with the peer's; the outputs of both are compared first.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable

import cv2
import dcme
import numpy as np

Row = dict[str, Any]
LABELS = (24, 25, 26, 27, 28, 31, 32, 33)


def street(shape: tuple[int, int], count: int, seed: int = 0) -> np.ndarray:
    """An instance map of ellipses, later ones in front."""
    rng = np.random.default_rng(seed)
    ids = np.full(shape, 7, np.uint16)
    typical = np.sqrt(shape[0] * shape[1] / count)
    for k in range(count):
        half_height, half_width = typical * rng.uniform(0.15, 0.6, 2)
        row, col = rng.uniform(0, shape[0]), rng.uniform(0, shape[1])
        top, left = int(max(0, row - half_height)), int(max(0, col - half_width))
        part = ids[top : int(row + half_height) + 2, left : int(col + half_width) + 2]
        rows, cols = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
        inside = ((rows - row) / half_height) ** 2 + ((cols - col) / half_width) ** 2 < 1
        part[inside] = 1000 * rng.choice(LABELS) + k
    return ids


def compare(what: str, ours: Callable[[], Any], peer: Callable[[], Any], peer_name: str) -> Row:
    """Median milliseconds of both, taken in turns."""
    times: tuple[list[float], list[float]] = ([], [])
    started = time.perf_counter()
    while len(times[1]) < 3 or time.perf_counter() - started < 2:
        for function, taken in ((ours, times[0]), (peer, times[1])):
            for _ in range(10 if function is ours else 1):
                begin = time.perf_counter()
                function()
                taken.append(1e3 * (time.perf_counter() - begin))
    mine, theirs = (float(np.median(taken)) for taken in times)
    return {"what": what, "ms": mine, "peer": peer_name, "peer_ms": theirs, "ratio": theirs / mine}


def numpy_encode(ids: np.ndarray) -> np.ndarray:
    """Vectors by bincount over the whole map."""
    flat = ids.ravel().astype(np.int64)
    rows, cols = np.divmod(np.arange(flat.size), ids.shape[1])
    counts = np.maximum(np.bincount(flat), 1)
    centre_rows = np.bincount(flat, rows) / counts
    centre_cols = np.bincount(flat, cols) / counts
    vectors = np.stack([centre_cols[flat] - cols, centre_rows[flat] - rows]).astype(np.float32)
    vectors[:, flat < 1000] = 0
    return vectors.reshape(2, *ids.shape)


def cv2_reduce(ids: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Reduction mask by mask."""
    reduced = np.zeros(size, np.uint16)
    for i in np.unique(ids):
        if i > 1000:
            mask = (ids == i).view(np.uint8) * np.uint8(255)
            reduced[cv2.resize(mask, size[::-1], interpolation=cv2.INTER_AREA) > 0] = i
    return reduced


def _parts(cells: np.ndarray, axis: int, dt: int) -> list[np.ndarray]:
    cells = cells[np.argsort(cells[:, axis], kind="stable")]
    return np.split(cells, np.flatnonzero(np.diff(cells[:, axis]) > dt) + 1)


def numpy_decode(vectors: np.ndarray, dt: int = 10, vt: int = 50, et: int = 15) -> list[np.ndarray]:
    """The published decoder with whole-array operations (for vectors below 128 pixels)."""
    dx, dy = np.trunc(vectors).astype(int)
    height, width = dx.shape
    rows, cols = np.indices(dx.shape)
    to_row, to_col = rows + dy, cols + dx
    weight = (dx != 0).astype(int) + (dy != 0)
    inside = (weight > 0) & (to_row < height) & (to_col < width)
    cells = (to_row[inside] % height) * width + to_col[inside] % width
    votes = np.bincount(cells, weight[inside], height * width).reshape(dx.shape)
    found = np.argwhere(votes > vt)
    masks = []
    for part in [p for rows_part in _parts(found, 0, dt) for p in _parts(rows_part, 1, dt)]:
        if len(part) == 0:
            continue
        row, col = np.floor(part.mean(axis=0))
        near = (to_row - row) ** 2 + (to_col - col) ** 2 < et * et
        mask = (near & (weight > 0)).astype(np.uint8)
        contours = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
        cv2.drawContours(mask, contours, -1, 1, cv2.FILLED)
        if np.count_nonzero(mask) > 20:
            masks.append(mask > 0)
    return masks


def encoding_rows() -> list[Row]:
    """Encode and reduce."""
    ids = street((512, 1024), 60)
    assert np.abs(dcme.encode(ids) - numpy_encode(ids)).max() < 1e-3
    rows = [
        compare(
            "encode 512x1024, 60 instances",
            lambda: dcme.encode(ids),
            lambda: numpy_encode(ids),
            "NumPy",
        )
    ]
    full = street((1024, 2048), 60)
    for size in ((512, 1024), (340, 680)):
        assert np.array_equal(dcme.reduce_ids(full, size), cv2_reduce(full, size))
        rows.append(
            compare(
                f"reduce 1024x2048 to {size[0]}x{size[1]}, 60 instances",
                lambda size=size: dcme.reduce_ids(full, size),
                lambda size=size: cv2_reduce(full, size),
                "OpenCV, mask by mask",
            )
        )
    return rows


def decoding_rows() -> list[Row]:
    """Decode in both modes, exact vectors and disturbed ones."""
    rows = []
    for count in (60, 400):
        rng = np.random.default_rng(count)
        exact = dcme.encode(street((512, 1024), count))
        noise = np.stack([cv2.GaussianBlur(rng.normal(0, 12, exact.shape[1:]), (0, 0), 3)] * 2)
        noisy = (exact + noise * exact.any(axis=0) + rng.normal(0, 0.3, exact.shape)).astype("f4")
        for name, field in (("exact", exact), ("noisy", noisy)):
            expected = numpy_decode(field)
            decoded = dcme.decode(field, mode="reference")
            assert len(decoded) == len(expected)
            assert all(np.array_equal(a, b) for a, b in zip(decoded, expected))
            for mode in ("standard", "reference"):
                rows.append(
                    compare(
                        f"decode 512x1024 {mode}, {count} instances, {name}",
                        lambda field=field, mode=mode: dcme.decode(field, mode=mode),
                        lambda field=field: numpy_decode(field),
                        "NumPy, reference",
                    )
                )
    return rows


def _write_image(folder: Path, index: int, count: int) -> tuple[str, list[tuple[str, int, float]]]:
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


def _evaluate_files(samples: list[tuple[str, list[tuple[str, int, float]]]]) -> np.ndarray:
    evaluator = dcme.Evaluator()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda sample: evaluator.add_files(*sample), samples))
    return evaluator.results().ap_table


def _timed(function: Callable[[Any], np.ndarray], argument: list) -> tuple[np.ndarray, float]:
    begin = time.perf_counter()
    return function(argument), 1e3 * (time.perf_counter() - begin)


def evaluation_rows(images: int) -> list[Row]:
    """Evaluate files of 1024x2048 on all processors, 25 and 100 instances an image."""
    rows = []
    for count in (25, 100):
        with tempfile.TemporaryDirectory() as name:
            samples = [_write_image(Path(name), i, count) for i in range(images)]
            truths = [truth for truth, _ in samples]
            first, before = _timed(_evaluate_files, samples)
            expected, theirs = _timed(_cityscapes_scripts(Path(name)), truths)
            _, after = _timed(_evaluate_files, samples)
        assert np.allclose(first, expected, rtol=0, atol=1e-9, equal_nan=True)
        mine = (before + after) / 2
        rows.append(
            {
                "what": f"evaluate 1024x2048, {count} instances, each of {images} images",
                "ms": mine / images,
                "peer": "cityscapesScripts",
                "peer_ms": theirs / images,
                "ratio": theirs / mine,
            }
        )
    return rows


def show(rows: list[Row]) -> None:
    """Print the table."""
    print(f"{'what':<55}{'ms':>9}  {'peer':<22}{'ms':>10}{'ratio':>9}")
    for row in rows:
        print(
            f"{row['what']:<55}{row['ms']:>9.2f}  {row['peer']:<22}{row['peer_ms']:>10.1f}"
            f"{row['ratio']:>8.1f}x"
        )


def main(argv: list[str] | None = None) -> None:
    """Run all and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=6, help="images to evaluate")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args(argv)
    rows = encoding_rows() + decoding_rows() + evaluation_rows(options.images)
    show(rows)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
