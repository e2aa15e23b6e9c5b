"""What reproductions share: data, networks, and vectors and results that are computed once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from dcme.datasets.recipe import content_mark, short_mark, state_below
from dcme.datasets.samples import IMAGE_FOLDER, TRUTH_FOLDER, Sample, cityscapes_split
from dcme.datasets.vectors import npz_path
from dcme.errors import UserError
from dcme.files import read_ids, read_json, write_text
from dcme.labels import FIRST_INSTANCE_ID
from dcme.prediction.classifier import Classifier
from dcme.prediction.network import Network, Preprocessing
from dcme.prediction.predict import decode_stored, predict_vectors
from dcme.results.decode import Decoding
from dcme.results.distances import stereo_files

DEEPLAB = "isisa2019_deeplabv3plus"
LAST_LAYERS = "isisa2019_deeplabv3plus_last_layers"
SEGNET_2019 = "isisa2019_segnet"
SEGNET_2017 = "dcme2017_segnet"
FCN = "dcme2017_fcn8s"
GOOGLENET = "dcme2017_googlenet"
NETS = (DEEPLAB, LAST_LAYERS, SEGNET_2019, SEGNET_2017, FCN, GOOGLENET)

THRESHOLDS = {FCN: (15.0, 30.0, 20.0)}
OTHER_THRESHOLDS = (10.0, 50.0, 15.0)
"""(DT, VT, ET): paper 1's for SegNet; paper 2 names none."""
THRESHOLD_FILE = "thresholds.json"
"""Beside the weights."""

VERSION = 6
"""Raised whenever vectors, results or tables come out otherwise: what is stored then is stale."""


@dataclass(frozen=True)
class NetRun:
    """A network with its weights; None where they are not on disk."""

    name: str
    deploy: Path
    train: Path
    weights: Path | None

    def mark(self) -> str:
        """Changes when the weights or the prototxts do."""
        if self.weights is None:
            return "none"
        nets = [path for path in (self.deploy, self.train) if path.is_file()]
        return short_mark(map(content_mark, [self.weights, *nets]))


def find_nets(nets: Path, weights: Path | None) -> dict[str, NetRun]:
    """The networks of a folder like ``prototxt``, with ``<weights>/<name>.caffemodel``."""
    found = {}
    for name in NETS:
        folder = nets / name
        if name == LAST_LAYERS:
            folder = folder if folder.is_dir() else nets / DEEPLAB
        path = weights / f"{name}.caffemodel" if weights is not None else None
        if path is not None and not path.is_file():
            path = None
        found[name] = NetRun(name, folder / "deploy.prototxt", folder / "train.prototxt", path)
    return found


@dataclass(frozen=True)
class Pipeline:
    """Images to instances: a network for vectors, one for classes or its own grid, a decoder."""

    net: str
    classifier: str | None = None
    watershed: bool = False
    classified: bool = True
    """Whether instances get classes, and those that are taken for background are dropped."""

    @property
    def name(self) -> str:
        """Of its folder."""
        kind = "_watershed" if self.watershed else ""
        return self.net + kind + ("" if self.classified else "_unclassified")

    @property
    def nets(self) -> list[str]:
        """All networks that it needs."""
        return [self.net] + ([self.classifier] if self.classifier else [])


@dataclass
class Context:
    """One reproduction: where things are, and how they are computed.

    Vectors and results are kept below ``out`` under names that change with what they depend on, so
    that an interrupted call goes on and nothing stale is used.
    """

    source: Path
    out: Path
    nets: dict[str, NetRun]
    size_2017: tuple[int, int] = (340, 680)
    size_2019: tuple[int, int] = (512, 1024)
    smallest_crop: int = 50
    mode: str = "reference"
    thresholds: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    workers: int = 1
    quiet: bool = False
    _data_marks: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def size_of(self, net: str) -> tuple[int, int]:
        """(H, W) that a network sees."""
        return self.size_2017 if net.startswith("dcme2017") else self.size_2019

    def samples(self, split: str) -> list[Sample]:
        """The images and instance maps of a split."""
        return cityscapes_split(self.source, split)

    @cached_property
    def missing_data(self) -> dict[str, str]:
        """What of ``val``, ``val images``, ``test images`` and ``test`` is not there, and why."""
        missing = {}
        for split in ("val", "test"):
            try:
                samples = self.samples(split)
            except UserError:
                samples = []
            truths = [sample.ids for sample in samples if sample.ids is not None]
            if not any(sample.image for sample in samples):
                missing[f"{split} images"] = f"{self.source / IMAGE_FOLDER / split}: no images"
            if not truths:
                missing[split] = f"{self.source / TRUTH_FOLDER / split}: no instance maps"
            elif split == "test" and not any(_has_instances(path) for path in truths[:20]):
                missing[split] = (
                    "the ground truth of the test split is secret: submit the zip that is written"
                )
        return missing

    def missing(self, data: Iterable[str], nets: Iterable[str]) -> list[str]:
        """Why something cannot run; nothing where it can."""
        reasons = [self.missing_data[name] for name in data if name in self.missing_data]
        for name in nets:
            if not self.nets[name].deploy.is_file():
                reasons.append(f"{self.nets[name].deploy}: no such net")
            if self.nets[name].weights is None:
                reasons.append(f"no weights {name}.caffemodel")
        return reasons

    def decoding(self, pipeline: Pipeline) -> Decoding:
        """The decoder of a pipeline."""
        default = THRESHOLDS.get(pipeline.net, OTHER_THRESHOLDS)
        dt, vt, et = self.thresholds.get(pipeline.net, default)
        return Decoding(dt, vt, et, "watershed" if pipeline.watershed else self.mode)

    def mark(self, nets: Iterable[str], splits: Iterable[str]) -> str:
        """A short text that changes with the data, the networks, the thresholds, the mode and the
        version."""
        parts = [str(VERSION), self.mode, str(self.smallest_crop)]
        parts += [str(self.size_2017), str(self.size_2019)]
        parts += [self.data_mark(split) for split in splits]
        for name in nets:
            parts += [self.nets[name].mark(), str(self.thresholds.get(name))]
        return short_mark(parts)

    def data_mark(self, split: str) -> str:
        """Changes with the files of a split, as they were when they were first looked at; not where
        the data as a whole is moved."""
        if split not in self._data_marks:
            try:
                samples = self.samples(split)
            except UserError:
                samples = []
            paths = [path for sample in samples for path in _files_of(sample)]
            self._data_marks[split] = state_below(self.source, paths)
        return self._data_marks[split]

    def vectors(self, net: str, split: str) -> Path:
        """Folder with a network's outputs for a split; computed where absent."""
        run = self.nets[net]
        mark = short_mark([str(VERSION), self.data_mark(split), str(self.size_of(net)), run.mark()])
        folder = self.out / "vectors" / f"{net}-{mark}" / split
        samples = self.samples(split)
        if all(npz_path(folder, sample.name).is_file() for sample in samples):
            return folder
        network = Network(run.deploy, run.weights, Preprocessing.of_training_net(run.train))
        predict_vectors(
            network,
            samples,
            folder,
            size=self.size_of(net),
            workers=self.workers,
            quiet=self.quiet,
        )
        return folder

    def results(self, pipeline: Pipeline, split: str) -> Path:
        """Folder with a pipeline's instances of a split; computed where absent."""
        mark = self.mark(pipeline.nets, [split])
        folder = self.out / "results" / f"{pipeline.name}-{mark}" / split
        done = folder / ".done"
        if done.is_file():
            return folder
        vectors = self.vectors(pipeline.net, split)
        classifier = None
        if pipeline.classifier is not None:
            run = self.nets[pipeline.classifier]
            classifier = Classifier(
                run.deploy,
                run.weights,
                Preprocessing.of_training_net(run.train),
                self.smallest_crop,
            )
        decode_stored(
            vectors,
            self.samples(split),
            folder,
            self.decoding(pipeline),
            classifier=classifier,
            workers=self.workers,
            quiet=self.quiet,
            with_grid=pipeline.classified,
        )
        write_text(done, "")
        return folder


def read_thresholds(path: Path) -> dict[str, tuple[float, float, float]]:
    """A file {net: [DT, VT, ET]}; empty where there is none."""
    if not path.is_file():
        return {}
    found = read_json(path)
    try:
        return {str(name): (float(a), float(b), float(c)) for name, (a, b, c) in found.items()}
    except (ValueError, TypeError, AttributeError):
        raise UserError(f"{path}: must be {{net: [DT, VT, ET], ...}}") from None


def _files_of(sample: Sample) -> Iterator[Path]:
    """The image, the instance map and what tells distances, where they are."""
    yield from (path for path in (sample.image, sample.ids) if path is not None)
    stereo = stereo_files(sample)
    if stereo is not None:
        yield from (stereo.disparity, stereo.camera)


def _has_instances(path: Path) -> bool:
    try:
        return bool(np.any(read_ids(path) >= FIRST_INSTANCE_ID))
    except UserError:
        return True  # a damaged map: what reads it says so
