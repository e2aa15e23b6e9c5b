"""Square crops around instances: what the classifier of paper 1 (DCME 2017) sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from glob import escape
from pathlib import Path

import cv2
import numpy as np

from dcme.classes import CITYSCAPES, ClassMap
from dcme.datasets.samples import Sample, require_files
from dcme.encoding import instances
from dcme.errors import UserError
from dcme.files import PathLike, read_ids, read_image, resized, write_png, write_text
from dcme.labels import LABEL_ID
from dcme.parallel import ordered_map, progress

Box = tuple[int, int, int, int]
"""Top, left, bottom, right; the last two one past the end."""


@dataclass(frozen=True)
class CropRule:
    """How an instance's box becomes a picture of ``side`` x ``side`` pixels.

    The box is made square, at least ``smallest`` pixels wide, and clipped to the image; what is
    left is brought to the size by area averaging. Riders get a wider box where their class is
    known, by ``rider_margin`` = (where the square was widened to ``smallest``, elsewhere) pixels,
    as the vehicle below tells a rider from a person.
    """

    side: int = 224
    smallest: int = 50
    rider_margin: tuple[int, int] = (10, 20)

    def square(self, box: Box, shape: tuple[int, int], rider: bool = False) -> Box:
        """The part of an image of ``shape`` = (H, W) that is cut out for an instance's box."""
        top, left, bottom, right = box
        longest = max(bottom - top, right - left)
        side = max(longest, self.smallest)
        if rider:
            side += self.rider_margin[0 if longest <= self.smallest else 1]
        row, column = (top + bottom - side) // 2, (left + right - side) // 2
        return (
            max(row, 0),
            max(column, 0),
            min(row + side, shape[0]),
            min(column + side, shape[1]),
        )

    def cut(self, image: np.ndarray, box: Box, rider: bool = False) -> np.ndarray:
        """The picture (side, side, 3) of an instance's box in an image (H, W, 3)."""
        top, left, bottom, right = self.square(box, image.shape[:2], rider)
        part = image[top:bottom, left:right]
        if part.size == 0:
            raise ValueError(f"the box {box} lies outside the image of {image.shape[:2]}")
        return resized(part, (self.side, self.side), cv2.INTER_AREA)


@dataclass(frozen=True)
class CropSettings:
    """Which instances become crops."""

    rule: CropRule = field(default_factory=CropRule)
    classes: ClassMap = CITYSCAPES
    every: Mapping[int, int] = field(
        default_factory=lambda: {LABEL_ID["person"]: 3, LABEL_ID["car"]: 6, LABEL_ID["bicycle"]: 2}
    )
    """In training only every n-th instance of these labels is kept."""

    @classmethod
    def of_classes(cls, rule: CropRule, classes: ClassMap) -> CropSettings:
        """Those for other classes than Cityscapes': every instance is kept."""
        if classes == CITYSCAPES:
            return cls(rule)
        return cls(rule, classes, {})

    def class_of(self, label: int) -> int:
        """The classifier's class of a label: 1.. in the order of the table, 0 for ignored ones."""
        return 0 if label in self.classes.ignored else 1 + self.classes.labels.index(label)


@dataclass(frozen=True)
class _Instance:
    """One that becomes a crop."""

    id: int
    label: int
    box: Box


def _listed(settings: CropSettings, sample: Sample) -> list[_Instance]:
    """The instances of a sample that have a class."""
    table = instances(read_ids(sample.ids_path()))
    wanted = table[np.isin(table["label"], (*settings.classes.labels, *settings.classes.ignored))]
    return [
        _Instance(
            int(row["id"]),
            int(row["label"]),
            (int(row["top"]), int(row["left"]), int(row["bottom"]), int(row["right"])),
        )
        for row in wanted
    ]


def _thinned(groups: Sequence[list[_Instance]], every: Mapping[int, int]) -> list[list[_Instance]]:
    """Every n-th instance of the labels named, counted over all images."""
    seen: Counter[int] = Counter()
    kept: list[list[_Instance]] = []
    for group in groups:
        kept.append([])
        for one in group:
            if seen[one.label] % every.get(one.label, 1) == 0:
                kept[-1].append(one)
            seen[one.label] += 1
    return kept


def crops_of(split: str, sample: Sample) -> str:
    """Pattern of the files of a sample's crops, below the data set's folder."""
    return f"crops/{split}/{escape(sample.name)}_[0-9]*.png"


def _crop_path(split: str, sample: Sample, one: _Instance) -> Path:
    return Path("crops") / split / f"{sample.name}_{one.id}.png"


def _write_crops(
    out: Path, split: str, rule: CropRule, item: tuple[Sample, list[_Instance]]
) -> None:
    sample, group = item
    todo = [one for one in group if not (out / _crop_path(split, sample, one)).exists()]
    if not todo:
        return
    image = read_image(sample.image_path())
    for one in todo:
        crop = rule.cut(image, one.box, rider=one.label == LABEL_ID["rider"])
        write_png(out / _crop_path(split, sample, one), crop)


@dataclass(frozen=True)
class ToCrop:
    """What becomes crops in one split."""

    samples: Sequence[Sample]
    instances: Sequence[list[_Instance]]
    """Of each sample."""


def list_crops(
    groups: Mapping[str, Sequence[Sample]],
    settings: CropSettings,
    workers: int = 1,
    quiet: bool = True,
) -> dict[str, ToCrop]:
    """The instances of each split that have a class; raises where a split has none.

    The split ``train`` is thinned as the settings say.
    """
    chosen = {}
    for split, samples in groups.items():
        require_files(samples, image=True, ids=True)
        found = ordered_map(partial(_listed, settings), samples, workers)
        listed = list(progress(found, len(samples), f"listing {split} instances", quiet))
        kept = _thinned(listed, settings.every if split == "train" else {})
        if not any(kept):
            raise UserError(
                f"{split}: holds no instance of the classes {settings.classes}; nothing to crop "
                "(--classes names others)"
            )
        chosen[split] = ToCrop(samples, kept)
    return chosen


def write_crops(
    chosen: Mapping[str, ToCrop],
    out: PathLike,
    settings: CropSettings,
    workers: int = 1,
    quiet: bool = True,
) -> dict[str, int]:
    """Cut out the instances of each split; returns how many.

    Writes ``crops/<split>/<name>_<id>.png`` and lists ``<split>.txt`` of lines ``crop class`` for
    Caffe's ImageData layer (``root_folder`` is ``out``). Crops that an earlier, interrupted call
    has written are kept.
    """
    root, counts = Path(out), {}
    for split, to_crop in chosen.items():
        pairs = list(zip(to_crop.samples, to_crop.instances))
        # Two threads must not write one file: of an image that is listed again, one writes all.
        whole: dict[str, tuple[Sample, list[_Instance]]] = {}
        for sample, group in pairs:
            whole.setdefault(sample.name, (sample, []))[1].extend(group)
        todo = list(whole.values())
        work = ordered_map(partial(_write_crops, root, split, settings.rule), todo, workers)
        for _ in progress(work, len(todo), f"cropping {split}", quiet):
            pass
        lines = [
            f"{_crop_path(split, sample, one).as_posix()} {settings.class_of(one.label)}\n"
            for sample, group in pairs
            for one in group
        ]
        write_text(root / f"{split}.txt", "".join(lines))
        counts[split] = len(lines)
    return counts
