"""Single layers beside PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product

from bench.layers import LAYERS
from bench.report import Row, no_more_than
from bench.timing import alternate
from bench.worker import Worker

__all__ = ["layer_cases"]

WORDS = {"train": "forward + backward", "infer": "forward"}


def _row(name: str, job: str) -> list[Row]:
    layer = LAYERS[name]
    with Worker(f"caffe-layer {name} {job}") as ours, Worker(f"torch-layer {name} {job}") as peer:
        figures = alternate({"ours": ours.step, "peer": peer.step}, rounds=20, warm_up=3)
    return [
        Row(
            name=f"layer-{name}-{job}",
            what=f"{layer.title}, {' x '.join(map(str, layer.shape))}, {WORDS[job]}",
            ours=figures["ours"],
            peer="PyTorch",
            theirs=figures["peer"],
            targets=[no_more_than(1)],
        )
    ]


def layer_cases() -> dict[str, Callable[[], list[Row]]]:
    """All rows by name."""
    return {
        f"layer-{name}-{job}": partial(_row, name, job)
        for name, job in product(LAYERS, WORDS)
        if (name, job) != ("dropout", "infer")  # for which PyTorch gives back its input
    }
