"""Reducing a data set to training size: images by area averaging, ids by the method's own rule."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from dcme.datasets.class_file import read_classes, write_classes
from dcme.datasets.crops import CropSettings, crops_of, list_crops, write_crops
from dcme.datasets.lmdb_file import LMDB_ENDING, write_lmdb
from dcme.datasets.recipe import Place, Recipe, Sources
from dcme.datasets.samples import (
    Sample,
    cityscapes_split,
    is_cityscapes,
    list_line,
    read_list,
    require_files,
)
from dcme.encoding import reduce_ids
from dcme.errors import UserError
from dcme.files import (
    PathLike,
    read_ids,
    read_image,
    read_text,
    require_size,
    resized,
    warn_of_squeezing,
    write_png,
    write_text,
)
from dcme.labels import FIRST_INSTANCE_ID, LABEL_ID, labels_in, no_instances
from dcme.parallel import ordered_map, progress

RECIPE = "prepare.json"
BALANCED, BALANCED_OF = "train_balanced.txt", "train.txt"
MadeOf = Callable[[str], Iterable[Path]]
RARE_LABELS = tuple(LABEL_ID[name] for name in ("truck", "bus", "train", "motorcycle"))


@dataclass(frozen=True)
class Target:
    """Where a prepared sample goes, relative to the output folder."""

    sample: Sample
    split: str

    @property
    def image(self) -> Path:
        """Relative path of the reduced image."""
        return Path("images") / self.split / f"{self.sample.name}.png"

    @property
    def ids(self) -> Path:
        """Relative path of the reduced instance map."""
        return Path("instanceIds") / self.split / f"{self.sample.name}.png"


def read_pair(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Image (H, W, 3) and instance map (H, W) of a sample; they must have one size."""
    image, ids = read_image(sample.image_path()), read_ids(sample.ids_path())
    require_size(sample.ids_path(), ids.shape, image.shape[:2])
    return image, ids


def prepare_sample(out: Path, size: tuple[int, int] | None, target: Target) -> bool | None:
    """Write one reduced pair; returns whether it has an instance, or None where an earlier call has
    already done it."""
    if (out / target.ids).exists() and (out / target.image).exists():
        return None
    image, ids = read_pair(target.sample)
    if size is not None and size != ids.shape:
        if size[0] > ids.shape[0] or size[1] > ids.shape[1]:
            raise UserError(
                f"{target.sample.image}: {ids.shape[0]}x{ids.shape[1]} cannot be reduced to "
                f"{size[0]}x{size[1]}; choose a --size that no image is smaller than"
            )
        warn_of_squeezing(size, ids.shape)
        image = resized(image, size, cv2.INTER_AREA)
        ids = reduce_ids(ids, size)
    write_png(out / target.image, image)
    write_png(out / target.ids, ids)
    return bool(labels_in(ids))


def _source_splits(source: Path, splits: Sequence[str]) -> dict[str, list[Sample]]:
    """The samples of each split of a Cityscapes tree, a folder of lists, or one list file."""
    if not source.exists():
        raise UserError(f"{source}: no such file or folder")
    if source.is_file():
        return {source.stem: read_list(source)}
    if is_cityscapes(source):
        return {split: cityscapes_split(source, split) for split in splits}
    lists = {split: source / f"{split}.txt" for split in splits}
    missing = [path.name for path in lists.values() if not path.exists()]
    if missing:
        raise UserError(
            f"{source}: neither a Cityscapes tree (leftImg8bit/, gtFine/) nor a folder with the "
            f"list {missing[0]}"
        )
    return {split: read_list(path) for split, path in lists.items()}


@dataclass(frozen=True)
class Pairs:
    """How many pairs of a split are there: ``kept`` from an earlier call, and ``new`` ones."""

    kept: int
    new: int


def _begin(out: Path, source: PathLike, size: object, sources: Sources, made: MadeOf) -> None:
    """Refuse a folder that holds something else, and remove from it what has other sources now.

    ``sources`` are the files of each item, ``made`` tells the files that an item becomes.
    """
    settings = {"source": Place.seen_from(out, source), "size": size}
    recipe = Recipe(out, RECIPE, settings, "another data set", required=True)
    recipe.require_folder_of_its_own()
    if next(out.rglob("*.png"), None) is not None:
        recipe.check()
    for item in sources.keys() - recipe.unchanged(sources):
        for path in made(item):
            path.unlink(missing_ok=True)
    recipe.keep(sources)


def _files(sample: Sample) -> tuple[Path, Path]:
    return sample.image_path(), sample.ids_path()


def balanced(
    samples: Sequence[Sample], rare: Sequence[int], keep_every: int = 30, repeat: int = 3
) -> list[Sample]:
    """Paper 1's balanced training list: ``repeat`` times each sample with an instance of a rare
    label, and every ``keep_every``-th of the others (of Cityscapes' 2975 images, 3348 lines)."""
    chosen, others = [], 0
    for sample in samples:
        labels = np.unique(read_ids(sample.ids_path())) // FIRST_INSTANCE_ID
        if np.isin(labels, rare).any():
            chosen += [sample] * repeat
            continue
        if others % keep_every == 0:
            chosen.append(sample)
        others += 1
    return chosen


def _list_text(root: Path, samples: Sequence[Sample]) -> str:
    """Lines ``image instanceIds`` relative to ``root``."""
    return "".join(
        list_line(
            s.image_path().relative_to(root).as_posix(), s.ids_path().relative_to(root).as_posix()
        )
        for s in samples
    )


def write_balanced_list(out: PathLike, rare: Sequence[int] = RARE_LABELS) -> int:
    """Write ``train_balanced.txt`` beside the ``train.txt`` of a prepared folder; returns its
    lines. See ``balanced``. Raises where no image has a rare label: nearly all would be left out.
    """
    root = Path(out)
    listed = root / BALANCED_OF
    if not listed.is_file():
        raise UserError(f"{listed}: a balanced list needs the split 'train' (--splits train,...)")
    samples = read_list(listed)
    chosen = balanced(samples, rare)
    if len(set(chosen)) == len(chosen):  # none is repeated
        raise UserError(
            f"{listed}: none of its {len(samples)} images has an instance of the labels "
            f"{', '.join(map(str, rare))}, which paper 1's balanced list for Cityscapes repeats; "
            "do without it"
        )
    write_text(root / BALANCED, _list_text(root, chosen))
    return len(chosen)


def prepare_crops(
    source: PathLike,
    out: PathLike,
    settings: CropSettings,
    *,
    splits: Sequence[str] = ("train", "val"),
    workers: int = 1,
    quiet: bool = True,
) -> dict[str, int]:
    """Cut out the instances of a data set for paper 1's classifier; returns how many per split.

    See ``list_crops`` and ``write_crops``. Images stay as they are: the crops come from the full
    resolution. Where there is nothing to cut out, nothing is written.
    """
    root, rule = Path(out), settings.rule
    groups = _source_splits(Path(source), splits)
    size = f"crops of {rule.side}, at least {rule.smallest}, riders {rule.rider_margin}"
    chosen = list_crops(groups, settings, workers, quiet)
    sources = {}
    for split, samples in groups.items():
        sources.update({crops_of(split, sample): _files(sample) for sample in samples})
    _begin(root, source, size, sources, lambda pattern: list(root.glob(pattern)))
    return write_crops(chosen, root, settings, workers, quiet)


def prepare(
    source: PathLike,
    out: PathLike,
    *,
    size: tuple[int, int] | None = None,
    splits: Sequence[str] = ("train", "val"),
    lmdb: bool = False,
    workers: int = 1,
    quiet: bool = True,
) -> dict[str, Pairs]:
    """Reduce a data set to ``size`` = (H, W) below ``out``; returns the pairs of each split.

    Writes ``images/<split>/*.png``, ``instanceIds/<split>/*.png`` and one list ``<split>.txt`` of
    ``image instanceIds`` lines relative to ``out``. Pairs that an earlier, interrupted call has
    finished are kept, unless their originals have changed since. Without a size the pairs are
    checked and copied as they are. With ``lmdb`` each split also becomes an LMDB,
    ``<split>_lmdb``. An LMDB and a balanced list that an earlier call made of other pairs are made
    anew in any case.
    """
    root = Path(out)
    groups = _source_splits(Path(source), splits)
    for samples in groups.values():
        require_files(samples, image=True, ids=True)
    listed = [Target(sample, split) for split, group in groups.items() for sample in group]
    made = {target.ids.as_posix(): target for target in listed}
    targets = list(made.values())  # each once, however often a list has it
    sources = {item: _files(target.sample) for item, target in made.items()}
    _begin(root, source, size, sources, lambda ids: (root / ids, root / made[ids].image))
    texts = {split: _target_list(root, listed, split) for split in groups}
    removed = _remove_outdated(root, texts, targets)
    work = ordered_map(partial(prepare_sample, root, size), targets, workers)
    made_now = list(progress(work, len(targets), "reducing", quiet))
    if targets and made_now.count(False) == len(targets):
        warnings.warn(no_instances([t.sample.ids_path() for t in targets]), stacklevel=2)
    for split, text in texts.items():
        path, database = root / f"{split}.txt", root / f"{split}{LMDB_ENDING}"
        write_text(path, text)
        if lmdb or database in removed:
            write_lmdb(database, read_list(path))
    if root / BALANCED in removed:
        write_balanced_list(root)
    if (classes := read_classes(source)) is not None:
        write_classes(root, classes)
    return {split: _counted(split, targets, made_now) for split in groups}


def _target_list(root: Path, targets: Sequence[Target], split: str) -> str:
    chosen = [t for t in targets if t.split == split]
    return _list_text(root, [Sample(t.sample.name, root / t.image, root / t.ids) for t in chosen])


def _remove_outdated(root: Path, texts: Mapping[str, str], targets: Sequence[Target]) -> list[Path]:
    """Remove the LMDBs and the balanced list that are of other pairs than the lists ``texts`` and
    the ``targets`` will be; returns what was there. An interruption thus leaves none of them."""
    changed = {t.split for t in targets if not all((root / p).exists() for p in (t.ids, t.image))}
    removed = []
    for split, text in texts.items():
        path = root / f"{split}.txt"
        if split not in changed and path.is_file() and read_text(path) == text:
            continue
        made = [root / f"{split}{LMDB_ENDING}"]
        if path.name == BALANCED_OF and Path(BALANCED).stem not in texts:
            made.append(root / BALANCED)
        removed += [path for path in made if path.exists()]
    for path in removed:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return removed


def _counted(split: str, targets: Sequence[Target], made_now: Sequence[bool | None]) -> Pairs:
    pairs = [one for target, one in zip(targets, made_now) if target.split == split]
    return Pairs(pairs.count(None), len(pairs) - pairs.count(None))
