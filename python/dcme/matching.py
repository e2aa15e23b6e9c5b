"""How many objects are found: counts at one IoU threshold, classes left aside."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from dcme import _core
from dcme._arrays import as_label_map
from dcme.decoding import Instances

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy.typing as npt

__all__ = ["Matching", "matching", "matching_dataset"]


@dataclass(frozen=True)
class Matching:
    """Objects found (tp), invented (fp) and missed (fn) at IoU > ``iou``. Adds up over images."""

    iou: float
    tp: int = 0
    fp: int = 0
    fn: int = 0
    iou_sum: float = 0.0

    def __add__(self, other: Matching) -> Matching:
        if other.iou != self.iou:
            raise ValueError(f"cannot add counts at IoU > {self.iou} and > {other.iou}")
        return Matching(
            self.iou,
            self.tp + other.tp,
            self.fp + other.fp,
            self.fn + other.fn,
            self.iou_sum + other.iou_sum,
        )

    @property
    def score(self) -> float:
        """TP / (TP + FP + FN); 1 if there was nothing to find and nothing was found."""
        total = self.tp + self.fp + self.fn
        return self.tp / total if total else 1.0

    @property
    def precision(self) -> float:
        """TP / (TP + FP); NaN if nothing was found."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else float("nan")

    @property
    def recall(self) -> float:
        """TP / (TP + FN); NaN if there was nothing to find."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else float("nan")

    @property
    def mean_iou(self) -> float:
        """Mean IoU of the objects found; 0 if none was."""
        return self.iou_sum / self.tp if self.tp else 0.0


def matching(
    truth: npt.ArrayLike,
    predicted: Instances | npt.ArrayLike,
    iou: float = 0.5,
    ignored: npt.ArrayLike | None = None,
) -> Matching:
    """Match predicted objects with true ones, one to one, pairs of the highest IoU first.

    ``dcme evaluate`` counts so, too, in files.

    Parameters
    ----------
    truth : label map (H, W), each value but 0 an object. In an instance map with stuff or crowds
        set the ids below 1000 to 0 first.
    predicted : label map (H, W), ``Instances`` or masks (K, H, W); masks may overlap.
    iou : pairs count if their IoU is greater; 0 <= iou < 1.
    ignored : (H, W), boolean: pixels of which the truth says nothing, such as crowds. A prediction
        without a match is not invented if more than ``iou`` of it lies there (``dcme evaluate``).
    """
    if not 0 <= iou < 1:
        raise ValueError(f"iou must be in [0, 1), not {iou}")
    truth_map = as_label_map(truth, "truth")
    silent = None if ignored is None else as_label_map(np.asarray(ignored, bool), "ignored")
    matcher = _core.LabelMapMatcher(truth_map, silent)
    for predicted_map in _disjoint_maps(predicted):
        matcher.add(predicted_map)
    counts = matcher.counts(iou)
    return Matching(iou, counts.found, counts.invented, counts.missed, counts.iou_sum)


def matching_dataset(
    truths: Iterable[npt.ArrayLike], predicted: Iterable[Any], iou: float = 0.5
) -> Matching:
    """The counts of ``matching`` summed over images."""
    missing: Any = object()
    total = Matching(iou)
    for truth, one in zip_longest(truths, predicted, fillvalue=missing):
        if truth is missing or one is missing:
            raise ValueError("there must be as many predictions as truths")
        total += matching(truth, one, iou)
    return total


def _disjoint_maps(predicted: Instances | npt.ArrayLike) -> Iterator[npt.NDArray[np.int32]]:
    """Label maps that hold the predictions: one if no two overlap, else one a mask."""
    if isinstance(predicted, Instances):
        labels = predicted.label_map()
        if np.count_nonzero(labels) == predicted.pixels.sum():
            yield labels
        else:
            yield from (mask.astype(np.int32) for mask in predicted)
        return
    array = np.asarray(predicted)
    if array.ndim == 3:
        yield from ((mask != 0).astype(np.int32) for mask in array)
    else:
        yield as_label_map(array, "predicted")
