"""From images to instance masks with a trained network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from dcme.dataset import Sample, require_files
from dcme.dataset_decoding import Decoding
from dcme.files import PathLike, read_image
from dcme.network import Network
from dcme.parallel import ordered_map, progress
from dcme.results import write_result
from dcme.vectors import VectorMap, check_vectors, write_npz


@dataclass(frozen=True)
class Picture:
    """An image at network resolution, and the size (H, W) that its results shall have."""

    name: str
    image: np.ndarray
    full_size: tuple[int, int]


def load_picture(size: tuple[int, int] | None, sample: Sample) -> Picture:
    """Read an image and bring it to ``size`` = (H, W), if one is given."""
    image = read_image(sample.image_path())
    full = image.shape[:2]
    if size is not None and size != full:
        shrinks = size[0] <= full[0] and size[1] <= full[1]
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        image = cv2.resize(image, (size[1], size[0]), interpolation=method)
    return Picture(sample.name, image, full)


def batches(pictures: Iterator[Picture], limit: int) -> Iterator[list[Picture]]:
    """Runs of up to ``limit`` neighbouring pictures of one size."""
    batch: list[Picture] = []
    for picture in pictures:
        if batch and (len(batch) == limit or batch[0].image.shape != picture.image.shape):
            yield batch
            batch = []
        batch.append(picture)
    if batch:
        yield batch


def vector_maps(
    network: Network, pictures: Iterator[Picture], batch: int
) -> Iterator[tuple[VectorMap, tuple[int, int]]]:
    """The network's output for each picture, with the size that its results shall have."""
    for group in batches(pictures, batch):
        for picture, (vectors, grid) in zip(group, network([p.image for p in group])):
            vectors = check_vectors(vectors, f"network output for {picture.name}")
            yield VectorMap(picture.name, vectors, grid), picture.full_size


def _finish(
    out: Path,
    decoding: Decoding,
    vectors_out: Path | None,
    item: tuple[VectorMap, tuple[int, int]],
) -> int:
    """Decode one vector map and write its results; returns the number of instances."""
    found, full_size = item
    if vectors_out is not None:
        write_npz(vectors_out / f"{found.name}.npz", found.vectors, found.grid)
    result = decoding(found).resized(full_size, cubic=decoding.mode == "reference")
    write_result(out, result)
    return len(result)


def predict(
    network: Network,
    samples: Sequence[Sample],
    out: PathLike,
    decoding: Decoding,
    size: tuple[int, int] | None = None,
    batch: int = 4,
    vectors_out: PathLike | None = None,
    workers: int = 1,
    quiet: bool = True,
) -> int:
    """Find the instances of every sample's image and write them to ``out``; returns how many.

    Images are reduced to ``size`` = (H, W) for the network, masks brought back to their full size.
    With ``vectors_out`` the network's outputs are kept there as .npz files.
    """
    require_files(samples, image=True, ids=False)
    pictures = ordered_map(partial(load_picture, size), samples, workers)
    maps = vector_maps(network, pictures, batch)
    target = Path(vectors_out) if vectors_out is not None else None
    work = ordered_map(partial(_finish, Path(out), decoding, target), maps, workers)
    return sum(progress(work, len(samples), "predicting", quiet))
