"""Scores of result folders: average precision by class, class-agnostic, and matching counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from pathlib import Path
from typing import Any, Callable

import numpy as np

from dcme._arrays import json_number
from dcme.classes import ClassMap, are_cityscapes, require_classes
from dcme.datasets.samples import Sample, require_distinct, require_files
from dcme.errors import UserError
from dcme.evaluation import (
    EvaluationResult,
    Evaluator,
    FileComparison,
    add_files,
    add_label_map,
    add_masks,
)
from dcme.files import PathLike, read_ids
from dcme.labels import LABEL_ID, labels_in, no_instances
from dcme.matching import Matching
from dcme.parallel import ordered_map, progress
from dcme.results.distances import read_distances, stereo_files, with_distances
from dcme.results.files import (
    UNCLASSIFIED,
    ImageResult,
    ListedRow,
    list_result,
    lists_map,
    read_listed_map,
    renumbered,
    require_results,
    result_path,
)
from dcme.tables import Cell, Table

NAN = float("nan")

CITYSCAPES_LABELS = range(1, 1 + max(LABEL_ID.values()))
"""Labels that a prediction may have there; only those of the evaluated classes count."""


@dataclass(frozen=True)
class ClassScore:
    """One row of the table; AP is NaN for a class without ground truth.

    ``ap100m`` and ``ap50m`` are NaN where the data set has no distances.
    """

    name: str
    instances: int
    predictions: int
    ap: float
    ap50: float
    ap100m: float = NAN
    ap50m: float = NAN


@dataclass(frozen=True)
class Scores:
    """All scores of a result folder."""

    images: int
    rows: list[ClassScore]
    ap_mean: float
    ap50_mean: float
    agnostic_ap: float
    agnostic_ap50: float
    matchings: list[Matching]
    """Counts at each IoU asked for, classes left aside."""
    ap100m_mean: float = NAN
    ap50m_mean: float = NAN
    distances: bool = False
    """Whether AP100m and AP50m were computed."""
    unclassified: int = 0
    """Predictions without a class (label 0) where there are several classes."""
    aside: int = 0
    """Predictions of other labels of Cityscapes than the evaluated ones."""
    notes: tuple[str, ...] = ()
    """What else the reader of the tables has to know."""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; NaN becomes None."""
        far = {"ap100m": self.ap100m_mean, "ap50m": self.ap50m_mean} if self.distances else {}
        return {
            "images": self.images,
            "unclassified": self.unclassified,
            "ap_mean": json_number(self.ap_mean),
            "ap50_mean": json_number(self.ap50_mean),
            **{f"{name}_mean": json_number(value) for name, value in far.items()},
            "ap_class_agnostic": json_number(self.agnostic_ap),
            "ap50_class_agnostic": json_number(self.agnostic_ap50),
            "per_class": {
                row.name: {
                    "ap": json_number(row.ap),
                    "ap50": json_number(row.ap50),
                    **{name: json_number(getattr(row, name)) for name in far},
                    "instances": row.instances,
                    "predictions": row.predictions,
                }
                for row in self.rows
            },
            "matching": [
                {
                    "iou": m.iou,
                    "score": m.score,
                    "precision": json_number(m.precision),
                    "recall": json_number(m.recall),
                    "mean_iou": m.mean_iou,
                    "tp": m.tp,
                    "fp": m.fp,
                    "fn": m.fn,
                }
                for m in self.matchings
            ],
        }

    def class_table(self, title: str = "") -> Table:
        """Classes, then their mean, then all taken for one; of a single class its row is all."""
        far = ["AP100m", "AP50m"] if self.distances else []
        rows: list[list[Cell]] = []
        for row in self.rows:
            values: list[Cell] = [row.name, row.instances, row.predictions, row.ap, row.ap50]
            rows.append([*values, row.ap100m, row.ap50m] if far else values)
        mean: list[Cell] = ["mean", "", "", self.ap_mean, self.ap50_mean]
        agnostic: list[Cell] = ["class-agnostic", "", "", self.agnostic_ap, self.agnostic_ap50]
        if far:
            mean += [self.ap100m_mean, self.ap50m_mean]
            agnostic += [NAN, NAN]
        header = ["class", "instances", "predictions", "AP", "AP50", *far]
        if len(rows) == 1:
            return Table(title, header, rows)
        return Table(title, header, [*rows, mean, agnostic], strong=2)

    def matching_table(self, title: str = "") -> Table:
        """Objects found, invented and missed, whatever their class."""
        header = ["matched at", "score", "precision", "recall", "TP", "FP", "FN"]
        rows: list[list[Cell]] = [
            [f"IoU > {m.iou:g}", m.score, m.precision, m.recall, m.tp, m.fp, m.fn]
            for m in self.matchings
        ]
        return Table(title, header, rows)

    def tables(self) -> dict[str, Table]:
        """All that ``dcme evaluate`` prints."""
        tables = {"classes": self.class_table()}
        if self.matchings:
            tables["matching"] = self.matching_table()
        return tables

    def as_text(self) -> str:
        """The tables, and what has to be said about them."""
        tables = [table.as_text() for table in self.tables().values()]
        notes = "".join(f"{note}\n" for note in [*self._counted(), *self.notes])
        return "\n".join([*tables, notes]).rstrip("\n")

    def _counted(self) -> Iterator[str]:
        """What the columns of counts leave out."""
        if self.aside:
            yield (
                f"{self.aside} predictions of labels that are not evaluated are left aside, as "
                "Cityscapes does."
            )
        if self.unclassified:
            yield (
                f"{self.unclassified} predictions have no class (label 0) and count only where "
                "classes are left aside: a grid of the network or --classifier names classes."
            )
        for m in self.matchings[:1]:
            small = m.tp + m.fn - sum(row.instances for row in self.rows)
            if small:
                yield (
                    f"True instances below 100 px (here {small}) count for the matching only: AP "
                    "and its column 'instances' leave them out, as Cityscapes does."
                )


class _Scorer:
    """Feeds both evaluators and the matching counts, one image at a time, from any thread."""

    def __init__(self, classes: ClassMap, distances: bool) -> None:
        self.classes, self.distances = classes, distances
        self.unclassified: list[int] = []
        self.aside: list[int] = []
        self.instances_at: set[Path] = set()
        """Instance maps that hold instances, whatever their class."""
        self.by_class = Evaluator(classes, distances=distances)
        self.agnostic = Evaluator(classes, class_agnostic=True)

    def distances_of(self, sample: Sample) -> dict[int, tuple[float, float]]:
        """The distances of a sample's instances; empty where they are not asked for."""
        files = stereo_files(sample) if self.distances else None
        return read_distances(sample.ids_path(), files) if files is not None else {}

    def listed(self, path: Path) -> list[ListedRow]:
        """What a text file lists. Without a class are those of the only one, if there is one."""
        rows = list_result(path)
        also = {UNCLASSIFIED, *(CITYSCAPES_LABELS if are_cityscapes(self.classes) else ())}
        require_classes(self.classes, {label for _, label, _ in rows}, path, also)
        if len(self.classes.labels) == 1:
            return [(mask, label or self.classes.labels[0], score) for mask, label, score in rows]
        self.unclassified.append(sum(label == UNCLASSIFIED for _, label, _ in rows))
        return rows

    def evaluated(self, rows: list[ListedRow]) -> list[int]:
        """The places of the rows that count: those of a class, or of none that is told."""
        known = {UNCLASSIFIED, *self.classes.labels}
        places = [place for place, (_, label, _) in enumerate(rows) if label in known]
        self.aside.append(len(rows) - len(places))
        return places

    def add_result_file(
        self, results: PathLike, ious: Sequence[float], sample: Sample
    ) -> list[Matching]:
        """Compare a sample's result files with its instance map."""
        truth, path = sample.ids_path(), result_path(results, sample)
        rows = self.listed(path)
        distances = self.distances_of(sample)
        try:
            told = self._compare(truth, rows, distances, ious)
        except ValueError as error:
            raise UserError(str(error)) from None
        require_classes(self.classes, told.truth_labels, truth)
        if told.truth_labels:
            self.instances_at.add(truth)
        return told.matchings

    def _compare(
        self,
        truth: Path,
        rows: list[ListedRow],
        distances: dict[int, tuple[float, float]],
        ious: Sequence[float],
    ) -> FileComparison:
        both, places = [self.by_class, self.agnostic], self.evaluated(rows)
        chosen = [rows[place] for place in places]
        if not lists_map(rows):
            return add_files(both, truth, chosen, distances, ious)
        labels = [label for _, label, _ in chosen]
        scores = [score for _, _, score in chosen]
        found = renumbered(read_listed_map(rows), len(rows), places)
        try:
            return add_label_map(both, truth, found, labels, scores, distances, ious)
        except ValueError as error:
            raise ValueError(f"{rows[0][0]}: {error}") from None

    def add_result(self, make: Callable[[Sample], ImageResult], sample: Sample) -> list[Matching]:
        """Compare instances in memory with a sample's instance map; no matching counts."""
        ids = read_ids(sample.ids_path())
        if labels := labels_in(ids):
            self.instances_at.add(sample.ids_path())
        require_classes(self.classes, labels, sample.ids_path())
        try:
            result = make(sample)
            columns = (result.masks, result.labels.tolist(), result.scores.tolist())
            add_masks([self.by_class, self.agnostic], ids, *columns, self.distances_of(sample))
        except UserError:
            raise
        except ValueError as error:
            raise UserError(f"{sample.ids_path()}: {error}") from None
        return []

    def scores(self, samples: Sequence[Sample], counts: Sequence[Sequence[Matching]]) -> Scores:
        """The scores of all that was added, with the sums of the matching counts."""
        by_class, agnostic = self.by_class.results(), self.agnostic.results()
        return Scores(
            images=len(counts),
            rows=_rows(by_class),
            ap_mean=by_class.ap,
            ap50_mean=by_class.ap50,
            agnostic_ap=agnostic.ap,
            agnostic_ap50=agnostic.ap50,
            matchings=[reduce(add, column) for column in zip(*counts)],
            ap100m_mean=by_class.ap100m,
            ap50m_mean=by_class.ap50m,
            distances=self.distances,
            unclassified=sum(self.unclassified),
            aside=sum(self.aside),
            notes=(*_distances_note(samples), *self._truth_note(samples)),
        )

    def _truth_note(self, samples: Sequence[Sample]) -> tuple[str, ...]:
        if self.instances_at or not samples:
            return ()
        return (no_instances([sample.ids_path() for sample in samples]),)


def _rows(result: EvaluationResult) -> list[ClassScore]:
    def at_distance(table: np.ndarray | None, k: int) -> float:
        return NAN if table is None else float(table[k].mean())

    ap, ap50 = result.class_ap, result.class_ap50
    return [
        ClassScore(
            name,
            result.truths[k],
            result.predictions[k],
            ap[name],
            ap50[name],
            at_distance(result.ap_table_100m, k),
            at_distance(result.ap_table_50m, k),
        )
        for k, name in enumerate(result.classes)
    ]


def score_results(
    results: PathLike,
    samples: Sequence[Sample],
    classes: ClassMap,
    *,
    workers: int = 1,
    ious: Sequence[float] = (0.5, 0.7),
    quiet: bool = True,
) -> Scores:
    """Compare the results of a folder with the instance maps of the samples.

    AP100m and AP50m come along where every instance map has Cityscapes' disparity image and camera
    file beside it.
    """
    require_distinct(samples)
    require_files(samples, image=False, ids=True)
    require_results(results, samples)
    scorer = _Scorer(classes, with_distances(samples) == len(samples))
    work = ordered_map(partial(scorer.add_result_file, results, ious), samples, workers)
    return scorer.scores(samples, list(progress(work, len(samples), "evaluating", quiet)))


def _distances_note(samples: Sequence[Sample]) -> tuple[str, ...]:
    far, images = with_distances(samples), len(samples)
    if far in (0, images):
        return ()
    return (f"No AP100m and AP50m: only {far} of {images} images have disparity and camera files.",)


def score_images(
    make: Callable[[Sample], ImageResult],
    samples: Sequence[Sample],
    classes: ClassMap,
    *,
    workers: int = 1,
    quiet: bool = True,
    title: str = "evaluating",
) -> Scores:
    """Compare the instances that ``make`` gives for each sample with its instance map.

    ``make`` is called from several threads; its masks have the size of the instance map.
    """
    require_distinct(samples)
    require_files(samples, image=False, ids=True)
    scorer = _Scorer(classes, with_distances(samples) == len(samples))
    work = ordered_map(partial(scorer.add_result, make), samples, workers)
    return scorer.scores(samples, list(progress(work, len(samples), title, quiet)))
