#!/usr/bin/env python3
"""Trains the nets of this folder at full size for some iterations and says what they take.

    python prototxt/measure.py [net ...] [--iterations 20] [--batch N] [--out DIR]

Paints street scenes of Cityscapes' size, lets ``caffe train`` learn one of them (the classifier:
16 of their instances) with each net's own solver, and prints a table: parameters, operations,
seconds a step, peak memory, and the loss at the start and at the end. ``--batch 0`` keeps the
batches of the prototxts.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from dcme.dataset import Sample, cityscapes_split
from dcme.errors import UserError
from dcme.files import read_ids, read_image, write_png, write_text
from dcme.labels import FIRST_INSTANCE_ID, INSTANCE_LABEL_IDS
from dcme.synth import write_dataset
from dcme.trainlog import parse_log
from google.protobuf import text_format

from caffe.proto import caffe_pb2

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from generate import NETS  # noqa: E402
from nets.files import DATA_PARAMETERS, NetDefinition  # noqa: E402

CROPS = 16
"""The classifier sees so many of them where the other nets see a scene."""
SMALLEST_CROP = 60
"""Pixels; instances of a smaller width or height are left out."""


@dataclass(frozen=True)
class Measurement:
    """What a training run took."""

    net: str
    batch: int
    losses: list[float]
    """Of every iteration."""
    step_s: float
    """Median seconds of an iteration."""
    peak_gib: float
    """Resident memory of the process at its peak."""
    parameters: int
    gflop: float
    """Of the forward pass of one image in deployment."""

    def loss_change(self) -> tuple[float, float]:
        """Means of the first and the last quarter of the iterations."""
        quarter = max(1, len(self.losses) // 4)
        return float(np.mean(self.losses[:quarter])), float(np.mean(self.losses[-quarter:]))


def _class(instance: int) -> int:
    """1 .. 8, or 0 where Cityscapes does not evaluate the label."""
    label = instance // FIRST_INSTANCE_ID
    return INSTANCE_LABEL_IDS.index(label) + 1 if label in INSTANCE_LABEL_IDS else 0


def _crops(samples: list[Sample]) -> Iterator[tuple[int, np.ndarray]]:
    """Class and image of each instance of the scenes that is not tiny."""
    for sample in samples:
        image, ids = read_image(sample.image_path()), read_ids(sample.ids_path())
        for instance in np.unique(ids[ids >= FIRST_INSTANCE_ID]):
            rows, cols = np.nonzero(ids == instance)
            if min(np.ptp(rows), np.ptp(cols)) >= SMALLEST_CROP:
                crop = image[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1]
                yield _class(int(instance)), np.ascontiguousarray(crop)


def write_data(folder: Path) -> None:
    """A scene in ``folder``/scenes.txt and instances in ``folder``/crops.txt, if not there yet."""
    write_dataset(folder / "scenes", train=4, val=0, seed=3, size=(1024, 2048))
    samples = cityscapes_split(folder / "scenes", "train")
    write_text(folder / "scenes.txt", f"{samples[0].image_path()} {samples[0].ids_path()}\n")
    lines = []
    for k, (label, crop) in zip(range(CROPS), _crops(samples)):
        write_png(folder / "crops" / f"{k}.png", crop)
        lines.append(f"{folder / 'crops' / f'{k}.png'} {label}\n")
    write_text(folder / "crops.txt", "".join(lines))


def _message(path: Path, message: Any) -> Any:
    return text_format.Parse(path.read_text(encoding="utf-8"), message)


def _bound(net: NetDefinition, folder: Path, batch: int, iterations: int, suffix: str) -> Path:
    """A copy of the net's solver in a folder of its own, which reads the painted data."""
    train = _message(HERE / net.name / f"train{suffix}.prototxt", caffe_pb2.NetParameter())
    for layer in train.layer:
        if layer.type in DATA_PARAMETERS:
            source = getattr(layer, DATA_PARAMETERS[layer.type])
            lists = "crops.txt" if layer.type == "ImageData" else "scenes.txt"
            source.source, source.root_folder = str(folder / lists), ""
            source.batch_size = batch
            layer.transform_param.mirror = False
    solver = _message(HERE / net.name / f"solver{suffix}.prototxt", caffe_pb2.SolverParameter())
    own = folder / f"{net.name}{suffix}"
    solver.net = str(own / "train.prototxt")
    solver.max_iter, solver.iter_size = iterations, 1
    solver.display, solver.average_loss = 1, 1
    solver.snapshot_prefix, solver.snapshot_after_train = str(own / "snapshot"), False
    solver.random_seed = 1
    write_text(own / "train.prototxt", text_format.MessageToString(train))
    write_text(own / "solver.prototxt", text_format.MessageToString(solver))
    return own / "solver.prototxt"


def _run(solver: Path) -> tuple[list[str], float]:
    """The log of ``caffe train`` and the most memory it had, in GiB."""
    command = ["caffe", "train", f"--solver={solver}"]
    log = solver.with_name("train.log")
    with open(log, "wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    lines = log.read_text(encoding="utf-8").splitlines()
    if process.returncode != 0:
        raise UserError(f"{' '.join(command)}: {lines[-1] if lines else 'failed'}")
    return lines, usage.ru_maxrss / 1024**2


def _seconds(lines: list[str]) -> float:
    """Median seconds from one iteration's line to the next one's."""
    stamps = []
    for line in lines:
        if re.search(r"Iteration \d+.*, loss = ", line):
            hours, minutes, seconds = line.split()[1].split(":")
            stamps.append(3600 * int(hours) + 60 * int(minutes) + float(seconds))
    return float(np.median(np.diff(stamps))) if len(stamps) > 1 else float("nan")


def _size(net: NetDefinition) -> tuple[int, float]:
    """Parameters and GFLOP that ``caffe check`` tells."""
    model = HERE / net.name / "deploy.prototxt"
    command = ["caffe", "check", f"--model={model}", "--phase=TEST"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    summary = re.search(r"(\d+) parameters.* ([\d.]+) GFLOP", text)
    if summary is None:
        raise UserError(f"{' '.join(command)}: no summary at the end")
    return int(summary[1]), float(summary[2])


def measure(
    name: str, folder: Path, batch: int = 1, iterations: int = 20, suffix: str = ""
) -> Measurement:
    """Train a net of this folder on the data of ``write_data``.

    batch: scenes, or CROPS crops each; 0: as many as in the prototxt.
    """
    net = NETS[name]
    if batch == 0:
        batch = int(net.train_data["batch_size"])
    elif net.data_type == "ImageData":
        batch *= CROPS
    lines, peak = _run(_bound(net, folder, batch, iterations, suffix))
    parameters, gflop = _size(net)
    losses = parse_log(lines).loss.values
    return Measurement(name + suffix, batch, losses, _seconds(lines), peak, parameters, gflop)


def main() -> None:
    """Measure the nets named on the command line, or all of the papers'."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="net", help="of this folder; the papers'")
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument(
        "--batch", type=int, default=1, help="scenes (the classifier: 16 crops each); 0: their own"
    )
    parser.add_argument("--out", type=Path, default=Path("measured"), help="default: measured/")
    arguments = parser.parse_args()
    names = arguments.names or [name for name in NETS if "20" in name]
    for name in names:
        if name not in NETS:
            parser.error(f"no net '{name}'; there are {', '.join(NETS)}")
    folder = arguments.out.resolve()
    write_data(folder)
    print("| net | parameters | GFLOP an image | batch | s a step | peak GiB | loss |")
    print("|---|---|---|---|---|---|---|")
    for name in names:
        started = time.monotonic()
        m = measure(name, folder, arguments.batch, arguments.iterations)
        before, after = m.loss_change()
        print(
            f"| {m.net} | {m.parameters / 1e6:.1f} M | {m.gflop:.0f} | {m.batch} | {m.step_s:.2f} "
            f"| {m.peak_gib:.2f} | {before:.4g} -> {after:.4g} |",
            flush=True,
        )
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
