"""Encoding whole data sets: instance maps to files of vectors and grid classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dcme.classes import CITYSCAPES, ClassMap
from dcme.datasets.class_file import write_classes
from dcme.datasets.samples import Sample, find_maps, require_no_data_set
from dcme.datasets.vectors import GRID_ENDING, VectorMap, npz_path, write_h5, write_npz
from dcme.encoding import encode, reduce_ids
from dcme.errors import UserError
from dcme.files import PathLike, folder_of, read_ids, require_apart, warn_of_squeezing, write_npy
from dcme.grid import grid_classes
from dcme.parallel import ordered_map, progress


@dataclass(frozen=True)
class Encoding:
    """How instance maps are encoded."""

    size: tuple[int, int] | None = None
    anchor: str = "mass"
    round_centre: bool = False
    grid_size: int = 0
    """Side of the grid's blocks in pixels; 0 for no grid classes."""
    classes: ClassMap = CITYSCAPES
    """Ignored labels count as background, as in training."""

    def __call__(self, sample: Sample) -> VectorMap:
        """Encode one sample's instance map."""
        path = sample.ids_path()
        ids = read_ids(path)
        try:
            if self.size is not None and self.size != ids.shape:
                warn_of_squeezing(self.size, ids.shape)
                ids = reduce_ids(ids, self.size)
            grid = None
            if self.grid_size:
                grid = grid_classes(ids, self.grid_size, classes=self.classes)
            vectors = encode(ids, self.anchor, self.round_centre, self.classes)
        except ValueError as error:
            raise UserError(f"{path}: {error}") from None
        return VectorMap(sample.name, vectors, grid)


def encode_dataset(
    source: PathLike,
    out: PathLike,
    encoding: Encoding,
    *,
    file_format: str = "npz",
    split: str = "val",
    workers: int = 1,
    quiet: bool = True,
) -> int:
    """Encode every instance map of ``source``; returns how many.

    ``npz``: one file an image with ``vectors`` and ``grid``; ``npy``: ``NAME.npy`` and
    ``NAME.grid.npy``; ``h5``: a single file ``out`` with ``vectors``, ``grid`` and ``names``.
    """
    samples = find_maps(source, split)
    maps: Iterator[VectorMap] = ordered_map(encoding, samples, workers)
    shown = progress(maps, len(samples), "encoding", quiet)
    if file_format == "h5":
        write_h5(out, shown, len(samples))
        return len(samples)
    require_apart(out, [folder_of(source)], "the data set is")
    require_no_data_set(out)
    write_classes(out, encoding.classes)
    for item in shown:
        if file_format == "npz":
            write_npz(npz_path(out, item.name), item.vectors, item.grid)
        else:
            write_npy(Path(out) / f"{item.name}.npy", item.vectors)
            if item.grid is not None:
                write_npy(Path(out) / f"{item.name}{GRID_ENDING}", item.grid)
    return len(samples)
