"""Training step, inference and memory of some nets beside PyTorch."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import product
from pathlib import Path

from bench.report import Row, at_most, no_more_than
from bench.timing import alternate
from bench.worker import Worker

__all__ = ["agreement_rows", "net_cases"]

LAYOUTS = {"nchw": "NCHW", "nhwc": "channels-last"}
WORDS = {"train": "training step", "infer": "inference"}
# What ours / PyTorch's best must reach; other times 0.9.
TIME = {("vgg", "train", "fp32"): 0.85, ("vgg", "train", "bf16"): 0.55}
TIME_OF_OTHERS = 0.9
MEMORY = {("vgg", "train"): 0.7}
MEMORY_OF_TRAINING, MEMORY_OF_INFERENCE = 0.8, 0.6


def agreement_rows() -> list[Row]:
    """How far the twins' outputs are from ours with equal weights."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.agreement"],
        cwd=Path(__file__).resolve().parent.parent,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    found = json.loads(done.stdout)
    rows = []
    for net, (difference, parameters) in found.items():
        row = Row(f"twin-{net}", f"{net}: our outputs beside the PyTorch twin's", difference, "")
        row.targets = [at_most(1e-3)]
        row.note = f"largest difference over largest value, {parameters} parameters on both sides"
        rows.append(row)
    return rows


def _jobs(net: str, job: str) -> dict[str, str]:
    """Command lines of workers: ours, and PyTorch's by the names of its layouts."""
    from bench.nets import NETS

    what = f"{net} {job} --batch {NETS[net].batch}"
    jobs = {"ours": f"caffe {what}"}
    return jobs | {title: f"torch {what} --layout {name}" for name, title in LAYOUTS.items()}


def _time_row(net: str, job: str, precision: str, threads: int) -> list[Row]:
    """Ours in turns with PyTorch in the layout that is faster for it."""
    from bench.nets import NETS

    options = f" --precision {precision} --threads {threads}"
    jobs = _jobs(net, job)
    with ExitStack() as stack:
        workers = {name: stack.enter_context(Worker(job + options)) for name, job in jobs.items()}
        first = alternate(
            {name: workers[name].step for name in LAYOUTS.values()}, rounds=1, seconds=0
        )
        best = min(first, key=first.__getitem__)
        figures = alternate({name: workers[name].step for name in ("ours", best)}, seconds=4)
    height, width = NETS[net].size
    what = WORDS[job] if NETS[net].solver or job == "infer" else "forward + backward"
    return [
        Row(
            name=f"{net}-{job}-{precision}-{threads}",
            what=f"{NETS[net].title}, {height}x{width}, {what}, {precision}, {threads} thread(s)",
            ours=figures["ours"],
            peer=f"PyTorch {best}",
            theirs=figures[best],
            targets=[no_more_than(TIME.get((net, job, precision), TIME_OF_OTHERS))],
        )
    ]


def _memory_row(net: str, job: str, precision: str) -> list[Row]:
    """Two steps of each in fresh processes; what the imports take does not count."""
    from bench.nets import NETS

    jobs = _jobs(net, job)
    whole, grown = {}, {}
    for name, job_line in jobs.items():
        with Worker(f"{job_line} --precision {precision}") as worker:
            for _ in range(2):
                worker.step()
            whole[name], grown[name] = worker.memory()
    best = min(LAYOUTS.values(), key=lambda title: grown[title])
    height, width = NETS[net].size
    bound = MEMORY.get((net, job), MEMORY_OF_TRAINING if job == "train" else MEMORY_OF_INFERENCE)
    return [
        Row(
            name=f"{net}-{job}-{precision}-memory",
            what=f"{NETS[net].title}, {height}x{width}, {WORDS[job]}, {precision}, peak memory",
            ours=grown["ours"],
            unit="MiB",
            peer=f"PyTorch {best}",
            theirs=grown[best],
            targets=[no_more_than(bound)],
            note="whole processes, imports too: "
            + ", ".join(f"{name} {whole[name]:.0f} MiB" for name in jobs),
        )
    ]


def net_cases() -> dict[str, Callable[[], list[Row]]]:
    """All rows by name."""
    cases: dict[str, Callable[[], list[Row]]] = {}
    for precision, net, job in product(
        ("fp32", "bf16"), ("vgg", "deeplab", "segnet", "resnet"), WORDS
    ):
        name = f"{net}-{job}-{precision}"
        for threads in (2, 1) if name == "vgg-train-fp32" else (2,):
            cases[f"{name}-{threads}"] = partial(_time_row, net, job, precision, threads)
        cases[f"{name}-memory"] = partial(_memory_row, net, job, precision)
    return cases
