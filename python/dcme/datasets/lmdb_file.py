"""Prepared data sets as LMDB files, which DCMEData reads without a file per image.

Sample i has two records: ``%08d.ids`` holds an encoded Datum with the instance map as a 16-bit PNG
and ``%08d.image`` one with the image's pixels as they are, channel by channel, as Caffe's own tools
write them: decoding photographs would take most of the time of a data layer.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dcme.datasets.samples import Sample
from dcme.errors import UserError
from dcme.files import PathLike, read_ids, read_image

LMDB_ENDING = "_lmdb"
"""Of the folders that ``dcme prepare --lmdb`` writes beside the lists: ``<split>_lmdb``."""

_FIRST_SIZE = 64 << 20


def _encoded(datum: Any, sample: Sample) -> Any:
    """The instance map's file."""
    height, width = read_ids(sample.ids_path()).shape
    content = sample.ids_path().read_bytes()
    return datum(channels=1, height=height, width=width, data=content, encoded=True)


def _planes(datum: Any, sample: Sample) -> Any:
    """The image's pixels, (3, height, width), blue first."""
    image = read_image(sample.image_path())
    height, width, channels = image.shape
    data = image.transpose(2, 0, 1).tobytes()
    return datum(channels=channels, height=height, width=width, data=data)


def _put(environment: Any, records: dict[str, Any], full: type[Exception]) -> bool:
    """Write the records in one transaction; False where the file is too small for them."""
    try:
        with environment.begin(write=True) as transaction:
            for key, datum in records.items():
                transaction.put(key.encode(), datum.SerializeToString())
    except full:
        return False
    return True


def write_lmdb(path: PathLike, samples: Sequence[Sample]) -> None:
    """Write the samples into a new LMDB folder; an older one is replaced."""
    import lmdb

    from caffe.proto import caffe_pb2

    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with lmdb.open(str(temporary), map_size=_FIRST_SIZE) as environment:
            for index, sample in enumerate(samples):
                records = {
                    f"{index:08d}.ids": _encoded(caffe_pb2.Datum, sample),
                    f"{index:08d}.image": _planes(caffe_pb2.Datum, sample),
                }
                while not _put(environment, records, lmdb.MapFullError):
                    environment.set_mapsize(2 * environment.info()["map_size"])
        shutil.rmtree(target, ignore_errors=True)
        os.replace(temporary, target)
    except lmdb.Error as error:
        raise UserError(f"{path}: cannot be written ({error}); is the disk full?") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
