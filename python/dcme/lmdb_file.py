"""Prepared data sets as LMDB files, which DCMEData reads without a file per image.

Sample i has two records: ``%08d.ids`` holds a Datum with the instance map as a 16-bit PNG and
``%08d.image`` one with the image file; both say ``encoded: true`` and give the size.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from dcme.dataset import Sample
from dcme.files import PathLike, read_ids, read_image

_SLACK = 64 << 20


def write_lmdb(path: PathLike, samples: Sequence[Sample]) -> None:
    """Write the samples' files, unchanged, into a new LMDB folder; an older one is replaced."""
    import lmdb

    from caffe.proto import caffe_pb2

    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    size = sum(s.image_path().stat().st_size + s.ids_path().stat().st_size for s in samples)
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with lmdb.open(str(temporary), map_size=2 * size + _SLACK) as environment:
            for index, sample in enumerate(samples):
                with environment.begin(write=True) as transaction:
                    for kind, source, array in (
                        ("ids", sample.ids_path(), read_ids(sample.ids_path())),
                        ("image", sample.image_path(), read_image(sample.image_path())),
                    ):
                        datum = caffe_pb2.Datum(
                            channels=1 if array.ndim == 2 else array.shape[2],
                            height=array.shape[0],
                            width=array.shape[1],
                            data=source.read_bytes(),
                            encoded=True,
                        )
                        key = f"{index:08d}.{kind}".encode()
                        transaction.put(key, datum.SerializeToString())
        shutil.rmtree(target, ignore_errors=True)
        os.replace(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
