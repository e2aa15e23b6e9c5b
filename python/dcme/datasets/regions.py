"""Masks of single instances, kept as the part of the image where they are, and instance maps of
them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from dcme.classes import LAST_LABEL
from dcme.errors import UserError
from dcme.labels import FIRST_INSTANCE_ID

MOST_INSTANCES = FIRST_INSTANCE_ID - 1
"""Of one class in one image: an instance map holds ``1000 * label + k`` with k from 1."""


@dataclass(frozen=True)
class Region:
    """An instance of a class, or a group of them."""

    label: int
    mask: np.ndarray
    """(h, w), bool; it begins at row ``top`` and column ``left`` of the image."""
    group: bool = False
    top: int = 0
    left: int = 0

    @classmethod
    def of_mask(cls, label: int, mask: np.ndarray, group: bool = False) -> Region:
        """That of a mask (H, W) of the whole image, cut to its bounding box: whole masks of
        hundreds of instances would fill the memory."""
        left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
        part = mask[top : top + height, left : left + width].copy()
        return cls(label, part, group, top, left)

    def parts(self) -> list[Region]:
        """The 8-connected parts of the mask; of an empty one, none."""
        if not self.mask.size:
            return []
        _, numbers, boxes, _ = cv2.connectedComponentsWithStats(
            self.mask.astype(np.uint8), connectivity=8
        )
        found = []
        for number, (left, top, width, height, _) in enumerate(boxes[1:].tolist(), 1):
            part = numbers[top : top + height, left : left + width] == number
            found.append(Region(self.label, part, self.group, self.top + top, self.left + left))
        return found

    def paint(self, image: np.ndarray, value: int) -> None:
        """Set the region's pixels in an image (H, W)."""
        rows, columns = self.mask.shape
        image[self.top : self.top + rows, self.left : self.left + columns][self.mask] = value


def regions_of_values(label: int, labels: np.ndarray) -> list[Region]:
    """A region for each value but 0 of a label map (H, W), in ascending order.

    Thousands of values in an image of many pixels take no pass over it each.
    """
    places = np.flatnonzero(labels)
    values = labels.reshape(-1)[places]
    order = np.argsort(values, kind="stable")
    places, values = places[order], values[order]
    if not len(values):
        return []
    begins = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    sides = []
    for along in np.divmod(places, labels.shape[1]):
        sides += [np.minimum.reduceat(along, begins), np.maximum.reduceat(along, begins) + 1]
    return [
        Region(label, labels[top:bottom, left:right] == value, top=top, left=left)
        for value, top, bottom, left, right in zip(
            values[begins], *(side.tolist() for side in sides)
        )
    ]


def are_of_classes(values: Sequence[int]) -> bool:
    """Whether the values but 0 of a map look like those of an instance map of several classes."""
    labels = {value // FIRST_INSTANCE_ID for value in values}
    return len(labels) > 1 and min(labels) >= 1 and max(labels) <= LAST_LABEL


def classified(
    regions: Sequence[Region], values: Sequence[int], labels: Collection[int]
) -> list[Region]:
    """The regions of an instance map's values with their classes; values below 1000 are groups of
    a class, or else stuff, which is left out."""
    found = []
    for region, value in zip(regions, values):
        if value >= FIRST_INSTANCE_ID:
            found.append(replace(region, label=value // FIRST_INSTANCE_ID))
        elif value in labels:
            found.append(replace(region, label=value, group=True))
    return found


def overlaid(regions: Sequence[Region], shape: tuple[int, int]) -> np.ndarray:
    """(H, W), int32: 1 + index of the region that is seen, 0 elsewhere. Smaller ones lie on top."""
    seen = np.zeros(shape, np.int32)
    largest_first = sorted(range(len(regions)), key=lambda i: -int(regions[i].mask.sum()))
    for i in largest_first:
        regions[i].paint(seen, 1 + i)
    return seen


def instance_map(seen: np.ndarray, regions: Sequence[Region], origin: str) -> np.ndarray:
    """The instance map (H, W), uint16, of a whole image or a part of it as ``overlaid``.

    Groups (COCO's crowds) become ``label``, instances ``1000 * label + k``, k from 1 in the order
    of the regions that are seen. Raises UserError for more than 999 instances of a class.
    """
    counts: Counter[int] = Counter()
    ids = np.zeros(1 + len(regions), np.uint16)
    for number in np.unique(seen[seen > 0]).tolist():
        region = regions[number - 1]
        counts[region.label] += not region.group
        if counts[region.label] <= MOST_INSTANCES:
            k = FIRST_INSTANCE_ID * region.label + counts[region.label]
            ids[number] = region.label if region.group else k
    if max(counts.values(), default=0) > MOST_INSTANCES:
        raise UserError(
            f"{origin}: has {max(counts.values())} instances of one class, an instance map holds "
            f"{MOST_INSTANCES}; cut the images into tiles, e.g. --tile 512x512"
        )
    return ids[seen]
