"""What loss, solver, anchor and decoder are worth on nuclei: one net, as many iterations each.

Run as ``python -m bench.nuclei_ablation data/nuclei OUT``: a folder as docs/nuclei.md describes it.
Every fifth training image is held out: the learning rates of SGD and the thresholds of each decoder
are chosen there; ``val.txt`` is only scored. What is done stays in OUT, and the same command goes
on after an interruption. OUT/table.md and OUT/table.json are written at the end, or as far as the
runs have come.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from dcme.datasets.samples import Sample, read_list
from dcme.decoding import decode
from dcme.errors import UserError
from dcme.files import read_ids, write_json, write_text
from dcme.matching import Matching, matching
from dcme.prediction.network import Network, Preprocessing
from dcme.prediction.predict import load_picture
from dcme.tables import Table, write_table
from dcme.training.job import TrainingJob, run_job
from nets import nuclei
from nets.blocks import ZERO, conv, dcme_loss
from nets.files import NetDefinition, write_files

from caffe import NetSpec
from caffe import layers as L

ADAM = {**nuclei.NET.solver, "base_lr": 1e-3}
SGD = {k: v for k, v in ADAM.items() if k != "momentum2"} | {"type": "SGD"}
RATES = (1e-7, 3e-7, 1e-6, 3e-6)
"""Of SGD on independent outputs; EuclideanLoss divides by the batch and gets as much more."""
IOUS = (0.5, 0.7)
Score = tuple[float, float]
Fields = list[np.ndarray]


@dataclass(frozen=True)
class Run:
    """One training. ``amplitude`` None: EuclideanLoss; 0: independent outputs; else A."""

    amplitude: float | None
    rate: float | None = None
    """Of SGD; None: Adam."""
    box: bool = False

    @property
    def loss(self) -> str:
        """As the table names it."""
        if self.amplitude is None:
            return "EuclideanLoss"
        clipped = f", clipped, A = {self.amplitude:g}" if self.amplitude else ""
        return f"independent outputs{clipped}" + (", box centroid" if self.box else "")

    @property
    def folder(self) -> str:
        """Name of its folder."""
        loss = "euclidean" if self.amplitude is None else f"a{self.amplitude:g}"
        solver = "adam" if self.rate is None else f"sgd{self.rate:g}"
        return f"{loss}_{solver}{'_box' if self.box else ''}"


@dataclass(frozen=True)
class Setup:
    """What all runs have in common."""

    data: Path
    out: Path
    widths: list[int]
    iterations: int
    crop: int
    batch: int

    def net(self, run: Run) -> NetDefinition:
        """The nuclei net with the vectors' head alone, and the run's loss and solver."""

        def body(n: NetSpec) -> None:
            n.vectors = conv(nuclei.features(n, self.widths, fraction=0.98), 2, weight_filler=ZERO)

        def losses(n: NetSpec) -> None:
            if run.amplitude is None:
                n.vector_loss = L.EuclideanLoss(n.vectors, n.vectors_gt)
            else:
                dcme_loss(n, run.amplitude)

        crop = {"crop_height": self.crop, "crop_width": self.crop, "batch_size": self.batch}
        return replace(
            nuclei.NET,
            body=body,
            losses=losses,
            outputs=lambda n: None,
            data={"is_color": False, "label": [1]},
            train_data={**nuclei.NET.train_data, **crop},
            solver=ADAM if run.rate is None else {**SGD, "base_lr": run.rate},
            labels=("data", "vectors_gt"),
        )

    def split(self) -> Path:
        """A folder with the lists train.txt, held_out.txt and val.txt."""
        folder = self.out / "data"
        lists = {name: read_list(self.data / f"{name}.txt") for name in ("train", "val")}
        held_out = lists["train"][2::5]
        lists["train"] = [s for s in lists["train"] if s not in held_out]
        for name, samples in {**lists, "held_out": held_out}.items():
            lines = (
                f"{os.path.relpath(s.image_path(), folder)} {os.path.relpath(s.ids_path(), folder)}"
                for s in samples
            )
            write_text(folder / f"{name}.txt", "\n".join(lines) + "\n")
        return folder


def vector_fields(folder: Path, weights: Path, samples: Sequence[Sample]) -> Fields:
    """The net's output for each image."""
    preprocessing = Preprocessing.of_training_net(folder / "train.prototxt")
    network = Network(folder / "deploy.prototxt", weights, preprocessing)
    return [network([load_picture(None, False, sample).image])[0][0] for sample in samples]


def scores(fields: Fields, truths: list[np.ndarray], thresholds: dict[str, Any]) -> Score:
    """TP / (TP + FP + FN) at each of IOUS; 0 of a net that diverged."""
    if not all(np.isfinite(field).all() for field in fields):
        return 0.0, 0.0
    totals = [Matching(iou) for iou in IOUS]
    for field, truth in zip(fields, truths):
        found = decode(field, **thresholds)
        totals = [total + matching(truth, found, total.iou) for total in totals]
    return totals[0].score, totals[1].score


def candidates(mode: str) -> Iterator[dict[str, Any]]:
    """The thresholds that are tried on the held-out images."""
    if mode == "reference":  # VT counts the votes of a single cell, so it is small
        for dt, vt, et in itertools.product((1, 2, 3), (1, 2, 3, 5, 8), (4, 6)):
            yield {"mode": mode, "dt": dt, "vt": vt, "et": et}
    else:
        for vt, length in itertools.product((12, 18, 24), (0.5, 0.7, 1.0)):
            yield {"mode": mode, "dt": 3, "vt": vt, "et": 6, "foreground": length}


def chosen(fields: Fields, truths: list[np.ndarray], mode: str) -> tuple[dict[str, Any], Score]:
    """The thresholds with the highest mean of the scores, and these."""
    tried = ((t, scores(fields, truths, t)) for t in candidates(mode))
    return max(tried, key=lambda one: sum(one[1]))


def measure(setup: Setup, run: Run) -> dict[str, Any]:
    """Train, choose thresholds on the held-out images, score the validation images."""
    folder = setup.out / run.folder
    done = folder / "scores.json"
    if done.is_file():
        return dict(json.loads(done.read_text()))
    data = setup.split()
    write_files(setup.net(run), folder / "net")
    job = TrainingJob(folder / "net", data, folder, iterations=setup.iterations, box_anchor=run.box)
    print(f"== {run.folder}", flush=True)
    trained = run_job(job, quiet=True)
    sets = {name: read_list(data / f"{name}.txt") for name in ("held_out", "val")}
    fields = {name: vector_fields(folder, trained.weights, sets[name]) for name in sets}
    truths = {name: [read_ids(s.ids_path()) for s in sets[name]] for name in sets}
    result: dict[str, Any] = {"loss": run.loss, "rate": run.rate}
    for mode in ("standard", "reference"):
        thresholds, held_out = chosen(fields["held_out"], truths["held_out"], mode)
        val = scores(fields["val"], truths["val"], thresholds)
        result[mode] = {"thresholds": thresholds, "held_out": held_out, "val": val}
        print(f"   {mode}: held out {held_out}, val {val} with {thresholds}", flush=True)
    write_json(done, result)
    return result


def best_rate(measured: Callable[[Run], dict[str, Any]], run: Run, rates: Sequence[float]) -> float:
    """The learning rate with the highest scores on the held-out images."""
    return max(rates, key=lambda r: sum(measured(replace(run, rate=r))["standard"]["held_out"]))


def all_runs(setup: Setup, measured: Callable[[Run], dict[str, Any]]) -> Iterator[Run]:
    """The rows of the table, in its order."""
    for amplitude in (None, 0.0, 1.0, 2.0, 4.0, 8.0):
        yield Run(amplitude)
    yield Run(4.0, box=True)
    rate = best_rate(measured, Run(None), [setup.batch * rate for rate in RATES])
    yield Run(None, rate)
    yield Run(0.0, rate / setup.batch)  # the same steps
    rate = best_rate(measured, Run(4.0), RATES)
    yield Run(4.0, rate)
    yield Run(1.0, 4 * rate)  # the same steps


def table(setup: Setup, rows: Sequence[tuple[Run, dict[str, Any]]]) -> Table:
    """Scores of the validation images."""
    modes = ("standard", "reference")
    header = ["loss", "solver"] + [f"{mode}, IoU > {iou}" for mode in modes for iou in IOUS]
    title = (
        f"{setup.iterations} iterations, batches of {setup.batch} crops of {setup.crop} pixels, "
        f"widths {'-'.join(map(str, setup.widths))}"
    )
    body = [
        [run.loss, "Adam" if run.rate is None else f"SGD {run.rate:g}"]
        + [score for mode in modes for score in result[mode]["val"]]
        for run, result in rows
    ]
    return Table(title, header, body)


def _parse() -> Setup:
    parser = argparse.ArgumentParser(prog="python -m bench.nuclei_ablation", description=__doc__)
    parser.add_argument("data", type=Path, help="folder with train.txt and val.txt")
    parser.add_argument("out", type=Path, help="folder for nets, snapshots and results")
    parser.add_argument("--widths", default="16,32,64,128,128", help="channels of the levels")
    parser.add_argument("--iterations", type=int, default=1600)
    parser.add_argument("--crop", type=int, default=256, help="side of the training crops")
    parser.add_argument("--batch", type=int, default=4)
    words = parser.parse_args()
    widths = [int(width) for width in words.widths.split(",")]
    return Setup(words.data, words.out, widths, words.iterations, words.crop, words.batch)


def main() -> None:
    """Run what is missing; write the tables."""
    setup = _parse()
    rows = []
    try:
        for run in all_runs(setup, lambda run: measure(setup, run)):
            rows.append((run, measure(setup, run)))
    except KeyboardInterrupt:
        print("interrupted; the same command goes on", file=sys.stderr)
    except UserError as error:
        sys.exit(f"error: {error}")
    done = table(setup, rows)
    print(done.as_text())
    for name in ("table.md", "table.json"):
        write_table(setup.out / name, done)


if __name__ == "__main__":
    main()
