"""From images to instance masks with a trained network."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dcme.classes import ClassMap
from dcme.datasets.class_file import read_classes, write_classes
from dcme.datasets.recipe import Place, Recipe
from dcme.datasets.samples import Sample, distinct, require_files, require_no_data_set
from dcme.datasets.vectors import (
    VectorMap,
    check_grid,
    check_vectors,
    npz_path,
    read_vector_map,
    read_vectors,
    write_npz,
)
from dcme.errors import UserError
from dcme.files import (
    Levels,
    PathLike,
    image_size,
    read_image,
    require_apart,
    resized,
    visible_files,
    warn_of_squeezing,
)
from dcme.parallel import ordered_map, progress
from dcme.prediction.classifier import Classifier, boxes_at, classified
from dcme.prediction.network import Network
from dcme.results.decode import Decoding
from dcme.results.files import (
    PREDICTION_FILE,
    ImageResult,
    decoding_into,
    folders_read,
    list_result,
    require_no_other_files,
    require_no_others,
    text_path,
    write_result,
)
from dcme.results.thresholds import DECODING_FILE, write_decoding


@dataclass(frozen=True)
class Original:
    """The size (H, W) of an image, and itself where a classifier will need it."""

    size: tuple[int, int]
    image: np.ndarray | None = None


@dataclass(frozen=True)
class Picture:
    """An image at network resolution, and what it was."""

    name: str
    image: np.ndarray
    original: Original


Output = tuple[VectorMap, Original]
"""What a network says of a picture."""
Found = tuple[ImageResult, Original]
"""The instances at network resolution; the vectors, which take most of the memory, are gone."""


def load_picture(
    size: tuple[int, int] | None, keep_full: bool, sample: Sample, levels: Levels | None = None
) -> Picture:
    """Read an image (see ``read_image``) and bring it to ``size`` = (H, W), if one is given."""
    full = image = read_image(sample.image_path(), levels)
    shape = image.shape[:2]
    if size is not None and size != shape:
        warn_of_squeezing(size, shape)
        shrinks = size[0] <= shape[0] and size[1] <= shape[1]
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        image = resized(image, size, method)
    return Picture(sample.name, image, Original(shape, full if keep_full else None))


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


def _outputs(network: Network, pictures: Iterator[Picture], batch: int) -> Iterator[Output]:
    for group in batches(pictures, batch):
        for picture, (vectors, grid) in zip(group, network([p.image for p in group])):
            where = f"network output for {picture.name}"
            item = VectorMap(picture.name, check_vectors(vectors, where), check_grid(grid, where))
            yield item, picture.original


def predict_vectors(
    network: Network,
    samples: Sequence[Sample],
    out: PathLike,
    *,
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
    todo = [sample for sample in samples if not npz_path(folder, sample.name).is_file()]
    pictures = ordered_map(partial(load_picture, size, False), todo, workers)

    def write(output: Output) -> None:
        item = output[0]
        write_npz(npz_path(folder, item.name), item.vectors, item.grid)

    work = ordered_map(write, _outputs(network, pictures, batch), workers)
    for _ in progress(work, len(todo), "predicting", quiet):
        pass
    return len(todo)


def decode_stored(
    vectors: PathLike,
    samples: Sequence[Sample],
    out: PathLike,
    decoding: Decoding,
    *,
    classifier: Classifier | None = None,
    workers: int = 1,
    quiet: bool = True,
    with_grid: bool = True,
) -> int:
    """Decode what ``predict_vectors`` wrote into results in ``out``; returns the instances.

    With a classifier the instances' classes are its answers on the images (paper 1). With neither
    it nor the network's grid all instances that are detected are kept, without classes.
    """
    require_files(samples, image=True, ids=False)

    def load(sample: Sample) -> Output:
        image = read_image(sample.image_path())
        kept = image if classifier is not None else None
        return read_vector_map(vectors, sample), Original(image.shape[:2], kept)

    outputs = ordered_map(load, samples, workers)
    work = _results(outputs, Path(out), decoding, classifier, workers, with_grid=with_grid)
    return sum(progress(work, len(samples), "decoding", quiet))


def decode_files(
    source: PathLike,
    out: PathLike,
    decoding: Decoding,
    *,
    size: tuple[int, int] | None = None,
    samples: Sequence[Sample] | None = None,
    workers: int = 1,
    quiet: bool = True,
    with_grid: bool = True,
    masks: bool = True,
) -> tuple[int, int]:
    """Decode every vector map of ``source`` to results in ``out``; returns (images, instances).

    Masks are enlarged to ``size`` = (H, W). ``samples`` name the maps of a stack in order, or say
    which maps of a folder are decoded; where no size is given masks take the size of their images.
    Without the grids that the maps may have all instances are kept, and none has a class. Without
    ``masks`` there are only maps of all instances of an image. Raises where ``out`` holds results
    of other images.
    """
    require_apart(out, [source], "the vector maps are")
    require_apart(out, folders_read(samples or ()), "the data set is")
    require_no_data_set(out)
    if samples is not None and Path(source).is_dir():
        samples = distinct(samples)
    names = [sample.name for sample in samples] if samples is not None else None
    by_name = {sample.name: sample for sample in samples or ()}
    texts = visible_files(out, (".txt",))
    found = {item.name for item in read_vectors(source, names)} if texts else set()
    require_no_others(out, found)
    require_no_other_files(out, found)
    _require_same_classes(Path(out), (), decoding.classes)

    def original(item: VectorMap) -> Original:
        if size is None and item.name in by_name:
            return Original(image_size(by_name[item.name].image_path()))
        return Original(size or item.vectors.shape[1:])

    outputs = ((item, original(item)) for item in _distinct_maps(source, names))
    work = _results(outputs, Path(out), decoding, None, workers, with_grid=with_grid, masks=masks)
    with decoding_into(out):
        instances = list(progress(work, len(names or ()) or None, "decoding", quiet))
        write_classes(out, decoding.classes)
    return len(instances), sum(instances)


def _distinct_maps(source: PathLike, names: Sequence[str] | None) -> Iterator[VectorMap]:
    """What ``read_vectors`` reads; raises for a second map of a name."""
    seen = set()
    for item in read_vectors(source, names):
        if item.name in seen:
            raise UserError(
                f"{source}: two vector maps are called {item.name}; the results of one would "
                "replace those of the other"
            )
        seen.add(item.name)
        yield item


def _decode(decoding: Decoding, with_grid: bool, vectors_out: Path | None, output: Output) -> Found:
    item, original = output
    if vectors_out is not None:
        write_npz(npz_path(vectors_out, item.name), item.vectors, item.grid)
    if not with_grid:
        item = VectorMap(item.name, item.vectors)
    return decoding(item), original


def _classify(classifier: Classifier, keep_scores: bool, found: Found) -> Found:
    result, original = found
    assert original.image is not None
    probabilities = classifier(original.image, boxes_at(result, original.size))
    return classified(result, probabilities, classifier.classes, keep_scores), original


def _write(out: Path, cubic: bool, masks: bool, found: Found) -> int:
    result, original = found
    write_result(out, result.resized(original.size, cubic), masks)
    return len(result)


def _results(
    outputs: Iterator[Output],
    out: Path,
    decoding: Decoding,
    classifier: Classifier | None,
    workers: int,
    vectors_out: Path | None = None,
    with_grid: bool = True,
    masks: bool = True,
) -> Iterator[int]:
    """Decode, classify and write; yields the number of instances of each image.

    The classifier runs in the calling thread, as a network does, between the threads that decode
    and those that write.
    """
    published = decoding.published
    decode = partial(_decode, decoding, with_grid and classifier is None, vectors_out)
    results: Iterator[Found] = ordered_map(decode, outputs, workers)
    if classifier is not None:
        results = map(partial(_classify, classifier, not published), results)
    yield from ordered_map(partial(_write, out, published, masks), results, workers)


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
    masks: bool = True
    """Whether each instance gets a PNG, beside the map of all."""

    @property
    def settings(self) -> dict[str, Any]:
        """All that the results depend on beside the images, as a ``Recipe`` takes it."""
        second = self.classifier.settings if self.classifier is not None else {}
        return {
            **self.network.settings,
            "size": self.size,
            "levels": self.levels,
            **self.decoding.settings,
            **({} if self.masks else {"masks": "none"}),
            **{f"classifier's {name}": value for name, value in second.items()},
        }


@dataclass(frozen=True)
class Predicted:
    """What ``predict`` leaves."""

    instances: int
    images: int
    kept: int = 0
    """Images whose results an interrupted call had left."""


def _kept(
    recipe: Recipe, samples: Sequence[Sample], vectors_out: Path | None, resume: bool
) -> set[str]:
    """Names of the samples of which all is there already; what is of others is removed.

    An image's text file comes last: where it is, so is all else. A network's outputs are removed,
    too: nobody could tell those that another network has left. Raises where the results are of
    other settings, and, unless these go on with them, of other images.
    """
    kept = set()
    sources = {sample.name: [sample.image_path()] for sample in samples}
    require_no_other_files(recipe.folder, sources)
    if resume:
        recipe.check("choose another folder, or begin anew without --resume")
        kept = {
            name
            for name in recipe.unchanged(sources)
            if text_path(recipe.folder, name).is_file()
            and (vectors_out is None or npz_path(vectors_out, name).is_file())
        }
    else:
        adding = " (--resume adds to results of the same settings)"
        require_no_others(recipe.folder, sources, adding)
    for name in sources.keys() - kept:
        text_path(recipe.folder, name).unlink(missing_ok=True)
        if vectors_out is not None:
            npz_path(vectors_out, name).unlink(missing_ok=True)
    recipe.keep(sources)
    return kept


def _require_same_classes(folder: Path, replaced: Collection[str], classes: ClassMap) -> None:
    """Raise where a folder holds vector maps of other classes that will not be replaced: the file
    that tells their classes would be."""
    kept = read_classes(folder)
    others = [p for p in visible_files(folder, (".npz",)) if p.stem not in replaced]
    if others and kept is not None and kept != classes:
        raise UserError(
            f"{folder}: holds vector maps with the classes {kept} ({len(others)}: "
            f"{others[0].stem}, ...), not {classes}; name another folder"
        )


def predict(
    how: Prediction,
    samples: Sequence[Sample],
    out: PathLike,
    *,
    vectors_out: PathLike | None = None,
    workers: int = 1,
    quiet: bool = True,
    resume: bool = False,
) -> Predicted:
    """Find the instances of every sample's image and write them to ``out``.

    Masks are brought back to the images' full size. With ``vectors_out`` the network's outputs are
    kept there as .npz files, and the thresholds beside them. With ``resume`` images whose results
    are in ``out`` already, from an interrupted call with the same arguments, are not seen again;
    their instances count as well. Raises where the results there are of other arguments. Without it
    they are replaced; where there are ones of other images, too, it raises. Images that are listed
    several times are seen once.
    """
    samples = distinct(samples)
    require_files(samples, image=True, ids=False)
    for folder in (out, *([vectors_out] if vectors_out is not None else [])):
        require_apart(folder, folders_read(samples), "the data set is")
        require_no_data_set(folder)
    vectors = Path(vectors_out) if vectors_out is not None else None
    if vectors is not None:
        _require_same_classes(vectors, {s.name for s in samples}, how.decoding.classes)
    if vectors is None or vectors.resolve() != Path(out).resolve():
        _require_same_classes(Path(out), (), how.decoding.classes)
    where = Place.seen_from(out, vectors) if vectors is not None else "none"
    settings = {**how.settings, "vectors": where}
    recipe = Recipe(Path(out), PREDICTION_FILE, settings, "results of another prediction")
    kept = _kept(recipe, samples, vectors, resume)
    write_classes(out, how.decoding.classes)
    if vectors is not None:
        write_classes(vectors, how.decoding.classes)
        write_decoding(vectors / DECODING_FILE, how.decoding)
    todo = [s for s in samples if s.name not in kept]
    load = partial(load_picture, how.size, how.classifier is not None, levels=how.levels)
    outputs = _outputs(how.network, ordered_map(load, todo, workers), how.batch)
    work = _results(
        outputs, Path(out), how.decoding, how.classifier, workers, vectors, masks=how.masks
    )
    found = sum(progress(work, len(todo), "predicting", quiet))
    found += sum(len(list_result(text_path(out, name))) for name in kept)
    return Predicted(found, len(samples), len(kept))
