"""Scores of result folders: average precision by class, class-agnostic, and matching counts."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np

from dcme.dataset import IDS_ENDING, IMAGE_ENDING, Sample, require_files
from dcme.errors import UserError
from dcme.evaluation import EvaluationResult, Evaluator, add_files
from dcme.files import PathLike
from dcme.labels import ClassTable
from dcme.matching import Matching
from dcme.parallel import ordered_map, progress
from dcme.results import UNCLASSIFIED, list_result


@dataclass(frozen=True)
class ClassScore:
    """One row of the table; AP is NaN for a class without ground truth."""

    name: str
    instances: int
    predictions: int
    ap: float
    ap50: float


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

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; NaN becomes None."""

        def plain(value: float) -> float | None:
            return None if np.isnan(value) else float(value)

        return {
            "images": self.images,
            "ap_mean": plain(self.ap_mean),
            "ap50_mean": plain(self.ap50_mean),
            "ap_class_agnostic": plain(self.agnostic_ap),
            "ap50_class_agnostic": plain(self.agnostic_ap50),
            "per_class": {
                row.name: {
                    "ap": plain(row.ap),
                    "ap50": plain(row.ap50),
                    "instances": row.instances,
                    "predictions": row.predictions,
                }
                for row in self.rows
            },
            "matching": [
                {
                    "iou": m.iou,
                    "score": m.score,
                    "precision": m.precision,
                    "recall": m.recall,
                    "mean_iou": m.mean_iou,
                    "tp": m.tp,
                    "fp": m.fp,
                    "fn": m.fn,
                }
                for m in self.matchings
            ],
        }

    def as_csv(self) -> str:
        """The table of classes, then the means, as comma-separated values."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["class", "instances", "predictions", "ap", "ap50"])
        for row in self.rows:
            writer.writerow([row.name, row.instances, row.predictions, row.ap, row.ap50])
        writer.writerow(["mean", "", "", self.ap_mean, self.ap50_mean])
        writer.writerow(["class-agnostic", "", "", self.agnostic_ap, self.agnostic_ap50])
        return stream.getvalue()

    def as_text(self) -> str:
        """The tables that ``dcme evaluate`` prints."""
        wide = max(14, *(len(row.name) for row in self.rows))
        lines = [f"{'class':<{wide}} {'instances':>9} {'found':>7} {'AP':>7} {'AP50':>7}"]
        for row in self.rows:
            counts = f"{row.instances:>9} {row.predictions:>7}"
            lines.append(f"{row.name:<{wide}} {counts} {_short(row.ap)} {_short(row.ap50)}")
        blank = " " * 17
        lines.append(f"{'mean':<{wide}} {blank} {_short(self.ap_mean)} {_short(self.ap50_mean)}")
        agnostic = f"{_short(self.agnostic_ap)} {_short(self.agnostic_ap50)}"
        lines.append(f"{'class-agnostic':<{wide}} {blank} {agnostic}")
        lines.append("")
        lines.append(
            f"{'matched at':<{wide}} {'score':>7} {'prec.':>7} {'recall':>7} "
            f"{'TP':>6} {'FP':>6} {'FN':>6}"
        )
        for m in self.matchings:
            lines.append(
                f"{f'IoU > {m.iou:g}':<{wide}} {_short(m.score)} {_short(m.precision)} "
                f"{_short(m.recall)} {m.tp:>6} {m.fp:>6} {m.fn:>6}"
            )
        return "\n".join(lines)


def _short(value: float) -> str:
    return f"{'-':>7}" if np.isnan(value) else f"{value:>7.3f}"


def result_path(results: PathLike, sample: Sample) -> Path:
    """The text file with a sample's results; raises where there is none."""
    names = [sample.name]
    for path in (sample.image, sample.ids):
        if path is not None:
            names.append(path.stem)
            for ending in (IMAGE_ENDING, IDS_ENDING):
                names.append(path.stem.removesuffix(ending))
    for name in dict.fromkeys(names):
        path = Path(results) / f"{name}.txt"
        if path.is_file():
            return path
    raise UserError(f"{Path(results) / names[0]}.txt: there are no results for this image")


class _Scorer:
    """Feeds both evaluators and the matching counts, one image at a time, from any thread."""

    def __init__(self, results: PathLike, classes: ClassTable, ious: Sequence[float]) -> None:
        table = classes.to_map()
        self.results, self.classes, self.ious = results, classes, ious
        self.known = {*table.labels, *table.ignored}
        self.by_class = Evaluator(table)
        self.agnostic = Evaluator(table, class_agnostic=True)

    def _check_labels(self, labels: set[int], allowed: set[int], path: Path) -> None:
        strange = sorted(labels - allowed)
        if strange:
            listed = ", ".join(f"{k} {n}" for k, n in zip(self.classes.labels, self.classes.names))
            raise UserError(
                f"{path}: label {strange[0]} is none of the classes ({listed}); "
                "give those of your data: --classes LABEL:NAME,..."
            )

    def __call__(self, sample: Sample) -> list[Matching]:
        truth, path = sample.ids_path(), result_path(self.results, sample)
        rows = list_result(path)
        self._check_labels({label for _, label, _ in rows}, {*self.known, UNCLASSIFIED}, path)
        try:
            told = add_files([self.by_class, self.agnostic], truth, rows, ious=self.ious)
        except ValueError as error:
            raise UserError(str(error)) from None
        self._check_labels(set(told.truth_labels), self.known, truth)
        return told.matchings


def _rows(result: EvaluationResult) -> list[ClassScore]:
    ap, ap50 = result.class_ap, result.class_ap50
    return [
        ClassScore(name, result.truths[k], result.predictions[k], ap[name], ap50[name])
        for k, name in enumerate(result.classes)
    ]


def score_results(
    results: PathLike,
    samples: Sequence[Sample],
    classes: ClassTable,
    workers: int = 1,
    ious: Sequence[float] = (0.5, 0.7),
    quiet: bool = True,
) -> Scores:
    """Compare the results of a folder with the instance maps of the samples."""
    if not Path(results).is_dir():
        raise UserError(f"{results}: no such folder of results")
    require_files(samples, image=False, ids=True)
    scorer = _Scorer(results, classes, ious)
    work = ordered_map(scorer, samples, workers)
    counts = list(progress(work, len(samples), "evaluating", quiet))
    by_class, agnostic = scorer.by_class.results(), scorer.agnostic.results()
    return Scores(
        images=len(samples),
        rows=_rows(by_class),
        ap_mean=by_class.ap,
        ap50_mean=by_class.ap50,
        agnostic_ap=agnostic.ap,
        agnostic_ap50=agnostic.ap50,
        matchings=[reduce(add, column) for column in zip(*counts)],
    )
