"""Results as the Cityscapes evaluation server takes them: one zip of text files and masks."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dcme import _core
from dcme.classes import CITYSCAPES, ClassMap
from dcme.datasets.samples import Sample
from dcme.errors import UserError
from dcme.files import PathLike, atomic_path
from dcme.parallel import ordered_map, progress
from dcme.results.files import list_result, lists_map, require_results, result_path

FULL_SIZE = (1024, 2048)
_STAMP = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Submission:
    """What went into a zip."""

    images: int
    instances: int
    bytes: int


def _check_image(
    results: Path, size: tuple[int, int], labels: Sequence[int], sample: Sample
) -> tuple[Path, list[Path]]:
    """An image's text file and masks after all that the server would refuse was looked for."""
    text = result_path(results, sample)
    root, masks = text.parent.resolve(), []
    rows = list_result(text)
    if lists_map(rows):
        raise UserError(f"{text}: lists no masks; a submission needs results without --no-masks")
    for number, (path, label, score) in enumerate(rows, 1):
        where = f"{text}:{number}"
        if label not in labels:
            raise UserError(f"{where}: label {label} is none of the evaluated {tuple(labels)}")
        if score < 0:
            raise UserError(f"{where}: the score {score} is negative")
        if not path.resolve().is_relative_to(root):
            raise UserError(f"{where}: the mask {path} lies outside {root}")
        try:
            mask = _core.read_grey_png(str(path))
        except ValueError as error:
            raise UserError(str(error)) from None
        if mask.dtype.itemsize != 1 or mask.shape != size:
            raise UserError(
                f"{path}: is {mask.shape[0]}x{mask.shape[1]} with {8 * mask.dtype.itemsize} bits; "
                f"masks are {size[0]}x{size[1]} with 8 bits"
            )
        if not mask.any():
            raise UserError(f"{path}: the mask is empty; leave its line out of {text}")
        masks.append(path)
    if len(set(masks)) < len(masks):
        raise UserError(f"{text}: lists a mask twice")
    return text, masks


def write_submission(
    results: PathLike,
    samples: Sequence[Sample],
    out: PathLike,
    size: tuple[int, int] = FULL_SIZE,
    classes: ClassMap | None = None,
    workers: int = 1,
    quiet: bool = True,
) -> Submission:
    """Check the results of all samples and zip their text files and masks, nothing else.

    Every image needs its text file (it may be empty), named after the image as the server matches
    them; every mask is there, in its folder, 8-bit, of ``size`` = (H, W) and not empty; labels are
    evaluated ones. The first fault raises, and nothing is written.
    """
    root, labels = Path(results), (classes or CITYSCAPES).labels
    if Path(out).suffix != ".zip":
        raise UserError(f"{out}: a submission is a .zip file")
    require_results(root, samples)

    def check(sample: Sample) -> tuple[Path, list[Path]]:
        return _check_image(root, size, labels, sample)

    checked = ordered_map(check, samples, workers)
    files = list(progress(checked, len(samples), "checking", quiet))
    with atomic_path(out) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for text, masks in progress(files, len(files), "zipping", quiet):
            for path in (text, *masks):
                # PNGs are compressed already; a fixed date gives equal files equal zips.
                method = zipfile.ZIP_STORED if path.suffix == ".png" else zipfile.ZIP_DEFLATED
                name = path.resolve().relative_to(root.resolve()).as_posix()
                info = zipfile.ZipInfo(name, _STAMP)
                info.external_attr = 0o644 << 16
                archive.writestr(info, path.read_bytes(), method)
    instances = sum(len(masks) for _, masks in files)
    return Submission(len(files), instances, Path(out).stat().st_size)
