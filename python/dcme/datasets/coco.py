"""COCO annotation files: polygons and run lengths to masks."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dcme.classes import LAST_LABEL, ClassMap
from dcme.datasets.regions import Region
from dcme.errors import UserError
from dcme.files import read_json

LONGEST_NUMBER = 40
"""Bits of a run length; longer ones only cost time."""
FARTHEST = 1e12
"""Pixels from an image's corner to one of a polygon's; so no number gets too large."""


@dataclass
class Annotations:
    """What a COCO file says of one image."""

    origin: str
    """File and image, for messages."""
    shape: tuple[int, int]
    """(H, W) as the file has it."""
    items: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    """Labels and annotations."""

    def regions(self, shape: tuple[int, int]) -> list[Region]:
        """The annotated regions of the image, which has ``shape`` (H, W); some may be empty."""
        if shape != self.shape:
            raise UserError(
                f"{self.origin}: the file says {self.shape[0]}x{self.shape[1]}, the image is "
                f"{shape[0]}x{shape[1]} (HxW)"
            )
        found = []
        for label, item in self.items:
            mask = _mask(item.get("segmentation"), shape, f"{self.origin}: {_name(item)}")
            found.append(Region.of_mask(label, mask, bool(item.get("iscrowd", 0))))
        return found


@dataclass(frozen=True)
class Coco:
    """A COCO file."""

    images: dict[str, Annotations]
    """By file name, in the order of the file."""
    classes: ClassMap
    left_out: dict[str, int]
    """Categories that are no class, and their annotations, of those that have some."""


def _name(item: dict[str, Any]) -> str:
    return f"annotation {item.get('id', '?')}"


def _polygons(parts: Sequence[Any], shape: tuple[int, int], origin: str) -> np.ndarray:
    """The pixels whose centres lie in one of the polygons x0, y0, x1, y1, ..."""
    mask = np.zeros(shape, bool)
    for part in parts:
        try:
            points = np.asarray(part, np.float64)
        except (TypeError, ValueError, OverflowError):
            points = np.empty(0)
        if points.ndim != 1 or points.size < 6 or points.size % 2 or not np.isfinite(points).all():
            raise UserError(f"{origin}: a polygon is a list of at least three x, y pairs")
        mask |= _inside(points.reshape(-1, 2), shape)
    return mask


def _inside(corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The pixels (H, W) whose centres lie in a polygon of ``corners`` (x, y): those on whose left
    its outline crosses the row an odd number of times."""
    height, width = shape
    # COCO's (0, 0) is the corner of the first pixel, so its centre is (0.5, 0.5).
    corners = np.clip(corners - 0.5, -FARTHEST, FARTHEST)
    crossed = np.zeros((height, width + 1), bool)
    for (x, y), (next_x, next_y) in zip(corners, np.roll(corners, -1, axis=0)):
        first, last = np.clip(np.ceil(sorted((y, next_y))), 0, height).astype(int)
        if first == last:
            continue
        crossings = x + (np.arange(first, last) - y) / (next_y - y) * (next_x - x)
        columns = np.clip(np.ceil(crossings), 0, width).astype(int)
        crossed[np.arange(first, last), columns] ^= True
    mask = np.zeros(shape, bool)
    columns = np.flatnonzero(crossed.any(axis=0))
    rows = np.flatnonzero(crossed.any(axis=1))
    if len(rows):
        box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1]]
        mask[box] = np.logical_xor.accumulate(crossed[box], axis=1)
    return mask


def _lengths(text: str) -> list[int] | None:
    """The numbers of COCO's compressed run lengths; None where the text is damaged.

    A character holds six bits, counted from "0" on: five of a number, the lowest first, and whether
    more follow; the highest of the last five is its sign. From the fourth number on, it is the
    difference to the length two before.
    """
    lengths: list[int] = []
    number = bits = 0
    for letter in text:
        code = ord(letter) - ord("0")
        if not 0 <= code < 64 or bits > LONGEST_NUMBER:
            return None
        number |= (code & 31) << bits
        bits += 5
        if code & 32:
            continue
        if code & 16:
            number -= 1 << bits
        lengths.append(number + (lengths[-2] if len(lengths) > 2 else 0))
        number = bits = 0
    return lengths if bits == 0 else None


def _runs(counts: Any, shape: tuple[int, int], origin: str) -> np.ndarray:
    """Alternating lengths of 0 and 1, down the columns."""
    if isinstance(counts, str):
        counts = _lengths(counts)
        if counts is None:
            raise UserError(f"{origin}: the compressed run lengths are damaged; export them again")
    pixels = shape[0] * shape[1]
    whole = isinstance(counts, list) and all(type(n) is int and 0 <= n <= pixels for n in counts)
    if not whole or sum(counts) != pixels:
        raise UserError(
            f"{origin}: run lengths are whole numbers whose sum is the image's {shape[0]}x"
            f"{shape[1]} pixels"
        )
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(shape[1], shape[0]).T


def _mask(segmentation: Any, shape: tuple[int, int], origin: str) -> np.ndarray:
    if isinstance(segmentation, list):
        return _polygons(segmentation, shape, origin)
    if isinstance(segmentation, dict) and segmentation.get("size") == list(shape):
        return _runs(segmentation.get("counts"), shape, origin)
    raise UserError(
        f"{origin}: has no segmentation, a list of polygons or run lengths of the image's size"
    )


def _advice(names: Sequence[str]) -> str:
    """How categories of these names get labels."""
    most = 3 if len(names) > LAST_LABEL else len(names)
    numbered = ",".join(f"{label}:{name}" for label, name in enumerate(names[:most], 1))
    if most == len(names):
        return f"give the categories labels: --classes {shlex.quote(numbered)}"
    return (
        f"name up to {LAST_LABEL} of the {len(names)} categories, "
        f"e.g. --classes {shlex.quote(numbered)}"
    )


def _classes(categories: dict[int, str], wanted: ClassMap | None, path: Path) -> dict[int, int]:
    """Category ids to labels; without ``wanted`` a category's id is its label."""
    if wanted is not None:
        labels = dict(zip(wanted.names, wanted.labels))
        known = set(categories.values())
        missing = [name for name in wanted.names if name not in known]
        if missing:
            raise UserError(
                f"{path}: has no category '{missing[0]}'; it has {', '.join(sorted(known))}"
            )
        return {category: labels[n] for category, n in categories.items() if n in labels}
    double = [name for name, times in Counter(categories.values()).items() if times > 1]
    if double:
        raise UserError(
            f"{path}: two categories are called '{double[0]}'; to make them one class, "
            f"{_advice(list(dict.fromkeys(categories.values())))}"
        )
    outside = [c for c in categories if not 1 <= c <= LAST_LABEL]
    if outside:
        raise UserError(
            f"{path}: category {outside[0]} cannot be a label (1..{LAST_LABEL}); "
            f"{_advice(list(categories.values()))}"
        )
    return {category: category for category in categories}


def _load(path: Path) -> tuple[dict[int, str], list[Any], list[Any]]:
    """Categories, images and annotations of the file."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise UserError(
            f"{path}: is no COCO annotation file, {{images, annotations, categories}}, but a "
            f"{type(content).__name__}; results in COCO's form are such lists"
        )
    try:
        categories = {int(c["id"]): str(c["name"]) for c in content["categories"]}
        return categories, list(content["images"]), list(content["annotations"])
    except (ValueError, OverflowError, TypeError) as error:
        raise UserError(f"{path}: is no COCO file ({error})") from None
    except KeyError as error:
        raise UserError(f"{path}: is no COCO file (lacks {error})") from None


def read_coco(path: Path, wanted: ClassMap | None = None) -> Coco:
    """The images of a COCO file and their annotations of the ``wanted`` categories (all).

    Raises UserError for files that are none, for unknown categories and images named twice.
    """
    categories, images, annotations = _load(path)
    labels = _classes(categories, wanted, path)
    by_id: dict[Any, Annotations] = {}
    names: dict[str, Annotations] = {}
    left_out: Counter[str] = Counter()
    try:
        for image in images:
            name = str(image["file_name"])
            shape = (int(image["height"]), int(image["width"]))
            names[name] = by_id[image["id"]] = Annotations(f"{path} ({name})", shape)
        for item in annotations:
            if item["category_id"] not in categories or item["image_id"] not in by_id:
                raise UserError(f"{path}: {_name(item)} is of an image or category not in it")
            label = labels.get(item["category_id"])
            if label is None:
                left_out[categories[item["category_id"]]] += 1
            else:
                by_id[item["image_id"]].items.append((label, item))
    except (ValueError, OverflowError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path}: is no COCO file ({error})") from None
    except KeyError as error:
        raise UserError(f"{path}: is no COCO file (an entry lacks {error})") from None
    except (TypeError, AttributeError) as error:
        raise UserError(f"{path}: is no COCO file ({error})") from None
    double = [
        name for name, times in Counter(str(i["file_name"]) for i in images).items() if times > 1
    ]
    if double or not names:
        problem = f"names the image {double[0]} twice" if double else "names no images"
        raise UserError(f"{path}: {problem}")
    table = wanted or ClassMap(tuple(categories), tuple(categories.values()))
    return Coco(names, table, dict(left_out.most_common()))
