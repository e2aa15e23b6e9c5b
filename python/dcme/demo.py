"""The whole way on synthetic street scenes: paint, reduce, train, predict, evaluate, report."""

from __future__ import annotations

import platform
import shlex
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dcme import demo_defaults
from dcme._arrays import json_number
from dcme.classes import CITYSCAPES
from dcme.datasets.prepare import prepare
from dcme.datasets.samples import Sample, cityscapes_split, spread
from dcme.datasets.vectors import read_vector_map
from dcme.errors import UserError
from dcme.files import PathLike, read_ids, read_image, write_json
from dcme.labels import FIRST_INSTANCE_ID
from dcme.pictures.plotting import show_directions, show_instances
from dcme.pictures.report import Page
from dcme.prediction.net_loading import use_gpu
from dcme.prediction.network import Network, Preprocessing
from dcme.prediction.predict import Prediction, predict
from dcme.results.decode import Decoding
from dcme.results.files import map_path
from dcme.results.scoring import Scores, score_results
from dcme.synth import write_dataset
from dcme.tables import Table
from dcme.training.caffe_train import NetFiles, bind_to_data, final_weights, max_iterations, train
from dcme.training.job import TrainingProgress
from dcme.training.log import TrainLog
from dcme.training.net_classes import classes_of_net

DECODING = Decoding(dt=14, vt=60, et=25)
"""Thresholds for the reduced scenes, chosen on scenes of other seeds than the demo's."""


@dataclass(frozen=True)
class DemoSettings:
    """What the demo paints, trains and how it decodes. Sizes are (H, W)."""

    nets: Path = Path(demo_defaults.NETS)
    train_scenes: int = demo_defaults.TRAIN_SCENES
    val_scenes: int = demo_defaults.VAL_SCENES
    seed: int = demo_defaults.SEED
    size: tuple[int, int] = (256, 512)
    reduced: tuple[int, int] = (128, 256)
    iterations: int | None = None
    """Training iterations; the solver's own number by default."""
    decoding: Decoding = DECODING
    pictures: int = 8
    workers: int = 1
    gpu: int | None = None
    """On which the networks run; None: on the processor."""
    quiet: bool = False
    """Whether no progress is shown within the stages."""


@dataclass
class _Run:
    """A demo in progress: its folder, what it took, and what it prints."""

    out: Path
    settings: DemoSettings
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, title: str) -> Iterator[None]:
        """Announce a stage and take its time."""
        print(f"{title} ...", flush=True)
        start = time.monotonic()
        yield
        self.seconds[title] = time.monotonic() - start


def run_demo(out: PathLike, settings: DemoSettings) -> dict[str, Any]:
    """Run the demo in the folder ``out``; returns the metrics that it writes.

    Writes ``index.html`` and ``metrics.json`` there, and keeps the data, weights and results.
    """
    run = _Run(Path(out), settings)
    start = time.monotonic()
    if settings.gpu is not None:
        use_gpu(settings.gpu)
    files = NetFiles.of_folder(settings.nets)
    classes = classes_of_net(files.train)
    if classes is not None and classes.labels != CITYSCAPES.labels:
        raise UserError(
            f"{settings.nets}: is for the classes {classes}, and the scenes have Cityscapes' "
            "eight; name nets for these, e.g. prototxt/small"
        )
    samples = _make_data(run)
    with run.stage("training with caffe train"):
        bound = bind_to_data(files, run.out / "reduced", run.out / "net", settings.iterations)
        progress = TrainingProgress(max_iterations(bound), quiet=settings.quiet)
        log, train_seconds = train(bound, run.out / "train.log", progress, _on_gpu(settings))
    weights = {"untrained": _random_weights(run, files), "trained": final_weights(bound)}
    scores = {}
    for name, path in weights.items():
        with run.stage(f"predicting with {name} weights"):
            scores[name] = _predict_and_score(run, bound, path, samples, name)
    metrics = _metrics(run, scores, log, train_seconds, time.monotonic() - start)
    write_json(run.out / "metrics.json", metrics)
    _write_page(run, samples, scores, log, metrics)
    return metrics


def _make_data(run: _Run) -> list[Sample]:
    """Paint and reduce the scenes; returns the held-out ones."""
    settings = run.settings
    city = run.out / "city"
    with run.stage("painting street scenes"):
        write_dataset(
            city,
            train=settings.train_scenes,
            val=settings.val_scenes,
            seed=settings.seed,
            size=settings.size,
            workers=settings.workers,
            quiet=settings.quiet,
        )
    with run.stage("reducing them"):
        prepare(
            city,
            run.out / "reduced",
            size=settings.reduced,
            workers=settings.workers,
            quiet=settings.quiet,
        )
    return cityscapes_split(city, "val")[: settings.val_scenes]


def _on_gpu(settings: DemoSettings) -> list[str]:
    """What to tell ``caffe train`` of the GPU."""
    return [] if settings.gpu is None else [f"--gpu={settings.gpu}"]


def _random_weights(run: _Run, files: NetFiles) -> Path:
    """The weights before training."""
    with run.stage("drawing random weights"):
        bound = bind_to_data(files, run.out / "reduced", run.out / "net_untrained", 5, learn=False)
        train(bound, run.out / "untrained.log", lambda log, seconds: None, _on_gpu(run.settings))
    return final_weights(bound)


def _predict_and_score(
    run: _Run, files: NetFiles, weights: Path, samples: Sequence[Sample], name: str
) -> Scores:
    settings = run.settings
    network = Network(files.deploy, weights, Preprocessing.of_training_net(files.train))
    results = run.out / f"results_{name}"
    shutil.rmtree(results, ignore_errors=True)  # an earlier demo may have had more scenes
    predict(
        Prediction(network, settings.decoding, size=settings.reduced),
        samples,
        results,
        vectors_out=run.out / f"vectors_{name}",
        workers=settings.workers,
        quiet=settings.quiet,
    )
    return score_results(results, samples, CITYSCAPES, workers=settings.workers)


def _metrics(
    run: _Run, scores: dict[str, Scores], log: TrainLog, train_seconds: float, total: float
) -> dict[str, Any]:
    """The content of metrics.json."""
    trained, untrained = scores["trained"], scores["untrained"]

    def number(value: float) -> float | None:
        return json_number(round(value, 6))

    return {
        "ap50_class_agnostic": number(trained.agnostic_ap50),
        "ap50_untrained": number(untrained.agnostic_ap50),
        "ap_class_agnostic": number(trained.agnostic_ap),
        "ap_mean": number(trained.ap_mean),
        "ap50_mean": number(trained.ap50_mean),
        "ap_mean_untrained": number(untrained.ap_mean),
        "per_class": {
            row.name: {"ap": number(row.ap), "ap50": number(row.ap50), "instances": row.instances}
            for row in trained.rows
        },
        "iterations": max_iterations(NetFiles.of_folder(run.out / "net")),
        "final_loss": number(log.loss.values[-1]),
        "train_seconds": round(train_seconds, 1),
        "total_seconds": round(total, 1),
        "seconds": {stage: round(seconds, 1) for stage, seconds in run.seconds.items()},
        "train_scenes": run.settings.train_scenes,
        "val_scenes": run.settings.val_scenes,
        "cores": run.settings.workers,
    }


def _captions(ids: np.ndarray) -> dict[int, str]:
    """Names of the classes of an instance map's large instances, by id."""
    values = np.unique(ids[ids >= FIRST_INSTANCE_ID]).tolist()
    large = [v for v in values if (ids == v).sum() >= 0.006 * ids.size]
    return {v: CITYSCAPES.name_of(v // FIRST_INSTANCE_ID) for v in large}


def _gallery(run: _Run, samples: Sequence[Sample]) -> list[list[tuple[str, np.ndarray]]]:
    """Rows of input, truth, untrained masks, trained vectors and masks."""
    rows = []
    for sample in spread(samples, run.settings.pictures):
        image = read_image(sample.image_path())
        truth = read_ids(sample.ids_path())
        before, after = (
            read_ids(map_path(run.out / f"results_{kind}", sample.name))
            for kind in ("untrained", "trained")
        )
        vectors = read_vector_map(run.out / "vectors_trained", sample).vectors
        rows.append(
            [
                ("held-out scene", image),
                ("true instances", show_instances(image, truth)),
                ("untrained network", show_instances(image, before)),
                (
                    "trained vectors: cyan points right, red left, green up, violet down",
                    show_directions(vectors),
                ),
                ("trained network", show_instances(image, after, _captions(after))),
            ]
        )
    return rows


def _write_page(
    run: _Run,
    samples: Sequence[Sample],
    scores: dict[str, Scores],
    log: TrainLog,
    metrics: dict[str, Any],
) -> None:
    settings, trained = run.settings, scores["trained"]
    page = Page("DCME: instances by vectors to the centre of mass")
    page.text(
        f"A small network learned on {settings.train_scenes} synthetic street scenes to point from "
        "every pixel to the centre of mass of its instance, and to name the class of each block of "
        f"the image. Below: what it finds in {settings.val_scenes} scenes that it has never seen."
    )
    page.cards(
        [
            ("AP50, any class", f"{trained.agnostic_ap50:.3f}"),
            ("the same, untrained", f"{scores['untrained'].agnostic_ap50:.3f}"),
            ("AP50, mean of classes", f"{trained.ap50_mean:.3f}"),
            ("AP, mean of classes", f"{trained.ap_mean:.3f}"),
            ("training", f"{metrics['train_seconds']:.0f} s"),
            ("all in all", f"{metrics['total_seconds']:.0f} s"),
        ]
    )
    page.heading("What it finds")
    page.gallery(_gallery(run, samples))
    page.heading("Average precision on held-out scenes")
    page.text("Cityscapes' measure: ground truth of at least 100 px at full size.", soft=True)
    rows: list[list[Any]] = [[r.name, r.instances, r.ap, r.ap50] for r in trained.rows]
    rows.append(
        ["mean", sum(r.instances for r in trained.rows), trained.ap_mean, trained.ap50_mean]
    )
    page.table(Table("", ["class", "instances", "AP", "AP50"], rows, strong=1))
    page.heading("Training loss")
    # The weighted sum that was minimised: single outputs differ too much in size for one chart.
    page.chart([("training loss", log.loss)], "iteration", "loss")
    page.heading("Where the time went")
    page.table(Table("", ["stage", "seconds"], [[k, v] for k, v in run.seconds.items()], 1))
    page.text(f"{platform.machine()}, {settings.workers} cores, {platform.platform()}", soft=True)
    page.heading("By hand")
    page.code(_commands(run.out, settings, metrics["iterations"]))
    page.write(run.out / "index.html")


def _commands(out: Path, settings: DemoSettings, iterations: int) -> str:
    """What to type to do the same by hand in the demo's folder, which the net's files name."""
    size, small = ("x".join(map(str, pair)) for pair in (settings.size, settings.reduced))
    d = settings.decoding
    return (
        f"cd {shlex.quote(str(out.resolve()))}\n"
        f"dcme synth city --train {settings.train_scenes} --val {settings.val_scenes} "
        f"--seed {settings.seed} --size {size}\n"
        f"dcme prepare city reduced --size {small}\n"
        "caffe train --solver=net/solver.prototxt\n"
        f"dcme predict net/deploy.prototxt net/snapshot_iter_{iterations}.caffemodel \\\n"
        f"     city results --size {small} --dt {d.dt:g} --vt {d.vt:g} --et {d.et:g}\n"
        "dcme evaluate results city"
    )
