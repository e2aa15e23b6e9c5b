"""The nets of both papers on a GPU beside PyTorch, and the loss's share of the memory's speed."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from bench.on_gpu.machine import gpu_names
from bench.report import Row, at_most, no_more_than
from bench.timing import alternate, milliseconds
from bench.worker import Worker

__all__ = ["gpu_cases"]

BATCHES = {"deeplab": 6, "segnet": 3}
WORDS = {"train": "training step", "infer": "inference"}
# What PyTorch is tried as; the fastest is the peer.
PEERS = {
    "eager NCHW": "--layout nchw",
    "eager channels-last": "--layout nhwc",
    "compiled NCHW": "--layout nchw --compile",
    "compiled channels-last": "--layout nhwc --compile",
}
TIME = {"train": 1.0, "infer": 0.9}
MEMORY = 0.8
MEMORY_OF_FLOAT = 11 * 1024  # MiB


def _need_gpu() -> None:
    if not gpu_names():
        raise LookupError("there is no GPU here (nvidia-smi names none)")


def _jobs(net: str, job: str, precision: str) -> tuple[str, dict[str, str]]:
    """Command lines of workers: ours, and PyTorch's."""
    words = f"{net} {job} --gpu --batch {BATCHES[net]} --precision {precision}"
    return f"caffe {words}", {title: f"torch {words} {more}" for title, more in PEERS.items()}


def _what(net: str, job: str, precision: str) -> str:
    from bench.nets import NETS

    height, width = NETS[net].size
    return f"{NETS[net].title}, batch {BATCHES[net]}, {height}x{width}, {WORDS[job]}, {precision}"


def _fastest(jobs: dict[str, str]) -> tuple[str, str]:
    """The fastest of PyTorch's, one in the GPU's memory at a time, and a note on what failed."""
    found, notes = {}, []
    for title, job in jobs.items():
        try:
            with Worker(job) as worker:
                found[title] = min(worker.step() for _ in range(8))
        except RuntimeError as error:
            notes.append(f"PyTorch {title} failed: {str(error).splitlines()[-1][:100]}")
    if not found:
        raise RuntimeError("; ".join(notes))
    return min(found, key=found.__getitem__), "; ".join(notes)


def _time_row(net: str, job: str, precision: str) -> list[Row]:
    _need_gpu()
    ours, theirs = _jobs(net, job, precision)
    best, note = _fastest(theirs)
    with ExitStack() as stack:
        workers = {
            name: stack.enter_context(Worker(job))
            for name, job in (("ours", ours), (best, theirs[best]))
        }
        steps = {name: worker.step for name, worker in workers.items()}
        figures = alternate(steps, rounds=20, seconds=5, warm_up=5)
    return [
        Row(
            name=f"gpu-{net}-{job}-{precision}",
            what=_what(net, job, precision),
            ours=figures["ours"],
            peer=f"PyTorch {best}",
            theirs=figures[best],
            targets=[no_more_than(TIME[job])],
            note=note,
        )
    ]


def _memory_row(net: str, precision: str) -> list[Row]:
    """The GPU's memory after three steps of each alone, its context included."""
    _need_gpu()
    ours, theirs = _jobs(net, "train", precision)
    grown = {}
    for name, job in {"ours": ours, **theirs}.items():
        if "--compile" in job:
            continue
        with Worker(job) as worker:
            for _ in range(3):
                worker.step()
            _, grown[name] = worker.memory()
    best = min((name for name in grown if name != "ours"), key=grown.__getitem__)
    targets = [no_more_than(MEMORY)]
    if precision == "fp32":
        targets.append(at_most(MEMORY_OF_FLOAT))
    return [
        Row(
            name=f"gpu-{net}-train-{precision}-memory",
            what=f"{_what(net, 'train', precision)}, memory",
            ours=grown["ours"],
            unit="MiB",
            peer=f"PyTorch {best}",
            theirs=grown[best],
            targets=targets,
        )
    ]


def _loss_step(shape: tuple[int, ...]) -> Callable[[], Any]:
    """Forward and backward of DCMELoss alone on the GPU, and the wait for it."""
    import caffe
    from bench.engines import net_from, use_gpu
    from caffe import layers as L

    wait = use_gpu(caffe)
    spec = caffe.NetSpec()
    for name in ("vectors", "truth"):
        spec[name] = L.Input(input_param={"shape": {"dim": list(shape)}})
    spec.loss = L.DCMELoss(spec.vectors, spec.truth, propagate_down=[True, False])
    proto = spec.to_proto()
    proto.force_backward = True
    net = net_from(proto, caffe.TRAIN)
    rng = np.random.default_rng(0)
    for name in ("vectors", "truth"):
        net.blobs[name].data[...] = rng.normal(0, 1, shape).astype(np.float32)
    core = net._core  # net.forward() copies outputs for Python
    last = len(net.layers) - 1

    def step() -> None:
        core.forward(0, last)
        core.backward(last, 0)
        wait()

    return step


def _loss_row() -> list[Row]:
    """DCMELoss beside a copy on the GPU, in bytes a second that have to be moved."""
    _need_gpu()
    import torch

    shape = (24, 2, 512, 1024)
    size = math.prod(shape) * 4
    source = torch.zeros(shape, device="cuda")
    target = torch.empty_like(source)

    def copy() -> None:
        target.copy_(source)
        torch.cuda.synchronize()

    loss = _loss_step(shape)
    figures = alternate(
        {"loss": lambda: milliseconds(loss), "copy": lambda: milliseconds(copy)}, rounds=50
    )
    # Forward reads both; backward does so again and writes a diff.
    return [
        Row(
            name="gpu-loss",
            what=f"DCMELoss forward + backward, {size >> 20} MiB of vectors",
            ours=5 * size / figures["loss"] / 1e6,
            unit="GB/s",
            peer="copy on the GPU",
            theirs=2 * size / figures["copy"] / 1e6,
            targets=[no_more_than(1 / 0.8)],
        )
    ]


def gpu_cases() -> dict[str, Callable[[], list[Row]]]:
    """All rows by name."""
    cases: dict[str, Callable[[], list[Row]]] = {}
    for precision, net in product(("fp32", "tf32", "bf16"), BATCHES):
        for job in WORDS:
            cases[f"gpu-{net}-{job}-{precision}"] = partial(_time_row, net, job, precision)
        if precision != "tf32":
            cases[f"gpu-{net}-train-{precision}-memory"] = partial(_memory_row, net, precision)
    cases["gpu-loss"] = _loss_row
    return cases
