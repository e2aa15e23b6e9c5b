"""Instance masks in the forms that people have, made into images, instance maps and lists.

Three forms are read: a label map for each image (0, 1, 2, ..., or an instance map of several
classes; PNG, TIFF or .npy), a folder of single masks for each image, and a COCO annotation file.
"""

from __future__ import annotations

import shutil
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from dcme.classes import ClassMap
from dcme.datasets.class_file import CLASS_FILE, write_classes
from dcme.datasets.coco import read_coco
from dcme.datasets.mask_folders import MASK_SUFFIXES, ONLY_CLASS, MaskReader, Source, images_in
from dcme.datasets.regions import instance_map, overlaid
from dcme.datasets.samples import Sample, list_line, unique_names
from dcme.errors import UserError
from dcme.files import (
    Levels,
    PathLike,
    is_deep_grey_png,
    read_image,
    write_png,
    write_text,
)
from dcme.labels import FIRST_INSTANCE_ID
from dcme.parallel import ordered_map, progress

UNFINISHED = ".collecting"
"""A mark in a folder that is being filled. A call that was killed leaves it, and its folder is
taken over; any other that holds something is somebody's."""


@dataclass(frozen=True)
class Settings:
    """How masks are read and images divided."""

    parts: str | None = None
    """What the parts of a mask that do not touch are: "one" instance, or "each" an instance.

    None is "one", but refuses label maps that look like something else.
    """
    val: float = 0.2
    """The share of the images that becomes ``val.txt``."""
    seed: int = 1
    """Of the choice of those images."""
    levels: Levels | None = None
    """Of images of more than 8 bits: what becomes black and white."""
    tile: tuple[int, int] | None = None
    """(H, W) that no image is to exceed; larger ones are cut, with the instances at the cuts."""


def tiles(shape: tuple[int, int], limit: tuple[int, int] | None) -> list[tuple[slice, slice]]:
    """The fewest parts of an image (H, W), about equal, of which none is larger than ``limit``."""
    sides = []
    for length, most in zip(shape, limit or shape):
        count = -(-length // most)
        ends = [length * i // count for i in range(count + 1)]
        sides.append([slice(*pair) for pair in zip(ends, ends[1:])])
    return [(rows, columns) for rows in sides[0] for columns in sides[1]]


def _from_folder(
    images: Path, masks: Path, classes: ClassMap | None, settings: Settings
) -> tuple[list[Source], ClassMap, dict[str, int]]:
    samples = images_in(images, masks)
    reader = MaskReader(masks, [sample.name for sample in samples], classes, settings.parts)
    sources = [reader.source(sample) for sample in samples]
    single = next((source.path for source in sources if source.path.is_dir()), None)
    if single is not None and classes is not None and len(classes.labels) != 1:
        raise UserError(f"{single}: single masks are of exactly one class, e.g. --classes 1:cell")
    return sources, classes or ONLY_CLASS, {}


def _from_coco(
    images: Path, path: Path, classes: ClassMap | None, settings: Settings
) -> tuple[list[Source], ClassMap, dict[str, int]]:
    if settings.parts is not None:
        raise UserError(f"{path}: --parts is for folders of masks; a COCO file names its instances")
    coco = read_coco(path, classes)
    for name in coco.images:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise UserError(f"{path}: the image '{name}' lies outside of {images}")
    files = [images / name for name in coco.images]
    sources = [
        Source(Sample(name, file, None), annotations.regions, annotations.origin, path)
        for name, file, annotations in zip(unique_names(files, images), files, coco.images.values())
    ]
    return sources, coco.classes, coco.left_out


@dataclass(frozen=True)
class _Written:
    """What became of an image."""

    instances: dict[str, int]
    """Of the image, or of each of its tiles, by name."""
    lost: int
    """Masks that gave no instance."""
    divided: list[int]
    """Of each instance in several parts, how many, where nobody has said what parts are."""
    around: bool
    """Whether an instance covers most of the image and reaches all its sides, as a background."""


def _read_image(source: Source, levels: Levels | None) -> np.ndarray:
    """The image; where it is more like a mask than its mask is, the error asks about that."""
    path, mask = source.image.image_path(), source.path
    try:
        return read_image(path, levels)
    except UserError as error:
        swapped = is_deep_grey_png(path) and mask.is_file() and not is_deep_grey_png(mask)
        hint = "; or are the folders of images and masks swapped?" if swapped else ""
        raise UserError(f"{error}{hint}") from None


def _write(out: Path, settings: Settings, source: Source) -> _Written:
    """Write one image and its instance map, or the tiles of both."""
    image = _read_image(source, settings.levels)
    shape = image.shape[0], image.shape[1]
    regions = source.regions(shape)
    seen = overlaid(regions, shape)
    parts = tiles(shape, settings.tile)
    instances = {}
    for rows, columns in parts:
        place = f"_y{rows.start}_x{columns.start}" if len(parts) > 1 else ""
        name = f"{source.image.name}{place}"
        ids = instance_map(seen[rows, columns], regions, source.origin)
        write_png(out / "images" / f"{name}.png", image[rows, columns])
        write_png(out / "instanceIds" / f"{name}.png", ids)
        instances[name] = int((np.unique(ids) >= FIRST_INSTANCE_ID).sum())
    visible = set(np.unique(seen).tolist())
    lost = [i for i, region in enumerate(regions, 1) if not region.group and i not in visible]
    divided, around = [], False
    if source.path.suffix.lower() != ".json":  # whose annotations mean what they say
        around = any(r.mask.shape == shape and 2 * r.mask.sum() > r.mask.size for r in regions)
        if settings.parts is None:
            divided = [count for region in regions if (count := len(region.parts())) > 1]
    return _Written(instances, len(lost), divided, around)


def split_names(names: Sequence[str], val: float, seed: int) -> dict[str, list[str]]:
    """``train`` and ``val``: a random share of ``val`` of the names, at least one in each.

    Without ``val``, where the share is 0 or there is but one name.
    """
    order = np.random.default_rng(seed).permutation(len(names))
    held_out = min(max(1, round(val * len(names))), len(names) - 1) if val > 0 else 0
    if not held_out:
        return {"train": list(names)}
    chosen = set(order[:held_out].tolist())
    parts: dict[str, list[str]] = {"train": [], "val": []}
    for i, name in enumerate(names):
        parts["val" if i in chosen else "train"].append(name)
    return parts


def _lists(written: Sequence[_Written], settings: Settings) -> dict[str, list[str]]:
    """Names for the lists. Tiles of one image are in one list, unless there is no other image."""
    groups = [list(one.instances) for one in written]
    if len(groups) == 1:
        return split_names(groups[0], settings.val, settings.seed)
    names = [name for group in groups for name in group]
    if double := [name for name, times in Counter(names).items() if times > 1]:
        raise UserError(f"an image and a tile would share the name '{double[0]}'; rename the image")
    by_first = {group[0]: group for group in groups}
    parts = split_names(list(by_first), settings.val, settings.seed)
    return {
        split: [name for first in firsts for name in by_first[first]]
        for split, firsts in parts.items()
    }


@dataclass(frozen=True)
class Collected:
    """What ``collect`` has written."""

    images: dict[str, int]
    """Of each list; tiles, where images are cut."""
    instances: dict[str, int]
    """In the images of each list."""
    classes: ClassMap
    lost: int
    """Masks that gave no instance: empty, outside of the image, or hidden by smaller ones."""
    unused: list[str]
    """Files and folders beside the masks that belong to no image."""
    left_out: dict[str, int]
    """Categories of a COCO file that are none of the classes, and how many annotations each has."""
    divided: int
    """Instances in several parts, where nobody has said what the parts of a mask are."""
    most_divided: tuple[int, str]
    """The most parts that one has, and where it is."""


def _unused(masks: Path, sources: Sequence[Source]) -> list[str]:
    """What lies in a folder of masks and was not read."""
    if not masks.is_dir():
        return []
    read = {path for source in sources for path in (source.path, source.path.parent)}
    kinds = (p for p in masks.iterdir() if p.is_dir() or p.suffix.lower() in MASK_SUFFIXES)
    return sorted(p.name for p in kinds if p not in read and p.name[0] != ".")


def _require_ours(root: Path, sources: Sequence[Path]) -> None:
    """Raise where ``root`` holds anything that may not be ours to write over."""
    if not root.exists():
        return
    held = {path.name for path in root.iterdir()} if root.is_dir() else {root.name}
    if held and UNFINISHED not in held:
        raise UserError(f"{root}: is not an empty folder; choose another one")
    for source in sources:  # in what a killed call has left
        if root.resolve() in (source.resolve(), *source.resolve().parents):
            raise UserError(f"{root}: is where {source} is; choose another folder")


def _remove_written(root: Path) -> None:
    for folder in ("images", "instanceIds"):
        shutil.rmtree(root / folder, ignore_errors=True)
    for name in ("train.txt", "val.txt", CLASS_FILE):
        (root / name).unlink(missing_ok=True)


@contextmanager
def _all_or_nothing(root: Path) -> Iterator[None]:
    """Nothing of ours is in the folder ``root`` before this block, nor after it, where it fails or
    is interrupted."""
    mark = root / UNFINISHED
    try:
        write_text(mark, "")
        _remove_written(root)
        yield
    except BaseException:
        with suppress(OSError):  # such as that of a disk that is gone, which is what to tell
            _remove_written(root)
        raise
    finally:
        with suppress(OSError):
            mark.unlink(missing_ok=True)


def _no_instance(masks: Path, images: int, classes: ClassMap) -> UserError:
    told = f"{masks}: there is no instance in any of the {images} images"
    if masks.is_dir() and len(classes.labels) > 1:
        first = FIRST_INSTANCE_ID * classes.labels[0] + 1
        told += f"; with several --classes their values are 1000 * class + number, e.g. {first}"
    return UserError(told)


def _warn_of_inverted(masks: Path, written: Sequence[_Written]) -> None:
    around = sum(one.around for one in written)
    if 2 * around > len(written):
        warnings.warn(
            f"{masks}: in {around} of {len(written)} images an instance covers most of the image, "
            "to all its sides; if that is the background, invert the masks (0 is background)",
            stacklevel=2,
        )


def collect(
    images: PathLike,
    masks: PathLike,
    out: PathLike,
    *,
    classes: ClassMap | None = None,
    settings: Settings = Settings(),
    workers: int = 1,
    quiet: bool = True,
) -> Collected:
    """Write ``images/``, ``instanceIds/``, ``train.txt`` and ``val.txt`` below ``out``.

    images: a folder. masks: a folder with a label map or a folder of single masks for each image
    (of the image's name), or a COCO file (.json). classes: of a COCO file, by their names there
    (default: all, label = category id); of folders, the single class, or those whose labels the
    numbers of instance maps tell. out: new or empty, or what a killed call has
    left, which is removed first. Raises UserError for whatever does not fit together, and where not
    a single instance is found; then, and after Ctrl-C, nothing is left.
    """
    source, root = Path(masks), Path(out)
    if not source.exists():
        raise UserError(f"{source}: no such folder or file of masks")
    if source.is_file() and source.suffix.lower() != ".json":
        raise UserError(f"{source}: masks are a folder, or a COCO file (.json)")
    _require_ours(root, [Path(images), source])
    read = _from_folder if source.is_dir() else _from_coco
    sources, table, left_out = read(Path(images), source, classes, settings)
    with _all_or_nothing(root):
        with closing(ordered_map(partial(_write, root, settings), sources, workers)) as work:
            written = list(progress(work, len(sources), "collecting", quiet))
        counts = {name: found for one in written for name, found in one.instances.items()}
        if not any(counts.values()):
            raise _no_instance(source, len(sources), table)
        _warn_of_inverted(source, written)
        parts = _lists(written, settings)
        for split, members in parts.items():
            lines = [list_line(f"images/{name}.png", f"instanceIds/{name}.png") for name in members]
            write_text(root / f"{split}.txt", "".join(lines))
        write_classes(root, table)
    return Collected(
        {split: len(members) for split, members in parts.items()},
        {split: sum(counts[name] for name in members) for split, members in parts.items()},
        table,
        sum(one.lost for one in written),
        _unused(source, sources),
        left_out,
        sum(len(one.divided) for one in written),
        max((max(w.divided, default=0), s.origin) for w, s in zip(written, sources)),
    )
