"""Vector maps in files: .npy, .npz and HDF5, one image or many.

A vector map is float32 (2, H, W), dx before dy. A file may hold one map or a stack (N, 2, H, W) and
beside it grid classes: labels (H/Gs, W/Gs) or class probabilities (classes, H/Gs, W/Gs).
``NAME.npy`` keeps its grid classes in ``NAME.grid.npy``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dcme.datasets.samples import Sample
from dcme.errors import UserError
from dcme.files import PathLike, atomic_path, visible_files

H5_SUFFIXES = (".h5", ".hdf5")
SUFFIXES = (".npy", ".npz", *H5_SUFFIXES)
VECTOR_KEYS = ("vectors", "data")
GRID_ENDING = ".grid.npy"
GRID_KEYS = ("grid", "label")


@dataclass(frozen=True)
class VectorMap:
    """A named vector map with the grid output that belongs to it, if there is one."""

    name: str
    vectors: np.ndarray
    grid: np.ndarray | None = None


def check_vectors(vectors: np.ndarray, where: str) -> np.ndarray:
    """The map as float32; raises where its shape is wrong or a value is not finite."""
    if vectors.ndim != 3 or vectors.shape[0] != 2 or vectors.dtype.kind not in "fiu":
        raise UserError(f"{where}: a vector map is (2, H, W), this is {vectors.shape}")
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    _require_finite(vectors, where)
    return vectors


def check_grid(grid: Any, where: str) -> np.ndarray | None:
    """The grid classes that belong to a map, if there are any; raises where one is not finite."""
    if grid is None:
        return None
    grid = np.asarray(grid)
    _require_finite(grid, f"{where}: of the grid classes")
    return grid


def _require_finite(array: np.ndarray, where: str) -> None:
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        axes = ("channel", "row", "column")[-array.ndim :]
        place = ", ".join(f"{axis} {index}" for axis, index in zip(axes, bad[0]))
        raise UserError(
            f"{where}: {len(bad)} values are NaN or infinite, the first in {place}; the network "
            "diverged or the file is damaged"
        )


def _require_plain(names: Sequence[str], path: Path) -> None:
    """Raise for a name of a map that would lead out of the folder in which its files are made."""
    for name in names:
        if Path(name).name != name or not name.isprintable() or name[:1] in ("", "."):
            raise UserError(f"{path}: a vector map is called {name!r}, which is no file's name")


def _stack(array: np.ndarray, names: Sequence[str] | None, stem: str) -> Iterator[tuple[str, Any]]:
    """The maps of a single array with their names."""
    single = array.ndim == 3
    if not single and (array.ndim != 4 or array.shape[1] != 2):
        raise UserError(f"{stem}: vector maps are (2, H, W) or (N, 2, H, W), not {array.shape}")
    count = 1 if single else len(array)
    if names is not None and len(names) != count:
        maps = "1 vector map" if count == 1 else f"{count} vector maps"
        raise UserError(f"{stem}: holds {maps} for {len(names)} names")
    if single:
        yield (names[0] if names else stem), array
        return
    for index in range(count):
        yield (names[index] if names else f"{stem}_{index:06d}"), array[index]


def _pick(arrays: Mapping[str, Any], keys: Sequence[str]) -> Any | None:
    """The first of the keys that is there."""
    return next((arrays[key] for key in keys if key in arrays), None)


def _from_mapping(
    arrays: Mapping[str, Any], path: Path, names: Sequence[str] | None
) -> Iterator[VectorMap]:
    vectors = _pick(arrays, VECTOR_KEYS)
    if vectors is None:
        raise UserError(f"{path}: holds neither '{VECTOR_KEYS[0]}' nor '{VECTOR_KEYS[1]}'")
    grids = _pick(arrays, GRID_KEYS)
    if names is None and "names" in arrays:
        stored = np.atleast_1d(arrays["names"]).tolist()
        names = [n.decode() if isinstance(n, bytes) else str(n) for n in stored]
    _require_plain(names or (), path)
    single = vectors.ndim == 3
    for index, (name, array) in enumerate(_stack(vectors, names, path.stem)):
        where = f"{path} ({name})"
        grid = None if grids is None else grids if single else grids[index]
        yield VectorMap(name, check_vectors(np.asarray(array), where), check_grid(grid, where))


def _read_file(path: Path, names: Sequence[str] | None) -> Iterator[VectorMap]:
    suffix = path.suffix.lower()
    try:
        if suffix == ".npy":
            arrays = {"vectors": np.load(path, mmap_mode="r", allow_pickle=False)}
            grid = path.with_suffix(GRID_ENDING)
            if grid.exists():
                arrays["grid"] = np.load(grid, allow_pickle=False)
            yield from _from_mapping(arrays, path, names)
        elif suffix == ".npz":
            with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
            yield from _from_mapping(arrays, path, names)
        elif suffix in H5_SUFFIXES:
            import h5py

            with h5py.File(path, "r") as file:
                yield from _from_mapping(file, path, names)
        else:
            raise UserError(f"{path}: vector maps are {', '.join(SUFFIXES)}")
    except UserError:
        raise
    except Exception as error:  # damaged files raise whatever NumPy, zipfile and HDF5 come upon
        raise UserError(f"{path}: cannot be read as vector maps ({error})") from None


def _files(source: Path) -> list[Path]:
    """The file itself, or those of a folder that hold vector maps, sorted by name."""
    if source.is_file():
        return [source]
    if not source.exists():
        raise UserError(f"{source}: no such file or folder")
    files = [p for p in visible_files(source, SUFFIXES) if not p.name.endswith(GRID_ENDING)]
    if not files:
        raise UserError(f"{source}: holds no vector maps ({', '.join(SUFFIXES)})")
    return files


def _named(files: Sequence[Path], names: Sequence[str], folder: Path) -> list[Path]:
    """The files of these stems in the order of the names; raises where there is none."""
    by_stem = {file.stem: file for file in files}
    missing = [name for name in names if name not in by_stem]
    if missing:
        raise UserError(
            f"{folder}: has no vector map of {missing[0]} ({len(missing)} of {len(names)} images "
            "lack one)"
        )
    return [by_stem[name] for name in names]


def read_vectors(source: PathLike, names: Sequence[str] | None = None) -> Iterator[VectorMap]:
    """The vector maps of a file or of the files of a folder, one at a time.

    ``names`` name the maps of a stack in order; by default the file's own ``names`` or its stem
    and a number. Of a folder they are the files that are read; by default all.
    """
    path = Path(source)
    files = _files(path)
    if names is not None and path.is_dir():
        files, names = _named(files, names, path), None
    for file in files:
        yield from _read_file(file, names)


def find_vectors(source: PathLike, names: Collection[str]) -> VectorMap:
    """The vector map of an image, known by any of ``names``, in a file or a folder.

    The only map of a file has no name of its own and is taken as it is.
    """
    path = Path(source)
    others = []
    for file in _files(path):
        if path.is_dir() and file.stem not in names:
            others.append(file.stem)
            continue
        for item in _read_file(file, None):
            if item.name in names or item.name == file.stem:
                return item
            others.append(item.name)
    raise UserError(
        f"{path}: holds no vector map of {next(iter(names))}, but of {', '.join(others[:3])}"
        f"{', ...' if len(others) > 3 else ''}"
    )


def read_vector_map(folder: PathLike, sample: Sample) -> VectorMap:
    """The network's output for a sample, from the folder that ``dcme predict --vectors`` filled."""
    path = npz_path(folder, sample.name)
    if not path.is_file():
        raise UserError(
            f"{path}: there are no vectors for this image; dcme predict --vectors DIR writes them"
        )
    item = next(read_vectors(path))
    return VectorMap(sample.name, item.vectors, item.grid)


def require_no_vectors(source: PathLike) -> None:
    """Raise where what should be ground truth is a folder of vector maps."""
    if Path(source).is_dir() and visible_files(source, (".npz",)):
        raise UserError(
            f"{source}: holds vector maps; the ground truth is named after them (dcme tune VECTORS "
            "SOURCE)"
        )


def npz_path(folder: PathLike, name: str) -> Path:
    """The file of a network's output for the image of that name."""
    return Path(folder) / f"{name}.npz"


def write_npz(path: PathLike, vectors: np.ndarray, grid: np.ndarray | None) -> None:
    """Write one map, and its grid classes if given, as a compressed .npz."""
    arrays: Any = {"vectors": vectors} if grid is None else {"vectors": vectors, "grid": grid}
    # In memory first: where a disk is full, NumPy 1.26 leaves an archive open that complains later.
    archive = io.BytesIO()
    np.savez_compressed(archive, **arrays)
    with atomic_path(path) as temporary:
        Path(temporary).write_bytes(archive.getvalue())


class _PatientFile(io.FileIO):
    """A file in which nothing that is written fails at once: ``raise_failed`` tells it later.

    HDF5 goes on calling after an exception, and where it does, at the file's end or that of the
    process, Python and h5py make other errors of it, or crash.
    """

    _failed: BaseException | None = None

    def write(self, data: Any) -> int:
        """All of the bytes, or as many as there is room for."""
        try:
            rest = memoryview(data).cast("B")
            while len(rest):
                rest = rest[super().write(rest) :]
        except BaseException as error:  # Ctrl-C may come here, too
            self._failed = self._failed or error
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        """Make the file so long, if there is room."""
        try:
            return super().truncate(size)
        except BaseException as error:
            self._failed = self._failed or error
            return size or 0

    def raise_failed(self) -> None:
        """Raise what went wrong first, if anything did."""
        if self._failed is not None:
            raise self._failed


@contextmanager
def _new_h5(path: PathLike) -> Iterator[tuple[Any, Callable[[], None]]]:
    """An HDF5 file that is made, and a function that raises where writing has failed so far."""
    import h5py

    with atomic_path(path) as temporary, _PatientFile(temporary, "w+b") as stream:
        try:
            with h5py.File(stream, "w") as file:
                yield file, stream.raise_failed
        finally:
            stream.raise_failed()  # the cause of whatever else is on its way


def write_h5(path: PathLike, maps: Iterator[VectorMap], total: int) -> None:
    """Write maps of one size into an HDF5 file: ``vectors`` (N, 2, H, W), ``grid``, ``names``."""
    import h5py

    if Path(path).suffix not in H5_SUFFIXES:
        raise UserError(f"{path}: the name of an HDF5 file ends in {' or '.join(H5_SUFFIXES)}")
    with _new_h5(path) as (file, raise_failed):
        names = []
        for index, item in enumerate(maps):
            for key, array in (("vectors", item.vectors), ("grid", item.grid)):
                if array is None:
                    continue
                if index == 0:
                    file.create_dataset(key, (total, *array.shape), array.dtype)
                if file[key].shape[1:] != array.shape:
                    raise UserError(
                        f"{item.name}: {key} of shape {array.shape} does not fit into {path} "
                        f"beside {file[key].shape[1:]}; reduce all images to one --size"
                    )
                file[key][index] = array
            raise_failed()
            names.append(item.name)
        file["names"] = np.array(names, dtype=h5py.string_dtype())
