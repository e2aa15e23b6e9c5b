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
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from dcme.datasets.crops import CropRule, CropSettings
from dcme.datasets.prepare import prepare, prepare_crops
from dcme.errors import UserError
from dcme.files import read_text, write_text
from dcme.synth import write_dataset
from dcme.training.caffe_train import NetFiles, bind_to_data, data_layers, data_parameters, read_net
from dcme.training.log import parse_log
from generate import NETS
from google.protobuf import text_format
from nets.files import START

from caffe.proto import caffe_pb2

HERE = Path(__file__).resolve().parent

CROPS = 16
"""The classifier sees so many of them where the other nets see a scene."""

RATE_FROM_RANDOM = {"dcme2017_fcn8s": 6e-9}
"""The paper's 1e-10 is for the Pascal weights; from random ones 20 such iterations show nothing."""


@dataclass(frozen=True)
class Measurement:
    """What a training run took."""

    batch: int
    losses: list[float]
    """Of every iteration."""
    step_s: float
    """Median seconds of an iteration."""
    peak_gib: float
    """Resident memory of the process at its peak."""

    def loss_change(self) -> tuple[float, float]:
        """Means of the first and the last quarter of the iterations."""
        quarter = max(1, len(self.losses) // 4)
        return float(np.mean(self.losses[:quarter])), float(np.mean(self.losses[-quarter:]))


def write_data(folder: Path) -> None:
    """One scene for the nets that segment, the instances of four for the one that classifies."""
    for name, scenes in (("one", 1), ("four", 4)):
        write_dataset(folder / name, train=scenes, val=0, seed=3, size=(1024, 2048))
    prepare(folder / "one", folder / "DCMEData", splits=["train"])
    crops = folder / "ImageData"
    prepare_crops(folder / "four", crops, CropSettings(CropRule()), splits=["train"])
    lines = read_text(crops / "train.txt").splitlines(keepends=True)
    write_text(crops / "train.txt", "".join(lines[:: max(1, len(lines) // CROPS)][:CROPS]))


def bind(name: str, variant: str, folder: Path, batch: int, iterations: int) -> tuple[Path, int]:
    """The net's solver, bound to the painted data beside its net; and the batch.

    batch: see ``measure``.
    """
    own = folder / f"{name}_{variant}".rstrip("_")
    files = NetFiles.of_folder(HERE / name, variant)
    files = bind_to_data(files, folder / NETS[name].data_type, own, iterations)
    net = read_net(files.train)
    for layer, testing in data_layers(net, files.train):
        parameters = data_parameters(layer)
        if batch > 0:
            parameters.batch_size = batch * (CROPS if layer.type == "ImageData" else 1)
        if not testing:
            batch_size = parameters.batch_size
        # The same pixels in every iteration, so that the losses can be compared.
        layer.transform_param.mirror = False
    solver = text_format.Parse(read_text(files.solver), caffe_pb2.SolverParameter())
    solver.iter_size = solver.display = solver.average_loss = solver.random_seed = 1
    solver.base_lr = RATE_FROM_RANDOM.get(name, solver.base_lr)
    solver.ClearField("snapshot")
    solver.snapshot_after_train = False
    write_text(files.train, text_format.MessageToString(net))
    write_text(files.solver, text_format.MessageToString(solver))
    return files.solver, batch_size


def _run(solver: Path, start: Path) -> tuple[list[str], float]:
    """The log of ``caffe train`` and the most memory it had, in GiB."""
    command = ["caffe", "train", f"--solver={solver}"]
    if start.is_file():
        command.append(f"--weights={start}")
    log = solver.with_name("train.log")
    with open(log, "wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    lines = read_text(log).splitlines()
    if process.returncode != 0:
        raise UserError(f"{' '.join(command)}: {lines[-1] if lines else 'failed'}")
    return lines, usage.ru_maxrss / 1024**2


def _seconds(lines: list[str]) -> float:
    """Median seconds of an iteration, the first one left out."""
    taken = [re.search(r"Iteration [1-9]\d* \(.*, ([\d.e+-]+)s/1 iters\)", line) for line in lines]
    return float(np.median([float(match[1]) for match in taken if match] or [np.nan]))


def size(name: str) -> tuple[int, float]:
    """A net's parameters, and GFLOP for the forward pass of one image, from ``caffe check``."""
    command = ["caffe", "check", f"--model={HERE / name / 'deploy.prototxt'}", "--phase=TEST"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    summary = re.search(r"(\d+) parameters.* ([\d.]+) GFLOP", text)
    if summary is None:
        raise UserError(f"{' '.join(command)}: no summary at the end")
    return int(summary[1]), float(summary[2])


def measure(
    name: str, folder: Path, batch: int = 1, iterations: int = 20, variant: str = ""
) -> Measurement:
    """Train a net of this folder on the data of ``write_data``.

    batch: scenes, or CROPS crops each; 0: as many as in the prototxt.
    """
    solver, batch_size = bind(name, variant, folder, batch, iterations)
    lines, peak = _run(solver, HERE / name / START)
    return Measurement(batch_size, parse_log(lines).loss.values, _seconds(lines), peak)


def _table(names: list[str], folder: Path, batch: int, iterations: int) -> None:
    write_data(folder)
    print("| net | parameters | GFLOP an image | batch | s a step | peak GiB | loss |")
    print("|---|---|---|---|---|---|---|")
    for name in names:
        parameters, gflop = size(name)
        trained = measure(name, folder, batch, iterations)
        before, after = trained.loss_change()
        print(
            f"| {name} | {parameters / 1e6:.1f} M | {gflop:.0f} | {trained.batch} "
            f"| {trained.step_s:.2f} | {trained.peak_gib:.2f} | {before:.4g} -> {after:.4g} |",
            flush=True,
        )


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
    papers = [name for name in NETS if name.startswith(("dcme2017", "isisa2019"))]
    for name in arguments.names:
        if name not in NETS:
            parser.error(f"no net '{name}'; there are {', '.join(NETS)}")
    try:
        names = arguments.names or papers
        _table(names, arguments.out.resolve(), arguments.batch, arguments.iterations)
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
