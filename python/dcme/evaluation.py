"""Cityscapes' instance average precision, image by image in constant memory."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from dcme import _core
from dcme._arrays import as_ids, as_label_map, json_number, warn_of_labels
from dcme.classes import CITYSCAPES, ClassMap, are_cityscapes
from dcme.decoding import Instances
from dcme.matching import Matching

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    PredictionFile = tuple[str | PathLike[str], int, float]

__all__ = [
    "CITYSCAPES_VOID",
    "EvaluationResult",
    "Evaluator",
    "FileComparison",
    "add_files",
    "add_label_map",
    "add_masks",
    "void_of",
]

CITYSCAPES_VOID = _core.CITYSCAPES_VOID
"""Labels that Cityscapes leaves out of its evaluation."""

_DISTANCES = (100.0, 50.0)


@dataclass(frozen=True, repr=False)
class EvaluationResult:
    """Average precision. NaN stands for a class without ground truth; means leave it out.

    Attributes
    ----------
    classes : names, in the order of all tables here.
    thresholds : the ten IoU thresholds 0.50 ... 0.95.
    ap_table : (classes, thresholds).
    ap_table_100m, ap_table_50m : the same for ground truth nearer than that; None if not asked for.
    truths, predictions : how many there were of each class.
    """

    classes: list[str]
    thresholds: npt.NDArray[np.float64]
    ap_table: npt.NDArray[np.float64]
    ap_table_100m: npt.NDArray[np.float64] | None
    ap_table_50m: npt.NDArray[np.float64] | None
    truths: list[int]
    predictions: list[int]

    def __repr__(self) -> str:
        classes = ", ".join(f"{name} {ap:.3f}" for name, ap in self.class_ap.items())
        return f"<dcme.EvaluationResult: AP {self.ap:.3f} ({classes}), AP50 {self.ap50:.3f}>"

    @property
    def ap(self) -> float:
        """Mean over classes and thresholds."""
        return _mean(self.ap_table)

    @property
    def ap50(self) -> float:
        """Mean over classes at IoU > 0.5."""
        return _mean(self.ap_table[:, 0])

    @property
    def ap100m(self) -> float:
        """As ``ap``, of ground truth within 100 m; NaN if distances were not asked for."""
        return _mean(self.ap_table_100m)

    @property
    def ap50m(self) -> float:
        """As ``ap``, of ground truth within 50 m; NaN if distances were not asked for."""
        return _mean(self.ap_table_50m)

    @property
    def class_ap(self) -> dict[str, float]:
        """Mean over thresholds of each class."""
        return dict(zip(self.classes, self.ap_table.mean(axis=1).tolist()))

    @property
    def class_ap50(self) -> dict[str, float]:
        """AP at IoU > 0.5 of each class."""
        return dict(zip(self.classes, self.ap_table[:, 0].tolist()))

    def as_dict(self) -> dict[str, Any]:
        """Everything in plain Python types, for JSON (NaN as None)."""
        classes = {}
        for k, name in enumerate(self.classes):
            classes[name] = {
                "ap": json_number(self.ap_table[k].mean()),
                "ap50": json_number(self.ap_table[k, 0]),
                "ground_truth": self.truths[k],
                "predictions": self.predictions[k],
            }
        summary: dict[str, Any] = {"ap": json_number(self.ap), "ap50": json_number(self.ap50)}
        if self.ap_table_100m is not None and self.ap_table_50m is not None:
            summary |= {"ap100m": json_number(self.ap100m), "ap50m": json_number(self.ap50m)}
            for k, name in enumerate(self.classes):
                classes[name]["ap100m"] = json_number(self.ap_table_100m[k].mean())
                classes[name]["ap50m"] = json_number(self.ap_table_50m[k].mean())
        return summary | {"classes": classes}


def void_of(classes: ClassMap) -> tuple[int, ...]:
    """The ids that make no statement where nobody says which do: Cityscapes' list for Cityscapes'
    classes in any order, which is that of a net's outputs; none for others."""
    return CITYSCAPES_VOID if are_cityscapes(classes) else ()


class Evaluator:
    """Gathers images with ``add`` (from any number of threads, in any order), then ``results``.

    Parameters
    ----------
    classes : the classes that are evaluated, Cityscapes' eight by default.
    void_ids : ground truth values that make no statement; predictions on them are forgiven. The
        default is Cityscapes' list for Cityscapes' classes, nothing for others.
    class_agnostic : take all classes for one.
    distances : also AP within 100 m and 50 m; ``add`` then needs the distances.
    """

    def __init__(
        self,
        classes: ClassMap = CITYSCAPES,
        void_ids: Iterable[int] | None = None,
        class_agnostic: bool = False,
        distances: bool = False,
    ) -> None:
        if void_ids is None:
            void_ids = void_of(classes)
        self._core = _core.Evaluator(
            classes, [int(i) for i in void_ids], bool(class_agnostic), _DISTANCES * bool(distances)
        )
        self._classes = classes
        self._with_distances = bool(distances)
        self._default_label = classes.labels[0] if class_agnostic or len(classes) == 1 else None

    def __repr__(self) -> str:
        return f"<dcme.Evaluator of {', '.join(self._classes.names)}>"

    def add(
        self,
        ids: npt.ArrayLike,
        masks: Instances | npt.ArrayLike | Iterable[npt.ArrayLike],
        labels: Sequence[int] | None = None,
        confidences: Sequence[float] | None = None,
        distances: Mapping[int, tuple[float, float]] | None = None,
    ) -> None:
        """Add an image.

        Parameters
        ----------
        ids : (H, W) ground truth instance map.
        masks : the predictions: ``Instances``, a label map (integer (H, W), 1..K; prediction k is
            where the value is k, which may be nowhere), a (K, H, W) array or any iterable of (H, W)
            masks, of which one is held at a time.
        labels : (K,) class labels as in the ids (24 = person). May be left out if there is but one
            class, or if classes do not matter.
        confidences : (K,); without them all predictions are equal, for ``Instances`` their votes;
            ``Instances.confidences`` ranks those better, as the commands do.
        distances : median distance in metres, and the share of pixels that have one, by id.

        Warns, as ``encode``, where the ground truth looks like a label map 0, 1, 2, ...
        """
        checked = as_ids(ids, "ground truth")
        warn_of_labels(checked, self._classes)
        truth = _core.ImageMatcher(self._core, checked, dict(distances or {}))
        if isinstance(masks, Instances):
            if confidences is None:
                confidences = masks.votes.tolist()
            columns = _columns(len(masks), labels, confidences, self._default_label)
            truth.add_instances(masks._core, *columns)
        elif isinstance(masks, np.ndarray) and masks.ndim == 2:
            label_map, count = _counted_label_map(masks)
            columns = _columns(
                count, labels, confidences, self._default_label, "the label map's largest value is"
            )
            truth.add_label_map(label_map, *columns)
        else:
            columns = _columns(_count_of(masks), labels, confidences, self._default_label)
            _add_masks([truth], cast("Iterable[Any]", masks), *columns)
        self._core.add(truth)

    def add_files(
        self,
        truth: str | PathLike[str],
        predictions: Iterable[PredictionFile],
        distances: Mapping[int, tuple[float, float]] | None = None,
    ) -> None:
        """Add an image from files: see the function of this name."""
        add_files([self], truth, predictions, distances)

    def results(self) -> EvaluationResult:
        """The average precision of all images so far."""
        core = self._core.results()
        tables = core["ap"]
        return EvaluationResult(
            classes=core["classes"],
            thresholds=np.array(core["thresholds"]),
            ap_table=tables[0],
            ap_table_100m=tables[1] if self._with_distances else None,
            ap_table_50m=tables[2] if self._with_distances else None,
            truths=core["truths"],
            predictions=core["predictions"],
        )


@dataclass(frozen=True)
class FileComparison:
    """What ``add_files`` tells of an image: the labels of the instances in its ground truth, and
    the objects found, invented and missed, regardless of class, at each IoU asked for."""

    truth_labels: list[int]
    matchings: list[Matching]


def add_files(
    evaluators: Sequence[Evaluator],
    truth: str | PathLike[str],
    predictions: Iterable[PredictionFile],
    distances: Mapping[int, tuple[float, float]] | None = None,
    ious: Sequence[float] = (),
) -> FileComparison:
    """Add an image's files to evaluators; much faster than to read them first.

    Each file is read once, outside Python's lock: several images can be added at a time.

    Parameters
    ----------
    truth : instance map, a 16-bit PNG.
    predictions : (mask PNG, label, confidence) each; non-zero pixels are in the mask.
    distances : as for ``Evaluator.add``.
    ious : also match objects at these IoUs; those of the first evaluator's classes.
    """
    files = [(fspath(path), int(label), float(score)) for path, label, score in predictions]
    cores = [evaluator._core for evaluator in evaluators]
    labels, counts = _core.add_files(
        cores, fspath(truth), files, dict(distances or {}), [float(iou) for iou in ious]
    )
    return _compared(labels, counts, ious)


def add_label_map(
    evaluators: Sequence[Evaluator],
    truth: str | PathLike[str],
    label_map: npt.NDArray[np.int32],
    labels: Sequence[int],
    confidences: Sequence[float],
    distances: Mapping[int, tuple[float, float]] | None = None,
    ious: Sequence[float] = (),
) -> FileComparison:
    """As ``add_files``, of predictions that are the values 1..K of a label map (H, W)."""
    cores = [evaluator._core for evaluator in evaluators]
    columns = _columns(len(labels), labels, confidences, None)
    compared = _core.add_label_map(
        cores, fspath(truth), label_map, *columns, dict(distances or {}), [float(i) for i in ious]
    )
    return _compared(*compared, ious)


def _compared(
    labels: list[int], counts: Sequence[_core.MatchCounts], ious: Sequence[float]
) -> FileComparison:
    matchings = [
        Matching(float(iou), m.found, m.invented, m.missed, m.iou_sum)
        for iou, m in zip(ious, counts)
    ]
    return FileComparison(labels, matchings)


def _mean(table: npt.NDArray[np.float64] | None) -> float:
    known = np.array([]) if table is None else table[~np.isnan(table)]
    return float(known.mean()) if known.size else float("nan")


def _counted_label_map(given: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int32], int]:
    """A label map (H, W) as the core takes it, and its largest value."""
    if given.dtype.kind not in "iu":
        raise ValueError(
            f"a label map (H, W) holds integers, this has dtype {given.dtype} (masks are (K, H, W))"
        )
    largest = max(0, int(given.max(initial=0)))
    if largest > given.size:
        raise ValueError(
            f"a label map holds 1..K, its largest value is {largest}, more than it has pixels"
        )
    return as_label_map(given, "predictions"), largest


def _count_of(masks: Any) -> int | None:
    """How many masks there are, if they tell."""
    if isinstance(masks, np.ndarray) and masks.ndim != 3:
        raise ValueError(f"masks must be (K, H, W), or a label map (H, W): these are {masks.shape}")
    return len(masks) if hasattr(masks, "__len__") else None


def _columns(
    count: int | None,
    labels: Sequence[int] | None,
    confidences: Sequence[float] | None,
    default_label: int | None,
    counted: str = "",
) -> tuple[list[int], list[float]]:
    """Labels and confidences, one each a mask, after checks. ``counted``: what ``count`` is, if
    not a number of masks."""
    if count is None:
        given = labels if labels is not None else confidences
        if given is None:
            raise ValueError("masks that come one by one need labels or confidences beside them")
        count = len(given)
    if labels is None:
        if default_label is None and count:
            raise ValueError("predictions of several classes need their labels")
        labels = [default_label or 0] * count
    if confidences is None:
        confidences = [1.0] * count
    if len(labels) != count or len(confidences) != count:
        there = f"{counted} {count}" if counted else f"{count} masks"
        raise ValueError(f"{there}, but {len(labels)} labels and {len(confidences)} confidences")
    return [int(label) for label in labels], [float(c) for c in confidences]


def add_masks(
    evaluators: Sequence[Evaluator],
    ids: npt.ArrayLike,
    masks: Iterable[npt.ArrayLike],
    labels: Sequence[int],
    confidences: Sequence[float],
    distances: Mapping[int, tuple[float, float]] | None = None,
) -> None:
    """Add an image to several evaluators at once; each mask is asked for once and held alone.

    The parameters are those of ``Evaluator.add``.
    """
    truth, far = as_ids(ids, "ground truth"), dict(distances or {})
    matchers = [_core.ImageMatcher(evaluator._core, truth, far) for evaluator in evaluators]
    _add_masks(matchers, masks, *_columns(len(labels), labels, confidences, None))
    for evaluator, matcher in zip(evaluators, matchers):
        evaluator._core.add(matcher)


def _add_masks(
    matchers: Sequence[_core.ImageMatcher],
    masks: Iterable[Any],
    labels: list[int],
    confidences: list[float],
) -> None:
    added = 0
    for mask in masks:
        if added == len(labels):
            raise ValueError(f"more masks than the {added} labels and confidences")
        array = np.ascontiguousarray(mask)
        if array.dtype not in (np.bool_, np.uint8):
            array = array != 0
        for matcher in matchers:
            matcher.add_mask(array.view(np.uint8), labels[added], confidences[added])
        added += 1
    if added < len(labels):
        raise ValueError(f"{added} masks, but {len(labels)} labels and confidences")
