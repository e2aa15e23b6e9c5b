"""From images to instance masks with a trained network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from dcme.classifier import Classifier, boxes_at, classified
from dcme.dataset import Sample, require_files
from dcme.dataset_decoding import Decoding
from dcme.errors import UserError
from dcme.files import Levels, PathLike, read_image, resized
from dcme.network import Network
from dcme.parallel import ordered_map, progress
from dcme.results import ImageResult, write_result
from dcme.vectors import VectorMap, check_vectors, read_vector_map, write_npz


@dataclass(frozen=True)
class Picture:
    """An image at network resolution, the size (H, W) of its results, and the image as it was
    where a classifier will need it."""

    name: str
    image: np.ndarray
    full_size: tuple[int, int]
    full_image: np.ndarray | None = None


@dataclass(frozen=True)
class _Output:
    """What a network says of a picture."""

    vectors: VectorMap
    full_size: tuple[int, int]
    full_image: np.ndarray | None = None


def load_picture(
    size: tuple[int, int] | None, keep_full: bool, sample: Sample, levels: Levels | None = None
) -> Picture:
    """Read an image (see ``read_image``) and bring it to ``size`` = (H, W), if one is given."""
    full = image = read_image(sample.image_path(), levels)
    shape = image.shape[:2]
    if size is not None and size != shape:
        shrinks = size[0] <= shape[0] and size[1] <= shape[1]
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        image = resized(image, size, method)
    return Picture(sample.name, image, shape, full if keep_full else None)


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


def _outputs(network: Network, pictures: Iterator[Picture], batch: int) -> Iterator[_Output]:
    for group in batches(pictures, batch):
        for picture, (vectors, grid) in zip(group, network([p.image for p in group])):
            vectors = check_vectors(vectors, f"network output for {picture.name}")
            item = VectorMap(picture.name, vectors, grid)
            yield _Output(item, picture.full_size, picture.full_image)


def predict_vectors(
    network: Network,
    samples: Sequence[Sample],
    out: PathLike,
    size: tuple[int, int] | None = None,
    batch: int = 4,
    workers: int = 1,
    quiet: bool = True,
) -> int:
    """Write the network's outputs for every sample as ``out``/NAME.npz; returns how many now.

    Outputs that are there already are kept, so that an interrupted call can go on.
    """
    require_files(samples, image=True, ids=False)
    folder = Path(out)
    todo = [sample for sample in samples if not (folder / f"{sample.name}.npz").is_file()]
    pictures = ordered_map(partial(load_picture, size, False), todo, workers)

    def write(item: _Output) -> None:
        vectors = item.vectors
        write_npz(folder / f"{vectors.name}.npz", vectors.vectors, vectors.grid)

    work = ordered_map(write, _outputs(network, pictures, batch), workers)
    for _ in progress(work, len(todo), "predicting", quiet):
        pass
    return len(todo)


def decode_stored(
    vectors: PathLike,
    samples: Sequence[Sample],
    out: PathLike,
    decoding: Decoding,
    classifier: Classifier | None = None,
    workers: int = 1,
    quiet: bool = True,
) -> int:
    """Decode what ``predict_vectors`` wrote into results in ``out``; returns the instances.

    With a classifier the instances' classes are its answers on the images (paper 1).
    """
    require_files(samples, image=True, ids=False)

    def load(sample: Sample) -> _Output:
        image = read_image(sample.image_path())
        item = read_vector_map(vectors, sample)
        return _Output(item, image.shape[:2], image if classifier is not None else None)

    work = _results(ordered_map(load, samples, workers), Path(out), decoding, classifier, workers)
    return sum(progress(work, len(samples), "decoding", quiet))


def _decode(
    decoding: Decoding, with_grid: bool, vectors_out: Path | None, item: _Output
) -> tuple[ImageResult, _Output]:
    found = item.vectors
    if vectors_out is not None:
        write_npz(vectors_out / f"{found.name}.npz", found.vectors, found.grid)
    if not with_grid:
        found = VectorMap(found.name, found.vectors)
    return decoding(found), item


def _classify(
    classifier: Classifier, keep_scores: bool, item: tuple[ImageResult, _Output]
) -> tuple[ImageResult, _Output]:
    result, output = item
    assert output.full_image is not None
    probabilities = classifier(output.full_image, boxes_at(result, output.full_size))
    return classified(result, probabilities, classifier.classes, keep_scores), output


def _write(out: Path, cubic: bool, item: tuple[ImageResult, _Output]) -> int:
    result, output = item
    write_result(out, result.resized(output.full_size, cubic))
    return len(result)


def _results(
    outputs: Iterator[_Output],
    out: Path,
    decoding: Decoding,
    classifier: Classifier | None,
    workers: int,
    vectors_out: Path | None = None,
) -> Iterator[int]:
    """Decode, classify and write; yields the number of instances of each image.

    The classifier runs in the calling thread, as a network does, between the threads that decode
    and those that write.
    """
    reference = decoding.mode == "reference"
    decode = partial(_decode, decoding, classifier is None, vectors_out)
    results: Iterator[tuple[ImageResult, _Output]] = ordered_map(decode, outputs, workers)
    if classifier is not None:
        results = map(partial(_classify, classifier, not reference), results)
    yield from ordered_map(partial(_write, out, reference), results, workers)


@dataclass(frozen=True)
class Prediction:
    """How images become instances."""

    network: Network
    decoding: Decoding
    size: tuple[int, int] | None = None
    """(H, W) that the network sees; by default that of each image."""
    batch: int = 4
    classifier: Classifier | None = None
    """Names the instances' classes on the full images (paper 1), whatever the network's grid."""
    levels: Levels | None = None
    """Of images of more than 8 bits: what becomes black and white."""


def predict(
    how: Prediction,
    samples: Sequence[Sample],
    out: PathLike,
    vectors_out: PathLike | None = None,
    workers: int = 1,
    quiet: bool = True,
) -> int:
    """Find the instances of every sample's image and write them to ``out``; returns how many.

    Masks are brought back to the images' full size. With ``vectors_out`` the network's outputs are
    kept there as .npz files.
    """
    require_files(samples, image=True, ids=False)
    if any(s.image_path().parent.resolve() == Path(out).resolve() for s in samples):
        raise UserError(f"{out}: is where the images are; name another folder for the results")
    load = partial(load_picture, how.size, how.classifier is not None, levels=how.levels)
    outputs = _outputs(how.network, ordered_map(load, samples, workers), how.batch)
    kept = Path(vectors_out) if vectors_out is not None else None
    work = _results(outputs, Path(out), how.decoding, how.classifier, workers, kept)
    return sum(progress(work, len(samples), "predicting", quiet))
