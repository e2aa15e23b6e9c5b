"""Training from an LMDB on a GPU beside training on a batch that stays in memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.report import Row, no_more_than
from bench.timing import alternate, milliseconds

if TYPE_CHECKING:
    from bench.nets import BenchNet

__all__ = ["CORES", "reading", "starving_rows"]

CORES = 8
# Steps of one figure: more than DCMEData makes ahead, so that its pace shows.
STEPS = 20
PRECISION = "bf16"  # the fastest, which wants the most images a second


@contextmanager
def _on_cores(count: int) -> Iterator[None]:
    """This thread, and those that it starts, on at most ``count`` processors."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def reading(definition: BenchNet, batch: int, source: Path) -> Any:
    """The net for training with a layer that reads ``source`` in place of its inputs."""
    from bench.data import data_layer

    proto = definition.proto(train=True, batch=batch)
    layers = [layer for layer in proto.layer if layer.type != "Input"]
    tops = definition.inputs(train=True)
    # One processor is left to tell the GPU what to do.
    side = tops["data"][2] // tops["classes_gt"][2]
    images = data_layer(source, "LMDB", tops, batch, CORES - 1, side)
    read = type(proto)(layer=[images, *layers])
    read.blob_lifetime = proto.blob_lifetime
    return read


def _steps(proto: Any) -> Callable[[], Any]:
    """A function that trains STEPS steps on the GPU."""
    from bench.engines import import_caffe, solver_of, use_gpu
    from bench.nets import set_precision

    wait = use_gpu(import_caffe())
    set_precision(proto, PRECISION)
    solver = solver_of(proto, PRECISION)

    def steps() -> None:
        solver.step(STEPS)
        wait()

    return steps


def starving_rows(net: str, batch: int) -> list[Row]:
    """A training step with data from an LMDB beside one that needs none, on CORES processors."""
    from bench.engines import import_caffe

    import_caffe()  # before others import it, who would let it log all that it makes
    from dcme.datasets.lmdb_file import write_lmdb
    from dcme.datasets.samples import read_list

    from bench.data import write_images
    from bench.nets import NETS

    definition = NETS[net]
    with tempfile.TemporaryDirectory() as name, _on_cores(CORES):
        folder = Path(name)
        write_lmdb(folder / "lmdb", read_list(write_images(folder)))
        fed = _steps(reading(definition, batch, folder / "lmdb"))
        alone = _steps(definition.proto(train=True, batch=batch))
        figures = alternate(
            {
                "fed": lambda: milliseconds(fed) / STEPS,
                "alone": lambda: milliseconds(alone) / STEPS,
            },
            rounds=5,
        )
    height, width = definition.size
    rate = 1e3 * batch / figures["fed"]
    return [
        Row(
            name="gpu-data",
            what=f"{definition.title}, batch {batch}, {height}x{width}, {PRECISION}, a step from "
            f"LMDB on {CORES} cores",
            ours=figures["fed"],
            peer="a step without data",
            theirs=figures["alone"],
            targets=[no_more_than(1.05)],
            note=f"{rate:.0f} images a second",
        )
    ]
