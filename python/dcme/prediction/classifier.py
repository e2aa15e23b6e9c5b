"""The second network of paper 1 (DCME 2017): names the class of each decoded instance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from dcme.classes import CITYSCAPES, ClassMap
from dcme.datasets.crops import Box, CropRule
from dcme.errors import UserError
from dcme.files import PathLike
from dcme.prediction.net_loading import SharedNet, net_mark
from dcme.prediction.network import Preprocessing, softmax
from dcme.results.files import ImageResult, LazyMasks

BATCH = 32


class Classifier:
    """A deploy network that gives one probability a class, background first, for square crops.

    Without ``preprocessing`` the ``train.prototxt`` beside the deploy file tells it; an error where
    there is none. Boxes of instances are widened to ``smallest`` pixels of the image. Threads may
    share a classifier: their calls take turns.
    """

    def __init__(
        self,
        deploy: PathLike,
        weights: PathLike | None,
        preprocessing: Preprocessing | None = None,
        smallest: int = 50,
        classes: ClassMap = CITYSCAPES,
    ) -> None:
        self._net = SharedNet(deploy, weights)
        self.deploy, self.weights = deploy, weights
        self.preprocessing = preprocessing or Preprocessing.beside(
            deploy, None, "dcme.Preprocessing(scale, mean)"
        )
        self.smallest, self.classes = smallest, classes
        if len(self._net.outputs) != 1 or len(self._net.shape) != 4:
            raise UserError(
                f"{deploy}: a classifier has one image input and one output; this has the "
                f"outputs {', '.join(self._net.outputs)}"
            )
        _, self._channels, height, width = self._net.shape
        if height != width:
            raise UserError(f"{deploy}: takes {height}x{width}; crops are square")
        self.rule = CropRule(height, smallest)

    @property
    def settings(self) -> dict[str, Any]:
        """All that its answers depend on, as a ``Recipe`` takes it."""
        return {
            **net_mark(self.deploy, self.weights),
            **asdict(self.preprocessing),
            "smallest": self.smallest,
            "classes": str(self.classes),
        }

    def __call__(self, image: np.ndarray, boxes: Sequence[Box]) -> np.ndarray:
        """Probabilities (K, 1 + classes) of the instances in these boxes of a BGR image."""
        count = 1 + len(self.classes.labels)
        rows = [np.zeros((0, count), np.float32)]
        for start in range(0, len(boxes), BATCH):
            crops = [self.rule.cut(image, box) for box in boxes[start : start + BATCH]]
            batch = np.stack([self.preprocessing(crop, self._channels) for crop in crops])
            (scores,) = self._net(batch).values()
            scores = scores.reshape(len(batch), -1)
            if scores.shape[1] != count:
                raise UserError(
                    f"{self.deploy}: gives {scores.shape[1]} probabilities; expected {count}: "
                    f"background and {count - 1} classes"
                )
            rows.append(softmax(scores))
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
