"""Decoding of a data set's vector maps: classified, scored instances of each."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from dcme.classes import CITYSCAPES, ClassMap
from dcme.datasets.vectors import VectorMap
from dcme.decoding import DEFAULTS, PUBLISHED_MODES, Instances, decode
from dcme.errors import UserError
from dcme.grid import block_size, classify_instances
from dcme.results.files import UNCLASSIFIED, ImageResult, LazyMasks

MODES = ("standard", *PUBLISHED_MODES)


def classifies_pixels(item: VectorMap) -> bool:
    """Whether the class probabilities are as fine as the vectors: one set a pixel."""
    grid = item.grid
    return grid is not None and grid.ndim == 3 and grid.shape[1:] == item.vectors.shape[1:]


@dataclass(frozen=True)
class Decoding:
    """How vector maps become instances: thresholds in pixels and votes of the map itself."""

    dt: float = DEFAULTS["dt"]
    vt: float = DEFAULTS["vt"]
    et: float = DEFAULTS["et"]
    mode: str = "standard"
    foreground: float = DEFAULTS["foreground"]
    """Length in pixels that a vector must exceed to count; only used by ``standard``."""
    classes: ClassMap = CITYSCAPES
    probability: float = 0.5
    """Where the network classifies single pixels, one counts if it is not background with more
    than this probability, however long its vector; only used by ``standard``."""

    @property
    def published(self) -> bool:
        """Whether all beside the masks is as published, too: background among the classes, scores
        that are probabilities alone, masks that are enlarged by INTER_CUBIC."""
        return self.mode in PUBLISHED_MODES

    @property
    def settings(self) -> dict[str, Any]:
        """All that the instances depend on, as JSON takes it."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {**values, "classes": str(self.classes)}

    def __call__(self, item: VectorMap) -> ImageResult:
        """Instances of one vector map, at its own size, those of higher score first.

        Scores: see ``Instances.confidences``, times the class probability where there is one. In
        the modes of the papers the probability alone, as in paper 2.
        """
        found = self.find(item)
        labels = np.full(len(found), self._only_label(), np.int32)
        scores, keep = found.confidences(item.vectors), np.arange(len(found))
        if item.grid is not None:
            self._probabilities(item)  # those of other classes are an error even without instances
        if item.grid is not None and len(found):
            if not self.published and classifies_pixels(item):
                labels, probabilities = self.classify_masks(item, found)
            else:
                labels, probabilities = self.classify(item, found.centres)
            scores = probabilities * (1.0 if self.published else scores)
            keep = np.nonzero(labels)[0]
        order = keep[np.argsort(-scores[keep], kind="stable")]

        def draw(upwards: np.ndarray) -> np.ndarray:
            places = np.zeros(1 + len(found), np.int32)
            places[1 + order] = 1 + np.arange(len(order))
            return places[found.label_map(order[upwards].tolist())]

        masks = LazyMasks(len(order), lambda index: found.mask(int(order[index])), draw)
        return ImageResult(
            item.name, found.shape, masks, labels[order], scores[order], found.centres[order]
        )

    def find(self, item: VectorMap) -> Instances:
        """Instances of one vector map, neither classified nor scored."""
        try:
            foreground = self._foreground(item)
            return decode(item.vectors, self.dt, self.vt, self.et, self.mode, foreground)
        except ValueError as error:
            raise UserError(f"{item.name}: {error}") from None

    def _foreground(self, item: VectorMap) -> np.ndarray | float | None:
        """The pixels that count, or the length from which they do."""
        if self.published:
            return None
        if not classifies_pixels(item):
            return self.foreground
        return np.asarray(1 - np.asarray(item.grid)[0] > self.probability)

    def grid_labels(self, item: VectorMap) -> np.ndarray:
        """The grid output as class numbers (h, w), 0 for background: the most probable ones, but of
        single pixels those that count."""
        grid = np.asarray(item.grid)
        if grid.ndim == 2:
            return grid.astype(int)
        if self.published or not classifies_pixels(item):
            return grid.argmax(axis=0)
        return np.where(np.asarray(self._foreground(item)), 1 + grid[1:].argmax(axis=0), 0)

    def _only_label(self) -> int:
        return self.classes.labels[0] if len(self.classes.labels) == 1 else UNCLASSIFIED

    def classify(self, item: VectorMap, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Label (0: background) and probability of each centre (K, 2) from its block of the grid
        output, as in paper 2; only the modes of the papers let background win."""
        grid = self._probabilities(item)
        block = block_size(item.vectors.shape[1:], grid.shape[1:])
        numbers, scores = classify_instances(
            centres, grid, block, foreground_only=not self.published
        )
        return self._labels(np.asarray(numbers)), np.asarray(scores, float)

    def classify_masks(self, item: VectorMap, found: Instances) -> tuple[np.ndarray, np.ndarray]:
        """Label and probability (K,) of each mask: the class that is most probable on average over
        its pixels. For networks that classify single pixels."""
        means = np.stack([found.means_over(plane) for plane in self._probabilities(item)[1:]])
        return self._labels(1 + means.argmax(axis=0)), means.max(axis=0)

    def _labels(self, numbers: np.ndarray) -> np.ndarray:
        return np.array([0, *self.classes.labels], np.int32)[numbers]

    def _probabilities(self, item: VectorMap) -> np.ndarray:
        """The grid output as probabilities (classes + 1, h, w)."""
        if item.grid is None:
            raise UserError(f"{item.name}: the network has no grid output to classify instances by")
        grid, count = np.asarray(item.grid), len(self.classes.labels) + 1
        if grid.ndim == 2:
            numbers = grid.astype(int)
            strange = numbers[(numbers < 0) | (numbers >= count)]
            if len(strange):
                raise UserError(
                    f"{item.name}: the grid holds class {strange[0]}, of classes there are "
                    f"{count - 1}; --classes names those of the network"
                )
            grid = np.moveaxis(np.eye(count, dtype=np.float32)[numbers], -1, 0)
        if grid.ndim != 3 or grid.shape[0] != count:
            raise UserError(
                f"{item.name}: the grid output is {grid.shape}; expected ({count}, h, w) for "
                f"{count - 1} classes and background; --classes names those of the network"
            )
        return grid
