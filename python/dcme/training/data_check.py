"""What is looked at before a training: its lists, that files are there and whole, their classes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from dcme.classes import LAST_LABEL, ClassMap, classes_option
from dcme.datasets.lmdb_file import LMDB_ENDING
from dcme.datasets.recipe import file_state, short_mark
from dcme.datasets.samples import Sample, read_list, require_files
from dcme.errors import UserError
from dcme.files import checked_size, read_ids, read_json, read_text, require_size, write_json
from dcme.labels import FIRST_INSTANCE_ID, labels_in, no_instances
from dcme.parallel import ordered_map, progress, usable_cores
from dcme.training.caffe_train import (
    NetFiles,
    data_layers,
    data_parameters,
    read_net,
    testing_batches,
)

CHECKED = "checked_data.json"
"""Beside a run: of which files the check is done, and what labels it found."""

Labels = dict[int, Path]
"""Class labels of instances, each with the first map that has it."""


def _check_images(path: Path, root: Path) -> None:
    """Lines ``image class`` of ImageData, and every image exists."""
    lines = [line.rsplit(maxsplit=1) for line in read_text(path).split("\n")]
    if not any(lines):
        raise UserError(f"{path}: the list is empty; a line is 'image class'")
    for number, fields in enumerate(lines, 1):
        if not fields:
            continue
        if len(fields) != 2 or not fields[1].isdecimal():
            raise UserError(f"{path}:{number}: a line is 'image class', class a number from 0 on")
        if not (root / fields[0]).is_file():
            raise UserError(f"{path}:{number}: {root / fields[0]}: there is no such image")


def _lists(files: NetFiles) -> Iterator[list[Sample]]:
    """What the data layers' lists name, all of it files; that of testing only if the solver tests.

    An LMDB names none: ``dcme prepare`` has read what is in it.
    """
    net, tests = read_net(files.train), testing_batches(files) > 0
    for layer, testing in data_layers(net, files.train):
        if testing and not tests:
            continue
        parameters = data_parameters(layer)
        source, root = Path(parameters.source), Path(parameters.root_folder)
        if not source.exists():
            if source.name.endswith(LMDB_ENDING):
                raise UserError(f"{source}: no such LMDB; dcme prepare --lmdb writes it")
            raise UserError(f"{source}: no such list; dcme collect and dcme prepare write it")
        if layer.type == "ImageData":
            _check_images(source, root)
        elif source.is_file():
            samples = read_list(source, root)
            require_files(samples, image=True, ids=True)
            yield samples


def _labels(sample: Sample) -> set[int]:
    """Class labels of a sample's instances; raises where its image or map cannot be trained on."""
    image, ids = checked_size(sample.image_path()), read_ids(sample.ids_path())
    require_size(sample.ids_path(), ids.shape, image)
    return labels_in(ids)


def _known(path: Path, mark: str) -> Labels | None:
    """What an earlier check of the same files found; None where there is none."""
    if not path.is_file():
        return None
    try:
        kept = read_json(path)
        found = {int(label): Path(first) for label, first in kept["labels"].items()}
    except (ValueError, TypeError, LookupError, AttributeError):
        return None  # it is made anew
    return found if kept.get("files") == mark else None


def check_data(files: NetFiles, quiet: bool = True) -> Labels:
    """The labels of all instances that the data layers will read; raises where files are bad.

    Every image and instance map of the lists must be there and end properly, images must have 8
    bits a channel, and instance maps must be such, of their images' sizes. Reading them takes a
    part of the time of one pass of the training; beside the prototxts it is noted, and not done
    again until a file changes. One of the maps must have an instance.
    """
    samples = list(dict.fromkeys(sample for listed in _lists(files) for sample in listed))
    paths = [path for s in samples for path in (s.image_path(), s.ids_path())]
    kept, mark = files.train.with_name(CHECKED), short_mark(map(file_state, paths))
    if found := _known(kept, mark):
        return found
    found = {}
    work = ordered_map(_labels, samples, usable_cores())
    for sample, labels in zip(samples, progress(work, len(samples), "checking the data", quiet)):
        for label in labels:
            found.setdefault(label, sample.ids_path())
    if samples and not found:
        raise UserError(no_instances([sample.ids_path() for sample in samples]))
    if samples:
        first = {str(label): os.fspath(path) for label, path in sorted(found.items())}
        write_json(kept, {"files": mark, "labels": first})
    return found


def require_labels(
    found: Labels, classes: ClassMap, ignored: Sequence[int], named: ClassMap | None
) -> None:
    """Raise where instances have other labels than a net's classes and those that it has ignored,
    with the option that helps.

    ``named``: classes of the data, for the names of those that lack.
    """
    missing = sorted(set(found) - {*classes.labels, *ignored})
    if not missing:
        return
    if missing[-1] > LAST_LABEL:
        raise UserError(
            f"{found[missing[-1]]}: holds ids from {FIRST_INSTANCE_ID * missing[-1]} on "
            f"(1000 * class + number), but labels of classes end at {LAST_LABEL}"
        )
    option = classes_option(classes, set(found) - set(ignored), named)
    raise UserError(
        f"{found[missing[0]]}: holds instances of class label {missing[0]}, which is none of the "
        f"net's classes ({classes}); name all classes of the data: {option}"
    )
