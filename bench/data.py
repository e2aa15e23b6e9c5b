"""Images a second that DCMEData makes, from files and from an LMDB."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench.reference.scenes import street
from bench.report import Row, faster
from bench.timing import alternate

__all__ = ["data_layer", "data_rows", "write_images"]

IMAGES = 24
SHAPE = (512, 1024)


def write_images(folder: Path, images: int = IMAGES) -> Path:
    """Photograph-like images (a smooth part and sensor noise) and their instance maps; the list."""
    rng = np.random.default_rng(0)
    lines = []
    for k in range(images):
        ids = street(SHAPE, 25, k)
        tones = rng.normal(128, 40, (2**16, 3))[ids]
        smooth = cv2.GaussianBlur(tones, (0, 0), 2) + cv2.resize(
            rng.normal(0, 30, (32, 64, 3)), SHAPE[::-1], interpolation=cv2.INTER_CUBIC
        )
        image = np.clip(smooth + rng.normal(0, 3, smooth.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{k}.png"), image)
        cv2.imwrite(str(folder / f"{k}_ids.png"), ids)
        lines.append(f"{k}.png {k}_ids.png\n")
    path = folder / "train.txt"
    path.write_text("".join(lines))
    return path


def data_layer(
    source: Path, backend: str, tops: Iterable[str], batch: int, threads: int, grid: int
) -> Any:
    """A DCMEData layer that mirrors its images and subtracts the mean.

    backend: LIST, a list of files beside it, or LMDB.
    """
    from caffe.proto import caffe_pb2

    layer = caffe_pb2.LayerParameter(name="images", type="DCMEData", top=tops)
    layer.transform_param.mirror = True
    layer.transform_param.mean_value.extend([103.939, 116.779, 123.68])
    parameters = layer.dcme_data_param
    parameters.source = str(source)
    parameters.root_folder = f"{source.parent}/"
    parameters.backend = parameters.LMDB if backend == "LMDB" else parameters.LIST
    parameters.batch_size = batch
    parameters.threads = threads
    parameters.shuffle = True
    parameters.grid_size = grid
    return layer


def _net(source: Path, backend: str) -> Any:
    import caffe
    from bench.engines import net_from
    from caffe.proto import caffe_pb2

    tops = ("data", "vectors", "classes")
    layer = data_layer(source, backend, tops, batch=1, threads=2, grid=16)
    return net_from(caffe_pb2.NetParameter(layer=[layer]), caffe.TRAIN)


def _rate(net: Any, batches: int = 24) -> float:
    """Images a second once the batches that were made ahead are used up."""
    for _ in range(4):
        net.forward()
    begin = time.perf_counter()
    for _ in range(batches):
        net.forward()
    return batches / (time.perf_counter() - begin)


def data_rows() -> list[Row]:
    """Two threads, 512x1024 in colour, 25 instances, mirrored, mean subtracted, grid classes."""
    os.environ.setdefault("GLOG_minloglevel", "2")
    from dcme.datasets.lmdb_file import write_lmdb
    from dcme.datasets.samples import read_list

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        listed = write_images(folder)
        write_lmdb(folder / "lmdb", read_list(listed))
        # One at a time: the threads of the other would be making batches ahead.
        figures = alternate(
            {
                "LMDB": lambda: _rate(_net(folder / "lmdb", "LMDB")),
                "PNG": lambda: _rate(_net(listed, "LIST")),
            },
            rounds=3,
            seconds=2,
        )
    return [
        Row(
            name="data-lmdb",
            what="DCMEData 512x1024 from LMDB, 2 threads",
            ours=figures["LMDB"],
            unit="img/s",
            peer="from PNG",
            theirs=figures["PNG"],
            targets=[faster(3)],
        )
    ]
