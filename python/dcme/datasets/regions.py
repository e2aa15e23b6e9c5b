"""Masks of single instances, kept as the part of the image where they are."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


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
