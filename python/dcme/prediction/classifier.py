"""The second network of paper 1 (DCME 2017): names the class of each decoded instance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dcme.classes import CITYSCAPES, ClassMap
from dcme.datasets.crops import Box, CropRule
from dcme.errors import UserError
from dcme.files import PathLike
from dcme.prediction.net_loading import load_net, net_mark
from dcme.prediction.network import Preprocessing, softmax
from dcme.results.files import ImageResult, LazyMasks

BATCH = 32


@dataclass
class Classifier:
    """A deploy network that gives one probability a class, background first, for square crops."""

    deploy: PathLike
    weights: PathLike | None
    preprocessing: Preprocessing | None = None
    """By default that of the ``train.prototxt`` beside the deploy file; an error without one."""
    smallest: int = 50
    """Boxes of instances are widened to this many pixels of the image."""
    classes: ClassMap = CITYSCAPES

    def __post_init__(self) -> None:
        self._net = load_net(self.deploy, self.weights)
        self._input = self.preprocessing or Preprocessing.beside(
            self.deploy, None, "dcme.Preprocessing(scale, mean)"
        )
        self._blob = self._net.blobs[self._net.inputs[0]]
        if len(self._net.outputs) != 1 or len(self._blob.shape) != 4:
            raise UserError(
                f"{self.deploy}: a classifier has one image input and one output; this has the "
                f"outputs {', '.join(self._net.outputs)}"
            )
        _, self._channels, height, width = self._blob.shape
        if height != width:
            raise UserError(f"{self.deploy}: takes {height}x{width}; crops are square")
        self.rule = CropRule(int(height), self.smallest)

    @property
    def settings(self) -> dict[str, Any]:
        """All that its answers depend on, as JSON takes it."""
        return {
            **net_mark(self.deploy, self.weights),
            **asdict(self._input),
            "smallest": self.smallest,
            "classes": str(self.classes),
        }

    def __call__(self, image: np.ndarray, boxes: Sequence[Box]) -> np.ndarray:
        """Probabilities (K, 1 + classes) of the instances in these boxes of a BGR image."""
        count = 1 + len(self.classes.labels)
        rows = [np.zeros((0, count), np.float32)]
        for start in range(0, len(boxes), BATCH):
            crops = [self.rule.cut(image, box) for box in boxes[start : start + BATCH]]
            batch = np.stack([self._input(crop, self._channels) for crop in crops])
            self._blob.reshape(*batch.shape)
            self._net.reshape()
            self._blob.data[...] = batch
            (scores,) = self._net.forward().values()
            scores = scores.reshape(len(batch), -1)
            if scores.shape[1] != count:
                raise UserError(
                    f"{self.deploy}: gives {scores.shape[1]} probabilities; expected {count}: "
                    f"background and {count - 1} classes"
                )
            rows.append(softmax(scores.copy()))
        return np.concatenate(rows)


def boxes_at(result: ImageResult, size: tuple[int, int]) -> list[Box]:
    """The instances' bounding boxes when the result is brought to ``size`` = (H, W)."""
    down, across = size[0] / result.size[0], size[1] / result.size[1]
    boxes = []
    for k in range(len(result)):
        mask = np.asarray(result.masks[k])
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        top, bottom = round(rows[0] * down), round((rows[-1] + 1) * down)
        left, right = round(columns[0] * across), round((columns[-1] + 1) * across)
        boxes.append((top, left, max(bottom, top + 1), max(right, left + 1)))
    return boxes


def classified(
    result: ImageResult, probabilities: np.ndarray, classes: ClassMap, keep_scores: bool
) -> ImageResult:
    """The result with the most probable class of each instance; background ones are dropped.

    Scores are the probabilities, times the result's own scores with ``keep_scores``.
    """
    numbers = probabilities.argmax(axis=1)
    scores = probabilities.max(axis=1).astype(float) * (result.scores if keep_scores else 1.0)
    order = np.argsort(-scores, kind="stable")
    order = order[numbers[order] > 0]
    masks = LazyMasks(len(order), lambda index: np.asarray(result.masks[int(order[index])]))
    labels = np.array([0, *classes.labels], np.int32)[numbers]
    return ImageResult(
        result.name, result.size, masks, labels[order], scores[order], result.centres[order]
    )
