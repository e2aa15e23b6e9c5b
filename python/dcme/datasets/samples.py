"""Finding the images and instance maps of a data set: a Cityscapes tree or plain list files."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from dcme import _core
from dcme.errors import UserError
from dcme.files import PathLike, is_deep_grey_png, read_text, visible_files

Item = TypeVar("Item")

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".ppm", ".pgm")
IMAGE_FOLDER, TRUTH_FOLDER = "leftImg8bit", "gtFine"
IMAGE_ENDING, IDS_ENDING = "_leftImg8bit", "_gtFine_instanceIds"


@dataclass(frozen=True)
class Sample:
    """An image and its instance map; either may be absent where it is not needed."""

    name: str
    image: Path | None
    ids: Path | None

    def image_path(self) -> Path:
        """The image's path; an error where there is none."""
        if self.image is None:
            raise UserError(f"{self.ids}: there is no image for this instance map")
        return self.image

    def ids_path(self) -> Path:
        """The instance map's path; an error where there is none."""
        if self.ids is None:
            raise UserError(f"{self.image}: there is no instance map for this image")
        return self.ids


def is_cityscapes(folder: PathLike) -> bool:
    """Whether the folder is the root of a Cityscapes tree (images or ground truth suffice)."""
    root = Path(folder)
    return (root / IMAGE_FOLDER).is_dir() or (root / TRUTH_FOLDER).is_dir()


def _require_split(root: Path, split: str) -> None:
    """Raise where a Cityscapes tree has other splits than this one."""
    folders = (path for kind in (IMAGE_FOLDER, TRUTH_FOLDER) for path in (root / kind).glob("*"))
    others = {path.name for path in folders if any(path.glob("*/*.png"))} - {split}
    if others:
        raise UserError(
            f"{root}: has no images and instance maps of the split {split}; there are "
            f"{', '.join(sorted(others))} (--split)"
        )


def cityscapes_split(root: PathLike, split: str) -> list[Sample]:
    """The samples of one split of a Cityscapes tree, sorted by name."""
    found: dict[str, dict[str, Path]] = {}
    for kind, folder, ending in (
        ("image", IMAGE_FOLDER, IMAGE_ENDING),
        ("ids", TRUTH_FOLDER, IDS_ENDING),
    ):
        for path in visible_files(Path(root) / folder / split, (".png",), f"*/*{ending}.png"):
            found.setdefault(path.stem[: -len(ending)], {})[kind] = path
    if not found:
        _require_split(Path(root), split)
        raise UserError(
            f"{root}: no images under {IMAGE_FOLDER}/{split}/<city>/ and no instance maps under "
            f"{TRUTH_FOLDER}/{split}/<city>/; name the folder that holds {IMAGE_FOLDER} and "
            f"{TRUTH_FOLDER}"
        )
    return [Sample(name, f.get("image"), f.get("ids")) for name, f in sorted(found.items())]


def _require_listable(names: Iterable[str]) -> None:
    """Raise for the name of an image that no list could hold."""
    for name in names:
        if not name.isascii() and sys.getfilesystemencoding() != "utf-8":
            raise UserError(
                f"{name!r}: lists, which are in UTF-8, cannot hold this name in a locale that is "
                "not; set one that is, e.g. LC_ALL=C.UTF-8"
            )
        try:
            name.encode()
            fits = not set(name) & set("\t\n\r")
        except UnicodeEncodeError:  # bytes of another encoding, as old archives have
            fits = False
        if not fits:
            raise UserError(
                f"{name!r}: lists cannot hold this name of an image; rename the file without tabs, "
                "line breaks and bytes that are no UTF-8"
            )


def unique_names(paths: Sequence[Path], root: Path) -> list[str]:
    """File stems where they are unique, else paths below ``root`` joined by underscores."""
    stems = [path.stem for path in paths]
    _require_listable(stems)
    if max(Counter(stems).values(), default=1) == 1:
        return stems
    names = []
    for path in paths:
        inside = path.relative_to(root) if path.is_relative_to(root) else path
        parts = inside.with_suffix("").parts
        names.append("_".join(part for part in parts if part not in ("/", "..")))
    _require_listable(names)
    double = [name for name, times in Counter(names).items() if times > 1]
    if double:
        raise UserError(f"two images would share the name '{double[0]}'; rename or remove one")
    return names


def list_line(image: str, ids: str) -> str:
    """A line of a list; ``read_list`` and the layer DCMEData take it apart again."""
    gap = "\t" if " " in image + ids else " "
    return f"{image}{gap}{ids}\n"


def _is_image(name: str) -> bool:
    return name.lower().endswith(IMAGE_SUFFIXES)


def _names(row: _core.ListRow, where: str) -> list[str]:
    """The image, or the image and its instance map, that a row names.

    Two words are a pair where the first names an image, else one name with a blank.
    """
    names = row.names
    if all(_is_image(part) for part in row.text.split(",")) and "," in row.text:
        raise UserError(f"{where}: put a space or a tab between an image and its instance map")
    if not row.has_tab:
        pair = any(_is_image(word) for word in names[:-1])
        if pair and len(names) > 2:
            raise UserError(f"{where}: put a tab between names that have spaces")
        names = names if pair else [row.text]
    if len(names) > 2:
        raise UserError(f"{where}: names more than an image and its instance map")
    if not _is_image(names[-1]):
        raise UserError(f"{where}: '{names[-1]}' is not an image file name")
    return names


def list_rows(path: PathLike) -> list[_core.ListRow]:
    """The rows of a list that say something: no empty lines, no comments."""
    return _core.list_rows(read_text(path))


def read_list(path: PathLike, root: PathLike | None = None) -> list[Sample]:
    """The samples of a list file: a line is ``image instanceIds`` or only ``image``.

    Paths are relative to ``root``, by default the list's own folder. Names that have blanks have a
    tab between them. Lines that begin with # are comments.
    """
    base = Path(root) if root is not None else Path(path).parent
    pairs = []
    for row in list_rows(path):
        paths = [base / name for name in _names(row, f"{path}:{row.number}")]
        pairs.append((paths[0], paths[1] if len(paths) == 2 else None))
    if not pairs:
        raise UserError(f"{path}: the list is empty; a line is 'image instanceIds'")
    images = list(dict.fromkeys(image for image, _ in pairs))  # a list may repeat an image
    names = dict(zip(images, unique_names(images, base)))
    return [Sample(names[image], image, ids) for image, ids in pairs]


def read_folder(folder: PathLike) -> list[Sample]:
    """All images of a folder, without instance maps."""
    paths = visible_files(folder, IMAGE_SUFFIXES)
    if not paths:
        raise UserError(f"{folder}: holds no images ({', '.join(IMAGE_SUFFIXES)})")
    names = unique_names(paths, Path(folder))
    return [Sample(name, path, None) for name, path in zip(names, paths)]


def _require_no_lists(folder: Path, split: str) -> None:
    """Raise where a folder is a data set that lacks the list of a split, not one of images."""
    lists = [path.stem for path in visible_files(folder, (".txt",))]
    has_images = bool(visible_files(folder, IMAGE_SUFFIXES))
    if {"train", "val"} & set(lists) or (lists and not has_images):
        raise UserError(f"{folder}: has no {split}.txt; there are {', '.join(lists[:8])} (--split)")


def _require_text(path: Path) -> None:
    """Raise for a file that is an image of a kind that is not read, or another that is no list."""
    if not path.is_file():  # a pipe, which can be read but once
        return
    with open(path, "rb") as stream:
        if b"\0" in stream.read(1024):  # as no text in UTF-8 has
            kinds = ", ".join(IMAGE_SUFFIXES)
            raise UserError(f"{path}: is neither an image ({kinds}) nor a list in UTF-8")


def _is_list(path: Path) -> bool:
    """Whether a file is a list of images, and not the result of one that is called ``train``."""
    try:
        return path.is_file() and bool(read_list(path))
    except UserError:
        return False


def require_no_data_set(out: PathLike) -> None:
    """Raise for the folder of a data set: what is written there would replace its classes."""
    if is_cityscapes(out) or any(_is_list(Path(out) / f"{s}.txt") for s in ("train", "val")):
        raise UserError(f"{out}: holds a data set; name another folder")


def find_samples(source: PathLike, split: str = "val") -> list[Sample]:
    """The samples of whatever ``source`` is.

    A Cityscapes tree (its ``split``), a folder with ``<split>.txt``, a folder of images, a list
    file (.txt), or one image.
    """
    path = Path(source)
    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    if path.is_dir():
        if is_cityscapes(path):
            return cityscapes_split(path, split)
        listed = path / f"{split}.txt"
        if listed.exists():
            return read_list(listed)
        _require_no_lists(path, split)
        return read_folder(path)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        _require_listable([path.stem])
        return [Sample(path.stem, path, None)]
    _require_text(path)
    return read_list(path)


def require_files(samples: Sequence[Sample], image: bool, ids: bool) -> None:
    """Raise for the first sample that lacks what is needed; images without a mask name themselves.

    Checked for all samples before any work, so that hours are not lost to the last line of a list.
    """
    for sample in samples:
        wanted = [sample.image_path()] if image else []
        wanted += [sample.ids_path()] if ids else []
        for path in wanted:
            if not path.is_file():
                kind = "image" if path == sample.image else "instance map"
                other = f" (to {sample.image})" if path != sample.image and sample.image else ""
                raise UserError(f"{path}: there is no such {kind}{other}")


def _require_maps(source: PathLike, samples: Sequence[Sample]) -> None:
    """Raise where the samples of a source, which are to be instance maps alone, are images."""
    first = samples[0].image
    if first and first.suffix.lower() == ".png" and first.is_file() and not is_deep_grey_png(first):
        raise UserError(
            f"{source}: {first.name} has no instance map beside it, and is none (16-bit grey); a "
            "line of a list is 'image instanceIds'"
        )


def find_maps(source: PathLike, split: str) -> list[Sample]:
    """Samples of a data set, or of a folder or file that holds instance maps alone."""
    samples = find_samples(source, split)
    if all(sample.ids is None for sample in samples):
        _require_maps(source, samples)
        ending = IDS_ENDING
        samples = [
            Sample(s.name[: -len(ending)] if s.name.endswith(ending) else s.name, None, s.image)
            for s in samples
        ]
    require_files(samples, image=False, ids=True)
    return samples


def distinct(samples: Sequence[Sample]) -> list[Sample]:
    """Each sample once, however often a list has it: two threads must not write one file."""
    return list({sample.name: sample for sample in samples}.values())


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """So many of the items, or all if there are fewer, from the whole of the sequence."""
    chosen = min(count, len(items))
    return [items[i * len(items) // chosen] for i in range(chosen)]


def require_distinct(samples: Sequence[Sample]) -> None:
    """Raise where a sample occurs twice: lists for training may repeat images, scores may not."""
    double = [name for name, times in Counter(s.name for s in samples).items() if times > 1]
    if double:
        raise UserError(
            f"the image {double[0]} is listed twice ({len(double)} such): it would count twice"
        )
