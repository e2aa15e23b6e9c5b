"""The nets of both papers on a GPU beside PyTorch, and the loss's share of the memory's speed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from bench.gpu_data import CORES, starving_rows
from bench.on_gpu.machine import gpu_names
from bench.report import Row, Target, at_most, no_more_than
from bench.timing import Budget, alternate, milliseconds
from bench.worker import Worker

__all__ = ["gpu_cases"]

BATCHES = {"deeplab": 6, "segnet": 3}
WORDS = {"train": "training step", "infer": "inference"}
# What PyTorch is tried as; the fastest is the peer. Tensor cores want channels last; in fp32 cuDNN
# is faster without.
_CHANNELS_LAST = {
    "eager channels-last": "--layout nhwc",
    "compiled channels-last": "--layout nhwc --compile",
}
PEERS = {
    "fp32": {"eager NCHW": "--layout nchw", "compiled NCHW": "--layout nchw --compile"},
    "tf32": _CHANNELS_LAST,
    "bf16": _CHANNELS_LAST,
    "fp16": _CHANNELS_LAST,
}
TIME = {"train": 1.0, "infer": 0.9}
MEMORY = 0.8
MEMORY_OF_FLOAT = 11 * 1024  # MiB, in training
# The most important ones first: what there is no time for is left out.
ORDER = [
    ("deeplab", "train", "bf16"),
    ("deeplab", "train", "fp32"),
    ("segnet", "train", "bf16"),
    ("segnet", "train", "fp32"),
    ("deeplab", "train", "tf32"),
    ("deeplab", "infer", "bf16"),
    ("deeplab", "infer", "fp32"),
    ("segnet", "train", "tf32"),
    ("segnet", "infer", "bf16"),
    ("segnet", "infer", "fp32"),
    ("deeplab", "infer", "tf32"),
    ("segnet", "infer", "tf32"),
    ("deeplab", "train", "fp16"),
    ("segnet", "train", "fp16"),
    ("deeplab", "infer", "fp16"),
    ("segnet", "infer", "fp16"),
]
LOSS_AFTER = 4
# Steps of ours after which no more memory is taken: caffe/src/core/device_memory.cpp makes up to
# eight slabs, a step each.
STEADY_AFTER = 10
# Seconds that a net takes beside PyTorch (on an H100), and that torch.compile may take then.
PAIR, COMPILING = 45, 90


def _need_gpu() -> None:
    if not gpu_names():
        raise LookupError("there is no GPU here (nvidia-smi names none)")


def _need_time(budget: Budget, seconds: float) -> None:
    if budget.left() < seconds:
        raise LookupError(f"no time: it takes some {seconds} s")


@dataclass
class Measured:
    """A net beside PyTorch: milliseconds of both in turns and MiB, by PyTorch's variants."""

    ours: dict[str, float] = field(default_factory=dict)
    theirs: dict[str, float] = field(default_factory=dict)
    our_memory: float = math.nan
    memory: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def _last_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[-1][:100]


def _beside(ours: Worker, torch: Worker, title: str, measured: Measured) -> None:
    """Both in turns, and the GPU's memory that PyTorch has taken, its context included."""
    for _ in range(3):
        torch.step()
    _, measured.memory[title] = torch.memory()
    _, before = ours.memory()
    steps = {"ours": ours.step, title: torch.step}
    figures = alternate(steps, rounds=10, seconds=2, warm_up=2)
    measured.ours[title], measured.theirs[title] = figures["ours"], figures[title]
    _, after = ours.memory()
    if after > before:
        # The GPU does not tell whose it is.
        measured.notes.append(f"{after - before:.0f} MiB more were taken beside PyTorch {title}")


def _measure(net: str, job: str, precision: str, budget: Budget) -> Measured:
    """One process of ours and one of PyTorch's, which goes through its variants."""
    words = f"{net} {job} --gpu --batch {BATCHES[net]} --precision {precision} --threads {CORES}"
    measured = Measured()
    with Worker(f"caffe {words}") as ours:
        for _ in range(STEADY_AFTER):
            ours.step()
        _, measured.our_memory = ours.memory()
        torch: Worker | None = None
        try:
            for title, options in PEERS[precision].items():
                if "--compile" in options and budget.left() < COMPILING:
                    measured.notes.append(f"no time for PyTorch {title}")
                    continue
                try:
                    if torch is None:
                        torch = Worker(f"torch {words} {options}")
                    else:
                        torch.switch(f"torch {words} {options}")
                    _beside(ours, torch, title, measured)
                except RuntimeError as error:
                    measured.notes.append(f"PyTorch {title} failed: {_last_line(error)}")
                    if torch:
                        torch.close()
                    torch = None
        finally:
            if torch:
                torch.close()
    if not measured.theirs:
        raise RuntimeError("; ".join(measured.notes))
    return measured


def _net_rows(budget: Budget, net: str, job: str, precision: str) -> list[Row]:
    """Time and memory beside those of PyTorch's variants that are best at them."""
    from bench.nets import NETS

    _need_gpu()
    _need_time(budget, PAIR)
    found = _measure(net, job, precision, budget)
    height, width = NETS[net].size
    what = f"{NETS[net].title}, batch {BATCHES[net]}, {height}x{width}, {WORDS[job]}, {precision}"
    fastest = min(found.theirs, key=found.theirs.__getitem__)
    smallest = min(found.memory, key=found.memory.__getitem__)
    of_memory: list[Target] = [no_more_than(MEMORY)]
    if job == "train" and precision == "fp32":
        of_memory.append(at_most(MEMORY_OF_FLOAT))
    return [
        Row(
            name=f"gpu-{net}-{job}-{precision}",
            what=what,
            ours=found.ours[fastest],
            peer=f"PyTorch {fastest}",
            theirs=found.theirs[fastest],
            targets=[no_more_than(TIME[job])],
            note="; ".join([*_times(found), *found.notes]),
        ),
        Row(
            name=f"gpu-{net}-{job}-{precision}-memory",
            what=f"{what}, memory",
            ours=found.our_memory,
            unit="MiB",
            peer=f"PyTorch {smallest}",
            theirs=found.memory[smallest],
            targets=of_memory,
        ),
    ]


def _times(found: Measured) -> list[str]:
    return [f"PyTorch {title} {took:.1f} ms" for title, took in found.theirs.items()]


def _loss_step(shape: tuple[int, ...]) -> Callable[[], Any]:
    """Forward and backward of DCMELoss alone on the GPU, and the wait for it."""
    from bench.engines import import_caffe, net_from, use_gpu

    caffe = import_caffe()
    from caffe import layers as L

    wait = use_gpu(caffe)
    spec = caffe.NetSpec()
    for name in ("vectors", "truth"):
        spec[name] = L.Input(input_param={"shape": {"dim": list(shape)}})
    spec.loss = L.DCMELoss(spec.vectors, spec.truth)
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


def _loss_row(budget: Budget) -> list[Row]:
    """DCMELoss beside a copy on the GPU, in bytes a second that have to be moved."""
    _need_gpu()
    _need_time(budget, PAIR)
    import torch

    shape = (96, 2, 512, 1024)  # large: the calls themselves take 0.1 ms
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
    # Forward reads both. Backward, which is forced here, does so again for each of the two
    # gradients, and writes it.
    return [
        Row(
            name="gpu-loss",
            what=f"DCMELoss forward + backward, {size >> 20} MiB of vectors",
            ours=8 * size / figures["loss"] / 1e6,
            unit="GB/s",
            peer="copy on the GPU",
            theirs=2 * size / figures["copy"] / 1e6,
            targets=[no_more_than(1 / 0.8)],
        )
    ]


def _data_row(budget: Budget) -> list[Row]:
    _need_gpu()
    _need_time(budget, PAIR)
    return starving_rows("deeplab", BATCHES["deeplab"])


def gpu_cases(budget: Budget | None = None) -> dict[str, Callable[[], list[Row]]]:
    """All cases by name, the most important ones first. Where the budget's time is up they raise
    LookupError; torch.compile is left out where it might take too long."""
    budget = budget or Budget()
    cases: dict[str, Callable[[], list[Row]]] = {}
    for net, job, precision in ORDER:
        if len(cases) == LOSS_AFTER:
            cases["gpu-loss"] = partial(_loss_row, budget)
            cases["gpu-data"] = partial(_data_row, budget)
        cases[f"gpu-{net}-{job}-{precision}"] = partial(_net_rows, budget, net, job, precision)
    return cases
