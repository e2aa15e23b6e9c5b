"""Instances of an image in files, as Cityscapes' evaluation expects them.

``OUT/<name>.txt`` lists one instance a line, ``masks/<name>_000.png label score``; the masks are
8-bit PNGs, non-zero inside, and scores have nine digits, which keep all floats apart.
``OUT/instanceIds/<name>_instanceIds.png`` is the same as one 16-bit map with ``1000 * label + k``,
instances of higher score over those of lower score; where the label is 0, for no class,
``1000 + k``. Of more than a thousand instances of a label, which these cannot number,
``<name>_labels.npy`` is there instead, int32, that of line n being n. Where masks are not wanted,
every line names that map in place of its mask.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from glob import escape
from pathlib import Path

import cv2
import numpy as np

from dcme.classes import LAST_LABEL
from dcme.datasets.samples import IDS_ENDING, IMAGE_ENDING, Sample
from dcme.errors import UserError
from dcme.files import (
    PathLike,
    read_ids,
    read_labels,
    read_mask,
    read_text,
    resized,
    visible_files,
    write_npy,
    write_png,
    write_text,
)
from dcme.labels import FIRST_INSTANCE_ID
from dcme.parallel import stop_if_cancelled

PREDICTION_FILE = "predict.json"
"""What the results in a folder come from, left there by whoever began to predict them."""
_UNFINISHED = ".decoding"
"""Left where decoding was stopped, so that what it had written is known to be no user's."""
MASK_FOLDER, MAP_FOLDER = "masks", "instanceIds"
LAST_ID = np.iinfo(np.uint16).max
UNCLASSIFIED = 0
"""Label of instances where neither a network nor a class list tells their class."""
ListedRow = tuple[Path, int, float]
"""A line of a text file: mask, label and score."""


class LazyMasks:
    """Masks that are made when they are asked for, so that thousands need no memory together.

    ``draw``, if it is quicker than one mask after the other: the label map of all, (H, W) int32 of
    1 + index, where masks are drawn in the order of the indices it is given, later over earlier.
    """

    def __init__(
        self,
        count: int,
        make: Callable[[int], np.ndarray],
        draw: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self._count, self._make, self.draw = count, make, draw

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> np.ndarray:
        if not 0 <= index < self._count:
            raise IndexError(index)
        return self._make(index)

    def __iter__(self) -> Iterator[np.ndarray]:
        return map(self._make, range(self._count))


@dataclass
class ImageResult:
    """Instances found in one image of ``size`` = (H, W).

    K ``masks`` (H, W), boolean; ``labels`` (K,); ``scores`` (K,); ``centres`` (K, 2) as (row, col).
    """

    name: str
    size: tuple[int, int]
    masks: LazyMasks | np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    centres: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))

    def __len__(self) -> int:
        return len(self.masks)

    def instance_map(self) -> np.ndarray:
        """One 16-bit map (H, W), ``1000 * label + k``; raises where k would pass 999.

        Instances without a class get ``1000 + k``: smaller values are no instances.
        """
        return np.array([0, *_ids(self.name, self.labels)], np.uint16)[self.label_map()]

    def label_map(self) -> np.ndarray:
        """(H, W), int32: 1 + index of the instance, those of higher score on top; 0 elsewhere."""
        upwards = np.argsort(self.scores, kind="stable")
        if isinstance(self.masks, LazyMasks) and self.masks.draw is not None:
            return self.masks.draw(upwards)
        labels = np.zeros(self.size, np.int32)
        for index in upwards.tolist():
            stop_if_cancelled()
            labels[self.masks[index]] = 1 + index
        return labels

    def resized(self, size: tuple[int, int], cubic: bool = False) -> ImageResult:
        """The same instances at another size (H, W); see ``resize_mask``."""
        if size == self.size:
            return self
        masks = LazyMasks(len(self), lambda index: resize_mask(self.masks[index], size, cubic))
        scale = np.array(size) / np.array(self.size)
        centres = (np.asarray(self.centres, float).reshape(-1, 2) + 0.5) * scale - 0.5
        return ImageResult(self.name, size, masks, self.labels, self.scores, centres)


def _ids(name: str, labels: np.ndarray) -> list[int]:
    """Values of the instances of these labels (K,) in a 16-bit instance map."""
    counts: dict[int, int] = {}
    values = []
    for label in np.maximum(labels, 1).tolist():
        number = counts.get(label, 0)
        counts[label] = number + 1
        value = FIRST_INSTANCE_ID * label + number
        if number >= FIRST_INSTANCE_ID or value > LAST_ID:
            raise UserError(
                f"{name}: more than {number} instances of label {label} do not fit into a 16-bit "
                "instance map"
            )
        values.append(value)
    return values


def resize_mask(mask: np.ndarray, size: tuple[int, int], cubic: bool = False) -> np.ndarray:
    """A boolean mask at another size: linear interpolation, at least half covered.

    ``cubic`` is what the published numbers were made with: INTER_CUBIC of 0/255, every non-zero
    value counts.
    """
    grey = mask.astype(np.uint8) * 255
    if cubic:
        return resized(grey, size, cv2.INTER_CUBIC) > 0
    return resized(grey, size, cv2.INTER_LINEAR) >= 128


def text_path(out: PathLike, name: str) -> Path:
    """The text file of an image's result; where it is, all of the result is."""
    return Path(out) / f"{name}.txt"


def folders_read(samples: Sequence[Sample]) -> set[Path]:
    """Folders in which results would mix with what is read: instance maps that lie where results'
    do, and images."""
    maps = {s.ids.parent for s in samples if s.ids is not None}
    beside = {folder.parent for folder in maps if folder.name == MAP_FOLDER}
    return maps | beside | {s.image.parent for s in samples if s.image is not None}


def map_path(out: PathLike, name: str) -> Path:
    """The instance map of an image's result."""
    return Path(out) / MAP_FOLDER / f"{name}_instanceIds.png"


def _maps(out: PathLike, name: str) -> tuple[Path, Path]:
    """The instance map of an image's result, and the label map that may be there instead."""
    path = map_path(out, name)
    return path, path.with_name(f"{name}_labels.npy")


def results_in(out: PathLike) -> list[str]:
    """Names of the images whose results a folder holds, which need not be there yet."""
    if Path(out).is_file():
        raise UserError(f"{out}: is a file; name a folder")
    texts = [path.stem for path in visible_files(out, (".txt",))]
    return [text for text in texts if any(path.is_file() for path in _maps(out, text))]


def require_no_results(source: PathLike) -> None:
    """Raise where what should be ground truth is a folder of results."""
    if Path(source).is_dir() and results_in(source):
        raise UserError(
            f"{source}: holds results; the ground truth is named after them (dcme evaluate RESULTS "
            "SOURCE)"
        )


def require_no_others(out: PathLike, names: Collection[str], remedy: str = "") -> None:
    """Raise where a folder holds results of images other than these: they would be taken for ones
    that were made together. ``remedy`` says what can be done beside choosing another folder."""
    others = [name for name in results_in(out) if name not in names]
    if others:
        listed = f"{', '.join(others[:3])}{', ...' if len(others) > 3 else ''}"
        raise UserError(
            f"{out}: holds results of other images ({len(others)}: {listed}); name another folder "
            f"or delete this one{remedy}"
        )


def require_no_other_files(out: PathLike, names: Collection[str]) -> None:
    """Raise where a folder in which no results were begun holds files in the places of those of
    these images. Masks of the user's own, ``masks/NAME_000.png``, have the very names of results.
    """
    begun = (Path(out) / name for name in (PREDICTION_FILE, _UNFINISHED))
    if results_in(out) or any(mark.exists() for mark in begun):
        return
    for folder in (Path(out) / MASK_FOLDER, Path(out) / MAP_FOLDER):
        if folder.is_dir() and any(path.name[0] != "." for path in folder.iterdir()):
            raise UserError(f"{folder}: holds files other than results; name another folder")
    for text in (text_path(out, name) for name in names):
        if text.exists():
            raise UserError(f"{text}: exists and is no result; name another folder")


@contextmanager
def decoding_into(out: PathLike) -> Iterator[None]:
    """While results are written that no prediction may go on with: a mark that they were begun.

    It stays where this does not come to its end.
    """
    mark = Path(out) / _UNFINISHED
    write_text(mark, "")
    (Path(out) / PREDICTION_FILE).unlink(missing_ok=True)
    yield
    mark.unlink(missing_ok=True)


def write_result(out: PathLike, result: ImageResult, masks: bool = True) -> None:
    """Write one image's masks, unless they are not wanted, its instance map and, last of all, its
    text file.

    Earlier ones go first of all: whatever interrupts this, none tells of masks of two runs.
    """
    root = Path(out)
    text = text_path(root, result.name)
    ids, labels = _maps(root, result.name)
    for earlier in (text, ids, labels):
        earlier.unlink(missing_ok=True)
    for stale in (root / MASK_FOLDER).glob(f"{escape(result.name)}_[0-9]*.png"):
        if stale.stem[len(result.name) + 1 :].isdecimal():
            stale.unlink()
    paths = [f"{MASK_FOLDER}/{result.name}_{k:03d}.png" for k in range(len(result)) if masks]
    for index, path in enumerate(paths):
        stop_if_cancelled()
        write_png(root / path, result.masks[index].astype(np.uint8) * 255)
    whole = ids
    try:
        write_png(ids, result.instance_map())
    except UserError as error:
        whole = labels
        write_npy(labels, result.label_map())
        warnings.warn(f"{error}; {labels} is written instead", stacklevel=2)
    lines = [
        f"{path} {int(label)} {score:.9g}\n"
        for path, label, score in zip(
            paths or [f"{MAP_FOLDER}/{whole.name}"] * len(result), result.labels, result.scores
        )
    ]
    write_text(text, "".join(lines))


def _parse_line(path: Path, number: int, line: str) -> ListedRow:
    fields = line.rsplit(maxsplit=2)
    try:
        mask, label, score = path.parent / fields[0], int(fields[1]), float(fields[2])
    except (IndexError, ValueError):
        raise UserError(
            f"{path}:{number}: a line is 'mask.png label score', not '{line}'"
        ) from None
    if not UNCLASSIFIED <= label <= LAST_LABEL:
        raise UserError(
            f"{path}:{number}: the label {fields[1]} is none of 1..{LAST_LABEL}, or "
            f"{UNCLASSIFIED} for none"
        )
    if not np.isfinite(score):
        raise UserError(f"{path}:{number}: the score is {score}")
    return mask, label, score


def list_result(path: PathLike) -> list[ListedRow]:
    """What a text file lists: (mask, label, score) of each instance."""
    text = Path(path)
    lines = [line.strip() for line in read_text(text).split("\n")]
    return [_parse_line(text, i, line) for i, line in enumerate(lines, 1) if line]


def lists_map(rows: Sequence[ListedRow]) -> bool:
    """Whether the lines of a text file name the map of all instances instead of single masks."""
    return bool(rows) and rows[0][0].parent.name == MAP_FOLDER


def read_listed_map(rows: Sequence[ListedRow]) -> np.ndarray:
    """(H, W), int32: at the pixels of line n of such a text file n, from 1; 0 elsewhere.

    Of overlapping instances the ones of higher score have the pixels. Raises where the map holds an
    instance that no line is about.
    """
    path = rows[0][0]
    if any(row[0] != path for row in rows):
        raise UserError(f"{path}: its text file also names other files; predict the image again")
    if path.suffix == ".npy":
        labels = read_labels(path)
        _require_lines(path, labels[(labels < 0) | (labels > len(rows))])
        return np.ascontiguousarray(labels, np.int32)
    numbers = np.zeros(LAST_ID + 1, np.int32)
    numbers[_ids(str(path), np.array([row[1] for row in rows]))] = np.arange(1, len(rows) + 1)
    ids = read_ids(path)
    found = numbers[ids]
    _require_lines(path, ids[(found == 0) & (ids >= FIRST_INSTANCE_ID)])
    return found


def renumbered(label_map: np.ndarray, lines: int, places: Sequence[int]) -> np.ndarray:
    """The map of so many lines with the instances of some only: that at the k-th place becomes k,
    from 1; places count from 0."""
    numbers = np.zeros(1 + lines, np.int32)
    numbers[1 + np.asarray(places, int)] = np.arange(1, 1 + len(places))
    return numbers[label_map]


def _require_lines(path: Path, others: np.ndarray) -> None:
    """Raise where a map holds values, ``others``, that no line of its list stands for."""
    if len(others):
        raise UserError(
            f"{path}: holds {others[0]}, which is no instance of its text file; they are of two "
            "runs, or one was edited: predict the image again"
        )


def _found_text(results: PathLike, sample: Sample) -> Path | None:
    names = [sample.name]
    for path in (sample.image, sample.ids):
        if path is not None:
            for ending in (IMAGE_ENDING, IDS_ENDING):
                names.append(path.stem.removesuffix(ending))
    paths = (text_path(results, name) for name in dict.fromkeys(names))
    return next((path for path in paths if path.is_file()), None)


def result_path(results: PathLike, sample: Sample) -> Path:
    """The text file with a sample's results; raises where there is none."""
    path = _found_text(results, sample)
    if path is None:
        raise UserError(f"{text_path(results, sample.name)}: there are no results for this image")
    return path


def require_results(results: PathLike, samples: Sequence[Sample]) -> None:
    """Raise where a folder lacks results of some of these images, or of all."""
    if not Path(results).is_dir():
        raise UserError(f"{results}: no such folder of results")
    lacking = [sample for sample in samples if _found_text(results, sample) is None]
    if not lacking:
        return
    first, count = lacking[0].name, f"{len(lacking)} of {len(samples)} images lack them"
    if len(lacking) < len(samples) or (Path(results) / PREDICTION_FILE).is_file():
        raise UserError(
            f"{text_path(results, first)}: there are no results for this image ({count}; an "
            "interrupted dcme predict goes on with --resume)"
        )
    raise UserError(
        f"{results}: holds no results of these images ({first}: {count}); name the folder that "
        "dcme predict or decode has written for them"
    )


def read_result(path: PathLike, size: tuple[int, int] | None = None) -> ImageResult:
    """The instances that a text file lists; ``size`` (H, W) is what their masks must have.

    By default that of the first one. Each mask is read when it is asked for.
    """
    text = Path(path)
    rows = list_result(text)
    whole = read_listed_map(rows) if lists_map(rows) else None
    if size is None and whole is not None:
        size = whole.shape[0], whole.shape[1]
    if size is None:
        size = read_mask(rows[0][0]).shape if rows else (0, 0)
    height, width = size

    def mask(index: int) -> np.ndarray:
        found = read_mask(rows[index][0]) if whole is None else whole == index + 1
        if found.shape != (height, width):
            raise UserError(
                f"{rows[index][0]}: is {found.shape[0]}x{found.shape[1]}, expected "
                f"{height}x{width} (dcme decode --size {height}x{width} brings masks to it)"
            )
        return found

    return ImageResult(
        text.stem,
        (height, width),
        LazyMasks(len(rows), mask),
        np.array([label for _, label, _ in rows], np.int32),
        np.array([score for _, _, score in rows], np.float64),
    )
