"""Folders of images with their masks: a label map, an instance map or single masks for each."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from dcme.classes import ClassMap, require_classes
from dcme.datasets.regions import Region, are_of_classes, classified, regions_of_values
from dcme.datasets.samples import IMAGE_SUFFIXES, Sample, read_folder, unique_names
from dcme.errors import UserError
from dcme.files import png_palette, read_labels, read_mask, require_size, visible_files
from dcme.labels import FIRST_INSTANCE_ID

MASK_SUFFIXES = (*IMAGE_SUFFIXES, ".npy")

VOC_VOID = 255

ONLY_CLASS = ClassMap((1,), ("object",))
"""Of masks where no classes are given."""


@dataclass(frozen=True)
class Source:
    """An image and how its regions are found."""

    image: Sample
    regions: Callable[[tuple[int, int]], list[Region]]
    """(H, W) of the image to its regions."""
    origin: str
    """What messages call the masks."""
    path: Path
    """The file or folder of the masks."""


def _nested_names(paths: Sequence[Path], folder: Path, masks: Path) -> list[str]:
    """Names of images ``folder``/NAME/images/FILE: NAME, where each has one image and the masks are
    in a folder NAME, too, or the files' own names do not tell the images apart."""
    owners = [path.parent.parent.name for path in paths]
    same = len({path.stem for path in paths}) < len(paths)
    if len(set(owners)) == len(owners) and (same or any((masks / one).is_dir() for one in owners)):
        return owners
    return unique_names(paths, folder)


def images_in(folder: Path, masks: Path) -> list[Sample]:
    """All images of a folder, or of the folders ``*/images`` in it."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of images")
    nested = visible_files(folder, IMAGE_SUFFIXES, "*/images/*")
    if nested and not visible_files(folder, IMAGE_SUFFIXES):
        names = _nested_names(nested, folder, masks)
        return [Sample(name, path, None) for name, path in zip(names, nested)]
    return read_folder(folder)


def thin_values(labels: np.ndarray) -> np.ndarray:
    """The values but 0 of a label map (H, W) that nowhere fill a square of 3x3 pixels."""
    values, places = np.unique(labels, return_inverse=True)
    numbers = places.reshape(labels.shape)  # OpenCV takes no 64-bit values, but these fit anywhere
    ranks, square = numbers.astype(np.float64), np.ones((3, 3), np.uint8)
    solid = cv2.erode(ranks, square) == cv2.dilate(ranks, square)
    thin = values != 0
    thin[numbers[solid]] = False
    return values[thin]


def marks_void(path: Path, values: np.ndarray) -> bool:
    """Whether 255 in a label map of these values marks what is of no object, as VOC's contours are.

    It does where the map has a palette of colours and numbers its objects from below: one with
    objects 254 and 255, or with 255 alone, has instances of that number.
    """
    if not (values == VOC_VOID).any() or (values == VOC_VOID - 1).any() or np.sum(values != 0) < 2:
        return False
    colours = np.frombuffer(png_palette(path), np.uint8).reshape(-1, 3)
    return bool((colours != colours[:, :1]).any())


class MaskReader:
    """Masks in a folder ``root``, a file or a folder for each image: of a single class, or instance
    maps of the several ``classes`` that are given."""

    def __init__(
        self, root: Path, names: Sequence[str], classes: ClassMap | None, parts: str | None
    ) -> None:
        self.root, self.classes, self.parts = root, classes, parts
        self.files: dict[str, list[Path]] = {}
        """Label maps directly in the folder, by the image whose they can be."""
        known = set(names)
        for path in visible_files(root, MASK_SUFFIXES):
            self.files.setdefault(self._owner(path.stem, known), []).append(path)

    @staticmethod
    def _owner(stem: str, names: set[str]) -> str:
        """The longest image name that the stem is, or begins with before ``_`` or ``.``; or ""."""
        ends = [i for i, letter in enumerate(stem) if letter in "_."]
        starts = [stem, *(stem[:i] for i in reversed(ends))]
        return next((start for start in starts if start in names), "")

    def source(self, image: Sample) -> Source:
        """The masks of one image: a folder of its name, or the one file of its name."""
        for folder in (self.root / image.name / "masks", self.root / image.name):
            if folder.is_dir():
                return Source(image, partial(self.from_folder, folder), str(folder), folder)
        owned = self.files.get(image.name, [])
        found = [p for p in owned if p.stem == image.name] or owned
        if not found:
            raise UserError(
                f"{image.image}: no masks in {self.root}: neither a folder {image.name} nor a file "
                f"{image.name}.png, .tif or .npy (an ending such as _masks may follow the name)"
            )
        if len(found) > 1:
            raise UserError(
                f"{image.image}: two files could hold its masks, {found[0]} and {found[1].name}"
            )
        if found[0].samefile(image.image_path()):
            raise UserError(f"{found[0]}: is the image itself; masks are in a folder of their own")
        return Source(image, partial(self.from_label_map, found[0]), str(found[0]), found[0])

    def from_label_map(self, path: Path, shape: tuple[int, int]) -> list[Region]:
        """One instance for each number but 0; those of several classes with the numbers' labels."""
        labels = read_labels(path)
        require_size(path, labels.shape, shape)
        values = np.unique(labels)
        if values[0] < 0:
            raise UserError(f"{path}: holds {values[0]}; a label map is 0 where no instance is")
        if marks_void(path, values):
            warnings.warn(
                f"{self.root}: in label maps with a palette 255 is no instance but VOC's void "
                "(where it is one, save the numbers as grey images or .npy)",
                stacklevel=1,
            )
            labels = np.where(labels == VOC_VOID, 0, labels)
            values = np.unique(labels)
        thin = thin_values(labels)
        if self.parts != "one" and len(thin) >= 3 and 2 * len(thin) > np.count_nonzero(values):
            raise UserError(
                f"{path}: {len(thin)} of its values occur on thin lines only, as the greys of "
                "smoothed edges do; a label map has one value for each instance (if this one has: "
                "--parts one)"
            )
        regions = regions_of_values(self._label(), labels)
        regions = self._labelled(path, regions, values[values != 0].tolist())
        if self.parts is None and regions and all(len(r.parts()) > 1 for r in regions):
            listed = ", ".join(str(value) for value in values[values != 0][:3])
            raise UserError(
                f"{path}: each value of its foreground ({listed}) is in separate parts; say "
                "--parts each if every part is an instance, --parts one if every value is one"
            )
        return self._instances(regions)

    def from_folder(self, folder: Path, shape: tuple[int, int]) -> list[Region]:
        """One instance for each file; a folder without any file holds none."""
        paths = visible_files(folder, MASK_SUFFIXES)
        if not paths and any(p.is_file() and p.name[0] != "." for p in folder.iterdir()):
            raise UserError(f"{folder}: holds no masks ({', '.join(MASK_SUFFIXES)})")
        regions = []
        for path in paths:
            mask = read_mask(path)
            require_size(path, mask.shape, shape)
            regions.append(Region.of_mask(self._label(), mask))
        return self._instances(regions)

    def _label(self) -> int:
        """The first of the classes, which is the only one but in instance maps."""
        return self.classes.labels[0] if self.classes is not None else ONLY_CLASS.labels[0]

    def _labelled(self, path: Path, regions: list[Region], values: list[int]) -> list[Region]:
        """The regions of a map's values but 0, in their order, with the classes that these tell."""
        if self.classes is None and are_of_classes(values):
            warnings.warn(
                f"{self.root}: seems to hold instance maps of several classes (1000 * class + "
                "number); all became one class, --classes LABEL:NAME,LABEL:NAME,... keeps them",
                stacklevel=1,
            )
        if self.classes is None or len(self.classes.labels) == 1:
            return regions
        labels = {value // FIRST_INSTANCE_ID for value in values}
        require_classes(self.classes, labels - {0}, path)
        return classified(regions, values, self.classes.labels)

    def _instances(self, regions: list[Region]) -> list[Region]:
        if self.parts != "each":
            return regions
        return [part for region in regions for part in region.parts()]
