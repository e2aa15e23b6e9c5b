"""What limits the scores: experiments that take a part of the answer from the ground truth.

- The ceiling (paper 2 Table I right, paper 1's 39.8 AP): the ground truth itself, reduced to the
  network's size and brought back.
- The instance oracle (paper 2 Tables II and III): true masks, classes from the encoder's grid.
- The class oracle (paper 2 Table IV): decoded masks, true classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dcme.classes import CITYSCAPES, ClassMap, require_classes
from dcme.datasets.samples import Sample
from dcme.datasets.vectors import read_vector_map
from dcme.decoding import decode
from dcme.encoding import encode, instances, reduce_ids
from dcme.errors import UserError
from dcme.files import read_ids, warn_of_squeezing
from dcme.labels import FIRST_INSTANCE_ID, labels_in
from dcme.parallel import ordered_map, progress
from dcme.results.decode import Decoding
from dcme.results.files import ImageResult, LazyMasks, read_result, resize_mask, result_path
from dcme.tables import Cell, Table

EXACT = Decoding(dt=0, vt=0, et=1, mode="reference")
"""Thresholds for vectors without error: every pixel of an instance points at the same cell."""


def reduced_ids(sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
    """A sample's instance map as the method reduces it to ``size`` = (H, W)."""
    ids = read_ids(sample.ids_path())
    warn_of_squeezing(size or ids.shape, ids.shape)
    try:
        return reduce_ids(ids, size or ids.shape)
    except ValueError as error:
        raise UserError(f"{sample.ids_path()}: {error}") from None


def true_instances(ids: np.ndarray, classes: ClassMap) -> np.ndarray:
    """The instances of a map that are of a class, as ``dcme.instances`` lists them."""
    found = instances(ids)
    return found[np.isin(found["label"], classes.labels)]


def majority_labels(
    masks: LazyMasks | np.ndarray, ids: np.ndarray, classes: ClassMap
) -> np.ndarray:
    """For each mask the label of the true instance that covers most of it; 0 where none does."""
    evaluated = np.isin(ids // FIRST_INSTANCE_ID, classes.labels)
    labels = np.zeros(len(masks), np.int32)
    for k in range(len(masks)):
        values = ids[np.asarray(masks[k]) & evaluated]
        if len(values):
            labels[k] = np.bincount(values).argmax() // FIRST_INSTANCE_ID
    return labels


def _selected(
    result: ImageResult, keep: np.ndarray, labels: np.ndarray, scores: np.ndarray
) -> ImageResult:
    """Some instances of a result, with these labels and scores."""
    masks = LazyMasks(len(keep), lambda index: np.asarray(result.masks[int(keep[index])]))
    return ImageResult(result.name, result.size, masks, labels[keep], scores[keep])


@dataclass(frozen=True)
class Ceiling:
    """The ground truth at the network's size, enlarged again: the best that a network can reach.

    With ``decoding`` the reduced map is encoded and decoded on the way; without, its masks are
    enlarged as they are, which is what both papers printed.
    """

    size: tuple[int, int]
    decoding: Decoding | None = EXACT
    classes: ClassMap = CITYSCAPES

    def __call__(self, sample: Sample) -> ImageResult:
        """The instances of one sample, at the size of its instance map."""
        full = read_ids(sample.ids_path()).shape
        ids = reduced_ids(sample, self.size)
        if self.decoding is None:
            return true_masks(sample, ids, self.classes, full)
        vectors = encode(ids, round_centre=True, classes=self.classes)
        options = self.decoding
        length = None if options.published else options.foreground
        found = decode(vectors, options.dt, options.vt, options.et, options.mode, length)
        masks = LazyMasks(len(found), found.mask)
        labels = majority_labels(masks, ids, self.classes)
        result = ImageResult(sample.name, found.shape, masks, labels, np.ones(len(found)))
        keep = np.nonzero(labels)[0]
        return _selected(result, keep, labels, result.scores).resized(full, cubic=True)


def true_masks(
    sample: Sample, ids: np.ndarray, classes: ClassMap, size: tuple[int, int]
) -> ImageResult:
    """The true instances of a reduced map, enlarged to ``size`` as the published method does."""
    table = true_instances(ids, classes)
    masks = LazyMasks(len(table), lambda k: resize_mask(ids == table["id"][k], size, cubic=True))
    centres = np.stack([table["row"], table["col"]], axis=1)
    labels = table["label"].astype(np.int32)
    return ImageResult(sample.name, size, masks, labels, np.ones(len(table)), centres)


@dataclass(frozen=True)
class InstanceOracle:
    """True masks, each with the class of the grid block that holds its centre of mass.

    ``vectors`` is the folder with the network's outputs (.npz with ``grid``), by sample name.
    """

    vectors: Path
    classes: ClassMap = CITYSCAPES

    def classified(self, sample: Sample) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Reduced map, its true labels, and the predicted labels (0: background) and scores."""
        item = read_vector_map(self.vectors, sample)
        ids = reduced_ids(sample, item.vectors.shape[1:])
        table = true_instances(ids, self.classes)
        centres = np.stack([table["row"], table["col"]], axis=1)
        labels, scores = Decoding(mode="reference", classes=self.classes).classify(item, centres)
        return ids, table["label"], labels, scores

    def __call__(self, sample: Sample) -> ImageResult:
        """The instances of one sample, at the size of its instance map."""
        ids, _, labels, scores = self.classified(sample)
        full = read_ids(sample.ids_path()).shape
        return _selected(
            true_masks(sample, ids, self.classes, full), np.nonzero(labels)[0], labels, scores
        )


@dataclass(frozen=True)
class ClassOracle:
    """The masks of a result folder, each with the class of the true instance below it.

    Masks over no instance are dropped, as a perfect classifier calls them background. All that
    remain are equally certain. The folder should hold all instances that were detected: what a
    network's own classes call background is lost (``dcme decode --no-grid``).
    """

    results: Path
    classes: ClassMap = CITYSCAPES

    def __call__(self, sample: Sample) -> ImageResult:
        """The instances of one sample."""
        ids = read_ids(sample.ids_path())
        result = read_result(result_path(self.results, sample), ids.shape)
        labels = majority_labels(result.masks, ids, self.classes)
        return _selected(result, np.nonzero(labels)[0], labels, np.ones(len(result)))


@dataclass(frozen=True)
class ClassAccuracy:
    """How many instances of each class there are, and how many the encoder's grid names right."""

    classes: ClassMap
    instances: np.ndarray
    correct: np.ndarray

    def table(self, title: str = "") -> Table:
        """Classes, instances, correct answers and accuracy in percent (paper 2, Table III)."""
        names = [*self.classes.names, "total"]
        counts = [*self.instances.tolist(), int(self.instances.sum())]
        correct = [*self.correct.tolist(), int(self.correct.sum())]
        rows: list[list[Cell]] = [
            [name, n, c, 100 * c / n if n else float("nan")]
            for name, n, c in zip(names, counts, correct)
        ]
        return Table(title, ["class", "instances", "correct", "accuracy"], rows, 2, strong=1)


def count_instances(
    samples: Sequence[Sample],
    size: tuple[int, int] | None,
    classes: ClassMap,
    workers: int = 1,
    quiet: bool = True,
) -> np.ndarray:
    """Instances of each class after the reduction to ``size`` = (H, W)."""

    def count(sample: Sample) -> np.ndarray:
        ids = reduced_ids(sample, size)
        require_classes(classes, labels_in(ids), sample.ids_path())
        found = true_instances(ids, classes)["label"]
        return np.array([np.count_nonzero(found == label) for label in classes.labels])

    counts = ordered_map(count, samples, workers)
    return np.sum(list(progress(counts, len(samples), "counting instances", quiet)), axis=0)


def class_accuracy(
    oracle: InstanceOracle, samples: Sequence[Sample], workers: int = 1, quiet: bool = True
) -> ClassAccuracy:
    """The encoder's answers at the true centres of mass, instance by instance."""
    labels = oracle.classes.labels

    def count(sample: Sample) -> np.ndarray:
        ids, true, predicted, _ = oracle.classified(sample)
        require_classes(oracle.classes, labels_in(ids), sample.ids_path())
        right = true[true == predicted]
        return np.array([[np.count_nonzero(x == k) for k in labels] for x in (true, right)])

    counts = ordered_map(count, samples, workers)
    total = np.sum(list(progress(counts, len(samples), "classifying", quiet)), axis=0)
    return ClassAccuracy(oracle.classes, total[0], total[1])
